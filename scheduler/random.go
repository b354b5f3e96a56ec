package scheduler

// Random deviates at random: whether it does depends on seed and identity
// alone, so a decision is answered alike whatever else happens in the run.
//
// A run draws, from its seed, one rate for scheduling (1/2, 1/8 or 1/32), one
// for faults (1/8 to 1/256), and which kinds are on at all. A decision
// deviates if hash(seed, identity) falls below its rate; a second hash picks
// the option by its name (rendezvous hashing), so that an option that
// vanishes moves no other.
type Random struct {
	seed             uint64
	scheduling, rate uint64 // out of 1<<16
	kinds            uint64 // salt of the choice of kinds
	most             bool   // nearly all kinds are on
}

// NewRandom returns the source of a seed.
func NewRandom(seed uint64) *Random {
	r := &Random{seed: mix(seed ^ 0x9e3779b97f4a7c15)}
	r.scheduling = 1 << 16 >> []uint{1, 3, 5}[r.draw("scheduling")%3]
	r.rate = 1 << 16 >> (3 + r.draw("faults")%6)
	r.kinds = r.draw("kinds")
	r.most = r.draw("most")%2 == 0
	return r
}

func (r *Random) draw(what string) uint64 { return hash(r.seed, "", what) }

// Choose deviates if the identity's hash falls below the rate.
func (r *Random) Choose(d *Decision) int {
	rate := r.scheduling
	if d.Options[1].Fault {
		rate = r.rate
	}
	if hash(r.seed, d.At, "")&0xffff >= rate {
		return 0
	}
	weigh := weights{seed: r.seed, at: d.At}
	best, weight, on := 0, uint64(0), false
	for i := 1; i < len(d.Options); i++ {
		o := &d.Options[i]
		if i == 1 || o.Do != d.Options[i-1].Do {
			on = r.on(o.Do)
		}
		if !on {
			continue
		}
		if w := weigh.of(o); best == 0 || w > weight {
			best, weight = i, w
		}
	}
	return best
}

// weights are hash(seed, at, an option's name), for options of which many are
// of one kind.
type weights struct {
	seed  uint64
	at    string
	kind  string
	known bool
	so    uint64 // the hash up to the kind
}

func (w *weights) of(o *Option) uint64 {
	if !w.known || w.kind != o.Do {
		w.kind, w.known = o.Do, true
		w.so = fnv(fnv(fnv(w.seed^offset, w.at), "\xff"), o.Do)
		w.so = fnv(w.so, "\x00")
	}
	return mix(fnv(w.so, o.With))
}

// on reports whether a kind is on in this run: seven in eight, or one in two.
func (r *Random) on(kind string) bool {
	h := hash(r.kinds, "kind", kind)
	if r.most {
		return h&7 != 0
	}
	return h&1 == 0
}

// hash is FNV-1a over two strings, finalised, so that seeds that differ in
// one bit give unrelated values.
func hash(seed uint64, a, b string) uint64 {
	return mix(fnv(fnv(fnv(seed^offset, a), "\xff"), b))
}

const offset = 14695981039346656037

// fnv goes on with a hash.
func fnv(h uint64, s string) uint64 {
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// mix is the finaliser of splitmix64.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
