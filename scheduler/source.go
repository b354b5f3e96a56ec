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
