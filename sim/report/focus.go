package report

import (
	"net/http"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/sim"
)

// focus is what a story must not leave out.
type focus struct {
	spots map[spot]bool // what the violation is about; whether it was written
	steps map[string]bool
	tasks map[string]bool // clients' requests that the violated property names
}

// spot is a thing of a service: a key, an object, a row.
type spot struct{ service, name string }

// focusOf finds out what a run is about: what operations touch that a deviation
// has changed, or overtaken, or held past its expiry, or whose events violate;
// what a violated check has looked at; and what the requests do that it names.
func focusOf(rows []Row, looked []sim.Looked) *focus {
	f := &focus{spots: map[spot]bool{}, steps: map[string]bool{}, tasks: map[string]bool{}}
	for _, l := range looked {
		if l.Task != "" {
			f.tasks[l.Task] = true
		} else {
			f.touch(spot{l.Service, l.Key}, false)
		}
	}
	for i := range rows {
		r := &rows[i]
		for _, id := range r.Named {
			f.steps[id] = true
		}
		if r.Operation != nil && (r.Outcome.Do == cloud.Stall || r.Outcome.Do == cloud.LateEffect) {
			f.steps[r.Identity+" resumed"], f.steps[r.Identity+" late"] = true, true
			f.expires(r.Held)
		}
	}
	for i := range rows {
		if r := &rows[i]; r.Operation != nil && (r.Mark == Deviates || r.Witness || f.names(r.Step)) {
			for _, s := range spots(r.Operation) {
				f.touch(s, r.Operation.Access&event.Writes != 0)
			}
		}
	}
	return f
}

func (f *focus) touch(s spot, written bool) { f.spots[s] = f.spots[s] || written }

// expires notes the key whose expiry a call is held past: that is a write.
func (f *focus) expires(past *sim.Past) {
	if past != nil && past.Service != "" {
		f.touch(spot{past.Service, past.Key}, true)
	}
}

// names reports whether a deviation or the violated property names a step.
func (f *focus) names(s *sim.Step) bool {
	return f.steps[s.Identity] || f.tasks[s.Task.First]
}

// concerns reports whether a step is one of those, or conflicts with what the
// focus is on: who reads the story needs both sides, in the order in which they
// came.
func (f *focus) concerns(s *sim.Step) bool {
	if f.steps[s.Identity] || s.Kind != sim.KindOperation && f.tasks[s.Task.First] {
		return true
	}
	if s.Operation == nil {
		return false
	}
	for _, x := range spots(s.Operation) {
		if written, there := f.spots[x]; there && (written || s.Operation.Access&event.Writes != 0) {
			return true
		}
	}
	return false
}

// spots are what an operation touches by name. A POST makes something that has
// no name yet: two of them have no more than their collection in common.
func spots(op *event.Operation) (all []spot) {
	if op.Method == http.MethodPost {
		return nil
	}
	for _, name := range strings.Fields(op.Resource) {
		all = append(all, spot{op.Service, name})
	}
	return all
}
