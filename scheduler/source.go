package scheduler

// Source answers decisions: it returns the index of an option. A source is
// used for one run.
type Source interface {
	Choose(d *Decision) int
}

// Watches reports whether a source may look at what decisions let go, and at
// the steps of the run. Runs of one that does not are cheaper.
func Watches(s Source) bool {
	switch s.(type) {
	case Benign, *Replay, *Random:
		return false
	}
	return true
}

// Benign answers every decision with its benign option.
type Benign struct{}

// Choose returns 0.
func (Benign) Choose(*Decision) int { return 0 }

// Replay follows a plan; all else is benign.
type Replay struct {
	byAt    map[string]Deviation
	matched map[string]bool
	plan    Plan
}

// NewReplay returns a source that follows the plan.
func NewReplay(p Plan) *Replay {
	r := &Replay{plan: p, byAt: make(map[string]Deviation, len(p)), matched: make(map[string]bool, len(p))}
	for _, d := range p {
		r.byAt[d.At] = d
	}
	return r
}

// Choose returns the plan's option where the decision is in the plan and
// offers it.
func (r *Replay) Choose(d *Decision) int {
	if len(r.byAt) == 0 {
		return 0
	}
	want, ok := r.byAt[d.At]
	if !ok {
		return 0
	}
	i := d.find(want.Do, want.With)
	if i < 0 {
		return 0
	}
	r.matched[d.At] = true
	return i
}

// Unmatched returns the deviations that no decision has met: their identity
// did not occur, or did not offer their option.
func (r *Replay) Unmatched() Plan {
	var left Plan
	for _, d := range r.plan {
		if !r.matched[d.At] {
			left = append(left, d)
		}
	}
	return left
}

// Recorder passes decisions to a source and keeps what was asked and
// answered, and what the run did.
type Recorder struct {
	source    Source
	watch     watcher    // the source, if it wants to know the steps
	Decisions []Decision // those with more than one option, in order
	Plan      Plan       // the answers that were not benign; the run adds the notes
	last      int        // number of decisions up to and including the last deviation
	steps     []Step
	order     Order
	pairs     []Pair
	known     map[Pair]bool
	states    []string
	brief     bool
	asked     Decision // the newest, if none are kept
}

// watcher is a source that wants to know what the run does.
type watcher interface {
	Did(s *Step)
}

// NewRecorder returns a recorder of the source's answers.
func NewRecorder(s Source) *Recorder {
	r := &Recorder{source: s, known: map[Pair]bool{}}
	r.watch, _ = s.(watcher)
	return r
}

// Brief makes the recorder keep no decisions, so that the run may use their
// options again: for runs whose decisions nobody searches in.
func (r *Recorder) Brief() { r.brief = true }

// Did records a step, once it has been done.
func (r *Recorder) Did(s Step) {
	r.steps = append(r.steps, s)
	own := &r.steps[len(r.steps)-1]
	r.order.Add(own, r.saw)
	if r.watch != nil {
		r.watch.Did(own)
	}
}

func (r *Recorder) saw(p Pair) {
	if !r.known[p] {
		r.known[p] = true
		r.pairs = append(r.pairs, p)
	}
}

// Hash is that of the partial order so far.
func (r *Recorder) Hash() uint64 { return r.order.Hash() }

// Reached records that a property, or the run's end, has got into a state.
func (r *Recorder) Reached(state string) { r.states = append(r.states, state) }

// Choose asks the source and records its answer. A decision with a single
// option is not one.
func (r *Recorder) Choose(d Decision) int {
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
func (r *Recorder) Note(note string) {
	r.Plan[len(r.Plan)-1].Note = note
	if s, ok := r.source.(interface{ Note(string) }); ok {
		s.Note(note)
	}
}

// Record returns what a strategy needs to know of the finished run.
func (r *Recorder) Record() *Record {
	return &Record{Plan: r.Plan, Decisions: r.Decisions, After: r.last,
		Steps: r.steps, Pairs: r.pairs, States: r.states, Hash: r.order.Hash()}
}

// Record is what a run asked, what was answered, and what it did.
type Record struct {
	Plan      Plan
	Decisions []Decision // those with more than one option, in order
	After     int        // Decisions[After:] come after the last deviation
	Steps     []Step
	Pairs     []Pair   // which writes its reads saw, each once, in order of occurrence
	States    []string // that its properties were in
	Hash      uint64   // of its partial order
}
