// Package scenarios registers the example scenarios by name.
package scenarios

import (
	"slices"

	"github.com/wtsim/wtsim/scenarios/boxoffice/boxofficesim"
	"github.com/wtsim/wtsim/scenarios/checkout/checkoutsim"
	"github.com/wtsim/wtsim/scenarios/function/functionsim"
	"github.com/wtsim/wtsim/scenarios/patterns"
	"github.com/wtsim/wtsim/scenarios/pipeline/pipelinesim"
	"github.com/wtsim/wtsim/sim"
)

// All returns the example scenarios: the shop, the catalogue of
// bugs, the monitor's own pipeline, it as a function, and the box office.
func All() []sim.Scenario {
	return slices.Concat(checkoutsim.Scenarios(), patterns.All(), pipelinesim.Scenarios(), functionsim.Scenarios(), boxofficesim.Scenarios())
}
