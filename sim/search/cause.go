package search

import (
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// When a violation becomes inevitable can be seen of what else might have
// happened: the run is forked after each of its steps, and goes on otherwise, at
// random. The share of these continuations that violate is a curve over the run,
// which rises to 1 where no way leads out any more.

// Cause is when a violation became likely, and when inevitable.
type Cause struct {
	Run *sim.Result // that violates
	// Points are the curve: what follows the run's beginning, and each of its
	// steps, of which the last has no continuation.
	Points []Point
}

// Point is what the continuations of a step have shown.
type Point struct {
	Steps     int // that come before the fork: Run.Steps[:Steps]
	Ran       int
	Violating int // that violate the same property
	Unjudged  int
}

// Share is the part of the continuations that violate, of those that could be
// judged; 0 if none could.
func (p Point) Share() float64 {
	if judged := p.Ran - p.Unjudged; judged > 0 {
		return float64(p.Violating) / float64(judged)
	}
	return 0
}

// Inevitable is the place in Points from which on all continuations violate; -1
// if there is none before the violation itself.
func (c *Cause) Inevitable() int {
	for i := len(c.Points) - 1; i >= 0; i-- {
		if c.Points[i].Share() < 1 {
			if i+1 < len(c.Points) {
				return i + 1
			}
			return -1
		}
	}
	return 0
}

// Turn is the place in Points whose share is the most above that before it; -1
// if none is above.
func (c *Cause) Turn() int {
	turn, most := -1, 0.0
	for i := 1; i < len(c.Points); i++ {
		if rise := c.Points[i].Share() - c.Points[i-1].Share(); rise > most {
			turn, most = i, rise
		}
	}
	return turn
}

// Cause runs a plan that violates, and so many continuations of each of its
// steps. It returns nil Points if the plan does not violate. tell, if not nil, is
// told how many points are done; it reports whether to go on.
func (s Subject) Cause(plan scheduler.Plan, continuations int, tell func(done, all int) bool) *Cause {
	c := &Cause{Run: s.Run(scheduler.NewReplay(plan))}
	if c.Run.Verdict != sim.Violated {
		return c
	}
	defer Steady()()
	told := 0 // steps that a source is told of
	for n := range len(c.Run.Steps) {
		if tell != nil && !tell(n, len(c.Run.Steps)) {
			break
		}
		if n > 0 && !c.Run.Steps[n-1].Prints() {
			told++
		}
		c.Points = append(c.Points, s.continued(c, plan, n, told, continuations))
	}
	return c
}

// continued makes the continuations of the first n steps, of which sources are
// told so many.
func (s Subject) continued(c *Cause, plan scheduler.Plan, n, told, continuations int) Point {
	if last := len(c.Points) - 1; n > 0 && c.Run.Steps[n-1].Prints() {
		p := c.Points[last]
		p.Steps = n
		return p
	}
	p := Point{Steps: n}
	for seed := range continuations {
		r := s.watched(&fork{prefix: scheduler.NewReplay(plan), left: told, then: scheduler.NewRandom(uint64(seed) + 1)}, sim.WatchSteps)
		p.Ran++
		switch {
		case r.Verdict == sim.Inconclusive:
			p.Unjudged++
		case r.Verdict == sim.Violated && r.Violation.Property == c.Run.Violation.Property:
			p.Violating++
		}
	}
	return p
}

// fork follows a plan for some steps, and then another source.
type fork struct {
	prefix *scheduler.Replay
	left   int // steps
	then   scheduler.Source
}

// Choose answers as the plan does, or the other source.
func (f *fork) Choose(d *scheduler.Decision) int {
	if f.left > 0 {
		return f.prefix.Choose(d)
	}
	return f.then.Choose(d)
}

// Did counts the steps.
func (f *fork) Did(*scheduler.Transition) { f.left-- }
