package monitor

import (
	"slices"

	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/skew"
	"github.com/wtsim/wtsim/props"
)

// account is an instance's slice, in the order by time, that is told to people.
type account struct {
	*store
	slice []note
}

// passingLetter is the letter of a deadline in a slice; in place of a record, which
// of those that run it is.
const passingLetter = ^uint32(0)

// endingLetter is the letter of the end, where it is judged.
const endingLetter = passingLetter - 1

// leavingLetter is the letter of what leaves a window, with skew. It is an
// occurrence in place of a record, and the window in place of the note before.
const leavingLetter = passingLetter - 2

// roundsLetter is the letter of whole rounds of deadlines that lead in a circle:
// that many, in place of a record. They are not told.
const roundsLetter = passingLetter - 3

// inTime returns a slice with the deadlines that pass before its events, and
// the configuration that it leads to. until says of what is still running at
// its end whether it passed.
func (a account) inTime(until func(machine.Running) bool) (all []note, state uint32) {
	state = machine.StartState
	running := func() machine.Running { return a.Configs.All[state].Running }
	for _, n := range a.slice {
		if n.letter != passingLetter {
			r := a.trails.records.at(n.record)
			for running().On() && running().At.Before(r.at()) && state != props.ViolatedState {
				to, rounds := a.Configs.Pass(state, r.at())
				state, all = to, append(all, passingNote(rounds))
			}
			all, state = a.leaveInTime(all, state, r.at())
		}
		if state == props.ViolatedState {
			return all, state
		}
		all = append(all, n)
		if n.letter == passingLetter {
			state = a.Configs.ExpireThe(int(n.record), state)
		} else {
			state = a.after(n, state)
		}
	}
	for running().On() && !a.Configs.Circles(state) && until(running()) {
		state, all = a.Configs.Expire(state), append(all, note{letter: passingLetter})
	}
	return all, state
}

// leaveInTime lets what is too old leave windows, in the order by time.
func (a account) leaveInTime(all []note, state uint32, now order.Instant) ([]note, uint32) {
	if a.options.skew == 0 {
		return all, state // a window is looked at when it is asked
	}
	for gone := true; gone; {
		gone = false
		a.Configs.EachLeaving(state, func(register int, n uint32, _ *machine.Occurrence, leaves order.Instant) bool {
			if !now.Before(leaves) {
				gone = true
				state, all = a.Configs.Leave(state, register, n), append(all, leavingNote(register, n))
			}
			return false
		})
	}
	return all, state
}

// passingNote is a deadline in a slice, or so many whole rounds of one.
func passingNote(rounds uint32) note {
	if rounds > 0 {
		return note{record: rounds, letter: roundsLetter}
	}
	return note{letter: passingLetter}
}

