// Package scenarios registers the example scenarios by name.
//
// Those of package samples are isolated and want the patched runtime; they are
// run as a user's own: wtsim run ./scenarios/samples/samplessim:Scenario.
package scenarios

import (
	"github.com/wtsim/wtsim/scenarios/checkout/checkoutsim"
	"github.com/wtsim/wtsim/sim"
)

// All returns the example scenarios, sorted by name within an application.
func All() []sim.Scenario {
	return checkoutsim.Scenarios()
}
