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
}

// Strategy hands out the schedules of a search. Every worker has one of its
// own, made alike, and asks it for the numbers of its share, in rising
// order; so the result does not depend on the number of workers.
type Strategy interface {
	// Schedule returns the schedule of a number, or false if there is none
	// any more.
	Schedule(number int) (Schedule, bool)
}

// Names are the strategies of the contract, in order.
var Names = []string{"bounded", "random", "pct", "pos", "reads-from", "property-state", "swarm", "portfolio"}

// built are those that exist so far.
var built = []string{"bounded", "random", "portfolio"}

// Seeded reports whether a strategy's schedules have seeds.
func Seeded(name string) bool { return name == "random" }

// CheckName returns an error if there is no strategy of that name, or none
// yet.
func CheckName(name string) error {
	switch {
	case slices.Contains(built, name):
		return nil
	case slices.Contains(Names, name):
		return fmt.Errorf("strategy %q is not built yet, wanted one of %s", name, strings.Join(built, ", "))
	}
	return fmt.Errorf("unknown strategy %q, wanted one of %s", name, strings.Join(built, ", "))
}

// Config says what to search.
type Config struct {
	Strategy  string // see Names
	Bound     int    // of bounded: at most so many deviations; portfolio uses 1
	FirstSeed uint64 // the seed of schedule 1
	Run       Runner // runs the plans whose children bounded has to list
}

// New returns the strategy of a configuration.
func New(c Config) (Strategy, error) {
	if err := CheckName(c.Strategy); err != nil {
		return nil, err
	}
	seeds := seeds{first: c.FirstSeed}
	switch c.Strategy {
	case "random":
		return seeds, nil
	case "bounded":
		return &plans{space: NewBounded(c.Bound, c.Run)}, nil
	}
	return &portfolio{plans: plans{space: NewBounded(1, c.Run)}, seeds: seeds}, nil
}

// seeds is the random strategy: schedule i has seed first+i-1.
type seeds struct{ first uint64 }

func (s seeds) Schedule(n int) (Schedule, bool) {
	seed := s.first + uint64(n) - 1
	return Schedule{Number: n, Strategy: "random", Seed: seed, Source: NewRandom(seed)}, true
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
			return Schedule{Number: n, Strategy: "bounded", Source: NewReplay(plan)}, true
		}
	}
}

// portfolio runs the benign schedule first, then by turns the next plan of
// one deviation and a random one; when the plans are done, random ones. A
// random schedule has the seed of its number, so that it can be run again by
// itself.
type portfolio struct {
	plans plans
	seeds seeds
	done  bool
}

func (p *portfolio) Schedule(n int) (Schedule, bool) {
	if planned := n == 1 || n%2 == 0; planned && !p.done {
		if s, ok := p.plans.Schedule(n/2 + 1); ok {
			s.Number = n
			return s, true
		}
		p.done = true
	}
	return p.seeds.Schedule(n)
}
