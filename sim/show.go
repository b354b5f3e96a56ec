package sim

import (
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
)

// What packages search and report ask of a step beside its fields.

// Same reports whether the trace hash sees no difference between two steps.
func (s *Step) Same(o *Step) bool { return s.Time.Equal(o.Time) && s.SameButTime(o) }

// SameButTime is [Step.Same], be one of them sooner or later.
func (s *Step) SameButTime(o *Step) bool {
	return s.Identity == o.Identity && sameOperation(s.Operation, o.Operation) && s.Outcome == o.Outcome && s.Status == o.Status && s.EventsText() == o.EventsText()
}

func sameOperation(a, b *event.Operation) bool {
	if a == nil || b == nil {
		return a == b
	}
	return opLabel(a) == opLabel(b) && digest(a) == digest(b)
}

// EventsText are the step's events on one line.
func (s *Step) EventsText() string {
	texts := make([]string, len(s.Events))
	for i, e := range s.Events {
		texts[i] = e.String()
	}
	return strings.Join(texts, " ")
}

// Prints reports whether all that happened is that something was printed,
// which is no part of the trace.
func (s *Step) Prints() bool { return s.Kind == KindTime && s.What == prints }

// Delivered is what a call was answered that has waited for it: later than this
// step, in which it began to wait. ok is false of one that did not wait, or waits
// for ever.
func (s *Step) Delivered() (result string, ok bool) {
	return s.Answer, s.Answer != ""
}

// Effect names the kind of thing that the step's operation is: what the
// effects of other requests have in common with it.
func (s *Step) Effect() string {
	return s.Function + ": " + s.Operation.Service + "." + s.Operation.Method + " " + firstWord(cloud.Mask(s.Operation.Resource))
}

// OperationWords is an operation for people, such as "store GET cart:1".
func OperationWords(op *event.Operation) string { return shortLabel(op) }
