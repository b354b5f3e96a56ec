package monitor

import (
	"slices"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// Instead of parts (part.go), each of which has many instances, the instances of
// a property can be kept at places: those that agree on the variables that all
// its events bind. An event then concerns one place of each property, and who
// keeps a stream a place (of that property alone, see [Program.Only]) needs no
// other to judge it.
//
// What a stream at a place finds is what one stream of everything would, if it is
// told of the time when something there is due, and the clock of no source goes
// back: what came before at other places moves no event here.
//
// An event that lacks such a variable, or has there what cannot bind, goes to the
// place without values, where it is malformed; so do all events of a property
// that has no such variable, or in which one event type has several roles.

// Place is where some of the instances of a property are.
type Place struct {
	Property string
	Values   string // what they agree on: a JSON array; empty if there is nothing
}

// Places appends the places that an event concerns, one a property, in the order
// given to Compile; none if no property has its type in the alphabet. It is the
// same in every process.
func (p *Program) Places(to []Place, e *event.Event) []Place {
	last := -1
	for _, r := range p.routesOf(e.Type) {
		if r.plan == last {
			continue // another role: all of them have one place
		}
		last = r.plan
		pl := &p.plans[r.plan]
		to = append(to, Place{pl.property.Name(), pl.valuesOf(&pl.letters[r.letter], e)})
	}
	return to
}

// valuesOf are the values that an event has for what all events bind.
func (pl *plan) valuesOf(l *letter, e *event.Event) string {
	if len(pl.agree) == 0 {
		return ""
	}
	text := []byte{'['}
	for i, v := range pl.agree {
		bind := slices.IndexFunc(l.Binds, func(b props.Bind) bool { return b.Variable == v })
		value, ok := l.Binds[bind].Of(e)
		if !ok || !value.CanBind() {
			return ""
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = value.Canonical().AppendJSON(text)
	}
	return string(append(text, ']'))
}

// commonVariables are those that all events bind, in all of their roles.
func (pl *plan) commonVariables() set {
	if pl.roles || len(pl.letters) == 0 {
		return 0
	}
	common := ^set(0)
	for i := range pl.letters {
		common &= pl.letters[i].vars
	}
	return common
}

// Due returns up to when time has to pass so that something is settled that
// waits: an event, or a deadline, which may turn out to be void. ok is false if
// nothing waits.
func (s *Stream) Due() (at time.Time, ok bool) {
	first, ok := s.events.Earliest()
	if deadline, any := s.engine.deadlines.next(); any && (!ok || deadline.Before(first)) {
		first, ok = deadline, true
	}
	if !ok {
		return at, false
	}
	return first.Add(s.options.Skew).Add(s.options.Lateness).Add(justAfter).Time(), true
}

// justAfter is how far the watermark must be behind what it settles.
const justAfter = time.Nanosecond
