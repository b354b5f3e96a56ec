package search

import (
	"maps"
	"slices"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/sim"
)

// Coverage is what a search has covered of the at-least-once closure: each
// effect of a function, with the instance dying before it or after it, with
// its response lost, and in an invocation that comes again. The zero value is
// empty.
type Coverage struct {
	cases map[string]bool // offered; true if it was taken
}

// The cases of an effect.
const (
	caseBefore = "crash before"
	caseAfter  = "crash after"
	caseLost   = "response lost"
	caseAgain  = "redelivered"
)

// Add takes in a run. It returns the names of the cases that it is the first
// to take, and of those that it is the first to be offered and does not take,
// each sorted.
func (c *Coverage) Add(r *sim.Result) (taken, missing []string) {
	if c.cases == nil {
		c.cases = map[string]bool{}
	}
	run := casesOf(r)
	for _, name := range slices.Sorted(maps.Keys(run)) {
		before, known := c.cases[name]
		switch now := run[name]; {
		case now && !before:
			taken = append(taken, name)
		case !now && !known:
			missing = append(missing, name)
		}
		c.cases[name] = before || run[name]
	}
	return taken, missing
}

// casesOf returns the cases that a run was offered; true if it took them.
func casesOf(r *sim.Result) map[string]bool {
	out := map[string]bool{}
	note := func(name string, taken bool) { out[name] = out[name] || taken }
	offered := map[string][]string{} // by step, the kinds
	for _, d := range r.Record.Decisions {
		for _, o := range d.Options[1:] {
			offered[d.At] = append(offered[d.At], caseOf(o.Do, o.With))
		}
	}
	again, taken := map[string]bool{}, map[string]bool{} // tasks that may come again, that do
	for _, s := range r.Steps {
		again[s.Task.Text] = again[s.Task.Text] || slices.Contains(offered[s.Identity], caseAgain)
		taken[s.Task.Text] = taken[s.Task.Text] || caseOf(s.Outcome.Do, s.Outcome.With) == caseAgain
	}
	for _, s := range r.Steps {
		if s.Operation == nil || s.Operation.Access&event.Writes == 0 {
			continue
		}
		effect := s.Effect() + ": "
		for _, name := range offered[s.Identity] {
			if name != "" && name != caseAgain {
				note(effect+name, caseOf(s.Outcome.Do, s.Outcome.With) == name)
			}
		}
		if again[s.Task.Text] {
			note(effect+caseAgain, taken[s.Task.Text])
		}
	}
	return out
}

// caseOf is the case that a deviation is of, if any.
func caseOf(kind, with string) string {
	switch {
	case kind == cloud.Crash && with == cloud.Before:
		return caseBefore
	case kind == cloud.Crash && with == cloud.After:
		return caseAfter
	case kind == cloud.LoseResponse:
		return caseLost
	case kind == cloud.Duplicate || kind == cloud.Redeliver || kind == cloud.Crash && with == cloud.BeforeAck:
		return caseAgain
	}
	return ""
}
