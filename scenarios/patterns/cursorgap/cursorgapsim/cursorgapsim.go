// Package cursorgapsim puts package cursorgap under test: two people post, and what is
// new is copied.
package cursorgapsim

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/postgres"
	"github.com/wtsim/wtsim/fakes/postgres/pgxclient"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/cursorgap"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/cursorgap/bug", "rows behind the last number are copied: one that commits late is passed over"
	bug.Expect = sim.Expect{Violation: true, Deviations: 2}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/cursorgap", "numbers are drawn under a lock that is held until the commit"
	repaired.Relies = []string{"postgres/advisory-locks"}
	return []sim.Scenario{bug, repaired}
}

const schema = `
CREATE TABLE entries (id bigserial PRIMARY KEY, text text NOT NULL);
CREATE TABLE copies (id bigint PRIMARY KEY, text text NOT NULL);
CREATE TABLE reader (last bigint NOT NULL);
INSERT INTO reader VALUES (0);`

func scenario(repaired bool) sim.Scenario {
	function := func(name string, of func(*cursorgap.Journal) http.HandlerFunc) sim.Function {
		return sim.Function{Name: name, New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTPFunc(of(&cursorgap.Journal{DB: pgxclient.DB(env, "postgres"), Repaired: repaired})), nil
		}}
	}
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{postgres.New("postgres").With(schema)},
		Functions: []sim.Function{
			function("post", func(j *cursorgap.Journal) http.HandlerFunc { return j.Post }),
			function("copy", func(j *cursorgap.Journal) http.HandlerFunc { return j.Copy }),
		},
		Clients: []sim.Client{
			{Name: "ann", Requests: []sim.Request{{Function: "post", Path: "/ann"}}},
			{Name: "bob", Requests: []sim.Request{{Function: "post", Path: "/bob"}}},
			{Name: "reader", Requests: []sim.Request{{Function: "copy"}, {Function: "copy"}}},
		},
		Properties: []*props.Property{props.AtQuiescence("nothing is passed over", complete)},
	}
}

// complete wants a copy of every entry before the last that was copied.
func complete(s props.State) error {
	copied, last := map[string]bool{}, ""
	for _, key := range s.Keys("postgres") {
		if id, ok := strings.CutPrefix(key, "copies/"); ok {
			copied[id], last = true, max(last, id) // they have one digit
		}
	}
	for _, key := range s.Keys("postgres") {
		if id, ok := strings.CutPrefix(key, "entries/"); ok && id < last && !copied[id] {
			return fmt.Errorf("entry %s is not copied, and %s is", id, last)
		}
	}
	return nil
}
