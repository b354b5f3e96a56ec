// Package patterns is the catalogue of documented bugs of serverless
// applications: each a small application with the bug and with its repair.
// The application's package tells the bug, who reported it, what provokes it
// and what the remedy is.
package patterns

import (
	"slices"

	"github.com/wtsim/wtsim/scenarios/patterns/batchtimeout/batchtimeoutsim"
	"github.com/wtsim/wtsim/scenarios/patterns/blindput/blindputsim"
	"github.com/wtsim/wtsim/scenarios/patterns/checkthenput/checkthenputsim"
	"github.com/wtsim/wtsim/scenarios/patterns/consent/consentsim"
	"github.com/wtsim/wtsim/scenarios/patterns/decrement/decrementsim"
	"github.com/wtsim/wtsim/scenarios/patterns/dualwrite/dualwritesim"
	"github.com/wtsim/wtsim/scenarios/patterns/duplicate/duplicatesim"
	"github.com/wtsim/wtsim/scenarios/patterns/earlyreturn/earlyreturnsim"
	"github.com/wtsim/wtsim/scenarios/patterns/earlystatus/earlystatussim"
	"github.com/wtsim/wtsim/scenarios/patterns/expiredclaim/expiredclaimsim"
	"github.com/wtsim/wtsim/scenarios/patterns/fanin/faninsim"
	"github.com/wtsim/wtsim/scenarios/patterns/freshid/freshidsim"
	"github.com/wtsim/wtsim/scenarios/patterns/halffollow/halffollowsim"
	"github.com/wtsim/wtsim/scenarios/patterns/lastevent/lasteventsim"
	"github.com/wtsim/wtsim/scenarios/patterns/lostfields/lostfieldssim"
	"github.com/wtsim/wtsim/scenarios/patterns/lostupdate/lostupdatesim"
	"github.com/wtsim/wtsim/scenarios/patterns/memory/memorysim"
	"github.com/wtsim/wtsim/scenarios/patterns/orphancomment/orphancommentsim"
	"github.com/wtsim/wtsim/scenarios/patterns/pausedholder/pausedholdersim"
	"github.com/wtsim/wtsim/scenarios/patterns/poison/poisonsim"
	"github.com/wtsim/wtsim/scenarios/patterns/saga/sagasim"
	"github.com/wtsim/wtsim/scenarios/patterns/sendthendelete/sendthendeletesim"
	"github.com/wtsim/wtsim/scenarios/patterns/sharedkey/sharedkeysim"
	"github.com/wtsim/wtsim/scenarios/patterns/shortwindow/shortwindowsim"
	"github.com/wtsim/wtsim/scenarios/patterns/stalecache/stalecachesim"
	"github.com/wtsim/wtsim/scenarios/patterns/streamcounter/streamcountersim"
	"github.com/wtsim/wtsim/scenarios/patterns/stuckclaim/stuckclaimsim"
	"github.com/wtsim/wtsim/scenarios/patterns/twofinishers/twofinisherssim"
	"github.com/wtsim/wtsim/scenarios/patterns/unsubscribe/unsubscribesim"
	"github.com/wtsim/wtsim/scenarios/patterns/warmleak/warmleaksim"
	"github.com/wtsim/wtsim/sim"
)

// All returns every bug, patterns/<name>/bug, followed by its repair,
// patterns/<name>, in the catalogue's order.
func All() []sim.Scenario {
	return slices.Concat(
		freshidsim.Scenarios(),
		batchtimeoutsim.Scenarios(),
		duplicatesim.Scenarios(),
		lasteventsim.Scenarios(),
		sharedkeysim.Scenarios(),
		stuckclaimsim.Scenarios(),
		expiredclaimsim.Scenarios(),
		shortwindowsim.Scenarios(),
		lostfieldssim.Scenarios(),
		lostupdatesim.Scenarios(),
		halffollowsim.Scenarios(),
		checkthenputsim.Scenarios(),
		orphancommentsim.Scenarios(),
		consentsim.Scenarios(),
		earlyreturnsim.Scenarios(),
		earlystatussim.Scenarios(),
		blindputsim.Scenarios(),
		twofinisherssim.Scenarios(),
		sendthendeletesim.Scenarios(),
		unsubscribesim.Scenarios(),
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
