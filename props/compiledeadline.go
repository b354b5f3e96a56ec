package props

import (
	"fmt"
	"slices"
	"time"
)

// What compile does for deadlines.

// deadlines enters the deadlines of states.
func (c *compiler) deadlines() error {
	c.a.Deadlines = make([]Timeout, len(c.a.States))
	closed := make([]bool, len(c.a.States)) // has a deadline without guard
	for _, r := range c.rules {
		for _, limit := range r.limits {
			if err := c.deadline(r.from, limit, closed); err != nil {
				return err
			}
		}
	}
	for s := range c.a.Deadlines {
		if d := &c.a.Deadlines[s]; len(d.Cases) > 0 && !closed[s] {
			return fmt.Errorf("the deadline of state %q has a guard, wanted a last one without, for when that does not hold", c.a.States[s])
		}
		if err := c.round(s); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) deadline(state string, limit deadline, closed []bool) error {
	from, to := c.state(state), c.state(limit.to)
	d := &c.a.Deadlines[from]
	switch {
	case closed[from]:
		return fmt.Errorf("state %q has two deadlines, wanted one, or guards of all but the last", state)
	case limit.after <= 0:
		return fmt.Errorf("the deadline of state %q is after %v, wanted a positive duration", state, limit.after)
	case d.After != 0 && d.After != limit.after:
		return fmt.Errorf("the deadlines of state %q are after %s and %s, wanted one duration, after which guards decide", state, said(d.After), said(limit.after))
	case to < 0:
		return fmt.Errorf("the deadline of state %q leads to undefined state %q", state, limit.to)
	}
	if err := c.passing(state, limit); err != nil {
		return err
	}
	d.After = limit.after
	writes := c.writes(nil, limit.transition())
	if limit.guard == nil {
		d.To, d.Writes, closed[from] = to, writes, true
		return nil
	}
	d.Cases = append(d.Cases, Case{To: to, Writes: writes, guard: limit.guard})
	return nil
}

// passing checks what a deadline asks and writes. What it may write is such that
// many rounds do what one does, or that many times as much.
func (c *compiler) passing(state string, limit deadline) error {
	if limit.guard != nil {
		if limit.guard.holds == nil {
			return fmt.Errorf("the guard %q of the deadline of state %q is nil, wanted a function", limit.guard.desc, state)
		}
		if i := slices.IndexFunc(c.registers, func(r Register) bool { return r.kind == WindowRegister }); i >= 0 {
			return fmt.Errorf("the deadline of state %q has a guard beside the window %q, wanted no window: where clocks differ nothing says which comes first, the deadline or what leaves the window", state, c.registers[i].name)
		}
	}
	for i, u := range limit.updates {
		at := registerNamed(c.registers, u.register.name)
		switch {
		case at < 0:
			return fmt.Errorf("the deadline of state %q writes unknown register %q, wanted %s", state, u.register.name, oneOf(c.registerNames()))
		case c.registers[at].kind != u.register.kind || !u.fits():
			return fmt.Errorf("the deadline of state %q writes register %q, a %v, as if it were another kind", state, u.register.name, c.registers[at].kind)
		case slices.ContainsFunc(limit.updates[:i], func(e Update) bool { return e.register.name == u.register.name }):
			return fmt.Errorf("the deadline of state %q writes register %q twice, wanted once", state, u.register.name)
		case u.op != Forget && (u.op != CountBy || u.register.kind != CounterRegister || u.by < 1):
			return fmt.Errorf("the deadline of state %q has %v, wanted a register to clear, or a counter to count up", state, u)
		}
	}
	return nil
}

// round sees how long it takes until deadlines lead back to a state. Where they
// go on for ever there is no last one, at which it could be asked what is owed.
func (c *compiler) round(s int) error {
	circle := c.circle(s)
	d := &c.a.Deadlines[s]
	if len(circle) == 0 {
		return c.longChain(s)
	}
	if c.a.AtEnd[s] {
		return fmt.Errorf("deadlines lead from state %q back to it, which is violated at the end, wanted an event on the way: they have no last one", c.a.States[s])
	}
	d.Guarded = slices.ContainsFunc(circle, func(s int) bool { return len(c.a.Deadlines[s].Cases) > 0 })
	if !d.Guarded {
		if len(circle) == 1 && len(d.Writes) == 0 {
			return fmt.Errorf("the deadline of state %q leads back to it and changes nothing, wanted a register that it writes, or another state", c.a.States[s])
		}
		for _, at := range circle {
			d.Round += c.a.Deadlines[at].After
		}
		return c.longChain(s)
	}
	counts := func(w Write) bool { return w.Op == CountBy }
	for _, p := range d.passings() {
		if slices.ContainsFunc(p.Writes, counts) {
			return fmt.Errorf("the deadline of state %q counts in a circle of deadlines with a guard, whose rounds would have to be gone through one by one; wanted it to clear, or a state for each count", c.a.States[s])
		}
	}
	return c.longChain(s)
}

// circle returns the states from which deadlines lead on to a state that they
// lead to from it; none if they do not lead back.
func (c *compiler) circle(s int) (all []int) {
	for at := range c.a.Deadlines {
		if c.leadsTo(s, at) && c.leadsTo(at, s) {
			all = append(all, at)
		}
	}
	return all
}

// leadsTo tells whether deadlines alone lead from one state to another.
func (c *compiler) leadsTo(from, to int) bool {
	known := make([]bool, len(c.a.States))
	for open := []int{from}; len(open) > 0; open = open[1:] {
		for _, p := range c.a.Deadlines[open[0]].passings() {
			if p.To == to {
				return true
			}
			if !known[p.To] {
				known[p.To], open = true, append(open, p.To)
			}
		}
	}
	return false
}

// longChain refuses deadlines that follow on each other for longer than a
// duration says.
func (c *compiler) longChain(s int) error {
	var sum time.Duration
	known := make([]bool, len(c.a.States))
	for open := []int{s}; len(open) > 0; open = open[1:] {
		d := &c.a.Deadlines[open[0]]
		if sum += d.After; sum < 0 {
			return fmt.Errorf("the deadlines that follow on that of state %q take more than 292 years, wanted less", c.a.States[s])
		}
		for _, p := range d.passings() {
			if !known[p.To] && p.To != s {
				known[p.To], open = true, append(open, p.To)
			}
		}
	}
	return nil
}
