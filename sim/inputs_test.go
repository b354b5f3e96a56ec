package sim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// fund is a scenario of customers who are paid from a fund of 100: the
// function reads what was spent, and writes it back, so that two can be paid
// from the same money. Its workload is drawn.
func fund() sim.Scenario {
	pay := serves("pay", func(k *kit, w http.ResponseWriter, r *http.Request) {
		who, text, _ := strings.Cut(r.URL.Path[1:], "=")
		amount, _ := strconv.Atoi(text)
		spent, _ := k.redis.Get(r.Context(), "spent").Int()
		if spent+amount > 100 {
			w.WriteHeader(http.StatusConflict)
			return
		}
		k.redis.Set(r.Context(), "spent", spent+amount, 0)
		k.redis.Set(r.Context(), "paid:"+who, amount, 0)
	})
	s := scenario(pay)
	s.Name = "fund"
	s.Faults.Kinds = []string{cloud.RunOther}
	s.Generate = func(in *sim.Inputs, s *sim.Scenario) {
		in.List("customers", 1, 5, func(k int, in *sim.Inputs) {
			s.Clients = append(s.Clients, calls(fmt.Sprint("customer-", k+1), fmt.Sprintf("pay/%d=%d", k+1, in.Int("amount", 1, 100))))
		})
	}
	s.Properties = []*props.Property{props.AtQuiescence("no more is paid than there is", func(state props.State) error {
		paid := 0
		for _, key := range state.Keys("redis") {
			if strings.HasPrefix(key, "paid:") {
				text, _ := state.Get("redis", key)
				n, _ := strconv.Atoi(text)
				paid += n
			}
		}
		if paid > 100 {
			return fmt.Errorf("%d are paid from 100", paid)
		}
		return nil
	})}
	return s
}

