package service

import (
	"slices"
	"sync"

	"github.com/wtsim/wtsim/monitor"
)

// covered is what the shards of this process have used of each property.
type covered struct {
	mu  sync.Mutex
	all map[int][]monitor.Coverage // by shard
}

func (c *covered) set(shard int, use []monitor.Coverage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[int][]monitor.Coverage{}
	}
	c.all[shard] = use
}

// of is what all shards together have used of a property; nil if no shard is
// judged here. One that is about to learn of other properties is left out.
func (c *covered) of(property string) *monitor.Coverage {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum []monitor.Coverage
	for _, use := range c.all {
		i := slices.IndexFunc(use, func(x monitor.Coverage) bool { return x.Property == property })
		if i < 0 {
			continue
		}
		// A copy: the sum is made in the first.
		x := use[i]
		x.Types, x.States, x.Transitions = slices.Clone(x.Types), slices.Clone(x.States), slices.Clone(x.Transitions)
		if len(sum) == 0 {
			sum = []monitor.Coverage{x}
		} else if alike(&sum[0], &x) {
			sum = monitor.MergeCoverage(sum, []monitor.Coverage{x})
		}
	}
	if len(sum) == 0 {
		return nil
	}
	return &sum[0]
}

func alike(a, b *monitor.Coverage) bool {
	return len(a.Types) == len(b.Types) && len(a.States) == len(b.States) && len(a.Transitions) == len(b.Transitions)
}

// shownProperty is a property on the page.
type shownProperty struct {
	propertyCount
	Use *monitor.Coverage // nil where it is not known
}

// Transitions is how many there are, and Taken how many of them events have
// taken.
func (p shownProperty) Transitions() int { return len(p.Use.Transitions) }

// Taken is how many transitions events have taken.
func (p shownProperty) Taken() (n int) {
	for _, t := range p.Use.Transitions {
		if t.Taken {
			n++
		}
	}
	return n
}

func (s *Service) shownProperties() (all []shownProperty) {
	for _, p := range s.verdicts.properties(s.names) {
		all = append(all, shownProperty{p, s.covered.of(p.Name)})
	}
	return all
}
