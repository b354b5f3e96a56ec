package monitor

import (
	"time"

	"github.com/wtsim/wtsim/event"
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
