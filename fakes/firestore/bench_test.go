package firestore_test

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"cloud.google.com/go/firestore"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/fakestest"
	fake "github.com/wtsim/wtsim/fakes/firestore"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

var service = fake.New("firestore").With("counters/orders", map[string]any{"n": 0})

// operations are ten of the protocol's: two creations, two updates and two reads, a
// query, and a transaction (begin, read, commit).
func operations(ctx context.Context, c *firestore.Client) error {
	orders := c.Collection("orders")
	for n := range 2 {
		order := orders.Doc(fmt.Sprint(n))
		if _, err := order.Create(ctx, map[string]any{"user": "alice", "cents": 10}); err != nil {
			return err
		}
		if _, err := order.Get(ctx); err != nil {
			return err
		}
		if _, err := order.Update(ctx, []firestore.Update{{Path: "cents", Value: 20}}); err != nil {
			return err
		}
	}
	if _, err := orders.Where("user", "==", "alice").Documents(ctx).GetAll(); err != nil {
		return err
	}
	counter := c.Doc("counters/orders")
	return c.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		doc, err := tx.Get(counter)
		if err != nil {
			return err
		}
		n, err := doc.DataAt("n")
		if err != nil {
			return err
		}
		return tx.Set(counter, map[string]any{"n": n.(int64) + 2})
	})
}

// BenchmarkTen is, by turns, ten operations of the client with nothing between that
// decides, a run of them in the benign order, and one on a random schedule: how many
// a second of processor time, and what each takes of it as a multiple of the first.
// Service and client are made anew for each ten.
func BenchmarkTen(b *testing.B) {
	run := compiled(b)
	defer search.Steady()()
	turns := []struct {
		name string
		turn func(n uint64)
	}{
		{"plain", func(uint64) { plain(b) }},
		{"benign", func(uint64) { run(scheduler.Benign{}) }},
		{"random", func(n uint64) { run(scheduler.NewRandom(n)) }},
	}
	spent := make([]float64, len(turns))
	n := uint64(0)
	for ; b.Loop(); n++ {
		for i, t := range turns {
			began := cpu()
			t.turn(n)
			spent[i] += cpu() - began
		}
	}
	for i, t := range turns {
		b.ReportMetric(float64(n)/spent[i], t.name+"/s")
		b.ReportMetric(spent[i]/spent[0], t.name+"/plain")
	}
}

// cpu is for how many seconds this process had a core: what counts on a machine that
// is shared.
func cpu() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func plain(b *testing.B) {
	b.Helper()
	e, err := fakestest.Open(b.Context(), service)
	if err != nil {
		b.Fatal(err)
	}
	c := fake.Client(e, "firestore")
	if err := operations(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
	e.Close()
}

// compiled returns what runs the operations as a scenario.
func compiled(b *testing.B) func(scheduler.Source) {
	b.Helper()
	benign := false
	s, err := sim.Compile(sim.Scenario{
		Name: "ten", Platform: gcp.CloudRun(), Services: []cloud.Service{service}, Meant: []string{"no events"},
		Functions: []sim.Function{{Name: "f", New: func(env cloud.Env) (cloud.Handler, error) {
			c := fake.Client(env, "firestore")
			return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
				if err := operations(r.Context(), c); err != nil && benign {
					panic(err)
				}
			}), nil
		}}},
		Clients: []sim.Client{{Name: "alice", Requests: []sim.Request{{Function: "f"}}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	return func(source scheduler.Source) {
		_, benign = source.(scheduler.Benign)
		if r := s.Run(source); r.Verdict != sim.Held {
			b.Fatal(r.Verdict, r.Why)
		}
	}
}
