package scheduler

// POS is partial order sampling: every pending step has a random priority,
// the highest goes on, and the priorities of the steps that race with it are
// drawn anew (Yuan, Yang, Gu: Partial Order Aware Concurrency Sampling, CAV
// 2018).
//
// Here a priority is not drawn but computed: hash(seed, the step's identity,
// the steps that it depends on so far), where the latter are, for each
// resource that it touches, the last step that has touched it in a way that
// conflicts. That changes exactly when the paper draws anew, and depends on
// lineage alone. Decisions about faults are answered as [Random] does.
type POS struct {
	seed   uint64
	state  map[string]*touched
	faults *Random
}

// touched is who has touched a resource last, as hashes of identities.
type touched struct{ write, any uint64 }

// NewPOS returns the source of a seed.
func NewPOS(seed uint64) *POS {
	return &POS{seed: mix(seed ^ 0xe7037ed1a0b428db), state: map[string]*touched{}, faults: NewRandom(seed)}
}

// Choose lets the step with the highest priority happen.
func (p *POS) Choose(d *Decision) int {
	if !d.schedules() {
		return p.faults.Choose(d)
	}
	best, highest := 0, uint64(0)
	for i := range d.Options {
		if w := p.priority(d.Options[i].Next); i == 0 || w > highest {
			best, highest = i, w
		}
	}
	return best
}

func (p *POS) priority(s *Transition) uint64 {
	h := hash(p.seed, s.Name, "")
	for _, t := range s.Touches {
		if before := p.state[t.Resource]; before != nil {
			if t.Write {
				h = mix(h ^ before.any)
			} else {
				h = mix(h ^ before.write)
			}
		}
	}
	return h
}

// Did notes what the step has touched.
func (p *POS) Did(s *Transition) {
	h := hash(p.seed, s.Name, "did")
	for _, t := range s.Touches {
		a := p.state[t.Resource]
		if a == nil {
			a = &touched{}
			p.state[t.Resource] = a
		}
		a.any = h
		if t.Write {
			a.write = h
		}
	}
}
