package monitor

import (
	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/skew"
	"github.com/wtsim/wtsim/props"
)

// account is an instance's slice, in the order by time, that is told to people.
type account struct {
	*store
	slice []note
}

// passingLetter is the letter of a deadline in a slice.
const passingLetter = ^uint32(0)

// inTime returns a slice with the deadlines that pass before its events, and
// the configuration that it leads to. until says of what is still running at
// its end whether it passed.
func (a account) inTime(until func(machine.Running) bool) (all []note, state uint32) {
	state = machine.StartState
	running := func() machine.Running { return a.Configs.All[state].Running }
	for _, n := range a.slice {
		if n.letter != passingLetter {
			for r := a.trails.records.at(n.record); running().On() && running().At.Before(r.at()) && state != props.ViolatedState; {
				state, all = a.Configs.Expire(state), append(all, note{letter: passingLetter})
			}
		}
		if state == props.ViolatedState {
			return all, state
		}
		all = append(all, n)
		if n.letter == passingLetter {
			state = a.Configs.Expire(state)
		} else {
			state = a.after(n, state)
		}
	}
	for running().On() && until(running()) {
		state, all = a.Configs.Expire(state), append(all, note{letter: passingLetter})
	}
	return all, state
}

// witness tells the slice to people, in exact order, with the states that it
// leads to; firing is the deadline that passes at its end, if one does.
func (a account) witness(firing *machine.Running) []WitnessEvent {
	order := a.slice
	if a.Configs != nil && len(order) > 0 {
		order, _ = a.inTime(func(r machine.Running) bool { return firing != nil && !firing.At.Before(r.At) })
	}
	told, _ := a.tell(order)
	return told
}

// tell tells an order to people, with the states that it leads to, and which
// deadline passes at its end.
func (a account) tell(order []note) (told []WitnessEvent, last machine.Running) {
	if len(order) == 0 {
		return nil, last
	}
	told = make([]WitnessEvent, len(order))
	state := uint32(machine.StartState)
	for i, n := range order {
		last = machine.Running{}
		if n.letter == passingLetter {
			last = a.Configs.All[state].Running
			e := a.eventAfter(last)
			state = a.Configs.Expire(state)
			told[i] = WitnessEvent{Source: e.Source, ID: e.ID, Type: e.Type}
		} else {
			r := a.trails.records.at(n.record)
			state = a.after(n, state)
			told[i] = WitnessEvent{Source: a.sources.Name(r.source), ID: r.id, Type: a.letterOf(n.letter).Type}
		}
		told[i].To = a.Auto.States[a.Base(state)]
	}
	return told, last
}

// after is where an event of the slice leads to.
func (a account) after(n note, state uint32) uint32 {
	if a.Configs == nil {
		return a.Next(n.letter, state, nil)
	}
	return a.Configs.Next(n.letter, state, a.trails.records.at(n.record).stamp())
}

// tellOrder fills in a violation from the order that violates.
func (a account) tellOrder(v *verdict, order []note) {
	v.violation.Witness, v.passed = a.tell(order)
	last := order[len(order)-1]
	if last.letter == passingLetter {
		v.at, v.violation.Event = v.passed.At, a.eventAfter(v.passed)
		return
	}
	v.record, v.at = last.record, a.trails.records.at(last.record).at()
	v.violation.Event = a.eventOf(last)
}

// explain adds the counter-order and the flip to a violation.
func (a account) explain(v *Violation, end *endOfTime) {
	covering := a.Covering
	a.Covering = false // what is tried here did not happen
	defer func() { a.Covering = covering }()
	if v.Certainty == Possible {
		v.Counter, _ = a.tell(a.counterOrder(end))
	}
	if len(a.slice) > maxExplained || a.Timed() {
		return
	}
	events, bound := a.pendings(), a.options.skew
	if v.Certainty == Certain {
		if at := a.judge.CeasesAt(events, bound); at > 0 {
			v.Flips = Flip{at, BecomesPossible}
		}
		return
	}
	switch at, certain := a.judge.BeginsAt(events, bound); {
	case at == 0:
	case certain:
		v.Flips = Flip{at, BecomesCertain}
	default:
		v.Flips = Flip{at, BecomesUnreported}
	}
}

// pendings are the events of the slice, as fronts see them.
func (a account) pendings() []skew.Pending {
	all := make([]skew.Pending, len(a.slice))
	for i, n := range a.slice {
		r := a.trails.records.at(n.record)
		all[i] = skew.Pending{At: r.at(), Letter: n.letter, Source: r.source}
	}
	return all
}

// notesOf are the notes of an order of the slice; nil if there is none.
func (a account) notesOf(order []int) (all []note) {
	for _, i := range order {
		if i == skew.Passing {
			all = append(all, note{letter: passingLetter})
		} else {
			all = append(all, a.slice[i])
		}
	}
	return all
}

// counterOrder returns an order that does not violate: by time if that does
// not, else one that is searched for. It ends where no violation can follow.
func (a account) counterOrder(end *endOfTime) []note {
	passed := a.passedAt(end)
	order, violated := a.slice, false
	if a.Configs != nil {
		var state uint32
		order, state = a.inTime(passed)
		violated = state == props.ViolatedState
	} else {
		_, violated = a.until(a.slice, a.IsDead)
	}
	if violated {
		order = a.notesOf(a.judge.OrderElse(a.pendings(), a.options.skew, passed))
	}
	order, _ = a.until(order, a.IsDead)
	return order
}

// violatingOrder returns a slice up to the event that violates it: by time if
// that violates, else in the first order that is found to.
func (a account) violatingOrder(end *endOfTime) []note {
	passed := a.passedAt(end)
	order := a.slice
	if a.Configs != nil {
		order, _ = a.inTime(passed)
	}
	order, violated := a.until(order, func(state uint32) bool { return state == props.ViolatedState })
	if violated {
		return order
	}
	return a.notesOf(a.judge.OrderTo(a.pendings(), a.options.skew, passed))
}

// until cuts an order after what leads to a state that is wanted, and tells
// whether it is violated then.
func (a account) until(order []note, wanted func(state uint32) bool) (upTo []note, violated bool) {
	state := uint32(machine.StartState)
	for i, n := range order {
		if n.letter == passingLetter {
			state = a.Configs.Expire(state)
		} else {
			state = a.Next(n.letter, state, nil)
		}
		if wanted(state) {
			return order[:i+1], state == props.ViolatedState
		}
	}
	return order, false
}

// passedAt tells of deadlines whether they have passed at an end.
func (s *store) passedAt(end *endOfTime) func(machine.Running) bool {
	return func(r machine.Running) bool { return end.passed(r, s.options.skew) }
}
