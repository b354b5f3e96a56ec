package report

import (
	"slices"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/sim"
)

// live follows the invocations: it marks the starts of those that are told, and
// what dies with an instance.
func (t *Timeline) live() {
	t.instances()
	starts := map[string]int{}     // of invocations, by name
	serving := map[Lane][]string{} // by instance
	for i := range t.Rows {
		r := &t.Rows[i]
		name, at := who(r.Step), laneOf(r.Step)
		switch r.Kind {
		case sim.KindStart:
			starts[name] = i
			if r.Number > 0 {
				serving[at] = append(serving[at], name)
			}
		case sim.KindEnd:
			if r.Outcome.Do != cloud.Timeout {
				serving[at] = without(serving[at], name)
			}
		}
		if r.Outcome.Do == cloud.Crash {
			r.Dies, serving[at] = without(serving[at], name), nil
		}
	}
	for i := range t.Rows {
		if r := &t.Rows[i]; r.Number > 0 && t.why(i, false) == Told {
			if start, ok := starts[who(r.Step)]; ok {
				t.Rows[start].Begins = true
			}
		}
	}
}

// instances marks what functions do that have more than one instance.
func (t *Timeline) instances() {
	several := map[string]int{}
	for _, l := range t.Lanes {
		several[l.Function]++
	}
	for i := range t.Rows {
		t.Rows[i].OneOfSeveral = several[t.Rows[i].Function] > 1
	}
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
}
