package scheduler

// aim makes reads see what they are meant to: it wraps another source and
// takes away from its choice what would spoil a goal.
//
// A goal is a pair, of sites or of steps: that the first step of the reader's
// site sees the write of the writer's. Until that has happened, the reader waits for the writer, and
// where the resource holds what the reader wants, everybody else who would
// write it waits. What has to wait goes on only where nothing else can. The
// idea is that of Reads-From Fuzzing (Wolff, Shi, Duck, Mathur, Roychoudhury:
// Greybox Fuzzing for Concurrency Testing, ASPLOS 2024).
type aim struct {
	base  Source
	watch watcher
	goals []Pair
	done  []bool
	last  map[string]lastWrite
	trial Decision
	index []int
}

// lastWrite is who wrote a resource last: goals name sites, or steps.
type lastWrite struct{ site, name string }

// at reports whether a step is meant by a goal's name.
func (s *Transition) at(name string) bool { return s.Site == name || s.Name == name }

func newAim(base Source, goals []Pair) *aim {
	a := &aim{base: base, goals: goals, done: make([]bool, len(goals)), last: map[string]lastWrite{}}
	a.watch, _ = base.(watcher)
	return a
}

// Choose asks the base about the options that spoil no goal.
func (a *aim) Choose(d *Decision) int {
	if !d.schedules() {
		return a.base.Choose(d)
	}
	a.trial.At, a.trial.Options, a.index = d.At, a.trial.Options[:0], a.index[:0]
	for i := range d.Options {
		if !a.spoils(d.Options[i].Next) {
			a.trial.Options = append(a.trial.Options, d.Options[i])
			a.index = append(a.index, i)
		}
	}
	switch len(a.index) {
	case 0:
		return a.base.Choose(d)
	case 1:
		return a.index[0]
	}
	return a.index[a.base.Choose(&a.trial)]
}

// spoils reports whether a step would take a goal away.
func (a *aim) spoils(s *Transition) bool {
	for i, g := range a.goals {
		if a.done[i] {
			continue
		}
		reader := s.at(g.Reader)
		if !reader && !s.writes(g.Resource) {
			continue
		}
		last := a.last[g.Resource]
		if ripe := last.site == g.Writer || last.name == g.Writer; ripe != reader {
			return true
		}
	}
	return false
}

// Did takes note of what was read and written.
func (a *aim) Did(s *Transition) {
	for i, g := range a.goals {
		if s.at(g.Reader) {
			a.done[i] = true
		}
	}
	for _, t := range s.Touches {
		if t.Write {
			a.last[t.Resource] = lastWrite{s.Site, s.Name}
		}
	}
	if a.watch != nil {
		a.watch.Did(s)
	}
}

// readsFrom is the reads-from strategy, in one lane: by turns the next goals
// of the tree, and goals that are mixed: to those of a schedule that has shown
// a pair that is new in the lane one more is added that might follow from it,
// or one is taken away, and [POS] decides about the rest.
type readsFrom struct {
	pilot   *pilot
	seen    map[Pair]bool
	corpus  []*node
	node    *node // of the tree, that is being run
	current []Pair
	mixed   bool
}

// mostGoals is how many goals a schedule has at most.
const mostGoals = 4

func newReadsFrom(p *pilot) *readsFrom {
	return &readsFrom{pilot: p, seen: map[Pair]bool{}}
}

func (r *readsFrom) next(n int, seed uint64) Schedule {
	r.node, r.mixed = nil, false
	switch {
	case n == 1:
		return Schedule{Number: n, Strategy: "benign", Source: Benign{}}
	case n%2 == 0:
		if s, ok := r.planned(n/2, n); ok {
			return s
		}
	}
	return r.mix(n, seed)
}

// planned runs the k-th goals of the tree.
func (r *readsFrom) planned(k, n int) (Schedule, bool) {
	if r.node = r.pilot.tree.get(k); r.node == nil {
		return Schedule{}, false
	}
	return Schedule{Number: n, Strategy: "reads-from", Source: newAim(Benign{}, r.node.goals)}, true
}

// mix makes goals of those that have shown something new.
func (r *readsFrom) mix(n int, seed uint64) Schedule {
	draw := func(what string, n int) int { return int(hash(seed, what, "mix") % uint64(n)) }
	if len(r.corpus) == 0 {
		r.corpus = append(r.corpus, &node{next: goals(r.pilot.get())})
	}
	parent := r.corpus[max(draw("parent", len(r.corpus)), draw("newer", len(r.corpus)))]
	out := append([]Pair{}, parent.goals...)
	if len(out) > 0 && (len(out) >= mostGoals || len(parent.next) == 0 || draw("less", 4) == 0) {
		i := draw("which", len(out))
		out = append(out[:i], out[i+1:]...)
	} else if len(parent.next) > 0 {
		out = append(out, parent.next[draw("more", len(parent.next))])
	}
	r.current, r.mixed = out, true
	return Schedule{Number: n, Strategy: "reads-from", Seed: seed, Source: newAim(NewPOS(seed), out)}
}

// learn keeps goals whose run has shown a pair that is new in the lane.
func (r *readsFrom) learn(record *Record) {
	if r.node != nil {
		r.node.record = record
	}
	fresh := false
	for _, p := range record.Pairs {
		if !r.seen[p] {
			r.seen[p], fresh = true, true
		}
	}
	if fresh && r.mixed {
		r.corpus = append(r.corpus, &node{goals: r.current, next: goals(record)})
	}
}
