package scheduler

// Runner runs one schedule and returns what it asked and was answered.
type Runner func(Source) *Record

// Bounded enumerates every plan of at most a number of deviations, fewest
// first. The space: plans whose n-th deviation is a decision that occurs in
// the run of the first n-1, after them. Every worker of a search enumerates
// the same plans in the same order, and runs its own share of them.
//
// To list the children of a plan it must be run once; that costs one run in
// as many as it has children.
//
// Partial-order reduction: a plan is left out if it deviates at a decision
// whose state was met before, in the run of a plan of no more deviations: what
// that one does there with one deviation more was, or will be, run, and ends
// alike. The state of a decision is the partial order of what has happened and
// all else that decides how the run goes on (see [Decision]); so runs in which
// steps that do not conflict have changed places meet again. This is the
// bounded reduction of Coons, Musuvathi and McKinley (OOPSLA 2013) turned
// around: not what is worth trying is computed ahead, which under a bound needs
// conservative additions, but what leads to where somebody else has been is
// found when it is there.
type Bounded struct {
	bound  int
	whole  bool // no reduction
	pilot  *pilot
	level  int
	walk   []*frame // the path to the newest plan, one frame a deviation
	count  int      // plans handed out
	here   int      // of them, at this level
	pruned int
	owners map[uint64]owner // of states
}

// owner is the plan in whose run a state was met first.
type owner struct {
	deviations int
	plan       uint64
}

// frame is a plan that was run, and its children.
type frame struct {
	record   *Record
	children *OneMore
	own      uint64 // hash of the plan
}

// NewBounded returns the enumeration of all plans of at most bound
// deviations, reduced.
func NewBounded(bound int, run Runner) *Bounded {
	return newBounded(bound, &pilot{run: run})
}

func newBounded(bound int, p *pilot) *Bounded {
	return &Bounded{bound: bound, pilot: p, owners: map[uint64]owner{}}
}

// Whole switches the reduction off.
func (b *Bounded) Whole() *Bounded {
	b.whole = true
	return b
}

// Counts returns how many plans were handed out, and how many were left out
// because they would end like another one: these themselves, without those
// that would have followed from them.
func (b *Bounded) Counts() (enumerated, pruned int) { return b.count, b.pruned }

// Next returns the next plan, the empty one first, or false when every plan
// was returned.
func (b *Bounded) Next() (Plan, bool) {
	if b.count == 0 {
		b.count++
		return Plan{}, true
	}
	for b.level <= b.bound {
		if b.level == 0 {
			b.level = 1
			continue
		}
		if p, ok := b.nextAtLevel(); ok {
			b.count, b.here = b.count+1, b.here+1
			return p, true
		}
		if b.here == 0 { // nor are there plans of more deviations: each begins with one of these
			b.level = b.bound
		}
		b.level, b.here = b.level+1, 0
		b.walk = b.walk[:0]
	}
	return nil, false
}

// mostEstimated is the bound up to which an estimate says anything.
const mostEstimated = 6

// estimate is about how many plans there are: those of the level, in proportion
// to how much of the benign run's decisions the walk has behind it; then those
// of higher levels, as if a plan's deviations were chosen from these decisions.
// The reduction, of which nothing is known before, makes it too large.
func (b *Bounded) estimate() int {
	if b.bound > mostEstimated || len(b.walk) == 0 {
		return 0
	}
	done, all := b.walk[0].children.progress()
	level := float64(b.here) * float64(all) / float64(max(done, 1))
	total := float64(b.count-b.here) + level
	for n := b.level + 1; n <= b.bound; n++ {
		level *= float64(all) / float64(n)
		total += level
	}
	return int(min(total, 1e9))
}

// nextAtLevel advances the walk to the next plan of b.level deviations.
func (b *Bounded) nextAtLevel() (Plan, bool) {
	if len(b.walk) == 0 {
		b.push(Plan{})
	}
	for len(b.walk) > 0 {
		child, ok := b.walk[len(b.walk)-1].children.Next()
		switch {
		case !ok:
			b.walk = b.walk[:len(b.walk)-1]
		case len(b.walk) == b.level:
			return child, true
		default:
			b.push(child)
		}
	}
	return nil, false
}

func (b *Bounded) push(p Plan) {
	r := (*Record)(nil)
	if len(p) == 0 {
		r = b.pilot.get()
	} else {
		r = b.pilot.run(NewReplay(p))
	}
	f := &frame{record: r}
	f.children = r.OneMore(func(d *Decision) bool { return b.leftOut(f, d) })
	for _, d := range p {
		f.own = hash(f.own, d.At, d.Do+"\x00"+d.With)
	}
	b.walk = append(b.walk, f)
}

// leftOut reports whether the children of a frame that deviate at a decision
// are left out.
func (b *Bounded) leftOut(f *frame, d *Decision) bool {
	if !b.met(f, d) {
		return false
	}
	if len(b.walk) == b.level {
		b.pruned += len(d.Options) - 1
	}
	return true
}

// met reports whether another plan has been where the frame's is at a
// decision; if not, the frame's is the one that has.
func (b *Bounded) met(f *frame, d *Decision) bool {
	if b.whole || d.State == 0 {
		return false
	}
	n := len(f.record.Plan)
	state := hash(d.State, d.At, "")
	for _, option := range d.Options { // what is offered is a part of it
		state = hash(state, option.Do, option.With)
	}
	if o, ok := b.owners[state]; ok && o.deviations <= n {
		return o.plan != f.own
	}
	b.owners[state] = owner{n, f.own}
	return false
}
