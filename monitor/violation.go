package monitor

import (
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
)

// Certainty tells in how many of the possible orders a property is violated.
type Certainty string

// The certainties. In exact order, where one order is possible, every
// violation is certain, but for instances that were forgotten.
const (
	Certain  Certainty = "certain"  // in every possible order
	Possible Certainty = "possible" // in some possible order
)

// Violation is a property that does not hold, for one binding, at one event
// or at quiescence.
type Violation struct {
	Property  string
	Binding   Binding
	Certainty Certainty
	Forgotten bool           // the instance, or one in it, was forgotten before (see [StreamOptions.TTL]): it is possible only
	Event     event.Event    // the violating event; zero at quiescence
	Witness   []WitnessEvent // the slice, in an order that violates; see Options
	Detail    string         // what was wrong at quiescence; else empty
	Counter   []WitnessEvent // of a possible one: an order that does not violate
	Flips     Flip           // with skew: at which skew the verdict would be another

	doubt string // why it is told as undecided, see lossy.go; else empty
}

// WitnessEvent is one event of a witness.
type WitnessEvent struct {
	Source, ID, Type string
	To               string // the state after it
}

// AtQuiescence reports whether the violation has no event: the run ended
// where it must not.
func (v Violation) AtQuiescence() bool { return v.Event.Type == "" }

// String returns the violation for people, on one line.
func (v Violation) String() string {
	s := "property " + strconv.Quote(v.Property) + " violated"
	if len(v.Binding) > 0 {
		s += " for " + v.Binding.String()
	}
	if v.Certainty == Possible {
		s += " (possibly)"
	}
	if v.Detail != "" {
		s += ": " + v.Detail
	}
	return s
}

// MarshalJSON writes the violation object that every command prints. Fields
// without meaning are absent: those of the event at quiescence, the witness
// if none was kept, the detail if there is an event.
func (v Violation) MarshalJSON() ([]byte, error) {
	b := appendField([]byte(`{"kind":"violation"`), "property", v.Property)
	b = append(b, `,"binding":`...)
	b = event.Data(v.Binding).AppendJSON(b)
	b = appendField(b, "certainty", string(v.Certainty))
	if v.Forgotten {
		b = append(b, `,"forgotten":true`...)
	}
	if !v.AtQuiescence() {
		b = appendField(b, "source", v.Event.Source)
		b = appendField(b, "event", v.Event.ID)
		b = appendField(b, "time", v.Event.Time.UTC().Format(time.RFC3339Nano))
	}
	if v.Detail != "" {
		b = appendField(b, "detail", v.Detail)
	}
	if v.Witness != nil {
		b = appendSteps(append(b, `,"witness":`...), v.Witness)
	}
	return append(v.appendExplanation(b), '}'), nil
}

// MarshalJSON writes the step with the fields in the order of the contract.
func (s WitnessEvent) MarshalJSON() ([]byte, error) { return s.appendJSON(nil), nil }

func (s WitnessEvent) appendJSON(b []byte) []byte {
	b = append(b, `{"source":`...)
	b = event.Str(s.Source).AppendJSON(b)
	b = appendField(b, "id", s.ID)
	b = appendField(b, "type", s.Type)
	b = appendField(b, "to", s.To)
	return append(b, '}')
}

// appendField appends a member that is not the first of its object.
func appendField(b []byte, name, value string) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return event.Str(value).AppendJSON(b)
}

// Binding gives values to variables: sorted by variable, each once.
type Binding event.Data

// Get returns the value of a variable, if it is bound.
func (b Binding) Get(variable string) (event.Value, bool) { return event.Data(b).Get(variable) }

// MarshalJSON writes the binding as a compact object with sorted keys.
func (b Binding) MarshalJSON() ([]byte, error) { return event.Data(b).AppendJSON(nil), nil }

// String returns the binding for people, such as order="o-1", try=2.
func (b Binding) String() string {
	parts := make([]string, len(b))
	for i, f := range b {
		parts[i] = f.Name + "=" + string(f.Value.AppendJSON(nil))
	}
	return strings.Join(parts, ", ")
}
