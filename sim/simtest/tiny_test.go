package simtest

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

// tiny is a scenario without services, whose runs take microseconds: each
// client makes one request, and repeats it once if it gets no answer. The
// function counts its invocations; more than allowed violate a property.
func tiny(clients, allowed int) sim.Scenario {
	s := sim.Scenario{
		Name:       "tiny",
		Platform:   gcp.CloudRun().Within(time.Minute),
		Functions:  []sim.Function{hit(nil)},
		Properties: []*props.Property{fewHits(allowed)},
		Inputs:     map[string]any{"clients": clients},
	}
	for i := range clients {
		s.Clients = append(s.Clients, sim.Client{
			Name: fmt.Sprintf("client-%d", i+1), Retries: 1, Requests: []sim.Request{{Function: "hit"}}})
	}
	return s
}

// hit is a function whose events have what params returns; it may be nil.
func hit(params func() map[string]any) sim.Function {
	return sim.Function{Name: "hit", New: func(cloud.Env) (cloud.Handler, error) {
		return cloud.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var p map[string]any
			if params != nil {
				p = params()
			}
			probe.Emit(r.Context(), "HIT", p)
		})), nil
	}}
}

// fewHits allows so many events HIT.
func fewHits(allowed int) *props.Property {
	var rules []props.Rule
	for n := range allowed {
		rules = append(rules, props.From(strconv.Itoa(n)).On(props.On("HIT")).To(strconv.Itoa(n+1)))
	}
	rules = append(rules, props.From(strconv.Itoa(allowed)).On(props.On("HIT")).To(props.Violated))
	return props.ForAll().Machine("few hits", rules...)
}

// unsteady is a scenario that violates its property and whose runs differ: a
// counter of the process shows in an event.
func unsteady() sim.Scenario {
	s := tiny(1, 0)
	n := 0
	s.Functions = []sim.Function{hit(func() map[string]any { n++; return map[string]any{"n": n} })}
	return s
}

// endless is a scenario that cannot be judged.
func endless() sim.Scenario {
	s := tiny(1, 10)
	s.MaxSteps = 1
	return s
}
