package scenarios

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	gfirestore "cloud.google.com/go/firestore"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/fakes/firestore"
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// tenOperations are ten calls of Firestore's client: writes, reads, a query, a
// count, and a transaction of three.
func tenOperations(ctx context.Context, c *gfirestore.Client) error {
	a := c.Collection("a")
	_, err1 := a.Doc("1").Set(ctx, map[string]any{"n": 1})
	_, err2 := a.Doc("2").Set(ctx, map[string]any{"n": 2})
	_, err3 := a.Doc("1").Get(ctx)
	_, err4 := a.Doc("1").Update(ctx, []gfirestore.Update{{Path: "n", Value: gfirestore.Increment(1)}})
	_, err5 := a.Where("n", ">", 0).Documents(ctx).GetAll()
	_, err6 := a.NewAggregationQuery().WithCount("n").Get(ctx)
	err7 := c.RunTransaction(ctx, func(_ context.Context, tx *gfirestore.Transaction) error {
		if _, err := tx.Get(a.Doc("2")); err != nil {
			return err
		}
		return tx.Set(a.Doc("2"), map[string]any{"n": 3})
	})
	_, err8 := a.Doc("1").Delete(ctx)
	return errors.Join(err1, err2, err3, err4, err5, err6, err7, err8)
}

func tenScenario() sim.Scenario {
	return sim.Scenario{
		Name: "ten", Platform: gcp.CloudRun().Within(time.Minute), Services: []cloud.Service{firestore.New("firestore")},
		Functions: []sim.Function{{Name: "f", New: func(env cloud.Env) (cloud.Handler, error) {
			c := firestore.Client(env, "firestore")
			return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
				if tenOperations(r.Context(), c) != nil {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			}), nil
		}}},
		Clients:    []sim.Client{{Name: "alice", Requests: []sim.Request{{Function: "f"}}}},
		Properties: []*props.Property{props.AtQuiescence("nothing", func(props.State) error { return nil })},
	}
}

// BenchmarkFirestoreTen runs a scenario of ten operations, on random schedules.
func BenchmarkFirestoreTen(b *testing.B) {
	s, err := sim.Compile(tenScenario())
	if err != nil {
		b.Fatal(err)
	}
	defer search.Steady()()
	for seed := uint64(1); b.Loop(); seed++ {
		s.Run(scheduler.NewRandom(seed))
	}
}

// BenchmarkFirestoreTenBenign is the same without deviations.
func BenchmarkFirestoreTenBenign(b *testing.B) {
	s, err := sim.Compile(tenScenario())
	if err != nil {
		b.Fatal(err)
	}
	defer search.Steady()()
	for b.Loop() {
		s.Run(scheduler.Benign{})
	}
}

// BenchmarkFirestorePlain makes the same calls in a plain loop, of a client and
// a Firestore that are made anew each time, as a run has them.
func BenchmarkFirestorePlain(b *testing.B) {
	defer search.Steady()()
	for b.Loop() {
		err := bubble.Run(bubble.Options{}, func(*bubble.Beat) {
			e, err := fakestest.Open(context.Background(), firestore.New("firestore"))
			if err == nil {
				defer e.Close()
				err = tenOperations(e.Context(), firestore.Client(e, "firestore"))
			}
			if err != nil {
				panic(err)
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFirestoreKept makes them of a client and a Firestore that are kept.
func BenchmarkFirestoreKept(b *testing.B) {
	defer search.Steady()()
	e, err := fakestest.Open(context.Background(), firestore.New("firestore"))
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	c := firestore.Client(e, "firestore")
	for b.Loop() {
		if err := tenOperations(e.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}
