package service

import (
	"context"
	"errors"
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

// Take takes in what fill adds to a batch of about some bytes (-1: nobody
// knows), and returns when that is stored. An error of fill is returned as it is;
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
	case errors.Is(wrong, ErrTooLarge):
		status = http.StatusRequestEntityTooLarge
	case wrong != nil:
		status = http.StatusBadRequest
	}
	s.metrics.unmatched.Add(float64(b.unmatched))
	return Taken{in.answer.Accepted, in.answer.Malformed, in.answer.Reasons}, wrong
}

// Refused counts a request that is answered with a status before anything of it
// was taken in.
func (s *Service) Refused(status int) { s.metrics.answered(status, 0, 0) }
