// Package patterns is the catalogue of documented bugs of serverless
// applications: each a small application with the bug and with its repair.
// The application's package tells the bug, who reported it, what provokes it
// and what the remedy is.
package patterns

import (
	"slices"

	"github.com/wtsim/wtsim/scenarios/patterns/decrement/decrementsim"
	"github.com/wtsim/wtsim/scenarios/patterns/dualwrite/dualwritesim"
	"github.com/wtsim/wtsim/scenarios/patterns/fanin/faninsim"
	"github.com/wtsim/wtsim/scenarios/patterns/freshid/freshidsim"
	"github.com/wtsim/wtsim/scenarios/patterns/memory/memorysim"
	"github.com/wtsim/wtsim/scenarios/patterns/pausedholder/pausedholdersim"
	"github.com/wtsim/wtsim/scenarios/patterns/poison/poisonsim"
	"github.com/wtsim/wtsim/scenarios/patterns/saga/sagasim"
	"github.com/wtsim/wtsim/scenarios/patterns/stalecache/stalecachesim"
	"github.com/wtsim/wtsim/scenarios/patterns/streamcounter/streamcountersim"
	"github.com/wtsim/wtsim/scenarios/patterns/warmleak/warmleaksim"
	"github.com/wtsim/wtsim/sim"
)

// All returns every bug, patterns/<name>/bug, followed by its repair,
// patterns/<name>, in the catalogue's order.
func All() []sim.Scenario {
	return slices.Concat(
		freshidsim.Scenarios(),
		streamcountersim.Scenarios(),
		decrementsim.Scenarios(),
		sagasim.Scenarios(),
		faninsim.Scenarios(),
		memorysim.Scenarios(),
		warmleaksim.Scenarios(),
		dualwritesim.Scenarios(),
		pausedholdersim.Scenarios(),
		poisonsim.Scenarios(),
		stalecachesim.Scenarios(),
	)
}
