package sim

import (
	"github.com/wtsim/wtsim/cloud"
)

// Change is what a step has changed in a store.
type Change struct {
	Service, Key  string
	Before, After string
	Made, Gone    bool // there was nothing before it; there is nothing after it
}

// changes is what stores hold otherwise than the last time that it was asked,
// by service and key.
func (w *world) changes() (all []Change) {
	now := newStores(w.services.backends).kept()
	for _, service := range now.Services() {
		all = append(all, changesOf(service, w.story.held[service], now.seen[service])...)
	}
	w.story.held = now.seen
	return all
}

// changesOf compares what a store holds, which is in order of key.
func changesOf(service string, before, after []cloud.Content) (all []Change) {
	for len(before)+len(after) > 0 {
		switch {
		case len(after) == 0 || len(before) > 0 && before[0].Key < after[0].Key:
			all = append(all, Change{Service: service, Key: before[0].Key, Before: before[0].Value, Gone: true})
			before = before[1:]
		case len(before) == 0 || after[0].Key < before[0].Key:
			all = append(all, Change{Service: service, Key: after[0].Key, After: after[0].Value, Made: true})
			after = after[1:]
		default:
			if before[0].Value != after[0].Value {
				all = append(all, Change{Service: service, Key: after[0].Key, Before: before[0].Value, After: after[0].Value})
			}
			before, after = before[1:], after[1:]
		}
	}
	return all
}
