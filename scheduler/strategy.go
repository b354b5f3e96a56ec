package scheduler

import (
	"fmt"
	"slices"
	"strings"
)

// Schedule is one schedule to run.
type Schedule struct {
	Number   int    // from 1
	Strategy string // which strategy made it: "random", "bounded", ...
	Seed     uint64 // of strategies with seeds; else 0
	Source   Source
	Pruned   int // of a bounded search: plans left out up to here
	Estimate int // of a bounded search: how many schedules it has, as far as can be seen; 0 if that says nothing
}

// Strategy hands out the schedules of a search. Every worker has one of its
// own, made alike, and asks it for the numbers of its share (see [Owner]), in
// rising order; so the result does not depend on the number of workers.
type Strategy interface {
	// Schedule returns the schedule of a number, or false if there is none
	// any more.
	Schedule(number int) (Schedule, bool)
	// Learn is told what the schedule that was asked for last has shown. A
	// strategy with feedback that is not told runs it again to find out. r is
	// nil if nobody knows, because the run did not come to its end.
	Learn(number int, r *Record)
}

// Names are the strategies of the contract, in order.
var Names = []string{"bounded", "random", "pct", "pos", "reads-from", "property-state", "swarm", "portfolio"}

// Seeded reports whether the schedules of a strategy depend on nothing but
// their seed, so that one can be run by itself.
func Seeded(name string) bool {
	return slices.Contains([]string{"random", "pct", "pos", "swarm"}, name)
}

// CheckName returns an error if there is no strategy of that name.
func CheckName(name string) error {
	if slices.Contains(Names, name) {
		return nil
	}
	return fmt.Errorf("unknown strategy %q, wanted one of %s", name, strings.Join(Names, ", "))
}

// Config says what to search.
type Config struct {
	Strategy  string // see Names
	Bound     int    // of bounded: at most so many deviations; portfolio uses 1
	FirstSeed uint64 // the seed of schedule 1
	Run       Runner // runs what a strategy has to know beforehand
	// Lost are the numbers of schedules that must not be run again, because
	// their process did not survive it.
	Lost map[int]bool
	// Again runs the schedule of a number again, where that depends on more
	// than its source; default Run.
	Again func(number int, s Source) *Record
}

// New returns the strategy of a configuration.
func New(c Config) (Strategy, error) {
	if err := CheckName(c.Strategy); err != nil {
		return nil, err
	}
	if c.Again == nil {
		c.Again = func(_ int, s Source) *Record { return c.Run(s) }
	}
	p := &pilot{run: c.Run}
	p.tree = newTree(p)
	switch c.Strategy {
	case "bounded":
		return &plans{space: newBounded(c.Bound, p)}, nil
	case "reads-from":
		return newLanes(c, p, func() learner { return newReadsFrom(p) }), nil
	case "property-state":
		return newLanes(c, p, func() learner { return newNear(p) }), nil
	case "portfolio":
		return newLanes(c, p, func() learner { return newPortfolio(p) }), nil
	}
	return &seeds{c.Strategy, c.FirstSeed, p}, nil
}

// pilot is the benign run, which every worker knows: strategies begin with
// what it shows.
type pilot struct {
	run    Runner
	record *Record
	listed bool
	faults []Plan // of one deviation; see singles
	orders []Plan
	tree   *goalTree // of goals
}

func (p *pilot) get() *Record {
	if p.record == nil {
		p.record = p.run(Benign{})
	}
	return p.record
}

// list returns the plans of one deviation.
func (p *pilot) list() (faults, orders []Plan) {
	if !p.listed {
		p.listed = true
		p.faults, p.orders = singles(p.get())
	}
	return p.faults, p.orders
}

// offer takes the record of schedule 1, if that is the benign run. (Others may
// have other inputs.)
func (p *pilot) offer(r *Record) {
	if p.record == nil && len(r.Plan) == 0 {
		p.record = r
	}
}

// seeds is a strategy whose schedule i has seed first+i-1, and depends on
// nothing else.
type seeds struct {
	name  string
	first uint64
	pilot *pilot
}

func (s *seeds) Schedule(n int) (Schedule, bool) {
	return seeded(s.name, n, s.first+uint64(n)-1, s.pilot), true
}

func (s *seeds) Learn(int, *Record) {}

// seeded makes a schedule of a seed.
func seeded(name string, n int, seed uint64, p *pilot) Schedule {
	s := Schedule{Number: n, Strategy: name, Seed: seed}
	switch name {
	case "pct":
		s.Source = NewPCT(seed, depthPCT, len(p.get().Steps))
	case "pos":
		s.Source = NewPOS(seed)
	case "swarm":
		s.Source = NewSwarm(seed)
	default:
		s.Source = NewRandom(seed)
	}
	return s
}

// plans is the bounded strategy.
type plans struct {
	space *Bounded
	given int // plans taken from the space
}

func (p *plans) Schedule(n int) (Schedule, bool) {
	for {
		plan, ok := p.space.Next()
		if !ok {
			return Schedule{}, false
		}
		if p.given++; p.given == n {
			return Schedule{Number: n, Strategy: "bounded", Source: NewReplay(plan), Pruned: p.space.pruned, Estimate: p.space.estimate()}, true
		}
	}
}

// Pruned is how many plans the reduction has left out so far.
func (p *plans) Pruned() int { return p.space.pruned }

// Learn keeps the benign run.
func (p *plans) Learn(n int, r *Record) {
	if r != nil && n == 1 {
		p.space.pilot.offer(r)
	}
}
