package scheduler

// PCT is probabilistic concurrency testing: every task has a random priority,
// the ready one with the highest goes on, and at depth-1 random steps the task
// at it falls below all others (Burckhardt, Kothari, Musuvathi, Nagarakatte: A
// Randomized Scheduler with Probabilistic Guarantees of Finding Bugs, ASPLOS
// 2010).
//
// We depart from the paper in how steps are drawn: not as numbers, which an
// edit of the program shifts, but by identity. A step is a change point if
// hash(seed, identity) falls below (depth-1)/k, until there were depth-1 of
// them; k is the number of steps of the benign run. So their number varies,
// with the mean of the paper. Decisions about faults are answered as [Random]
// does.
type PCT struct {
	seed       uint64
	below      uint64 // hashes below it are change points
	left       uint64 // change points still to come
	priorities map[string]uint64
	faults     *Random
}

// depthPCT is the d of the published comparisons.
const depthPCT = 3

// NewPCT returns the source of a seed, for runs of about the given number of
// steps.
func NewPCT(seed uint64, depth, steps int) *PCT {
	changes := uint64(depth - 1)
	return &PCT{seed: mix(seed ^ 0xa0761d6478bd642f), below: ^uint64(0) / uint64(max(steps, 2*depth)) * changes,
		left: changes, priorities: map[string]uint64{}, faults: NewRandom(seed)}
}

// Choose lets the task with the highest priority go on.
func (p *PCT) Choose(d *Decision) int {
	if !d.schedules() {
		return p.faults.Choose(d)
	}
	best, highest := 0, uint64(0)
	for i := range d.Options {
		if w := p.priority(d.Options[i].Next.Task); i == 0 || w > highest {
			best, highest = i, w
		}
	}
	return best
}

// priority is above those that tasks are lowered to.
func (p *PCT) priority(task string) uint64 {
	w, ok := p.priorities[task]
	if !ok {
		w = hash(p.seed, task, "priority")>>1 + 1<<32
		p.priorities[task] = w
	}
	return w
}

// Did lowers the task after a change point.
func (p *PCT) Did(s *Transition) {
	if p.left > 0 && hash(p.seed, s.Name, "change") < p.below {
		p.priorities[s.Task] = p.left
		p.left--
	}
}
