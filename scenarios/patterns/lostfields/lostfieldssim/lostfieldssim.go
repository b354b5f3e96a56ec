// Package lostfieldssim puts package lostfields under test: one user changes
// her e-mail address and her biography at the same time, another his
// biography, and a third looks.
package lostfieldssim

import (
	_ "embed"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/lostfields"
	"github.com/wtsim/wtsim/sim"
)

//go:embed properties.yaml
var properties []byte

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/lostfields/bug", "a profile is written back whole: another field's change is lost"
	bug.Expect = sim.Expect{Violation: true, Deviations: 1}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/lostfields", "a profile is written over the version that was read"
	repaired.Relies = []string{"gcs/preconditions"}
	return []sim.Scenario{bug, repaired}
}

func scenario(repaired bool) sim.Scenario {
	must, err := props.Parse("properties.yaml", properties)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{gcs.New("gcs", "profiles").
			With("profiles", "alice.json", `{"email":"","bio":""}`).With("profiles", "bob.json", `{"email":"","bio":""}`)},
		Functions: []sim.Function{
			{Name: "update", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&lostfields.Update{Profiles: gcs.Client(env, "gcs").Bucket("profiles"), Repaired: repaired}), nil
			}},
			{Name: "show", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&lostfields.Show{Profiles: gcs.Client(env, "gcs").Bucket("profiles")}), nil
			}},
		},
		Clients: []sim.Client{
			updates("alice-phone", "/alice", `{"email":"alice@example.com"}`),
			updates("alice-laptop", "/alice", `{"bio":"Reads a lot."}`),
			updates("bob", "/bob", `{"bio":"Writes."}`),
			{Name: "carol", Requests: []sim.Request{{Function: "show", Method: http.MethodGet, Path: "/alice"}}},
		},
		Rules:      []probe.Rule{stored("email"), stored("bio")},
		Properties: must,
	}
}

func updates(name, path, body string) sim.Client {
	return sim.Client{Name: name, Retries: 3, Requests: []sim.Request{{
		Function: "update", Method: http.MethodPatch, Path: path, Body: body}}}
}

func stored(field string) probe.Rule {
	return probe.Rule{Service: "gcs", Method: "objects.insert", Resource: "profiles/{user}.json", Emit: "FIELD_STORED",
		With: map[string]string{"user": "{user}", "field": "=" + field, "value": "request." + field}}
}
