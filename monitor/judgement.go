package monitor

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/order"
)

// Judgement is what a push comes to. Nothing is told on the way: a host that
// commits findings, position and, where it saves it, state in one step has
// each finding once, whenever it dies.
type Judgement struct {
	Findings []Finding // in the order in which they were found
	Used     []Use     // with coverage: transitions that were used for the first time
	Lost     Lost      // of this push
	Position Position  // after this push
}

// Violations returns the violations among the findings.
func (j Judgement) Violations() (all []Violation) {
	for i := range j.Findings {
		if f := &j.Findings[i]; f.Kind == FoundViolation {
			all = append(all, f.Violation)
		}
	}
	return all
}

// Lost counts what was not judged. What is malformed or late is among the
// findings too.
type Lost struct {
	Malformed  int // inputs that are no event, or malformed for some property
	Late       int // events that came too late
	Duplicates int // events that came before
	Expired    int // instances forgotten by their age
}

// Position is up to where the input is judged. A checkpoint holds it.
type Position struct {
	// Inputs is how many were taken since the first one: events, ticks, and
	// what is neither. Who goes on from a checkpoint goes on after these.
	Inputs int
	// Watermark is the time before which all is judged: what comes for it is
	// late. It is zero before the first event. Without skew what is violated
	// before it has been told; with skew, violations are told by Close, since
	// later events can make a possible one certain.
	Watermark time.Time
}

// Use is a transition of a property that an event used. It may be used again
// where it is taken by other guards.
type Use struct {
	Property string
	TransitionUse
}

// Finding is one thing that is found: exactly one of the kinds.
type Finding struct {
	Kind      FindingKind
	Violation Violation // of a violation; of what is undecided, or malformed for a property, property and binding
	Line      int       // of an input that is malformed or late
	Source    string    // of an event that is malformed for a property, or late
	Event     string    // the same
	Why       string    // why malformed, or undecided

	input int           // how many were taken before; see MergeFindings
	at    order.Instant // of a violation: its event's effective time
}

// FindingKind tells findings apart; it is their "kind" in JSON.
type FindingKind string

// The kinds of finding.
const (
	FoundViolation FindingKind = "violation"
	FoundUndecided FindingKind = "inconclusive"
	FoundMalformed FindingKind = "malformed"
	FoundLate      FindingKind = "late"
)

// place is the order of kinds at one event, and at the end.
func (k FindingKind) place() int {
	switch k {
	case FoundViolation:
		return 1
	case FoundUndecided:
		return 2
	}
	return 0
}

// Verdict is the answer for all events together.
type Verdict string

// The verdicts.
const (
	Held         Verdict = "held"
	Violated     Verdict = "violated"     // certainly or possibly
	Inconclusive Verdict = "inconclusive" // no violation, but not all was judged
)

// ID names a violation, or an undecided instance, wherever and whenever it is
// found: in another run over the same events, by another part, after a
// restart. It is the first half, in hexadecimal digits, of the SHA-256 of four
// texts, each after its length as eight bytes, the least first: the property;
// the binding as compact JSON, with values in canonical form; the source and
// the id of the violating event, both empty where there is none. The violating
// event of a deadline is the one that began it, with the time since in its id.
func (v Violation) ID() string {
	sum := sha256.New()
	canonical := make(event.Data, len(v.Binding))
	for i, f := range v.Binding {
		canonical[i] = event.Field{Name: f.Name, Value: f.Value.Canonical()}
	}
	var size [8]byte
	for _, text := range []string{v.Property, string(canonical.AppendJSON(nil)), v.Event.Source, v.Event.ID} {
		binary.LittleEndian.PutUint64(size[:], uint64(len(text)))
		sum.Write(size[:])
		sum.Write([]byte(text))
	}
	return hex.EncodeToString(sum.Sum(nil)[:sha256.Size/2])
}

// MarshalJSON writes the finding as one of the objects that the command
// prints.
func (f Finding) MarshalJSON() ([]byte, error) {
	b := event.Str(string(f.Kind)).AppendJSON([]byte(`{"kind":`))
	switch f.Kind {
	case FoundViolation:
		return f.Violation.MarshalJSON()
	case FoundUndecided:
		b = appendField(b, "property", f.Violation.Property)
		b = append(b, `,"binding":`...)
		b = event.Data(f.Violation.Binding).AppendJSON(b)
		b = appendField(b, "why", f.Why)
	case FoundMalformed:
		b = appendField(fmt.Appendf(b, `,"line":%d`, f.Line), "why", f.Why)
	case FoundLate:
		b = appendField(fmt.Appendf(b, `,"line":%d`, f.Line), "source", f.Source)
		b = appendField(b, "event", f.Event)
	}
	return append(b, '}'), nil
}
