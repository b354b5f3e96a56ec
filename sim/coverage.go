package sim

import (
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
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

// Add takes in a run.
func (c *Coverage) Add(r *Result) {
	if c.cases == nil {
		c.cases = map[string]bool{}
	}
	offered := map[string][]string{} // by step, the kinds
	for _, d := range r.Record.Decisions {
		for _, o := range d.Options[1:] {
			offered[d.At] = append(offered[d.At], caseOf(o.String()))
		}
	}
	again, taken := map[string]bool{}, map[string]bool{} // tasks that may come again, that do
	for _, s := range r.Steps {
		again[s.Task] = again[s.Task] || slices.Contains(offered[s.Identity], caseAgain)
		taken[s.Task] = taken[s.Task] || caseOf(s.Outcome) == caseAgain
	}
	for _, s := range r.Steps {
		if s.Operation == nil || s.Operation.Access&event.Writes == 0 {
			continue
		}
		effect := s.Function + ": " + s.Operation.Service + "." + s.Operation.Method + " " + firstWord(mask(s.Operation.Resource)) + ": "
		for _, name := range offered[s.Identity] {
			if name != "" && name != caseAgain {
				c.note(effect+name, caseOf(s.Outcome) == name)
			}
		}
		if again[s.Task] {
			c.note(effect+caseAgain, taken[s.Task])
		}
	}
}

func (c *Coverage) note(name string, taken bool) { c.cases[name] = c.cases[name] || taken }

// caseOf is the case that a deviation is of, if any.
func caseOf(option string) string {
	kind, with, _ := strings.Cut(option, " ")
	switch {
	case kind == Crash && with == crashBefore:
		return caseBefore
	case kind == Crash && with == crashAfter:
		return caseAfter
	case kind == LoseResponse:
		return caseLost
	case kind == Duplicate || kind == Redeliver || kind == Crash && with == crashBeforeAck:
		return caseAgain
	}
	return ""
}

// Cases returns the names of the cases that were taken, and of those that were
// offered only, each sorted.
func (c *Coverage) Cases() (taken, missing []string) {
	for name, yes := range c.cases { //wtsim:order sorted below
		if yes {
			taken = append(taken, name)
		} else {
			missing = append(missing, name)
		}
	}
	slices.Sort(taken)
	slices.Sort(missing)
	return taken, missing
}

// Counts returns how many cases there are, and how many of them were taken.
func (c *Coverage) Counts() (taken, all int) {
	for _, yes := range c.cases { //wtsim:order counted
		if yes {
			taken++
		}
	}
	return taken, len(c.cases)
}

// Merge takes in the cases that another search has told.
func (c *Coverage) Merge(taken, missing []string) {
	if c.cases == nil {
		c.cases = map[string]bool{}
	}
	for _, name := range taken {
		c.note(name, true)
	}
	for _, name := range missing {
		c.note(name, false)
	}
}
