package simtest

import (
	"net/http"
	"os"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// How the process of a run ends when the run is over is no finding.
func TestApartTeardown(t *testing.T) {
	s := exits("never")
	s.Functions[0].New = func(env cloud.Env) (cloud.Handler, error) {
		go func() {
			<-env.Context().Done()
			os.Exit(1)
		}()
		return cloud.HTTPFunc(func(http.ResponseWriter, *http.Request) {}), nil
	}
	compiled, err := sim.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	subject := apart(t, search.Subject{Simulation: compiled}).Outside()
	for range 3 {
		if r := subject.Run(scheduler.Benign{}); r.Verdict != sim.Held {
			t.Errorf("%s (%s)\n%s", r.Verdict, r.Why, r.Stack)
		}
	}
}
