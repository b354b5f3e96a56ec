package monitor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// What the reference knows of windows. That an occurrence leaves one is an event
// of its source, ordered like all others: certain is what the distances of times
// make certain, whatever the clocks.

// distance is how far apart an occurrence and an event are at least, and at
// most.
func (r *richRun) distance(h inWindow, e int) (least, most int) {
	d := r.p.effective[e] - h.at
	if h.source == r.as[e].source && r.flaw != distancesOfNone {
		return d, d
	}
	return d - r.skew, d + r.skew
}

// aged is what windows hold at a time, in the order by time.
func (r *richRun) aged(c memoryModel, at int) memoryModel {
	if r.flaw == neverLeft {
		return c
	}
	return c.without(func(i int, h inWindow) bool {
		return at-h.at > r.lengths[i] || at-h.at == r.lengths[i] && r.flaw != endIncluded
	})
}

// without leaves out some of what is in windows, those of all values.
func (c memoryModel) without(gone func(window int, h inWindow) bool) memoryModel {
	c = c.clone()
	for i := range c.in {
		c.in[i] = slices.DeleteFunc(c.in[i], func(h inWindow) bool { return gone(i, h) })
	}
	for v := range c.each {
		c.each[v] = c.each[v].without(gone)
	}
	return c
}

// held is what is in each of the windows, those of all values.
func (c memoryModel) held() (all [4][]inWindow) {
	for i := range all {
		all[i] = c.in[i]
		for _, one := range c.each {
			all[i] = slices.Concat(all[i], one.in[i])
		}
	}
	return all
}

// holdsTooOld: something in a window must have left before the event.
func (r *richRun) holdsTooOld(c memoryModel, e int) bool {
	for i, held := range c.held() {
		if slices.ContainsFunc(held, func(h inWindow) bool { least, _ := r.distance(h, e); return least >= r.lengths[i] }) {
			return true
		}
	}
	return false
}

// withoutOne is what an instance may come to when something leaves its windows:
// no event that is left is certainly before that, and nothing of its source
// leaves before.
func (r *richRun) withoutOne(c memoryModel, left []int) (all []memoryModel) {
	leaves := func(i int, h inWindow) int { return h.at + r.lengths[i] }
	in := c.held()
	for i := range in {
		for _, h := range in[i] {
			blocked := len(left) == 0 || slices.ContainsFunc(left, func(e int) bool { _, most := r.distance(h, e); return most < r.lengths[i] })
			for j := range in {
				blocked = blocked || slices.ContainsFunc(in[j], func(o inWindow) bool { return o.source == h.source && leaves(j, o) < leaves(i, h) })
			}
			to := c.without(func(j int, o inWindow) bool { return o.source == h.source && leaves(j, o) == leaves(i, h) })
			if !blocked {
				all = append(all, to)
			}
		}
	}
	return all
}

// asksAge tells whether some guard is over the age of a state.
func (ri *rich) asksAge() bool {
	return slices.ContainsFunc(slices.Concat(slices.Concat(ri.steps...)...), func(x richStep) bool { return x.guard == younger || x.guard == older })
}

// stacks are the registers of values one upon the other.
func stacks() (xs, counts props.Register) {
	return props.Stack("xs", deepest), props.Stack("counts", deepest)
}

// source is the register of who did something last.
func source() props.Register { return props.Last("source") }

func givenSource(l props.Letter) props.Letter {
	return l.Given("by the same", func(m props.Memory) bool {
		now, _ := m.Param(props.ContextSource)
		was, ok := m.Last("source")
		return ok && was.Equal(now)
	}, props.ContextSource)
}

// pushes tells whether a step may find a stack full.
func (x richStep) pushes() bool { return x.update == pushX || x.update == pushCount }

// windows are the registers of a model that count and sum up.
func (ri *rich) windows() (window, sums props.Register) {
	return props.Window("w", time.Duration(ri.lengths[0])*time.Millisecond), props.Window("v", time.Duration(ri.lengths[1])*time.Millisecond)
}