// inputs are what a simulation has drawn, as JSON.
func inputs(t *testing.T, s *sim.Simulation) string {
	t.Helper()
	raw, err := json.Marshal(s.Scenario().Inputs)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Five customers or fewer with any amounts, and any schedule, become the
// textbook example: two customers, one over what there is, one deviation.
func TestInputsShrink(t *testing.T) {
	s := compile(t, fund())
	for _, first := range []uint64{1, 100, 1000} {
		found, err := subject(s).Search(context.Background(), search.Options{FirstSeed: first, Schedules: 500})
		if err != nil || found.Result == nil {
			t.Fatalf("found nothing in %d schedules: %v", found.Ran, err)
		}
		shrunk, left := found.Subject.Shrink(found.Result, nil)
		var got struct{ Customers []struct{ Amount int } }
		if err := json.Unmarshal([]byte(inputs(t, left.Simulation)), &got); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, c := range got.Customers {
			sum += c.Amount
		}
		t.Logf("schedule %d: from %s and %d deviations to %s and %v in %d runs", found.Number, inputs(t, found.Subject.Simulation), len(found.Result.Record.Plan), inputs(t, left.Simulation), shrunk.Plan, shrunk.Runs)
		if len(got.Customers) != 2 || sum != 101 || len(shrunk.Plan) != 1 || !shrunk.Minimal {
			t.Errorf("shrunk to %s and %v, minimal %t", inputs(t, left.Simulation), shrunk.Plan, shrunk.Minimal)
		}
		c := search.NewCounterexample(left.Simulation, found.Schedule.Seed, shrunk.Result)
		again, err := s.With(c.Inputs)
		if err != nil {
			t.Fatal(err)
		}
		if r := again.Run(scheduler.NewReplay(c.Deviations)); !c.Same(r) {
			t.Errorf("the counterexample replays to %s %v", r.Verdict, r.Violation)
		}
	}
}

// Schedule i has the inputs of seed i, in any process and with any number of
// workers; those of a bounded search are the first seed's.
func TestInputsOfSeeds(t *testing.T) {
	s := compile(t, fund())
	var drawn []string
	for n := range 20 {
		of, err := subject(s).Of(search.Options{FirstSeed: 5}, n+1)
		if err != nil {
			t.Fatal(err)
		}
		seed, err := s.Drawn(uint64(5 + n))
		if err != nil || inputs(t, of.Simulation) != inputs(t, seed) {
			t.Fatalf("schedule %d: %s, seed %d: %s, %v", n+1, inputs(t, of.Simulation), 5+n, inputs(t, seed), err)
		}
		drawn = append(drawn, inputs(t, of.Simulation))
	}
	slices.Sort(drawn)
	if n := len(slices.Compact(drawn)); n < 12 {
		t.Errorf("20 seeds have %d different inputs", n)
	}
	one, two := compile(t, fund()), compile(t, fund())
	a, _ := one.Drawn(7)
	b, _ := two.Drawn(7)
	if inputs(t, a) != inputs(t, b) {
		t.Errorf("seed 7 draws %s, then %s", inputs(t, a), inputs(t, b))
	}
	bounded, err := subject(s).Of(search.Options{FirstSeed: 5, Strategy: "bounded"}, 9)
	first, _ := s.Drawn(5)
	if err != nil || inputs(t, bounded.Simulation) != inputs(t, first) {
		t.Errorf("bounded: %s, wanted %s", inputs(t, bounded.Simulation), inputs(t, first))
	}
	first1 := ""
	for workers := 1; workers <= 3; workers++ {
		best := search.Found{Number: 1 << 30}
		for w := range workers {
			found, err := subject(s).Search(context.Background(), search.Options{Schedules: 500, Worker: w, Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			if found.Result != nil && found.Number < best.Number {
				best = found
			}
		}
		got := fmt.Sprint(best.Number, inputs(t, best.Subject.Simulation), best.Result.Hash)
		if first1 == "" {
			first1 = got
		}
		if got != first1 {
			t.Errorf("%d workers find %s, one %s", workers, got, first1)
		}
	}
}

// Inputs from a file are taken as they are, what is left out is the simplest,
// and what was not wanted is told.
func TestInputsGiven(t *testing.T) {
	g := scenario(serves("f", func(*kit, http.ResponseWriter, *http.Request) {}))
	g.Generate = func(in *sim.Inputs, s *sim.Scenario) {
		s.Clients = append(s.Clients, calls(in.Pick("name", "alice", "bob"), "f"))
		if in.Bool("two") {
			s.Clients = append(s.Clients, calls("carol", "f"))
		}
		in.List("more", 0, 2, func(_ int, in *sim.Inputs) { in.Int("n", 3, 5) })
	}
	s := compile(t, g)
	for _, c := range []struct{ given, want, wrong string }{
		{`{}`, `{"more":[],"name":"alice","two":false}`, ""},
		{``, `{"more":[],"name":"alice","two":false}`, ""},
		{`{"name":"bob","two":true,"more":[{},{"n":5}]}`, `{"more":[{"n":3},{"n":5}],"name":"bob","two":true}`, ""},
		{`{"name":"eve"}`, "", `inputs: name is "eve", wanted one of ["alice" "bob"]`},
		{`{"two":1}`, "", `inputs: two is 1, wanted true or false`},
		{`{"more":[{},{"n":7}]}`, "", `inputs: more/1/n is 7, wanted a number from 3 to 5`},
		{`{"more":[{"n":3.5}]}`, "", `inputs: more/0/n is 3.5, wanted a number from 3 to 5`},
		{`{"more":[{},{},{}]}`, "", `inputs: more is [{},{},{}], wanted a list of 0 to 2`},
		{`{"more":[4]}`, "", `inputs: more/0 is 4, wanted an object`},
		{`{"nam":"bob"}`, "", `inputs: the scenario does not draw "nam", wanted what it draws`},
		{`{"more":[{"m":1}]}`, "", `inputs: the scenario does not draw "more/0/m", wanted what it draws`},
		{`[]`, "", `inputs: json: cannot unmarshal array into Go value of type map[string]interface {}, wanted an object`},
	} {
		got, err := s.With(json.RawMessage(c.given))
		switch {
		case c.wrong == "" && err != nil:
			t.Errorf("%s: %v", c.given, err)
		case c.wrong == "":
			if text := inputs(t, got); text != c.want {
				t.Errorf("%s: drawn %s, wanted %s", c.given, text, c.want)
			}
		case err == nil || !strings.HasSuffix(err.Error(), c.wrong):
			t.Errorf("%s: error %v, wanted %s", c.given, err, c.wrong)
		}
	}
}

func BenchmarkInputsDrawn(b *testing.B) {
	s := compile(b, fund())
	for i := range b.N {
		if _, err := s.Drawn(uint64(i)); err != nil {
			b.Fatal(err)
		}
	}
}
