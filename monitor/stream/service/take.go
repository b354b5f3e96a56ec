package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/stream/intake"
)

// Batch is what a request brings that is of no form of this package.
type Batch struct {
	in        *request
	n         int
	unmatched int
}

// Event takes an event in, unless it is beyond the limits; then it is malformed.
func (b *Batch) Event(e *event.Event) {
	b.n++
	b.in.reader.Line(b.n, e.AppendJSON(nil))
}

// Body is that of a request, decompressed, within the limits. What is read of it
// counts as on its way: where there is no room, reading it ends with [ErrBusy].
func (b *Batch) Body(w http.ResponseWriter, r *http.Request) (io.Reader, error) {
	return b.in.body(w, r)
}

// Refuse takes in that something would have been an event, and why it is none.
func (b *Batch) Refuse(why string) {
	b.n++
	b.in.wrong(b.n, why)
}

// Unmatched counts what is meant to be no event.
func (b *Batch) Unmatched() { b.unmatched++ }

// Taken is what a batch came to.
type Taken struct {
	Accepted, Malformed int
	Reasons             []string // the first
}

// ErrStopping says that the process ends.
var ErrStopping = errors.New("stopping")

// ErrTooLarge says that a limit of size is passed.
var ErrTooLarge = intake.ErrTooLarge

// Take takes in what fill adds to a batch, of which some bytes are in memory
// already, and returns when that is stored. An error of fill is returned as it is;
// fill has added nothing then. After [ErrBusy] there was no room; after any other
// error some may be stored, and all can come again.
func (s *Service) Take(ctx context.Context, size int64, fill func(*Batch) error) (t Taken, err error) {
	status := http.StatusOK
	defer func() { s.metrics.answered(status, t.Accepted, t.Malformed) }()
	if s.closing.Load() {
		status = http.StatusServiceUnavailable
		return t, ErrStopping
	}
	in, err := s.gateway.open(size)
	if err != nil {
		status = statusOf(err)
		return t, err
	}
	b := &Batch{in: in}
	wrong := intake.TooLarge(fill(b))
	if err := in.finish(ctx); err != nil {
		status = statusOf(err)
		return t, err
	}
	switch {
	case errors.Is(wrong, ErrBusy):
		status = statusOf(wrong)
	case errors.Is(wrong, ErrTooLarge):
		status = http.StatusRequestEntityTooLarge
	case wrong != nil:
		status = http.StatusBadRequest
	}
	s.metrics.unmatched.Add(float64(b.unmatched))
	return Taken{in.answer.Accepted, in.answer.Malformed, in.answer.Reasons}, wrong
}

// Message takes in a batch of CloudEvents, as the body of a request has it in
// application/cloudevents-batch+json, and returns the answer's status and body.
func (s *Service) Message(ctx context.Context, text []byte) (status int, body []byte) {
	a := intake.Answer{}
	taken, err := s.Take(ctx, int64(len(text)), func(b *Batch) error {
		if int64(len(text)) > s.Limits.Body {
			return fmt.Errorf("%w: a message of more than %d bytes", ErrTooLarge, s.Limits.Body)
		}
		return b.in.reader.Batch(text)
	})
	a.Accepted, a.Malformed, a.Reasons = taken.Accepted, taken.Malformed, taken.Reasons
	status = http.StatusAccepted
	switch {
	case errors.Is(err, ErrTooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrBusy), errors.Is(err, ErrNoStore), errors.Is(err, ErrStopping):
		status = statusOf(err)
	case err != nil || a.Accepted == 0:
		status = http.StatusBadRequest
	}
	if err != nil {
		a.Error = err.Error()
	}
	body, _ = json.Marshal(a) // texts and numbers
	return status, body
}

// Refused counts a request that is answered with a status before anything of it
// was taken in.
func (s *Service) Refused(status int) { s.metrics.answered(status, 0, 0) }
