// Package checkthenputsim puts package checkthenput under test: two people
// register with one address at the same time, a third has one of his own and
// looks at his profile.
package checkthenputsim

import (
	"fmt"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/checkthenput"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/checkthenput/bug", "whether an address is taken is read before it is taken: it gets two users"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/checkthenput", "an address is taken if it is free, in one command"
	repaired.Relies = []string{"redis/set-if-absent"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis")},
		Functions: []sim.Function{
			{Name: "register", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&checkthenput.Register{Redis: redis.Client(env, "redis", nil), Repaired: repaired}), nil
			}},
			{Name: "profile", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&checkthenput.Profile{Redis: redis.Client(env, "redis", nil)}), nil
			}},
		},
		Clients: []sim.Client{
			{Name: "ann", Retries: 3, Requests: []sim.Request{register("ann", "smith@example.com")}},
			{Name: "al", Retries: 3, Requests: []sim.Request{register("al", "smith@example.com")}},
			{Name: "bob", Retries: 3, Requests: []sim.Request{register("bob", "bob@example.com"),
				{Function: "profile", Method: "GET", Path: "/users/bob"}}},
		},
		Rules: []probe.Rule{{Service: "redis", Method: "HSET", Resource: "user:{user}",
			Emit: "USER_CREATED", With: map[string]string{"user": "{user}", "email": "arg.3"}}},
		Properties: []*props.Property{onePerAddress()},
	}
}

// onePerAddress allows a user to be stored again, as a retry does.
func onePerAddress() *props.Property {
	users := props.Set("users")
	created := props.On("USER_CREATED", "email")
	return props.ForAll("email").With(users).Machine("one user per address",
		props.From("free").On(created).Do(users.Add("user")).To("taken"),
		props.From("taken").On(created.GivenNotIn(users, "user")).To(props.Violated))
}

func register(name, email string) sim.Request {
	return sim.Request{Function: "register", Path: "/users", Body: fmt.Sprintf(`{"name":%q,"email":%q}`, name, email)}
}
