// Package patterns is the catalogue of documented bugs of serverless
// applications: each a small application with the bug and with its repair.
// The application's package tells the bug, who reported it, what provokes it
// and what the remedy is.
package patterns

import (
	"slices"

	"github.com/wtsim/wtsim/scenarios/patterns/decrement/decrementsim"
	"github.com/wtsim/wtsim/scenarios/patterns/freshid/freshidsim"
	"github.com/wtsim/wtsim/scenarios/patterns/streamcounter/streamcountersim"
	"github.com/wtsim/wtsim/sim"
)

// All returns every bug, patterns/<name>/bug, followed by its repair,
// patterns/<name>, in the catalogue's order.
func All() []sim.Scenario {
	return slices.Concat(
		freshidsim.Scenarios(),
		streamcountersim.Scenarios(),
		decrementsim.Scenarios(),
	)
}
