// Package decrementsim puts package decrement under test: two customers book a
// seat each, of three; a third looks how many are left.
package decrementsim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/decrement"
	"github.com/wtsim/wtsim/sim"
)

const capacity = 3

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/decrement/bug", "a seat is taken, then booked: a repeated decrement takes another"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/decrement", "seat and booking change together, once a booking"
	repaired.Relies = []string{"redis/watch", "redis/transactions"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis").With("seats:LX14", strconv.Itoa(capacity))},
		Functions: []sim.Function{
			{Name: "book", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&decrement.Book{Redis: redis.Client(env, "redis", nil), Repaired: repaired}), nil
			}},
			{Name: "flights", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&decrement.Flights{Redis: redis.Client(env, "redis", nil)}), nil
			}},
		},
		Clients: []sim.Client{
			customer("alice", "b-1"),
			customer("bob", "b-2"),
			{Name: "carol", Requests: []sim.Request{{Function: "flights", Method: "GET", Path: "/LX14"}}},
		},
		Properties: []*props.Property{props.AtQuiescence("free seats and bookings add up", addUp)},
	}
}

func customer(name, booking string) sim.Client {
	return sim.Client{Name: name, Retries: 5, Requests: []sim.Request{{
		Function: "book", Path: "/bookings",
		Body: fmt.Sprintf(`{"id":%q,"customer":%q,"flight":"LX14"}`, booking, name),
	}}}
}

func addUp(s props.State) error {
	seats, _ := s.Get("redis", "seats:LX14")
	left, err := strconv.Atoi(seats)
	if err != nil {
		return fmt.Errorf("seats:LX14 is %q", seats)
	}
	var booked map[string]string
	if hash, ok := s.Get("redis", "bookings:LX14"); ok {
		if err := json.Unmarshal([]byte(hash), &booked); err != nil {
			return fmt.Errorf("bookings:LX14 is %s: %w", hash, err)
		}
	}
	if left+len(booked) != capacity {
		return fmt.Errorf("%d of %d seats are booked, but %d are left", len(booked), capacity, left)
	}
	return nil
}
