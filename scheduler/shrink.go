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
// in their place. The rounds end when neither helps. No plan is run twice. stop,
// if not nil, is asked before each run.
func Shrink(p Plan, test Test, stop func() bool) Shrunk {
	s := &shrinker{test: test, stop: stop, best: p, tried: map[string]*trial{}}
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
	tried   map[string]*trial // by plan
	runs    int
	stopped bool
}

// trial is what has become of a plan.
type trial struct {
	size     int     // of the plan
	record   *Record // of one in whose run others may be looked for; else nil
	violates bool
}

// try runs a plan that was not tried before, and keeps what the run recorded if
// it still violates and is smaller. (What it recorded can be less than the
// plan: a deviation that did not occur is no part of it.)
func (s *shrinker) try(p Plan) (*Record, bool) {
	t := s.tried[p.Key()]
	if t != nil { // it was no better than what is the best by now
		return t.record, false
	}
	if s.stopped || s.stop != nil && s.stop() {
		s.stopped = true
		return &Record{}, false
	}
	r, violates := s.run(p)
	if violates && len(r.Plan) < len(s.best) {
		s.best = r.Plan
		s.forget()
		return r, true
	}
	return r, false
}

func (s *shrinker) run(p Plan) (*Record, bool) {
	s.runs++
	r, violates := s.test(p)
	t := &trial{size: len(p), violates: violates}
	if t.size <= len(s.best)-2 {
		t.record = r
	}
	s.tried[p.Key()] = t
	return r, violates
}

// forget forgets the records of plans that are too large to be looked at
// again: those of long runs are large, too.
func (s *shrinker) forget() {
	for _, t := range s.tried { //wtsim:order each by itself
		if t.size > len(s.best)-2 {
			t.record = nil
		}
	}
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
			if s.stopped {
				return false
			}
			s.tried[rest.Key()].record = nil // no other pair leaves this rest
		}
	}
	return false
}

// insert tries every deviation that the decisions offer, added to the plan.
func (s *shrinker) insert(rest Plan, decisions []Decision) bool {
	all := NewOneMore(rest, decisions, nil)
	for p, ok := all.Next(); ok && !s.stopped; p, ok = all.Next() {
		if _, ok := s.try(p); ok {
			return true
		}
	}
	return false
}

// minimal checks that the plan violates, and that every deviation is needed.
func (s *shrinker) minimal() bool {
	check := func(p Plan) bool {
		if t := s.tried[p.Key()]; t != nil {
			return t.violates
		}
		_, violates := s.run(p)
		return violates
	}
	if !check(s.best) {
		return false
	}
	for i := range s.best {
		if check(s.best.Without(i)) {
			return false
		}
	}
	return true
}
