package scheduler

// Test runs a plan. It returns what happened, with the plan as the run
// recorded it, and whether the violation is still there.
type Test func(Plan) (*Record, bool)

// Shrunk is the result of [Shrink].
type Shrunk struct {
	Plan    Plan
	Runs    int  // schedules it took
	Minimal bool // 1-minimal, and checked to be; false if it was stopped before, or if runs do not repeat
}

// Shrink reduces a plan that violates to one that is 1-minimal: without any
// one of its deviations the violation is gone.
//
// It works in rounds. Delta debugging removes as much as it can; then, since
// a smaller plan may exist that is no part of this one, any two deviations
// are taken away and every single one that the remaining run offers is tried
// in their place. The rounds end when neither helps. stop, if not nil, is
// asked before each run.
func Shrink(p Plan, test Test, stop func() bool) Shrunk {
	s := &shrinker{test: test, stop: stop, best: p}
	for {
		s.remove()
		if len(s.best) < 2 || !s.replace() {
			break
		}
	}
	return Shrunk{Plan: s.best, Runs: s.runs, Minimal: !s.stopped && s.minimal()}
}

type shrinker struct {
	test    Test
	stop    func() bool
	best    Plan
	runs    int
	stopped bool
}

// try runs a plan and keeps what the run recorded if it still violates and
// is smaller. (What it recorded can be less than the plan: a deviation that
// did not occur is no part of it.)
func (s *shrinker) try(p Plan) (*Record, bool) {
	if s.stopped || s.stop != nil && s.stop() {
		s.stopped = true
		return &Record{}, false
	}
	s.runs++
	r, violates := s.test(p)
	if violates && len(r.Plan) < len(s.best) {
		s.best = r.Plan
		return r, true
	}
	return r, false
}

// remove is delta debugging: chunks of falling size are taken away until no
// single deviation can be.
func (s *shrinker) remove() {
	if _, ok := s.try(Plan{}); ok {
		return
	}
	for size := max(1, len(s.best)/2); size >= 1 && !s.stopped; {
		if !s.removeChunk(size) {
			size /= 2
		}
	}
}

// removeChunk takes away the first chunk of that size that is not needed.
func (s *shrinker) removeChunk(size int) bool {
	for from := 0; from < len(s.best); from += size {
		var drop []int
		for i := from; i < min(from+size, len(s.best)); i++ {
			drop = append(drop, i)
		}
		if _, ok := s.try(s.best.Without(drop...)); ok {
			return true
		}
	}
	return false
}

// replace looks for one deviation that does the work of two.
func (s *shrinker) replace() bool {
	for i := range s.best {
		for j := i + 1; j < len(s.best); j++ {
			rest := s.best.Without(i, j)
			record, ok := s.try(rest)
			if ok {
				return true
			}
			if s.insert(rest, record.Decisions) {
				return true
			}
		}
	}
	return false
}

// insert tries every deviation that the decisions offer, added to the plan.
func (s *shrinker) insert(rest Plan, decisions []Decision) bool {
	taken := map[string]bool{}
	for _, d := range rest {
		taken[d.At] = true
	}
	for _, d := range decisions {
		if taken[d.At] {
			continue
		}
		for _, o := range d.Options[1:] {
			p := append(append(Plan{}, rest...), Deviation{At: d.At, Do: o.Do, With: o.With})
			if _, ok := s.try(p); ok {
				return true
			}
			if s.stopped {
				return false
			}
		}
	}
	return false
}

// minimal checks that the plan violates, and that every deviation is needed.
func (s *shrinker) minimal() bool {
	s.runs++
	if _, violates := s.test(s.best); !violates {
		return false
	}
	for i := range s.best {
		s.runs++
		if _, violates := s.test(s.best.Without(i)); violates {
			return false
		}
	}
	return true
}
