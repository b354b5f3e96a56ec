package monitor

import (
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/skew"
	"github.com/wtsim/wtsim/props"
)

// With skew, a violation is explained by what it hangs on.
//
// The relation of certain precedence shrinks as the skew grows. So some order
// of a slice violates from some skew on, and every order does up to some
// skew. What is possible at skew E is, with less, either possible down to
// none, or from some skew down certain, or from some skew down nothing at
// all. What is certain at E may, with more, be merely possible.
//
// The verdict can only change where the skew is the difference between the
// times of two events; Flip tells the exact one.

// Flip is the skew at which the verdict on the same events would be another.
// The zero Flip is none.
//
//   - Of a possible violation: the least skew at which it is possible. With
//     any less it is certain, or not reported (To). None if it is possible
//     with any skew above 0: then only the order of equal times decides.
//   - Of a certain violation: the least skew at which some order of its
//     slice does not violate, if that is at most twice the skew that it was
//     judged with. What is looked at is the slice up to the first pause of
//     more than twice the skew by which it is certain, as if nothing followed.
//
// None too where a slice is too long, or too entangled to tell, and of
// properties with deadlines: with more skew a deadline may not have passed
// yet, so that what is possible need not stay so.
type Flip struct {
	At time.Duration
	To Outcome
}

// Outcome is what a verdict on one instance would be.
type Outcome string

// The outcomes of flips.
const (
	BecomesCertain    Outcome = "certain"
	BecomesPossible   Outcome = "possible"
	BecomesUnreported Outcome = "unreported"
)

// maxExplained bounds the slices that are looked at again with another skew.
const maxExplained = 1 << 12

// explain adds the counter-order and the flip to a violation.
func (s *store) explain(v *Violation, slice []note, end *endOfTime) {
	covering := s.Covering
	s.Covering = false // what is tried here did not happen
	defer func() { s.Covering = covering }()
	if v.Certainty == Possible {
		v.Counter = s.witness(s.counterOrder(slice, end), nil)
	}
	if len(slice) > maxExplained || s.Timed() {
		return
	}
	events, skew := s.pendings(slice), s.options.skew
	if v.Certainty == Certain {
		if at := s.judge.CeasesAt(events, skew); at > 0 {
			v.Flips = Flip{at, BecomesPossible}
		}
		return
	}
	switch at, certain := s.judge.BeginsAt(events, skew); {
	case at == 0:
	case certain:
		v.Flips = Flip{at, BecomesCertain}
	default:
		v.Flips = Flip{at, BecomesUnreported}
	}
}

// pendings are the events of a slice, as fronts see them.
func (s *store) pendings(slice []note) []skew.Pending {
	all := make([]skew.Pending, len(slice))
	for i, n := range slice {
		r := s.trails.records.at(n.record)
		all[i] = skew.Pending{At: r.at(), Letter: n.letter, Source: r.source}
	}
	return all
}

// notesOf are the notes of an order of a slice; nil if there is none.
func notesOf(slice []note, order []int) (all []note) {
	for _, i := range order {
		if i == skew.Passing {
			all = append(all, note{letter: passingLetter})
		} else {
			all = append(all, slice[i])
		}
	}
	return all
}

// counterOrder returns an order that does not violate: by time if that does
// not, else one that is searched for. It ends where no violation can follow.
func (s *store) counterOrder(slice []note, end *endOfTime) []note {
	passed := s.passedAt(end)
	order, violated := slice, false
	if s.Configs != nil {
		var state uint32
		order, state = s.inTime(slice, passed)
		violated = state == props.ViolatedState
	} else {
		_, violated = s.until(slice, s.IsDead)
	}
	if violated {
		order = notesOf(slice, s.judge.OrderElse(s.pendings(slice), s.options.skew, passed))
	}
	order, _ = s.until(order, s.IsDead)
	return order
}

// violatingOrder returns a slice up to the event that violates it: by time if
// that violates, else in the first order that is found to.
func (s *store) violatingOrder(slice []note, end *endOfTime) []note {
	passed := s.passedAt(end)
	order := slice
	if s.Configs != nil {
		order, _ = s.inTime(slice, passed)
	}
	order, violated := s.until(order, func(state uint32) bool { return state == props.ViolatedState })
	if violated {
		return order
	}
	return notesOf(slice, s.judge.OrderTo(s.pendings(slice), s.options.skew, passed))
}

// until cuts an order after what leads to a state that is wanted, and tells
// whether it is violated then.
func (s *store) until(order []note, wanted func(state uint32) bool) (upTo []note, violated bool) {
	state := uint32(machine.StartState)
	for i, n := range order {
		if n.letter == passingLetter {
			state = s.Configs.Expire(state)
		} else {
			state = s.Next(n.letter, state, nil)
		}
		if wanted(state) {
			return order[:i+1], state == props.ViolatedState
		}
	}
	return order, false
}

// passedAt tells of deadlines whether they have passed at an end.
func (s *store) passedAt(end *endOfTime) func(machine.Running) bool {
	return func(r machine.Running) bool { return end.passed(r, s.options.skew) }
}

// appendExplanation appends the fields that the contract leaves open.
func (v *Violation) appendExplanation(b []byte) []byte {
	if v.Counter != nil {
		b = appendSteps(append(b, `,"counter":`...), v.Counter)
	}
	if v.Flips.To != "" {
		b = event.Str(v.Flips.At.String()).AppendJSON(append(b, `,"flips":{"at":`...))
		b = append(appendField(b, "to", string(v.Flips.To)), '}')
	}
	return b
}

func appendSteps(b []byte, steps []WitnessEvent) []byte {
	b = append(b, '[')
	for i, s := range steps {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendJSON(b)
	}
	return append(b, ']')
}
