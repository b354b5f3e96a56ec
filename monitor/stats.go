package monitor

import (
	"fmt"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// maxReasons bounds the reasons that a monitor keeps; all are findings.
const maxReasons = 100

// Stats is what a monitor has seen and what it holds.
type Stats struct {
	Events     int             // observed, malformed ones included
	Malformed  int             // events malformed for some property, each once
	Reasons    []Malformed     // the first hundred, in order
	Properties []PropertyStats // in the order given to Compile
}

// PropertyStats is what a monitor has seen of one property, and holds for it.
// The empty binding is not counted among instances.
type PropertyStats struct {
	Property  string
	Events    int // in some slice of it
	Malformed int // events malformed for it
	Late      int // events of its alphabet that came too late
	Instances int // that can still be violated
	Created   int // instances stored: those that can still be violated, settled and expired
	Settled   int // instances that were violated, or can no longer be
	Expired   int // instances forgotten by their age while they could be violated
}

// Malformed is an event that is in no slice of a property.
type Malformed struct {
	Property   string
	Source, ID string // of the event
	Type       string // of the event
	Why        string
}

// String returns the reason for people.
func (x Malformed) String() string {
	return fmt.Sprintf("event %q of %q: %s, for property %q", x.ID, x.Source, x.Why, x.Property)
}

// counts is what an engine counts for Stats.
type counts struct {
	malformed int
	reasons   []Malformed
}

func (m *engine) stats() (all []PropertyStats) {
	for i := range m.stores {
		all = append(all, m.stores[i].stats())
	}
	return all
}

func (s *store) stats() PropertyStats {
	return PropertyStats{s.property.Name(), s.seen, s.malformed, s.late, s.live, s.created, s.settledCount, s.expired - s.rootExpired}
}

// MergeStats adds up what the parts of a stream counted. See part.go.
func MergeStats(parts ...[]PropertyStats) []PropertyStats {
	if len(parts) == 0 {
		return nil
	}
	all := parts[0]
	for _, p := range parts[1:] {
		for i := range p {
			all[i].Events += p[i].Events
			all[i].Malformed += p[i].Malformed
			all[i].Late += p[i].Late
			all[i].Instances += p[i].Instances
			all[i].Created += p[i].Created
			all[i].Settled += p[i].Settled
			all[i].Expired += p[i].Expired
		}
	}
	return all
}

// reject counts an event that is malformed for some properties.
func (m *engine) reject(e *event.Event, misfits []misfit) (all []Malformed) {
	for _, x := range misfits {
		s := &m.stores[x.plan]
		s.malformed++
		why := Malformed{s.property.Name(), e.Source, e.ID, e.Type, x.why}
		all = append(all, why)
		if len(m.counts.reasons) < maxReasons {
			kept := Malformed{why.Property, strings.Clone(e.Source), strings.Clone(e.ID), strings.Clone(e.Type), x.why}
			m.counts.reasons = append(m.counts.reasons, kept)
		}
	}
	if len(misfits) > 0 {
		m.counts.malformed++
	}
	return all
}

// unfit says why a parameter that a property wants will not do.
func unfit(param string, v event.Value, there bool) string {
	what := "is an array or an object"
	switch {
	case !there:
		return fmt.Sprintf("parameter %q is missing", param)
	case v.Kind() == event.Null:
		what = "is null"
	}
	return fmt.Sprintf("parameter %q %s, wanted a string, a number or a boolean", param, what)
}
