package sim_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/scenarios"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// counts reads a counter and writes it back, one higher: updates get lost.
func counts(k *kit, w http.ResponseWriter, r *http.Request) {
	key := strings.Trim(r.URL.Path, "/")
	n, _ := strconv.Atoi(k.redis.Get(r.Context(), key).Val())
	if err := k.redis.Set(r.Context(), key, n+1, 0).Err(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

// reductions are small scenarios, and the bound that is tried.
func reductions() map[string]sim.Scenario {
	order := func(s *sim.Scenario) { s.Faults.Kinds = []string{cloud.RunOther, cloud.Reorder} }
	one := func(s *sim.Scenario) {
		s.Faults.Kinds = []string{cloud.RunOther, cloud.LoseResponse, cloud.Crash, cloud.Duplicate}
	}
	count := serves("count", counts)
	return map[string]sim.Scenario{
		"one counter":        scenario(count, calls("a", "count/x"), calls("b", "count/x"), order),
		"two counters":       scenario(count, calls("a", "count/x"), calls("b", "count/y"), calls("c", "count/x"), order),
		"faults":             scenario(count, told(calls("a", "count/x"), 1), calls("b", "count/x"), one),
		"messages":           scenario(publishes("post", "orders"), takes("charge", "orders", chargeOnce), calls("a", "post/o-1"), calls("b", "post/o-1"), order),
		"messages and death": scenario(publishes("post", "orders"), takes("charge", "orders", chargeOnce), calls("a", "post/o-1"), one),
	}
}

// facets are what must not be lost by a reduction, of one run.
type facets struct {
	verdict  string // with the property and the binding
	states   string // that properties got into, and the events that took them there
	contents string // of the stores, at the end
	order    uint64 // hash of the canonical partial order
}

var facetNames = []string{"verdicts", "states of properties", "contents", "partial orders", "runs"}

func (f facets) list() []string {
	order := fmt.Sprint(f.order)
	return []string{f.verdict, f.states, f.contents, order, strings.Join([]string{f.verdict, f.states, f.contents, order}, "\x00")}
}

// explorer runs plans of one scenario, each once.
type explorer struct {
	s        *sim.Simulation
	ran      map[string]facets
	records  map[string]*scheduler.Record // of plans that others follow from
	bound    int
	contents string
}

func newExplorer(s *sim.Simulation, bound int) *explorer {
	e := &explorer{s: s, bound: bound, ran: map[string]facets{}, records: map[string]*scheduler.Record{}}
	s.AtEnd(func(stores sim.Stores) {
		var b strings.Builder
		for _, service := range stores.Services() {
			for _, key := range stores.Keys(service) {
				value, _ := stores.Get(service, key)
				fmt.Fprintf(&b, "%s %s = %s\n", service, key, value)
			}
		}
		e.contents = b.String()
	})
	return e
}

func planKey(p scheduler.Plan) string {
	var b strings.Builder
	for _, d := range p {
		fmt.Fprintf(&b, "%s: %s %s\n", d.At, d.Do, d.With)
	}
	return b.String()
}

// run is what enumerations ask for.
func (e *explorer) run(source scheduler.Source) *scheduler.Record {
	var plan scheduler.Plan
	if r, ok := source.(*scheduler.Replay); ok {
		plan = r.Unmatched() // before it is run: all of it
	}
	e.see(plan)
	return e.records[planKey(plan)]
}

// see runs a plan, unless it was run before, and returns what it shows.
func (e *explorer) see(plan scheduler.Plan) facets {
	key := planKey(plan)
	if f, ok := e.ran[key]; ok {
		return f
	}
	e.contents = ""
	result := e.s.Watched(scheduler.NewReplay(plan))
	r := result.Record
	f := facets{verdict: fmt.Sprint(result.Verdict, " ", result.Why), contents: e.contents, order: r.Hash, states: strings.Join(r.States, "\n")}
	if v := result.Violation; v != nil {
		f.verdict += fmt.Sprint(v.Property, " ", v.Binding)
	}
	for _, step := range result.Steps {
		for _, event := range step.Events {
			f.states += fmt.Sprint("\n", event.Type, " ", event.Data)
		}
	}
	e.ran[key] = f
	if len(plan) < e.bound {
		e.records[key] = &scheduler.Record{Plan: plan, Decisions: r.Decisions, After: r.After}
	}
	return f
}

// shown runs all plans of a bounded space, and returns by facet what they
// show, and how many they are; false if they are too many.
func (e *explorer) shown(b *scheduler.Bounded, most int) ([]map[string]bool, int, bool) {
	out := make([]map[string]bool, len(facetNames))
	for i := range out {
		out[i] = map[string]bool{}
	}
	for n := 0; n <= most; n++ {
		p, ok := b.Next()
		if !ok {
			return out, n, true
		}
		for i, x := range e.see(p).list() {
			out[i][x] = true
		}
	}
	return nil, most, false
}

// differences compares the reduced search of a bounded space with the whole
// one. There is nothing to compare where the whole one has more than so many
// schedules.
func differences(t *testing.T, s sim.Scenario, bound, most int, forget string) (lost []string, whole, reduced int) {
	t.Helper()
	compiled := compile(t, s)
	compiled.Forget(forget)
	e := newExplorer(compiled, bound)
	for _, d := range e.run(scheduler.Benign{}).Decisions {
		whole += len(d.Options) - 1
	}
	if whole >= most {
		return nil, 0, 0
	}
	want, whole, ok := e.shown(scheduler.NewBounded(bound, e.run).Whole(), most)
	if !ok {
		return nil, 0, 0
	}
	ran := len(e.ran)
	got, reduced, ok := e.shown(scheduler.NewBounded(bound, e.run), most)
	if !ok || len(e.ran) != ran || reduced > whole {
		t.Errorf("%s: %d schedules with reduction, %d without: some are not of the space", s.Name, reduced, whole)
	}
	for i, name := range facetNames {
		for x := range want[i] {
			if !got[i][x] {
				lost = append(lost, fmt.Sprintf("%s: %d of %d are shown, not\n%s", name, len(got[i]), len(want[i]), x))
				break
			}
		}
	}
	return lost, whole, reduced
}

// subjects are scenarios that a reduction may be wrong about: those made for
// it, those of the text tests, and the catalogue's. -short, which the race
// detector is run with, has the first alone: handlers of the text tests share
// variables that overlapping invocations write.
func subjects(t *testing.T) map[string]sim.Scenario {
	out := reductions()
	if testing.Short() {
		return out
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(data), "\n") {
			if name, ok := strings.CutPrefix(line, "run "); ok && !strings.HasSuffix(name, onPatched) {
				out["example "+name] = example(t, name)
			}
		}
	}
	for _, s := range scenarios.All() {
		out[s.Name] = s
	}
	return out
}

// A reduced search of a bounded space shows exactly what the whole one shows:
// the verdicts, the events and the states that properties get into, what is
// stored at the end, the partial orders, and which of these go together.
func TestReductionIsExact(t *testing.T) {
	most := 50
	if testing.Short() {
		most = 500 // of few subjects
	}
	reductionIsExact(t, most)
}

// The same for larger spaces; part of `make soak`.
func TestSoakReductionIsExact(t *testing.T) {
	if os.Getenv("WTSIM_SOAK") == "" {
		t.Skip("takes an hour: make soak runs it")
	}
	most := 20_000
	if n, err := strconv.Atoi(os.Getenv("WTSIM_SOAK")); err == nil && n > 1 {
		most = n
	}
	reductionIsExact(t, most)
}

func reductionIsExact(t *testing.T, most int) {
	defer search.Steady()()
	all := subjects(t)
	total, kept, compared := 0, 0, 0
	for name, s := range maps.Clone(all) {
		s.Faults.Kinds = []string{cloud.RunOther, cloud.Reorder}
		all[name+", orders alone"] = s
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for bound, n := 1, 0; bound <= 2 && n*n <= 3*most; bound++ { // those with two deviations are about n²/2
			if bound == 2 && (strings.HasPrefix(name, "example poll") || strings.HasPrefix(name, "example spin")) {
				break // they ask until somebody answers: some schedules take a second and a gigabyte
			}
			lost, whole, reduced := differences(t, all[name], bound, most, "")
			if whole == 0 {
				break
			}
			n = whole
			t.Logf("%s, K=%d: %d schedules instead of %d", name, bound, reduced, whole)
			for _, x := range lost {
				t.Errorf("%s, K=%d: the reduced search loses %s", name, bound, x)
			}
			total, kept, compared = total+whole, kept+reduced, compared+1
		}
	}
	t.Logf("%d spaces: %d schedules instead of %d", compared, kept, total)
	if compared < 10 || kept == total {
		t.Errorf("%d spaces, %d schedules: too few, or nothing is reduced", compared, kept)
	}
}
