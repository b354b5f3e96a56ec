package sim

import (
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
)

// What stores hold when the run is quiescent becomes events, by rules, so that
// one property can speak of what happened, of what clients were told
// ([Request.Told]) and of what is left of it.

// atRest ends the name of a service of [AtRest].
const atRest = " at rest"

// AtRest is the service that a rule names for what a store holds when nothing is
// left to happen: each key is an operation of it, whose resource is the key and
// whose answer is what the store holds there. The events come last, by store and
// key, before properties are asked about the end of the run.
func AtRest(service string) string { return service + atRest }

// RestOf returns the store that a rule's service is [AtRest] of, if it is.
func RestOf(service string) (store string, ok bool) { return strings.CutSuffix(service, atRest) }

// rests tells whether a rule is for what a store holds in the end.
func (s *Scenario) rests(store string) bool {
	for i := range s.Rules {
		if s.Rules[i].Service == AtRest(store) {
			return true
		}
	}
	return false
}

// rest tells what the stores hold, and asks the properties about it.
func (w *world) rest() {
	s := Step{Time: time.Now().UTC(), Identity: "at rest", Kind: KindTime, What: "what the stores hold"} //wtsim:clock the bubble's clock
	held := newStores(w.services.backends)
	for _, store := range held.Services() {
		if w.sim.scenario.rests(store) {
			s.Events = append(s.Events, w.restOf(held, store)...)
		}
	}
	if len(s.Events) > 0 {
		w.story.trace.add(&s)
		w.story.steps = append(w.story.steps, s)
		w.beat.Tick()
		w.observe(s.Events)
	}
}

// restOf is what one store holds, as events of its own.
func (w *world) restOf(held *stores, store string) (all []event.Event) {
	now := time.Now().UTC() //wtsim:clock the bubble's clock
	for _, key := range held.Keys(store) {
		value, _ := held.Get(store, key)
		op := event.Operation{Service: AtRest(store), Method: "HOLDS", Resource: key, Result: event.Result{Status: "OK", OK: true, Body: []byte(value)}}
		for _, e := range w.sim.rules.Apply(&op) {
			n := strconv.Itoa(len(all) + 1)
			all = append(all, event.Event{ID: store + "/" + n, Source: "/stores/" + store, Type: e.Type, Time: now, Sequence: n, Data: e.Data})
		}
	}
	return all
}
