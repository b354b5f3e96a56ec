package scheduler

// Decider passes decisions to a source and keeps what was asked and
// answered, and what the run did.
type Decider struct {
	source    Source
	watch     watcher    // the source, if it wants to know the steps
	Decisions []Decision // those with more than one option, in order
	Plan      Plan       // the answers that were not benign; the run adds the notes
	last      int        // number of decisions up to and including the last deviation
	steps     []Transition
	order     Order
	pairs     []Pair
	known     map[Pair]bool
	states    []string
	brief     bool
	asked     Decision // the newest, if none are kept
}

// watcher is a source that wants to know what the run does.
type watcher interface {
	Did(s *Transition)
}

// NewDecider returns a decider of the source's answers.
func NewDecider(s Source) *Decider {
	r := &Decider{source: s, known: map[Pair]bool{}}
	r.watch, _ = s.(watcher)
	return r
}

// Brief makes the decider keep no decisions, so that the run may use their
// options again: for runs whose decisions nobody searches in.
func (r *Decider) Brief() { r.brief = true }

// Did records a step, once it has been done.
func (r *Decider) Did(s Transition) {
	r.steps = append(r.steps, s)
	own := &r.steps[len(r.steps)-1]
	r.order.Add(own, r.saw)
	if r.watch != nil {
		r.watch.Did(own)
	}
}

func (r *Decider) saw(p Pair) {
	if !r.known[p] {
		r.known[p] = true
		r.pairs = append(r.pairs, p)
	}
}

// Hash is that of the partial order so far.
func (r *Decider) Hash() uint64 { return r.order.Hash() }

// Reached records that a property, or the run's end, has got into a state.
func (r *Decider) Reached(state string) { r.states = append(r.states, state) }

// Choose asks the source and records its answer. A decision with a single
// option is not one.
func (r *Decider) Choose(d Decision) int {
	if len(d.Options) < 2 {
		return 0
	}
	asked := &r.asked
	if r.brief {
		*asked = d
	} else {
		r.Decisions = append(r.Decisions, d)
		asked = &r.Decisions[len(r.Decisions)-1]
	}
	i := r.source.Choose(asked)
	if i != 0 {
		o := d.Options[i]
		r.Plan = append(r.Plan, Deviation{At: d.At, Do: o.Do, With: o.With})
		r.last = len(r.Decisions)
	}
	return i
}

// Note puts the newest deviation into words, and tells the source if it wants
// to know.
func (r *Decider) Note(note string) {
	r.Plan[len(r.Plan)-1].Note = note
	if s, ok := r.source.(interface{ Note(string) }); ok {
		s.Note(note)
	}
}

// Record returns what a strategy needs to know of the finished run.
func (r *Decider) Record() *Record {
	return &Record{Plan: r.Plan, Decisions: r.Decisions, After: r.last,
		Steps: r.steps, Pairs: r.pairs, States: r.states, Hash: r.order.Hash()}
}

// Record is what a run asked, what was answered, and what it did.
type Record struct {
	Plan      Plan
	Decisions []Decision // those with more than one option, in order
	After     int        // Decisions[After:] come after the last deviation
	Steps     []Transition
	Pairs     []Pair   // which writes its reads saw, each once, in order of occurrence
	States    []string // that its properties were in
	Hash      uint64   // of its partial order
}
