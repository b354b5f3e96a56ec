package sim_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// seats is a scenario of two who book the last seat: what is stored, what they
// are told and what is left are one property's events.
func seats(checks bool) sim.Scenario {
	book := serves("book", func(k *kit, w http.ResponseWriter, r *http.Request) {
		who := r.URL.Path[1:]
		if checks {
			if ok, err := k.redis.SetNX(r.Context(), "seat", who, 0).Result(); err != nil || !ok {
				w.WriteHeader(http.StatusConflict)
			}
			return
		}
		if k.redis.Get(r.Context(), "seat").Err() == nil {
			w.WriteHeader(http.StatusConflict)
			return
		}
		if err := k.redis.Set(r.Context(), "seat", who, 0).Err(); err != nil {
			w.WriteHeader(http.StatusConflict)
		}
	})
	s := scenario(book)
	for _, who := range []string{"alice", "bob"} {
		c := calls(who, "book/"+who)
		c.Requests[0].Told = func(r cloud.Response) (string, map[string]any) {
			if r.Status != http.StatusOK {
				return "", nil
			}
			return "CONFIRMED", map[string]any{"who": who}
		}
		s.Clients = append(s.Clients, c)
	}
	s.Name = "seats"
	s.Faults.Kinds = []string{cloud.RunOther}
	s.Rules = []probe.Rule{
		{Service: "redis", Method: "SET|SETNX", Resource: "seat", Emit: "SEAT_WRITTEN", With: map[string]string{"who": "arg.2"}},
		{Service: sim.AtRest("redis"), Resource: "seat", Emit: "SEAT_HELD", With: map[string]string{"who": "body"}},
	}
	written, confirmed, held := props.On("SEAT_WRITTEN", "who"), props.On("CONFIRMED", "who"), props.On("SEAT_HELD", "who")
	s.Properties = []*props.Property{props.ForAll("who").Machine("who is told so has the seat, and nobody else",
		props.From("nothing").On(written).To("written").On(confirmed).To(props.Violated).On(held).To(props.Violated),
		props.From("written").On(confirmed).To("confirmed"),
		props.From("confirmed").On(held).To(props.Satisfied).ViolatedAtEnd(),
	)}
	return s
}

// One property speaks of operations, of what clients are told and of what the
// stores hold in the end. It holds where the seat is taken at once; where two can
// take it, the end violates it, and the story says what is left.
func TestRest(t *testing.T) {
	if r := benign(t, seats(true)); r.Verdict != sim.Held {
		t.Fatalf("benign: %s %v", r.Verdict, r.Violation)
	}
	s := compile(t, seats(false))
	usual := benign(t, seats(false))
	last := usual.Steps[len(usual.Steps)-1]
	if got := fmt.Sprint(last.Identity, last.Events); got != "at rest[SEAT_HELD(alice)]" {
		t.Errorf("the last step of the benign run is %s", got)
	}
	if names := search.NewReached(s).Add(usual); !slices.Contains(names, "rule SEAT_HELD") {
		t.Errorf("reached are %q", names)
	}
	found, err := subject(s).Search(context.Background(), search.Options{Schedules: 500})
	if err != nil || found.Result == nil {
		t.Fatalf("found nothing in %d schedules: %v", found.Ran, err)
	}
	r := found.Result
	if r.Violation == nil || !strings.Contains(r.Violation.Property, "nobody else") || !r.Violation.AtQuiescence() {
		t.Errorf("got %v", r.Violation)
	}
	if shrunk, _ := found.Subject.Shrink(r, nil); len(shrunk.Plan) != 1 || !strings.Contains(trace(shrunk.Result), "SEAT_HELD") {
		t.Errorf("shrunk to %v:\n%s", shrunk.Plan, trace(shrunk.Result))
	}
}

// A rule for what a store holds names a store that there is.
func TestRestOfNothing(t *testing.T) {
	s := seats(true)
	s.Rules[1].Service = sim.AtRest("postgres")
	if _, err := sim.Compile(s); err == nil || !strings.Contains(err.Error(), `rule for "SEAT_HELD": there is no service "postgres at rest"`) {
		t.Errorf("got %v", err)
	}
}
