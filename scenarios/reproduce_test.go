package scenarios

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// literal are scenarios whose properties compare with constants: their values
// keep their names.
var literal = []string{"patterns/lostfields/bug", "patterns/lostupdate/bug"}

// elsewhere are events of a run as they would have happened to somebody else:
// other instances, other ids and times, other names of what they are about.
func elsewhere(run *sim.Result, renamed bool) (all []event.Event) {
	for i := range run.Steps {
		for _, e := range run.Steps[i].Events {
			data := slices.Clone(e.Data)
			for n, f := range data {
				if renamed && f.Value.Kind() == event.String {
					data[n].Value = event.Str("other-" + strings.ToUpper(f.Value.Text()))
				}
			}
			e.Data, e.Source, e.ID, e.Time = data, "/production"+e.Source, "p-"+e.ID, e.Time.Add(1000*time.Hour)
			all = append(all, e)
		}
	}
	return all
}

// The violations of the registered scenarios, recorded elsewhere under other
// names, are shown again by a run of the scenario.
func TestReproduce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute: go test without -short runs it")
	}
	tried, reproduced := 0, 0
	for _, s := range here() {
		if !s.Expect.Violation {
			continue
		}
		found := searched(t, s, search.Options{Strategy: "random", FirstSeed: 1_000_000, Schedules: 5000}) // schedules of its own
		if found.Result == nil {
			t.Errorf("%s: nothing found", s.Name)
			continue
		}
		recorded, err := search.NewRecorded(found.Subject.Simulation, elsewhere(found.Result, !slices.Contains(literal, s.Name)), search.RecordedOptions{Lateness: time.Hour, End: true, Property: found.Result.Violation.Property})
		if err != nil {
			t.Logf("%s: %v", s.Name, err)
			continue
		}
		tried++
		subject := found.Subject
		subject.Wanted = recorded.Shows
		start := time.Now()
		again, err := subject.Search(context.Background(), search.Options{Schedules: 3000})
		if err != nil {
			t.Fatal(err)
		}
		if again.Result == nil {
			t.Errorf("%s: %q is not reproduced: %s", s.Name, recorded.Violation.Property, fmt.Sprint(recorded.Violation.Witness))
			continue
		}
		reproduced++
		told, err := search.TellRecorded(found.Subject.Simulation, []monitor.Violation{recorded.Violation}, search.RecordedOptions{})
		if err != nil || !told.Shows(again.Result) {
			t.Errorf("%s: the violation alone is not shown by the run that shows its events: %v", s.Name, err)
		}
		t.Logf("%s: reproduced in %d schedules, %v", s.Name, again.Ran, time.Since(start).Round(time.Millisecond))
	}
	t.Logf("%d of %d violations reproduced", reproduced, tried)
}
