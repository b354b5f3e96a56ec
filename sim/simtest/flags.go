package simtest

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

var (
	replayFile   = flag.String("wtsim.replay", "", "wtsim: replay this counterexample `file` instead of searching")
	seed         = flag.Uint64("wtsim.seed", 0, "wtsim: run only the random schedule of this seed (0: search)")
	strict       = flag.Bool("wtsim.strict", false, "wtsim: fail where a rule or an event is reached by no schedule")
	scheduleFlag = flag.Uint("wtsim.schedules", 0, "wtsim: schedules to search (0: 1000, with -short 100)")
	duration     = flag.Duration("wtsim.for", 0, "wtsim: search for this long instead (real time)")
	strategy     = flag.String("wtsim.strategy", "", "wtsim: how to search: "+strings.Join(scheduler.Names, ", ")+" (default portfolio)")
	bound        = flag.Int("wtsim.bound", -1, "wtsim: run every schedule with at most this many deviations instead")
	workerFlag   = flag.Uint("wtsim.workers", 1, "wtsim: how many processes share the search")
	shard        = flag.String("wtsim.shard", "", "wtsim: search only part `i/n` of the schedules")
	stopAtFirst  = flag.Bool("wtsim.first", false, "wtsim: stop at the first violation instead of looking for other properties' too")
	full         = flag.Bool("wtsim.full", false, "wtsim: tell every step of stories, and long values whole")
	logs         = flag.Bool("wtsim.logs", false, "wtsim: tell all that handlers print")
	htmlFolder   = flag.String("wtsim.html", "", "wtsim: draw what is found as pages in this `folder` (default: beside its file)")
	findingsFile = flag.String("wtsim.findings", "", "wtsim: a `file` of findings that is kept: tell what is new, ongoing, fixed and regressed")
	format       = flag.String("wtsim.format", "", "wtsim: github prints annotations too")
	junitFile    = flag.String("wtsim.junit", "", "wtsim: write the outcomes of this package's tests to this `file`, as JUnit's XML")
	sarifFile    = flag.String("wtsim.sarif", "", "wtsim: write what is found to this `file`, as SARIF")
)

// storyOptions are those of the flags.
func storyOptions() report.StoryOptions { return report.StoryOptions{Full: *full, Logs: *logs} }

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

// options are how a test searches, by the flags; before is how many schedules it
// has searched already in this process.
func options(before int) (o search.Options, err error) {
	o = search.Options{FirstSeed: uint64(before) + 1, Schedules: schedules(), Strategy: *strategy}
	if *strategy != "" {
		if err := scheduler.CheckName(*strategy); err != nil {
			return o, fmt.Errorf("-wtsim.strategy: %w", err)
		}
	}
	switch {
	case *format != "" && *format != "github":
		return o, fmt.Errorf("-wtsim.format is %q, wanted github", *format)
	case *bound >= 0 && *strategy != "" && *strategy != "bounded":
		return o, fmt.Errorf("-wtsim.bound and -wtsim.strategy %s exclude each other", *strategy)
	case *bound >= 0:
		o.Strategy, o.Bound, o.Schedules = "bounded", *bound, 0
	case *strategy == "bounded":
		o.Bound = search.Unbounded
	}
	if *duration > 0 {
		o.Schedules = 0
	}
	if *shard != "" {
		i, n, err := search.ParseShard(*shard)
		if err != nil {
			return o, fmt.Errorf("-wtsim.shard %w", err)
		}
		o.Worker, o.Workers = i-1, n
	}
	return o, nil
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
