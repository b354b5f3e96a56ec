package workers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"

	"github.com/wtsim/wtsim/internal/jsonfile"
	"github.com/wtsim/wtsim/internal/version"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// ShardFormat is the format of result files that this version reads and
// writes.
const ShardFormat = "wtsim-shard/1"

// Shard is what a part of a search leaves, to be put together with the others.
// Its many fields are the file's.
type Shard struct {
	Format   string `json:"format"`
	Scenario string `json:"scenario"`
	// What was searched, the same for all shards.
	Strategy  string `json:"strategy"`
	Bound     *int   `json:"bound,omitempty"` // of an exhaustive search
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
	Unclear     *Unclear    `json:"unclear,omitempty"` // the first that could not be judged
	Pruned      int         `json:"pruned,omitempty"`
	// What the schedules have shown, by the first that did; see [tally].
	Orders []byte            `json:"orders"`
	Cases  map[string]firsts `json:"cases"`
	Reach  map[string]int    `json:"reach,omitempty"`
	// Unreached is what none of its schedules has, as of a long search.
	Unreached []search.Vacuity `json:"unreached,omitempty"`
	Strict    bool             `json:"strict,omitempty"`

	Found int `json:"found,omitempty"` // the lowest schedule that violates
	// Reported is what is told of the shard, by whom it belongs to.
	Reported json.RawMessage `json:"reported,omitempty"`

	ElapsedNS int64  `json:"elapsed_ns"`
	Wtsim     string `json:"wtsim"`
	Go        string `json:"go"`
	Runtime   string `json:"runtime,omitempty"`

	seen tally
}

// Result is the shard that a search leaves whose end this is.
func (p *Pool) Result(e *End, reported json.RawMessage) *Shard {
	o := p.Options
	s := &Shard{Format: ShardFormat, Scenario: p.Subject.Scenario().Name, Strategy: o.Strategy, FirstSeed: o.FirstSeed, Schedules: o.Schedules,
		NoShrink: p.NoShrink, Shard: p.Shard, Shards: p.Shards, Verdict: e.Verdict, Interrupted: p.interrupted,
		Complete: e.Number == 0 && p.whole(), Through: math.MaxInt32, Ran: p.ran(), Pruned: e.Pruned,
		Orders: p.seen.packed(), Cases: p.seen.cases, Reach: p.seen.reach.First, Found: e.Number, Reported: reported,
		ElapsedNS: e.Elapsed.Nanoseconds(), Wtsim: version.Wtsim(), Go: runtime.Version(), Runtime: sim.RuntimeName()}
	if s.Strict = p.Strict; p.Exhaustive {
		s.Bound = &o.Bound
	}
	s.Unreached = p.Subject.Unreached(p.seen.reach, true)
	if p.Duration > 0 {
		s.For = p.Duration.String()
	}
	for _, w := range p.workers {
		s.Through = min(s.Through, w.reached(o.Schedules))
	}
	if p.unclear.Why != "" {
		s.Unclear = &p.unclear
	} else if p.empty != "" {
		s.Unclear = &Unclear{Schedule: 1, Why: p.empty}
	}
	return s
}

// Write writes the shard's file.
func (s *Shard) Write(path string) error {
	if err := jsonfile.Write(path, s); err != nil {
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

// ReadShard reads and checks a shard's file. The error is one line: the place,
// the fact, and what was wanted.
func ReadShard(path string) (*Shard, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var head struct{ Format string }
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("%s: not a result file: %w; wanted the JSON that `wtsim run --shard` writes", path, jsonfile.Describe(data, err))
	}
	if head.Format != ShardFormat {
		return nil, fmt.Errorf("%s: format is %q, wanted %q, which `wtsim run --shard` writes with --result", path, head.Format, ShardFormat)
	}
	s := &Shard{seen: newTally()}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(s); err != nil {
		return nil, fmt.Errorf("%s: %w; wanted the file as `wtsim run --shard` has written it", path, jsonfile.Describe(data, err))
	}
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// validate returns the first thing that is wrong with a shard that was read,
// and takes in what its schedules have shown.
func (s *Shard) validate() error {
	switch {
	case s.Scenario == "":
		return errors.New(`"scenario" is missing, wanted a scenario's name`)
	case scheduler.CheckName(s.Strategy) != nil:
		return scheduler.CheckName(s.Strategy)
	case s.Shard < 1 || s.Shard > s.Shards:
		return fmt.Errorf("shard is %d of %d, wanted one from 1 to %[2]d", s.Shard, s.Shards)
	case s.Found < 0 || s.Through < 0 || s.Ran < 0:
		return errors.New("a number is negative, wanted none")
	case s.Found > 0 && s.Reported == nil:
		return errors.New(`"reported" is missing, wanted what was found`)
	}
	if err := s.seen.unpack(s.Orders); err != nil {
		return fmt.Errorf(`"orders" %w`, err)
	}
	for name, first := range s.Cases { //wtsim:order a map to a map
		s.seen.note(name, first)
	}
	s.seen.reachedToo(s.Reach)
	return nil
}
