package sim

import (
	"slices"

	"github.com/wtsim/wtsim/scheduler"
)

// chance asks for decisions, within what the scenario allows. It belongs to
// the run's goroutine.
type chance struct {
	record   *scheduler.Decider
	replay   *scheduler.Replay // if its source is one
	follower follower          // if its source is one
	limits   *Faults
	state    func() uint64 // at a decision
	faults   int           // that have occurred
	notes    []string      // deviations since the last step, in words
	named    []string      // steps that these name
}

// remark puts the newest deviation into words, for the plan and the step. The
// words name other steps too, which are told with them.
func (ch *chance) remark(note string, named ...string) {
	ch.record.Note(note)
	ch.notes, ch.named = append(ch.notes, note), append(ch.named, named...)
}

// noted gives a step the newest deviations.
func (ch *chance) noted(s *Step) {
	s.Deviations, s.Named = ch.notes, ch.named
	ch.notes, ch.named = nil, nil
}

// fault asks for a step's outcome among options, which it takes over: the
// benign one, then deviations that are faults. It returns the zero option for
// the benign one.
func (ch *chance) fault(c candidate, options []scheduler.Option) scheduler.Option {
	if ch.faults >= ch.limits.Most || !ch.exposed(c) {
		return scheduler.Option{}
	}
	d := scheduler.Decision{At: c.step(), Options: options[:1], State: ch.state()}
	for _, o := range options[1:] {
		if o.Fault = true; ch.allowed(o.Do) {
			d.Options = append(d.Options, o)
		}
	}
	picked := d.Options[ch.record.Choose(d)]
	if picked.Do != "" {
		ch.faults++
	}
	return picked
}

func (ch *chance) allowed(kind string) bool {
	kinds := ch.limits.Kinds
	return kinds == nil || slices.Contains(kinds, kind)
}

// exposed reports whether the scenario allows faults at this place.
func (ch *chance) exposed(c candidate) bool {
	f := ch.limits
	if f.Functions != nil && !slices.Contains(f.Functions, c.task.fn.Name) {
		return false
	}
	return c.call == nil || f.Services == nil || slices.Contains(f.Services, c.call.Op.Service)
}
