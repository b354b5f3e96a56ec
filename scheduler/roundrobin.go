package scheduler

// RoundRobin changes tasks as often as can be: it lets the task go on that
// has waited longest, of those that have done nothing the newest. It begins
// when the benign order first changes tasks, so that who starts the others
// has started them. [Benign] changes tasks only where it must; what needs many
// changes, but none in particular, is likely to show in the one run or the
// other. Faults are benign.
type RoundRobin struct {
	begun   bool
	current string         // the task of the last step
	steps   int            // so far
	last    map[string]int // of each task, the number of its last step
}

// NewRoundRobin returns the source.
func NewRoundRobin() *RoundRobin { return &RoundRobin{last: map[string]int{}} }

// Choose lets the task go on that has waited longest.
func (r *RoundRobin) Choose(d *Decision) int {
	if !d.schedules() {
		return 0
	}
	if r.begun = r.begun || r.steps > 0 && d.Options[0].Next.Task != r.current; !r.begun {
		return 0
	}
	longest := 0
	for i := range d.Options {
		if r.last[d.Options[i].Next.Task] <= r.last[d.Options[longest].Next.Task] {
			longest = i
		}
	}
	return longest
}

// Did notes whose step it was.
func (r *RoundRobin) Did(s *Transition) {
	r.steps++
	r.current, r.last[s.Task] = s.Task, r.steps
}