func givenWindow(l props.Letter, guard int, age time.Duration) props.Letter {
	switch guard {
	case topIsX:
		return l.Given("x is on top", func(m props.Memory) bool {
			x, _ := m.Param("x")
			top, ok := m.Top("xs")
			return ok && top.Equal(x)
		}, "x")
	case topIsCount:
		return l.Given("the counter is on top", func(m props.Memory) bool {
			top, ok := m.Top("counts")
			return ok && top.Equal(event.Int(m.Count("c")))
		})
	case bare:
		return l.Given("bare", func(m props.Memory) bool { return m.Size("xs") == 0 })
	case younger:
		return l.GivenYounger(age)
	case older:
		return l.GivenOlder(age)
	case crowded:
		return l.Given("crowded", func(m props.Memory) bool { return m.Size("w") >= 2 })
	case varied:
		return l.Given("varied", func(m props.Memory) bool { return m.Size("d") >= 2 })
	case familiar:
		return l.GivenIn(different(0), "x")
	case quiet:
		return l.Given("quiet", func(m props.Memory) bool { return m.Size("w") == 0 })
	case wealthy:
		return l.Given("wealthy", func(m props.Memory) bool { order, _ := props.Compare(m.Sum("a"), event.Int(1)); return order >= 0 })
	case heavy:
		return l.Given("heavy", func(m props.Memory) bool { order, _ := props.Compare(m.Sum("v"), event.Int(2)); return order >= 0 })
	}
	return l
}

// follow goes through an order that is told, and returns what the instance may be
// in then, and the events that are left; or why the order is not possible. What
// leaves windows is not told: it is tried.
func (r *richRun) follow(slice []int, order, states []string) (cs []memoryModel, left []int, why string) {
	cs, left = []memoryModel{newMemoryModel()}, slices.Clone(slice)
	for i, name := range order {
		e, err := strconv.Atoi(name)
		var to []memoryModel
		why = "something has left a window, or has not"
		for _, c := range r.withLess(r.withRounds(cs, left), left) {
			switch {
			case err == nil && r.skew > 0 && r.holdsTooOld(c, e):
				continue
			case r.misplaced(slice, c, left, name, e, err == nil) != "":
				why = r.misplaced(slice, c, left, name, e, err == nil)
				continue
			case name == theEnd:
				c = end(c)
			case err != nil:
				d, _ := r.runningNamed(c, name)
				c = r.expireOf(c, d)
			default:
				c = r.step(c, e)
			}
			if r.nameOf(c) == states[i] {
				to = append(to, c)
			} else {
				why = fmt.Sprintf("it leads to %s, got %s at %d", r.nameOf(c), states[i], i)
			}
		}
		if len(to) == 0 {
			return nil, nil, why
		}
		cs, left = to, slices.DeleteFunc(left, func(o int) bool { return err == nil && o == e })
	}
	return cs, left, ""
}

// withLess adds what configurations may come to when occurrences leave.
func (r *richRun) withLess(cs []memoryModel, left []int) []memoryModel {
	if r.skew == 0 {
		return cs
	}
	known := map[string]bool{}
	var all []memoryModel
	for open := cs; len(open) > 0; open = open[1:] {
		if c := open[0]; !known[fmt.Sprint(c)] {
			known[fmt.Sprint(c)], all = true, append(all, c)
			open = append(open, r.withoutOne(c, left)...)
		}
	}
	return all
}

func (r *richRun) show() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nskew %d\n", r.skew)
	for s := 2; s < len(r.steps); s++ {
		fmt.Fprintf(&b, "%s: after %d -> %d, %+v\n", stateName(s), r.after[s], r.timeout[s], r.steps[s])
	}
	for i, a := range r.as {
		fmt.Fprintf(&b, "%d: T%d%v flag %v x %d from %d at %d seq %d late %v\n", i, a.kind, a.values, a.flag, class(a.x), a.source, a.at, a.seq, r.p.late[i])
	}
	return b.String()
}
