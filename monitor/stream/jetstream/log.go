package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/wtsim/wtsim/monitor/stream"
)

// subjectLog is the messages of one subject of a stream.
type subjectLog struct {
	engine  *Engine
	stream  jetstream.Stream
	subject string
}

// appendTimeout is when the last record is read instead: while nodes of a
// cluster are restarted, the worst publish takes as long as it is waited for.
const appendTimeout = 2 * time.Second

// Append is for stream.Log.
func (l subjectLog) Append(ctx context.Context, data []byte) (uint64, error) {
	return l.publish(ctx, data)
}

// AppendIf is for stream.Log.
func (l subjectLog) AppendIf(ctx context.Context, data []byte, last uint64) (uint64, error) {
	seq, err := l.publish(ctx, data, jetstream.WithExpectLastSequencePerSubject(last))
	var api *jetstream.APIError
	if errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
		return 0, fmt.Errorf("%w: %w", stream.ErrConflict, err)
	}
	return seq, err
}

func (l subjectLog) publish(ctx context.Context, data []byte, options ...jetstream.PublishOpt) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	ack, err := l.engine.js.Publish(ctx, l.subject, data, options...)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// Read is for stream.Log.
func (l subjectLog) Read(ctx context.Context, from uint64, size int) (out []stream.Record, err error) {
	for next := max(from, 1); len(out) == 0 || size > 0; {
		m, err := l.stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(l.subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, stream.Record{Seq: m.Sequence, Data: m.Data})
		next, size = m.Sequence+1, size-len(m.Data)
	}
	return out, nil
}

// Last is for stream.Log.
func (l subjectLog) Last(ctx context.Context) (stream.Record, bool, error) {
	m, err := l.stream.GetLastMsgForSubject(ctx, l.subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return stream.Record{}, false, nil
	}
	if err != nil {
		return stream.Record{}, false, err
	}
	return stream.Record{Seq: m.Sequence, Data: m.Data}, true, nil
}

// Forget is for stream.Log.
func (l subjectLog) Forget(ctx context.Context, before uint64) error {
	return l.stream.Purge(ctx, jetstream.WithPurgeSubject(l.subject), jetstream.WithPurgeSequence(before))
}
