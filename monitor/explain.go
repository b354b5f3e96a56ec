package monitor

import (
	"math"
	"math/bits"
	"time"

	"github.com/wtsim/wtsim/event"
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

// maxExplained bounds the slices that are looked at again with another skew,
// maxCounter the down-sets that a counter-order is read from.
const (
	maxExplained = 1 << 12
	maxCounter   = 1 << 20
)

// horizon is how far around a violation flips are looked for.
func horizon(skew time.Duration) time.Duration {
	if skew > math.MaxInt64/2 {
		return math.MaxInt64
	}
	return 2 * skew
}

// onlyViolated is the set of the violated state alone, also as a number of
// configSets.
const onlyViolated = 1 << props.ViolatedState

// explain adds the counter-order and the flip to a violation.
func (m *engine) explain(s *store, v *Violation, slice []note) {
	covering := s.covering
	s.covering = false // what is tried here did not happen
	defer func() { s.covering = covering }()
	switch {
	case v.Certainty != Possible:
	case s.configs != nil:
		v.Counter, _ = m.steps(s, m.counterInTime(s, slice))
	default:
		v.Counter = m.witness(s, m.counterOrder(s, slice))
	}
	if len(slice) > maxExplained || s.timed() {
		return
	}
	skew := m.options.skew
	if v.Certainty == Certain {
		at := m.flipsBetween(s, slice, skew, horizon(skew), func(states uint64) bool { return states != onlyViolated })
		if at > 0 {
			v.Flips = Flip{at, BecomesPossible}
		}
		return
	}
	ties, ok := m.statesWith(s, slice, 0)
	possible := func(states uint64) bool { return s.mayBeViolated(states) && states != onlyViolated }
	if !ok || possible(ties) {
		return
	}
	if at := m.flipsBetween(s, slice, 0, skew, possible); at > 0 {
		v.Flips = Flip{at, BecomesUnreported}
		if ties == onlyViolated {
			v.Flips.To = BecomesCertain
		}
	}
}

// flipsBetween returns the least skew above low, up to high, at which what
// is asked for holds. It does not hold at low, and once it holds it holds
// for all that is greater. 0 is none, or not known.
func (m *engine) flipsBetween(s *store, slice []note, low, high time.Duration, holds func(states uint64) bool) time.Duration {
	states, known := m.statesWith(s, slice, high)
	if known && !holds(states) {
		return 0
	}
	for high-low > 1 {
		middle := low + (high-low)/2
		states, ok := m.statesWith(s, slice, middle)
		switch {
		case !ok:
			high, known = middle, false
		case holds(states):
			high, known = middle, true
		default:
			low = middle
		}
	}
	if !known {
		return 0
	}
	return high
}

// statesWith returns the states that all orders of a slice lead to, with
// another skew. With none, events of equal times still have no order.
func (m *engine) statesWith(s *store, slice []note, skew time.Duration) (states uint64, ok bool) {
	f := newFront()
	for _, n := range slice {
		r := m.trails.records.at(n.record)
		f.add(s, pending{at: r.at(), letter: n.letter, source: r.source}, skew)
	}
	if !f.undecided && len(f.waiting) > 0 {
		f.finish(s, skew)
	}
	return f.states, !f.undecided
}

// counterOrder returns an order that does not violate: by time if that does
// not, else the one that the least state is read back from. It ends where no
// violation can follow.
func (m *engine) counterOrder(s *store, slice []note) []note {
	if end, violated := s.until(slice); !violated {
		return slice[:end]
	}
	f := newFront()
	var history []past
	total := 0
	for from := 0; from < len(slice); {
		to := m.pause(slice, from)
		f.waiting = m.pendingOf(slice[from:to])
		g := f.groups(m.options.skew, func(*pending) bool { return true })
		w := past{groups: g, first: from}
		for l := f.layerOver(s, g); ; l = l.expand(s, g) {
			if l == nil {
				return nil
			}
			w.layers = append(w.layers, l)
			if total += len(l.keys); total > maxCounter {
				return nil
			}
			if l.complete(g) {
				f.states = l.states[0]
				break
			}
		}
		history, from = append(history, w), to
	}
	rest := f.states &^ onlyViolated
	if rest == 0 {
		return nil
	}
	order := readBack(s, slice, history, 0, bits.TrailingZeros64(rest))
	end, _ := s.until(order)
	return order[:end]
}

// until runs an order up to where an instance is dead.
func (s *store) until(order []note) (end int, violated bool) {
	state := uint32(startState)
	for i, n := range order {
		if state = s.next(n.letter, state); s.isDead(state) {
			return i + 1, state == props.ViolatedState
		}
	}
	return len(order), false
}

// lingers tells whether more events belong to what explains a violation that
// is certain.
func (f *front) lingers(s *store, now instant, skew time.Duration) bool {
	return !s.timed() && !f.undecided && f.states == onlyViolated && !f.last.add(horizon(skew)).before(now)
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
