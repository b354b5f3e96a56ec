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
type Bounded struct {
	bound int
	pilot *pilot
	level int
	walk  []frame // the path to the newest plan, one frame a deviation
	count int     // plans handed out
}

// frame is a plan that was run, and which of its children is next.
type frame struct {
	record   *Record
	decision int
	option   int
}

// NewBounded returns the enumeration of all plans of at most bound
// deviations.
func NewBounded(bound int, run Runner) *Bounded {
	return newBounded(bound, &pilot{run: run})
}

func newBounded(bound int, p *pilot) *Bounded { return &Bounded{bound: bound, pilot: p} }

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
			b.count++
			return p, true
		}
		b.level++
		b.walk = b.walk[:0]
	}
	return nil, false
}

// nextAtLevel advances the walk to the next plan of b.level deviations.
func (b *Bounded) nextAtLevel() (Plan, bool) {
	if len(b.walk) == 0 {
		b.push(Plan{})
	}
	for len(b.walk) > 0 {
		top := &b.walk[len(b.walk)-1]
		child, ok := top.next()
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
	b.walk = append(b.walk, frame{record: r, decision: r.After, option: 0})
}

// next returns the frame's next child.
func (f *frame) next() (Plan, bool) {
	for f.decision < len(f.record.Decisions) {
		d := f.record.Decisions[f.decision]
		if f.option++; f.option < len(d.Options) {
			o := d.Options[f.option]
			child := make(Plan, len(f.record.Plan), len(f.record.Plan)+1)
			copy(child, f.record.Plan)
			return append(child, Deviation{At: d.At, Do: o.Do, With: o.With}), true
		}
		f.decision, f.option = f.decision+1, 0
	}
	return nil, false
}
