package sim

import (
	"cmp"
	"slices"

	"github.com/wtsim/wtsim/probe"
)

// emission is an event before it has an id and a time.
type emission struct {
	inst       *instance
	invocation string // empty for a client's own
	probe.Emitted
	call    *call  // whose effect it is; may be nil
	service string // of that call, or of the newest that was answered since the last step
	lead    string // by what it is told, see inOrder
}

// inOrder puts events since the last step in an order that does not hang on
// which goroutine came first.
//
// Several handlers, or services' answers, may wake up in one instant: nothing
// says which is first. What has the invocation or the service in common keeps
// its order, since one may have caused the other. What has not cannot know of
// each other before there is another step, and is told by the name of the
// invocation, that of the step first. A client's own events are the world's
// and stay where they are.
func inOrder(all []emission, step string) {
	for len(all) > 0 {
		end := slices.IndexFunc(all, func(e emission) bool { return e.invocation == "" })
		if end < 0 {
			end = len(all)
		}
		awake := all[:end]
		all = all[min(end+1, len(all)):]
		if !slices.ContainsFunc(awake, func(e emission) bool { return e.invocation != awake[0].invocation }) {
			continue
		}
		lead(awake, step)
		slices.SortStableFunc(awake, func(a, b emission) int { return cmp.Compare(a.lead, b.lead) })
	}
}

// lead gives all that have something in common, be it through others, the
// least of their names; the step's is the least of all.
func lead(all []emission, step string) {
	for i := range all {
		if all[i].invocation != step {
			all[i].lead = all[i].invocation
		}
	}
	for changed := true; changed; {
		changed = false
		for i := range all {
			for j := range all {
				a, b := &all[i], &all[j]
				if (a.invocation == b.invocation || a.service != "" && a.service == b.service) && b.lead < a.lead {
					a.lead, changed = b.lead, true
				}
			}
		}
	}
}
