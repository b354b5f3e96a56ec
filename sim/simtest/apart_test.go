package simtest

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// What a handler keeps in package-level variables, as public samples do.
var (
	hits    = 0
	api     = http.DefaultClient
	started = os.Getenv("API_HOST")
)

// isolated counts its invocations in a variable of the package, which a new
// process begins at zero.
func isolated(name string, most int) sim.Scenario {
	return sim.Scenario{
		Name: name, Platform: gcp.CloudRun().Within(time.Minute), Isolated: true, Environ: []string{"API_HOST=${api.example.host}"},
		Services: []cloud.Service{web.New("api.example", func() http.Handler { return http.NotFoundHandler() })},
		Functions: []sim.Function{{Name: "hit", Handler: cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
			hits++
			probe.Emit(r.Context(), "HIT", map[string]any{"n": hits, "host": started})
			resp, err := api.Get("https://api.example/")
			if err != nil {
				http.Error(w, err.Error(), 500)
				return
			}
			if hits > most {
				go panic("too many") //nolint:all // the end of the process
				select {}
			}
			w.WriteHeader(map[bool]int{true: 200, false: 500}[resp.StatusCode == 404])
		})}},
		Clients:    []sim.Client{{Name: "alice", Retries: 1, Requests: []sim.Request{{Function: "hit"}}}},
		Properties: []*props.Property{props.AtMostOnce("one hit", props.On("HIT", "host"))},
	}
}

// Every run of an isolated scenario is a process: variables of the package are
// as they were at its start, and its environment is the scenario's.
func TestIsolated(t *testing.T) {
	s := isolated("isolated", 9)
	s.Faults.Kinds = []string{cloud.ColdStart}
	setFlag(t, "wtsim.schedules", "5")
	Check(t, s)
	if hits != 0 {
		t.Errorf("%d hits in this process", hits)
	}
}

// What violates is found, reduced, saved and repeats, as in one process.
func TestIsolatedFails(t *testing.T) {
	s := isolated("isolated-fails", 9)
	s.Faults.Kinds = []string{cloud.Fail, cloud.LoseResponse}
	if os.Getenv(search.ApartVariable) != "" {
		Check(t, s)
	}
	fresh(t)
	r := recordCheck(t, t.Name(), s)
	r.wantFailure(t, `property "one hit" violated`, `for host="192.0.2.10"`, "with 1 deviation:", "refused with 503", "replay:")
	r = recordCheck(t, t.Name(), s)
	r.wantFailure(t, `property "one hit" violated`, "to the same trace:")
}

// A handler that ends its process is a finding, with a plan that shrinks.
func TestIsolatedFatal(t *testing.T) {
	s := isolated("isolated-fatal", 1)
	s.Properties = nil
	if os.Getenv(search.ApartVariable) != "" {
		Check(t, s)
	}
	fresh(t)
	recordCheck(t, t.Name(), s).wantFailure(t, `property "handlers do not end their process" violated`, `for function="hit"`, "with 1 deviation:", "  1. hit POST / (from alice/1), attempt 1: ", "panic: too many")
}

// How a process ends when its run is over is none.
func TestIsolatedTeardown(t *testing.T) {
	s := isolated("isolated-teardown", 9)
	s.Faults.Kinds = []string{cloud.ColdStart}
	s.Functions[0].New, s.Functions[0].Handler = func(env cloud.Env) (cloud.Handler, error) {
		go func() {
			<-env.Context().Done()
			os.Exit(1)
		}()
		return cloud.HTTPFunc(func(http.ResponseWriter, *http.Request) {}), nil
	}, cloud.Handler{}
	s.Properties, s.Meant = nil, []string{sim.MeantNoProperties}
	setFlag(t, "wtsim.schedules", "5")
	Check(t, s)
}

// The processes are told the inputs that were drawn, which shrink too.
func TestIsolatedInputs(t *testing.T) {
	s := isolated("isolated-inputs", 2)
	s.Properties, s.Clients, s.Faults.Kinds = nil, nil, []string{cloud.RunOther}
	s.Functions[0].MaxInstances = 1
	s.Generate = func(in *sim.Inputs, s *sim.Scenario) {
		var requests []sim.Request
		in.List("requests", 1, 5, func(_ int, in *sim.Inputs) {
			requests = append(requests, sim.Request{Function: "hit", Path: fmt.Sprint("/", in.Int("n", 1, 9))})
		})
		s.Clients = []sim.Client{{Name: "alice", Requests: requests}}
	}
	if os.Getenv(search.ApartVariable) != "" {
		Check(t, s)
	}
	fresh(t)
	recordCheck(t, t.Name(), s).wantFailure(t, `property "handlers do not end their process" violated`, "without any deviation",
		`inputs: {"requests":[{"n":1},{"n":1},{"n":1}]}`)
}

// Under rapid a process could not draw the same inputs.
func TestIsolatedRapid(t *testing.T) {
	fresh(t)
	r := recordRapid(t, t.Name(), func(rt *rapid.T) { Run(rt, isolated("x", 1)) })
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], "wanted simtest.Check") {
		t.Error(r.errors)
	}
}
