package scheduler

// OneMore enumerates the plans of one deviation more than a plan: each adds
// one option of a decision at which the plan does not deviate yet. What
// searches, shrinks and tests under rapid try next is one of these.
type OneMore struct {
	plan      Plan
	decisions []Decision
	leaveOut  func(*Decision) bool
	next      int // the decision of the next plan, or of the one after the newest
	option    int // of the newest plan; 0 if the decision is yet to be looked at
}

// NewOneMore enumerates the plans of one deviation more than p, at decisions of
// its run. leaveOut, which may be nil, is asked once about each decision.
func NewOneMore(p Plan, decisions []Decision, leaveOut func(*Decision) bool) *OneMore {
	return &OneMore{plan: p, decisions: decisions, leaveOut: leaveOut}
}

// OneMore enumerates the plans of one deviation more than the run's own, after
// those: so every plan follows from one alone.
func (r *Record) OneMore(leaveOut func(*Decision) bool) *OneMore {
	return NewOneMore(r.Plan, r.Decisions[r.After:], leaveOut)
}

// Next returns the next plan, or false when every plan was returned.
func (m *OneMore) Next() (Plan, bool) {
	for ; m.next < len(m.decisions); m.next, m.option = m.next+1, 0 {
		d := &m.decisions[m.next]
		if m.option == 0 && (m.plan.at(d.At) || m.leaveOut != nil && m.leaveOut(d)) {
			continue
		}
		if m.option++; m.option < len(d.Options) {
			return m.plan.With(d, m.option), true
		}
	}
	return nil, false
}

// progress is how many plans it has passed, of how many.
func (m *OneMore) progress() (done, all int) {
	for i := range m.decisions {
		n := len(m.decisions[i].Options) - 1
		if all += n; i < m.next {
			done += n
		}
	}
	if m.next < len(m.decisions) {
		done += m.option
	}
	return done, all
}

// Decision is the one at which the newest plan deviates.
func (m *OneMore) Decision() *Decision { return &m.decisions[m.next] }

// With returns the plan with one deviation more, an option of a decision.
func (p Plan) With(d *Decision, option int) Plan {
	o := d.Options[option]
	longer := append(make(Plan, 0, len(p)+1), p...)
	return append(longer, Deviation{At: d.At, Do: o.Do, With: o.With})
}

// at reports whether the plan deviates at a decision.
func (p Plan) at(decision string) bool {
	for _, d := range p {
		if d.At == decision {
			return true
		}
	}
	return false
}
