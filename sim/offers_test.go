package sim_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// offer is where a deviation kind may be offered, by the first word of the
// decision's identity and the kind's documentation.
func allowed(o scheduler.Option, at string, op *event.Operation, limits sim.Faults) bool {
	delivery := strings.Contains(at, "(order(") // of a message; else a client's request
	writes := op != nil && op.Access&event.Writes != 0
	switch {
	case o.Fault == cloud.Reorders(o.Do):
		return false
	case limits.Kinds != nil && !slices.Contains(limits.Kinds, o.Do):
		return false
	case op != nil && limits.Services != nil && !slices.Contains(limits.Services, op.Service):
		return false
	}
	where, _, _ := strings.Cut(at, " ")
	switch where {
	case "after":
		return o.Do == cloud.RunOther || o.Do == cloud.Reorder && strings.Contains(o.With, "(order(")
	case "beside":
		return o.Do == cloud.Overlap
	case "goroutine":
		return o.Do == cloud.SelectCase == strings.HasSuffix(at, " select") && (o.Do == cloud.SelectCase || o.Do == cloud.RunGoroutine)
	case "start":
		return o.Do == cloud.ColdStart || o.Do == cloud.Duplicate && delivery || o.String() == "crash at-start"
	case "end": // redeliver only after a success: without one it comes again anyway
		return o.Do == cloud.Redeliver && delivery || o.Do == cloud.LoseResponse && !delivery || o.String() == "crash before-ack" ||
			o.Do == cloud.Timeout || o.Do == cloud.Reap
	}
	switch o.String() {
	case "crash before":
		return true
	case "crash after", "lose-response reset", "lose-response timeout":
		return writes
	}
	return o.Do == cloud.Fail && slices.Contains(op.Fails, o.With) || o.Do == cloud.Stall || o.Do == cloud.LateEffect && writes
}

// Every kind is offered only where its documentation says, and only within
// the scenario's budget.
func TestOffers(t *testing.T) {
	for name, limits := range map[string]sim.Faults{
		"all":         {},
		"none":        {Most: -1},
		"one":         {Most: 1},
		"kinds":       {Kinds: []string{cloud.Crash, cloud.RunOther}, Most: 5},
		"no order":    {Kinds: []string{cloud.Fail}},
		"services":    {Services: []string{"api.example"}, Most: 5},
		"functions":   {Functions: []string{"charge"}, Most: 5},
		"no function": {Functions: []string{}, Most: 5},
	} {
		t.Run(name, func(t *testing.T) { checkOffers(t, limits) })
	}
}

func checkOffers(t *testing.T, limits sim.Faults) {
	config := example(t, "orders")
	config.Faults = limits
	s := compile(t, config)
	most := s.Scenario().Faults.Most
	offered := map[string]bool{}
	for seed := range uint64(many(200)) {
		r := s.Run(scheduler.NewRandom(seed))
		operations := map[string]*event.Operation{}
		for i := range r.Steps {
			operations[r.Steps[i].Identity] = r.Steps[i].Operation
		}
		for _, d := range r.Record.Decisions {
			for _, o := range d.Options[1:] {
				offered[o.Do] = true
				if !allowed(o, d.At, operations[d.At], limits) {
					t.Fatalf("seed %d: %q is offered at %q", seed, o, d.At)
				}
				if o.Fault && limits.Functions != nil && !(len(limits.Functions) > 0 && strings.Contains(d.At, "charge(")) {
					t.Fatalf("seed %d: %q is offered at %q, which is not among the functions", seed, o, d.At)
				}
			}
		}
		if n := countFaults(r); n > max(most, 0) {
			t.Fatalf("seed %d: %d faults, wanted at most %d", seed, n, most)
		}
	}
	if limits.Most == 0 && limits.Kinds == nil {
		for _, k := range cloud.Kinds() {
			if _, apart := elsewhere[k.Kind]; !offered[k.Kind] && !apart && !slices.Contains(untried, k.Kind) && !strings.HasPrefix(k.Offered, "on the patched runtime") {
				t.Errorf("%s was not offered, only %v", k.Kind, offered)
			}
		}
	}
}

// elsewhere are the kinds that want something special, and a scenario that has
// it.
var elsewhere = map[string]string{
	cloud.StaleRead: "replica", cloud.LoseWrites: "failover", cloud.Skew: "skewed", cloud.OldRevision: "rollout", cloud.Drop: "once", cloud.Coalesce: "burst",
}

// untried are kinds that no scenario here has: of an outage there is a test of its
// own, and of batches and transactions in the services that have them.
var untried = []string{cloud.Outage, cloud.Partial, cloud.Conflict, cloud.Disconnect}

// They are offered there, and not where the orders of the other tests go.
func TestOffersElsewhere(t *testing.T) {
	offers := func(scenario string) map[string]bool {
		offered := map[string]bool{}
		s := compile(t, example(t, scenario))
		for seed := range uint64(20) {
			for _, d := range s.Run(scheduler.NewRandom(seed)).Record.Decisions {
				for _, o := range d.Options[1:] {
					offered[o.Do] = true
				}
			}
		}
		return offered
	}
	orders := offers("orders")
	for kind, scenario := range elsewhere {
		if !offers(scenario)[kind] || orders[kind] {
			t.Errorf("%s: offered %v, and to orders %v", kind, offers(scenario), orders)
		}
	}
}

func countFaults(r *sim.Result) (n int) {
	for _, d := range r.Record.Plan {
		if !cloud.Reorders(d.Do) {
			n++
		}
	}
	return n
}

// A plan with more faults than the budget allows is followed until it is
// spent; the others are named.
func TestBudgetUnderReplay(t *testing.T) {
	config := example(t, "order")
	config.Faults.Most = 1
	r := compile(t, config).Run(scheduler.NewReplay(scheduler.Plan{
		{At: "order(alice/1):pubsub.publish orders/1", Do: cloud.Crash, With: "after"},
		{At: "start charge(order(alice/1).orders/1)", Do: cloud.Duplicate},
	}))
	if countFaults(r) != 1 || len(r.Unmatched) != 1 || r.Unmatched[0].Do != cloud.Duplicate {
		t.Errorf("unmatched: %v\n%s", r.Unmatched, trace(r))
	}
}

// What befalls one client's requests renames nothing of another's.
func TestDeviationsAreIndependent(t *testing.T) {
	s := compile(t, example(t, "orders"))
	var alice, bob scheduler.Plan
	for _, d := range s.Run(scheduler.Benign{}).Record.Decisions {
		for _, o := range d.Options[1:] {
			switch deviation := (scheduler.Deviation{At: d.At, Do: o.Do, With: o.With}); {
			case !o.Fault:
			case strings.Contains(d.At, "alice"):
				alice = append(alice, deviation)
			case strings.Contains(d.At, "bob") && o.Do != cloud.ColdStart && o.Do != cloud.Reap: // they want a warm, or an idle, instance
				bob = append(bob, deviation)
			}
		}
	}
	if len(alice) < 10 || len(bob) < 10 {
		t.Fatalf("only %d and %d deviations", len(alice), len(bob))
	}
	for _, a := range alice {
		for i, b := range bob {
			if testing.Short() && i%5 != 0 {
				continue
			}
			if r := s.Run(scheduler.NewReplay(scheduler.Plan{a, b})); len(r.Unmatched) > 0 {
				t.Errorf("%v does not occur after %v:\n%s", r.Unmatched, a, trace(r))
			}
		}
	}
}
