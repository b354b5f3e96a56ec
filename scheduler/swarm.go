package scheduler

// Swarm is random search that varies, run by run, which kinds of deviation
// are on at all: a run with few kinds, but many of each, gets to places that
// one with a bit of everything does not (Groce, Zhang, Eide, Chen, Regehr:
// Swarm Testing, ISSTA 2012).
//
// A run draws from its seed what share of the kinds is on (1/8, 1/4 or 1/2),
// a rate for faults (1/2 to 1/64), and one for scheduling (1/2, 1/8, 1/32 or
// none). Which kinds those are, and what is chosen, depends on names alone, as
// for [Random].
type Swarm struct {
	seed             uint64
	share            uint64 // of 8
	scheduling, rate uint64 // out of 1<<16
}

// NewSwarm returns the source of a seed.
func NewSwarm(seed uint64) *Swarm {
	s := &Swarm{seed: mix(seed ^ 0x8ebc6af09c88c6e3)}
	s.share = 1 << (hash(s.seed, "", "share") % 3)
	s.rate = 1 << 16 >> (1 + hash(s.seed, "", "faults")%6)
	s.scheduling = []uint64{1 << 15, 1 << 13, 1 << 11, 0}[hash(s.seed, "", "scheduling")%4]
	return s
}

// Choose deviates if the identity's hash falls below the rate, to a kind that
// is on.
func (s *Swarm) Choose(d *Decision) int {
	rate := s.scheduling
	if d.Options[1].Fault {
		rate = s.rate
	}
	if hash(s.seed, d.At, "")&0xffff >= rate {
		return 0
	}
	weigh := weights{seed: s.seed, at: d.At}
	best, weight := 0, uint64(0)
	for i := 1; i < len(d.Options); i++ {
		o := &d.Options[i]
		if o.Fault && hash(s.seed, "kind", o.Do)&7 >= s.share {
			continue
		}
		if w := weigh.of(o); best == 0 || w > weight {
			best, weight = i, w
		}
	}
	return best
}
