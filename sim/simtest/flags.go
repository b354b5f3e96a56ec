package simtest

import (
	"flag"
	"sync"
	"testing"
)

var (
	replayFile   = flag.String("wtsim.replay", "", "wtsim: replay this counterexample `file` instead of searching")
	seed         = flag.Uint64("wtsim.seed", 0, "wtsim: run only the random schedule of this seed (0: search)")
	strict       = flag.Bool("wtsim.strict", false, "wtsim: fail where a rule or an event is reached by no schedule")
	scheduleFlag = flag.Uint("wtsim.schedules", 0, "wtsim: schedules to search (0: 1000, with -short 100)")
)

// schedules is how many schedules a test searches.
func schedules() int {
	switch {
	case *scheduleFlag != 0:
		return int(*scheduleFlag)
	case testing.Short():
		return 100
	}
	return 1000
}

// searched counts the schedules that each test of this process has searched:
// under -count a test goes on where it was.
var searched = counter{taken: map[string]int{}}

type counter struct {
	mu    sync.Mutex
	taken map[string]int
}

// take takes the next n of a key's, and returns how many were taken before.
func (c *counter) take(key string, n int) (before int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before = c.taken[key]
	c.taken[key] += n
	return before
}
