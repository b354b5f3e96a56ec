package scenarios

import (
	"testing"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// No registered scenario proves nothing.
func TestNoneIsVacuous(t *testing.T) {
	for _, s := range here() {
		compiled, err := sim.Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		if v := (search.Subject{Simulation: compiled}).Empty(); v != nil {
			t.Errorf("%s: %s", s.Name, v)
		}
	}
}
