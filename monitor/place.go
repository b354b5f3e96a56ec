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
// other to judge it. Instances of a property without such a variable, or in which
// one event type has several roles, are shared out as among parts: a place is a share,
// and an event concerns all those that agree with what it binds.
//
// What a stream at a place finds is what one stream of everything would, if it is
// told of the time when something there is due, and the clock of no source goes
// back: what came before at other places moves no event here.
//
// An event that lacks such a variable, or has there what cannot bind, goes to the
// place without values, or to the first share, where it is malformed. So do all events of a property
// that has no variable.

// Place is where some of the instances of a property are.
type Place struct {
	Property string
	Values   string // what they agree on: a JSON array; empty if there is nothing
	Part     int    // which share of them, for [StreamOptions]
	Parts    int    // of how many; 0 is all of them
}

// Places is where the instances of a program are kept. It does not change, and is the
// same in every process.
type Places struct {
	program *Program
	cubes   []cube // by plan
}

// Places returns where instances are kept, of a property whose events have no variable
// in common at a number of places at most.
func (p *Program) Places(shares int) *Places {
	d := &Places{p, make([]cube, len(p.plans))}
	for i := range p.plans {
		if pl := &p.plans[i]; len(pl.agree) == 0 {
			d.cubes[i] = pl.cube(shares)
		}
	}
	return d
}

// Of appends the places that an event concerns; none if no property has its type in the
// alphabet. The first is its home, which counts it, and tells what is malformed in it.
func (d *Places) Of(to []Place, e *event.Event) []Place {
	from, home := len(to), -1
	for _, r := range d.program.routesOf(e.Type) {
		pl := &d.program.plans[r.plan]
		l := &pl.letters[r.letter]
		if home < 0 && !(l.Other && l.Lacks(e)) {
			if _, why := l.judge(e); why != "" {
				home = r.plan
			}
		}
		d.each(r.plan, l, e, func(at Place) {
			if !slices.Contains(to[from:], at) { // as another role
				to = append(to, at)
			}
		})
	}
	if home >= 0 {
		name := d.program.plans[home].property.Name()
		first := from + slices.IndexFunc(to[from:], func(at Place) bool { return at.Property == name })
		to[from], to[first] = to[first], to[from]
	}
	return to
}

// each visits the places of a property that an event concerns as a letter.
func (d *Places) each(plan int, l *letter, e *event.Event, visit func(Place)) {
	pl, c := &d.program.plans[plan], &d.cubes[plan]
	at := Place{Property: pl.property.Name(), Values: pl.valuesOf(l, e)}
	if c.shares < 2 {
		visit(at)
		return
	}
	at.Parts = c.parts
	c.each(l, e, func(part int) {
		at.Part = part
		visit(at)
	})
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
