package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/internal/jsonfile"
	"github.com/wtsim/wtsim/internal/version"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// shardFormat is the format of result files that this version reads and
// writes.
const shardFormat = "wtsim-shard/1"

// shardFile is what a shard of a search leaves for `wtsim merge`.
type shardFile struct {
	Format   string `json:"format"`
	Scenario string `json:"scenario"`
	// What was searched, the same for all shards.
	Strategy  string `json:"strategy"`
	Bound     *int   `json:"bound,omitempty"` // with --bound
	FirstSeed uint64 `json:"first_seed"`
	Schedules int    `json:"schedules,omitempty"` // of all shards; absent for all that there are
	For       string `json:"for,omitempty"`
	NoShrink  bool   `json:"no_shrink,omitempty"`
	Shard     int    `json:"shard"` // from 1
	Shards    int    `json:"shards"`

	Verdict     sim.Verdict `json:"verdict"`
	Interrupted bool        `json:"interrupted,omitempty"`
	Complete    bool        `json:"complete"`          // every schedule of the shard was run
	Through     int         `json:"through"`           // every one up to this number was; 2147483647 if there are no more
	Ran         int         `json:"ran"`               // schedules
	Unclear     *unclear    `json:"unclear,omitempty"` // the first that could not be judged
	Pruned      int         `json:"pruned,omitempty"`
	// What the schedules have shown, by the first that did; see [tally].
	Orders []byte            `json:"orders"`
	Cases  map[string]firsts `json:"cases"`

	Found    int       `json:"found,omitempty"` // the lowest schedule that violates
	Reported *reported `json:"reported,omitempty"`

	ElapsedNS int64  `json:"elapsed_ns"`
	Wtsim     string `json:"wtsim"`
	Go        string `json:"go"`
	Runtime   string `json:"runtime,omitempty"`
}

// parseShard reads --shard.
func (o *runOptions) parseShard() error {
	i, n, _ := strings.Cut(o.part, "/")
	shard, err := strconv.Atoi(i)
	shards, err2 := strconv.Atoi(n)
	if errors.Join(err, err2) != nil || shard < 1 || shard > shards {
		return fmt.Errorf("--shard is %q, wanted i/n with i from 1 to n, as 2/8", o.part)
	}
	o.shard, o.shards = shard, shards
	return nil
}

func (o *runOptions) validateShard() error {
	parts := scheduler.Parts(o.strategy)
	switch {
	case o.exhaustive: // whatever the strategy is now
		parts = 0
	case o.shards > 0 && o.single:
		return errors.New("--seed and --shard exclude each other")
	}
	switch {
	case o.shards == 0 && o.result != "":
		return errors.New("--result is given without --shard, wanted both: it names the file that a shard leaves for wtsim merge")
	case parts > 0 && o.shards > parts:
		return fmt.Errorf("--shard is %q, but the schedules of strategy %s are dealt in %d parts, wanted at most so many shards", o.part, o.strategy, parts)
	}
	return nil
}

// resultPath is where a shard leaves its result. A file that is there is
// replaced: a shard that is run again tells the same.
func (o *runOptions) resultPath() string {
	if o.result != "" {
		return o.result
	}
	return fmt.Sprintf("wtsim-%s-shard-%d-of-%d.json", strings.ReplaceAll(o.scenario, "/", "-"), o.shard, o.shards)
}

// dealt is how many of the schedules up to a number are those of this search.
func (o *runOptions) dealt(through int) int {
	if o.single {
		return 1
	}
	if o.shards == 0 {
		return through
	}
	n := 0
	for i := 1; i <= through; i++ {
		if scheduler.Owner(o.strategy, i, o.shards) == o.shard-1 {
			n++
		}
	}
	return n
}

// keep writes the result file of a shard. Number is the schedule that was
// found, or 0; whole says that there are no schedules left.
func (s *supervisor) keep(r *reported, number int, whole bool) error {
	o := s.options
	if o.shards == 0 {
		return nil
	}
	f := &shardFile{Format: shardFormat, Scenario: o.scenario, Strategy: o.strategy, FirstSeed: o.firstSeed, Schedules: o.schedules,
		NoShrink: o.noShrink, Shard: o.shard, Shards: o.shards, Verdict: r.Outcome.Verdict, Interrupted: s.interrupted, Complete: whole,
		Through: math.MaxInt32, Ran: s.ran(), Pruned: r.Outcome.Pruned, Orders: s.seen.packed(), Cases: s.seen.cases, Found: number, Reported: r,
		ElapsedNS: r.Outcome.ElapsedNS, Wtsim: version.Wtsim(), Go: runtime.Version(), Runtime: sim.RuntimeName()}
	if o.exhaustive {
		f.Bound = &o.bound
	}
	if o.duration > 0 {
		f.For = o.duration.String()
	}
	for _, w := range s.workers {
		f.Through = min(f.Through, w.reached(o.schedules))
	}
	if s.unclear.Why != "" {
		f.Unclear = &s.unclear
	}
	if err := jsonfile.Write(o.resultPath(), f); err != nil {
		return fmt.Errorf("the result file could not be written: %w", err)
	}
	return nil
}

// reached is the number up to which the worker has run its share.
func (w *worker) reached(schedules int) int {
	if w.done != nil && w.done.Whole || schedules > 0 && w.through >= schedules {
		return math.MaxInt32
	}
	return w.through
}

// readShard reads and checks a result file. The error is one line: the place,
// the fact, and what was wanted.
func readShard(path string) (*shardFile, tally, error) {
	seen := newTally()
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, seen, err
	}
	var head struct{ Format string }
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, seen, fmt.Errorf("%s: not a result file: %w; wanted the JSON that `wtsim run --shard` writes", path, jsonfile.Describe(data, err))
	}
	if head.Format != shardFormat {
		return nil, seen, fmt.Errorf("%s: format is %q, wanted %q, which `wtsim run --shard` writes with --result", path, head.Format, shardFormat)
	}
	f := &shardFile{}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(f); err != nil {
		return nil, seen, fmt.Errorf("%s: %w; wanted the file as `wtsim run --shard` has written it", path, jsonfile.Describe(data, err))
	}
	switch {
	case f.Scenario == "":
		err = errors.New(`"scenario" is missing, wanted a scenario's name`)
	case scheduler.CheckName(f.Strategy) != nil:
		err = scheduler.CheckName(f.Strategy)
	case f.Shard < 1 || f.Shard > f.Shards:
		err = fmt.Errorf("shard is %d of %d, wanted one from 1 to %[2]d", f.Shard, f.Shards)
	case f.Found < 0 || f.Through < 0 || f.Ran < 0:
		err = errors.New("a number is negative, wanted none")
	case f.Found > 0 && f.Reported == nil:
		err = errors.New(`"reported" is missing, wanted what was found`)
	default:
		if err = seen.unpack(f.Orders); err != nil {
			err = fmt.Errorf(`"orders" %w`, err)
		}
	}
	if err != nil {
		return nil, seen, fmt.Errorf("%s: %w", path, err)
	}
	for name, first := range f.Cases { //wtsim:order a map to a map
		seen.note(name, first)
	}
	return f, seen, nil
}
