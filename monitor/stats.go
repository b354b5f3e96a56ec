package monitor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// maxReasons bounds the reasons that a monitor keeps; Options.Malformed is
// told of all.
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

// counts is what a monitor counts for Stats.
type counts struct {
	events, malformed int
	reasons           []Malformed
}

// Stats returns the counts up to now.
func (m *Monitor) Stats() Stats {
	st := Stats{Events: m.counts.events, Malformed: m.counts.malformed, Reasons: slices.Clip(m.counts.reasons)}
	for i := range m.stores {
		s := &m.stores[i]
		st.Properties = append(st.Properties, s.stats())
	}
	return st
}

// Stats returns the counts up to now. What waits for the watermark is counted
// in Summary alone.
func (s *Stream) Stats() []PropertyStats { return s.monitor.Stats().Properties }

func (s *store) stats() PropertyStats {
	st := PropertyStats{s.property.Name(), 0, s.malformed, s.late, s.live, s.created, s.settledCount, s.expired - s.rootExpired}
	for _, n := range s.matched {
		st.Events += n
	}
	return st
}

// MergeStats adds up what the parts of a sharded stream counted; each of them
// sees all malformed and late events. See StreamOptions.
func MergeStats(parts ...[]PropertyStats) []PropertyStats {
	if len(parts) == 0 {
		return nil
	}
	all := parts[0]
	for _, p := range parts[1:] {
		for i := range p {
			all[i].Events += p[i].Events
			all[i].Instances += p[i].Instances
			all[i].Created += p[i].Created
			all[i].Settled += p[i].Settled
			all[i].Expired += p[i].Expired
		}
	}
	return all
}

// reject counts the event as malformed for a property.
func (m *Monitor) reject(s *store, e *event.Event, why string) {
	s.malformed++
	x := Malformed{s.property.Name(), e.Source, e.ID, e.Type, why}
	if len(m.counts.reasons) < maxReasons {
		kept := Malformed{x.Property, strings.Clone(x.Source), strings.Clone(x.ID), strings.Clone(x.Type), why}
		m.counts.reasons = append(m.counts.reasons, kept)
	}
	if m.options.Malformed != nil {
		m.options.Malformed(x)
	}
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
