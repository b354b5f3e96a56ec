package grpcprobe

import (
	"context"
	"encoding/base64"
	"io"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// opener makes the stream below the seam.
type opener func(context.Context) (grpc.ClientStream, error)

// stream passes the opening of a stream.
func (s *seam) stream(ctx context.Context, method string, open opener) (grpc.ClientStream, error) {
	if s.through {
		base, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return &watchedStream{ClientStream: base, seam: s, method: method}, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	return &heldStream{seam: s, method: method, ctx: ctx, cancel: cancel, open: open}, nil
}

// watchedStream is a stream of production: nothing is held or changed. It is
// known to be open when its first message, or its end, comes in.
type watchedStream struct {
	grpc.ClientStream
	seam   *seam
	method string

	mu   sync.Mutex
	call *probe.Call
	left bool
}

// SendMsg sends a message; the first one tells the operation.
func (s *watchedStream) SendMsg(m any) error {
	s.mu.Lock()
	if s.call == nil {
		s.call = s.seam.call(s.Context(), s.method, m)
		s.seam.tap.Enter(s.call)
	}
	s.mu.Unlock()
	return s.ClientStream.SendMsg(m)
}

// RecvMsg receives a message.
func (s *watchedStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.call == nil {
		return err
	}
	if !s.left {
		s.left = true
		opened := err
		if opened == io.EOF {
			opened = nil
		}
		s.call.Op.Result = result(nil, opened)
		if notes := s.notes(); notes != nil && opened == nil {
			s.call.Op.Result.Stream = streams.Add(1)
		}
		_ = s.seam.tap.Leave(s.call) // a Recorder's has no error
	}
	s.note(m, err)
	return err
}

// streams is how many streams of this process are recorded.
var streams atomic.Uint64

// keeper is a tap that keeps recordings.
type keeper interface {
	Keeping() bool
	Note(what string, data event.Data)
}

// notes is where messages are kept; nil if they are not.
func (s *watchedStream) notes() keeper {
	if k, ok := s.seam.tap.(keeper); ok && k.Keeping() {
		return k
	}
	return nil
}

// note keeps a message that came in, or the stream's end.
func (s *watchedStream) note(m any, err error) {
	notes, stream := s.notes(), s.call.Op.Result.Stream
	if notes == nil || stream == 0 {
		return
	}
	params := map[string]any{"stream": stream}
	switch p, ok := m.(proto.Message); {
	case err == io.EOF:
		params["status"] = codeName(codes.OK)
	case err != nil:
		end := status.Convert(err)
		params["status"], params["text"] = codeName(end.Code()), end.Message()
	case ok:
		wire, wrong := proto.Marshal(p)
		if wrong != nil || len(wire) > probe.MostRecorded {
			return // which a player misses
		}
		params["base64"] = base64.StdEncoding.EncodeToString(wire)
	}
	if data, err := event.DataOf(params); err == nil {
		notes.Note("message", data)
	}
}

// heldStream is a stream that opens when the tap lets it: what is sent before
// is kept until then. It waits where a message is received, since clients may
// hold a lock while they send.
type heldStream struct {
	seam   *seam
	method string
	ctx    context.Context
	cancel context.CancelFunc
	open   opener

	receiving sync.Mutex // RecvMsg and Header take turns
	entered   bool       // under receiving

	mu     sync.Mutex
	sent   []proto.Message // before it is open
	closed bool            // CloseSend was called
	base   grpc.ClientStream
	err    error // it is broken, or was never opened
}

// Context returns the stream's context.
func (s *heldStream) Context() context.Context { return s.ctx }

// Header returns nothing: the streams of a simulator have no headers.
func (s *heldStream) Header() (metadata.MD, error) {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	return nil, s.enter()
}

// Trailer returns nothing.
func (s *heldStream) Trailer() metadata.MD { return nil }

// SendMsg sends a message, or keeps it until the stream is open. As in gRPC,
// the reason why it fails is told where messages are received.
func (s *heldStream) SendMsg(m any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return io.EOF
	case s.base != nil:
		return s.base.SendMsg(m)
	}
	s.sent = append(s.sent, proto.Clone(m.(proto.Message))) // the caller may use it again
	return nil
}

// CloseSend says that nothing more is sent.
func (s *heldStream) CloseSend() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.base != nil {
		return s.base.CloseSend()
	}
	return nil
}

// RecvMsg receives a message, once the stream is open.
func (s *heldStream) RecvMsg(m any) error {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	if err := s.enter(); err != nil {
		return err
	}
	err := s.base.RecvMsg(m)
	if err != nil {
		probe.Depart(s.seam.tap)
		s.fail(err)
	}
	return err
}

// enter opens the stream, if the tap lets it, the first time.
func (s *heldStream) enter() error {
	if s.entered {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.err
	}
	s.entered = true
	s.mu.Lock()
	var first proto.Message
	if len(s.sent) > 0 {
		first = s.sent[0]
	}
	s.mu.Unlock()
	c := s.seam.call(s.ctx, s.method, first)
	fate := s.seam.tap.Enter(c)
	if err := notSent(s.ctx, fate); err != nil {
		return s.fail(err)
	}
	err := s.start(probe.WithCall(s.ctx, c))
	c.Op.Result = result(nil, err)
	if s.seam.tap.Leave(c) != nil {
		err = errClosing
	}
	switch {
	case err != nil:
		return s.fail(err)
	case fate.Action == probe.Lose:
		return s.fail(lost(s.ctx, fate.With))
	}
	return nil
}

// start opens the stream below and sends what was kept.
func (s *heldStream) start(ctx context.Context) error {
	base, err := s.open(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.sent {
		if err := base.SendMsg(m); err != nil {
			break // Header tells why
		}
	}
	if _, err := base.Header(); err != nil {
		return err
	}
	if s.closed {
		_ = base.CloseSend() // as gRPC's, it has no error to tell
	}
	s.base, s.sent = base, nil
	return nil
}

// fail breaks the stream. What is below ends with its context.
func (s *heldStream) fail(err error) error {
	s.mu.Lock()
	s.err, s.sent = err, nil
	s.mu.Unlock()
	s.cancel()
	return err
}
