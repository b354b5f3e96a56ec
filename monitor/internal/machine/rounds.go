package machine

import (
	"math"
	"slices"
	"time"

	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/props"
)

// Deadlines may lead in a circle: then they pass in rounds, for ever. By itself
// a circle never violates, since nothing leads out of it but events. So of the
// rounds that pass while no event can change anything all are one step: after
// the first, which clears what they clear, each adds the same to counters.

// again makes the deadline begin anew at the instant at which it passes.
func (r *Running) again(d time.Duration) {
	r.At = r.At.Add(d)
	if r.After += d; r.After < 0 {
		r.After = math.MaxInt64 // 292 years
	}
}

// Circles tells whether the deadline that runs leads back to where it is.
func (c *Configs) Circles(state uint32) bool { return c.round(state) > 0 }

func (c *Configs) round(state uint32) time.Duration {
	x := &c.All[state]
	if !x.Running.On() {
		return 0
	}
	if d := &c.Store.Auto.Deadlines[x.State]; !d.Guarded {
		return d.Round
	}
	return c.guardedRound(*x)
}

// guardedRound is how long it takes until deadlines with guards lead back to a
// configuration; 0 if they do not. They only clear registers, so that a round
// later nothing is new, or what will not come back was left behind.
func (c *Configs) guardedRound(x Config) (round time.Duration) {
	at := x
	for range len(c.Store.Auto.States) {
		round += c.Store.Auto.Deadlines[at.State].After
		if c.expire(&at); !at.Running.On() {
			return 0
		}
		if at.State == x.State {
			if at.memory != x.memory {
				return 0
			}
			return round
		}
	}
	return 0
}

// Pass is what the running deadline does, or, if that leads back before a time,
// what so many whole rounds do: how many is returned.
func (c *Configs) Pass(from uint32, before order.Instant) (to, rounds uint32) {
	if n := c.rounds(from, before); n > 0 {
		return c.Around(from, n), n
	}
	return c.Expire(from), 0
}

// rounds is after how many rounds, at most, the deadline is still before a time.
func (c *Configs) rounds(from uint32, before order.Instant) uint32 {
	round, at := c.round(from), c.All[from].Running.At
	if round == 0 || !at.Before(before) {
		return 0
	}
	return uint32(min((before.Since(at)-1)/round, math.MaxUint32))
}

// Around is what a number of whole rounds do.
func (c *Configs) Around(from, rounds uint32) uint32 {
	x := c.All[from]
	if c.Store.Auto.Deadlines[x.State].Guarded {
		x.Running.again(time.Duration(rounds) * c.round(from))
		return c.number(x)
	}
	c.expire(&x)
	for x.State != c.All[from].State {
		c.expire(&x)
	}
	if more := int64(rounds) - 1; more > 0 {
		x.Running.again(time.Duration(more) * c.round(from))
		x.memory = c.write(x.memory, c.counting(int(x.State), more), &noReading, 0, nil)
	}
	return c.number(x)
}

// counting are the writes of a number of rounds that come after another.
func (c *Configs) counting(state int, rounds int64) (all []props.Write) {
	var cleared []int
	for at, begun := state, false; !begun || at != state; begun = true {
		d := &c.Store.Auto.Deadlines[at]
		at = d.To
		for _, w := range d.Writes {
			i := slices.IndexFunc(all, func(o props.Write) bool { return o.Register == w.Register })
			switch {
			case w.Op == props.Forget:
				cleared = append(cleared, w.Register)
			case i < 0:
				all = append(all, w)
			default:
				all[i].By = saturated(all[i].By, w.By)
			}
		}
	}
	all = slices.DeleteFunc(all, func(w props.Write) bool { return slices.Contains(cleared, w.Register) })
	for i := range all {
		if w := &all[i]; w.By > math.MaxInt64/rounds {
			w.By = math.MaxInt64
		} else {
			w.By *= rounds
		}
	}
	return all
}

// Passed is Pass, for an instance whose deadline passes.
func (c *Configs) Passed(from uint32, before order.Instant) uint32 {
	to, rounds := c.Pass(from, before)
	if rounds == 0 {
		c.cover(len(c.Store.Auto.Events), from, to)
		return to
	}
	for at := from; c.Store.Covering; {
		next := c.Expire(at)
		c.cover(len(c.Store.Auto.Events), at, next)
		if at = next; c.Store.Base(at) == c.Store.Base(from) {
			break
		}
	}
	return to
}
