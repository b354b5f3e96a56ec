package sqlprobe

import (
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// MostHeld is how many bytes of statements a connection keeps until their transaction
// is committed. Those beyond it are lost if it is: counted, and a gap in the numbers of
// the events (see [probe.Recorder.Lose]).
const MostHeld = 4 << 20

// held are the statements of a transaction that have written, in order.
type held struct {
	all  []heldCall
	size int // bytes
}

// heldCall is a statement, or how many there was no room for, one after the other.
type heldCall struct {
	call *probe.Call
	lost int
	size int
}

// callSize is about what a call takes besides its bodies.
const callSize = 512

// add keeps a statement. What is before a place may be undone by itself.
func (h *held) add(c *probe.Call, place int) {
	size := callSize + len(c.Op.Request.Body) + len(c.Op.Result.Body)
	last := len(h.all) - 1
	switch {
	case h.size+size <= MostHeld:
		kept := *c
		kept.Op.Request.Body = slices.Clone(c.Op.Request.Body)
		kept.Op.Result.Body = slices.Clone(c.Op.Result.Body)
		h.all, h.size = append(h.all, heldCall{call: &kept, size: size}), h.size+size
	case last >= place && h.all[last].call == nil:
		h.all[last].lost++
	default:
		h.all = append(h.all, heldCall{lost: 1})
	}
}

// undo tells that what is held from a place on has not happened.
func (s *session) undo(from int, status string) {
	undone := s.held.all[from:]
	s.held.all = s.held.all[:from:from]
	for _, x := range undone {
		if s.held.size -= x.size; x.call != nil {
			x.call.Op.Result = event.Result{Status: status}
			_ = s.tap.Leave(x.call) // of a passive tap
		}
	}
}

// loser is a tap that is told how many operations it is not told of.
type loser interface{ Lose(n int) }

// happened tells what is held.
func (h *held) happened(tap probe.Tap) {
	for _, x := range h.all {
		if x.call != nil {
			_ = tap.Leave(x.call) // of a passive tap
		} else if l, ok := tap.(loser); ok {
			l.Lose(x.lost)
		}
	}
}
