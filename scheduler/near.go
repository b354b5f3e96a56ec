package scheduler

// near is the property-state strategy, in one lane: schedules near those that
// have brought a property, or the end of the run, into a state that no earlier
// one of the lane had. Such a run's plan is followed but for one deviation in
// eight, and what is new deviates at a low rate.
type near struct {
	pilot  *pilot
	seen   map[string]bool
	corpus []Plan
}

func newNear(p *pilot) *near { return &near{pilot: p, seen: map[string]bool{}, corpus: []Plan{nil}} }

func (s *near) next(n int, seed uint64) Schedule {
	if n == 1 {
		return Schedule{Number: n, Strategy: "benign", Source: Benign{}}
	}
	newest := len(s.corpus)
	draw := func(what string) int { return int(hash(seed, what, "near") % uint64(newest)) }
	plan := s.corpus[max(draw("plan"), draw("newer"))]
	return Schedule{Number: n, Strategy: "property-state", Seed: seed, Source: newAround(plan, seed)}
}

func (s *near) learn(r *Record) {
	fresh := false
	for _, state := range r.States {
		if !s.seen[state] {
			s.seen[state], fresh = true, true
		}
	}
	if fresh {
		s.corpus = append(s.corpus, r.Plan)
	}
}

// around follows most of a plan and deviates at a low rate besides.
type around struct {
	replay *Replay
	seed   uint64
	rate   uint64 // out of 1<<16
	random *Random
}

func newAround(p Plan, seed uint64) *around {
	seed = mix(seed ^ 0x589965cc75374cc3)
	var keep Plan
	for _, d := range p {
		if hash(seed, d.At, "keep")&7 != 0 {
			keep = append(keep, d)
		}
	}
	return &around{NewReplay(keep), seed, 1 << 16 >> (2 + hash(seed, "", "rate")%5), NewRandom(seed)}
}

// Choose follows the plan, else deviates now and then.
func (a *around) Choose(d *Decision) int {
	if i := a.replay.Choose(d); i != 0 {
		return i
	}
	if hash(a.seed, d.At, "around")&0xffff >= a.rate {
		return 0
	}
	return 1 + int(hash(a.seed, d.At, "which")%uint64(len(d.Options)-1))
}