func leavingNote(register int, n uint32) note {
	return note{before: uint32(register), record: n, letter: leavingLetter}
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
// deadline passes at its end, before that is judged.
func (a account) tell(order []note) (told []WitnessEvent, last machine.Running) {
	if len(order) == 0 {
		return nil, last
	}
	told = make([]WitnessEvent, 0, len(order))
	state := uint32(machine.StartState)
	for _, n := range order {
		e := WitnessEvent{}
		switch n.letter {
		case endingLetter:
			told = append(told, WitnessEvent{ID: theEnd, Type: theEnd, To: a.Auto.States[props.ViolatedState]})
			continue
		case leavingLetter:
			state = a.Configs.Leave(state, int(n.before), n.record)
			continue
		case roundsLetter:
			state = a.Configs.Around(state, n.record)
			continue
		case passingLetter:
			last = a.Configs.Runnings(state)[n.record]
			d := a.eventAfter(last)
			state = a.Configs.ExpireThe(int(n.record), state)
			e = WitnessEvent{Source: d.Source, ID: d.ID, Type: d.Type}
		default:
			last = machine.Running{}
			r := a.trails.records.at(n.record)
			state = a.after(n, state)
			e = WitnessEvent{Source: a.sources.Name(r.source), ID: r.id, Type: a.typeOf(n)}
		}
		e.To = a.Auto.States[a.Base(state)]
		told = append(told, e)
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
func (a account) tellOrder(v *verdict, all []note, newest order.Instant) {
	v.violation.Witness, v.passed = a.tell(all)
	last := all[len(all)-1]
	if last.letter == endingLetter {
		v.ended, v.at = true, timeOfEnd(newest, v.passed)
		v.passed, v.violation.Event = machine.Running{}, endAt(v.at)
		return
	}
	if last.letter == passingLetter {
		v.at, v.violation.Event = v.passed.At, a.eventAfter(v.passed)
		return
	}
	v.record, v.at = last.record, a.trails.records.at(last.record).at()
	v.violation.Event = a.eventOf(last)
}

// explain adds the counter-order and the flip to a violation.
func (a account) explain(v *Violation, end skew.End) {
	covering := a.Covering
	a.Covering = false // what is tried here did not happen
	defer func() { a.Covering = covering }()
	if v.Forgotten {
		return // what is lacking explains it
	}
	if v.Certainty == Possible {
		v.Counter, _ = a.tell(a.counterOrder(end))
	}
	if len(a.slice) > maxExplained || a.Timed() || end.Judged {
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
		switch {
		case i == skew.Passing:
			all = append(all, note{letter: passingLetter})
		case i == skew.Ending:
			all = append(all, note{letter: endingLetter})
		case i <= skew.Leaving:
			all = append(all, noteOf(i))
		default:
			all = append(all, a.slice[i])
		}
	}
	return all
}

// noteOf is what an order has besides events, one deadline and the end.
func noteOf(step int) note {
	if rounds := skew.RoundsOf(step); rounds > 0 {
		return passingNote(rounds)
	}
	if which, ok := skew.PassingOf(step); ok {
		return note{letter: passingLetter, record: which}
	}
	return leavingNote(skew.LeavingOf(step))
}

// counterOrder returns an order that does not violate: by time if that does
// not, else one that is searched for. It ends where no violation can follow.
func (a account) counterOrder(end skew.End) []note {
	order := a.ordered(end)
	if _, violated := a.until(order, a.IsDead); violated {
		order = a.notesOf(a.judge.OrderElse(a.pendings(), a.options.skew, end))
	}
	order, _ = a.until(order, a.IsDead)
	return order
}

// violatingOrder returns a slice up to the event that violates it: by time if
// that violates, else in the first order that is found to.
func (a account) violatingOrder(end skew.End) []note {
	order, violated := a.until(a.ordered(end), func(state uint32) bool { return state == props.ViolatedState })
	if violated {
		return order
	}
	return a.notesOf(a.judge.OrderTo(a.pendings(), a.options.skew, end))
}

// ordered is the slice in the order by time, with what passes at its end.
func (a account) ordered(end skew.End) []note {
	order, state := a.slice, uint32(machine.StartState)
	if a.Configs != nil {
		order, state = a.inTime(end.InTime)
	} else if end.Judged {
		for _, n := range order {
			state = a.after(n, state)
		}
	}
	if end.Judged && a.Auto.AtEnd[a.Base(state)] {
		order = append(slices.Clip(order), note{letter: endingLetter})
	}
	return order
}

// until cuts an order after what leads to a state that is wanted, and tells
// whether it is violated then.
func (a account) until(order []note, wanted func(state uint32) bool) (upTo []note, violated bool) {
	state := uint32(machine.StartState)
	for i, n := range order {
		switch n.letter {
		case endingLetter:
			state = props.ViolatedState
		case passingLetter:
			state = a.Configs.ExpireThe(int(n.record), state)
		case leavingLetter:
			state = a.Configs.Leave(state, int(n.before), n.record)
		case roundsLetter:
			state = a.Configs.Around(state, n.record)
		default:
			state = a.Next(n.letter, state, nil)
		}
		if wanted(state) {
			return order[:i+1], state == props.ViolatedState
		}
	}
	return order, false
}
