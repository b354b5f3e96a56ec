package machine

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/props"
)

// Windows. In a memory, a window is a number. In exact order it is that of its
// newest occurrence (history): what is too old is left out when it is asked.
// With skew it is that of the set of all that it holds (holdings): that an
// occurrence leaves is then an event of its source, at its time plus the window's
// length, which is ordered like all others (package skew).

// happen is a window with an event.
func (c *Configs) happen(window uint32, w *props.Write, read *reading, letter int, by *Stamp) uint32 {
	if w.Op == props.Renew {
		window = 0
	}
	if !c.Exact {
		distinct := c.of.Registers[w.Register].Distinct()
		n := read.occurs + uint32(slices.Index(c.adds[letter], addition{w.Param, distinct}))
		if distinct {
			window = c.withoutEarlier(window, n)
		}
		return c.holdings.change(window, n, true, c.occurrences.worth)
	}
	value := props.Total{}
	if w.Param >= 0 {
		v, _ := c.view.value(word(read.values[4*w.Param:]))
		value, _ = props.TotalOf(v)
	}
	if c.Store.Auto.Some == nil {
		return c.history.add(window, by.At, value)
	}
	return c.happenAlike(window, w.Register, func() uint32 { return c.history.add(window, by.At, value) })
}

// happenAlike makes windows of values that an event does not tell apart the same
// one again, if they were: else the values would differ for ever.
func (c *Configs) happenAlike(window uint32, register int, add func() uint32) uint32 {
	i := slices.IndexFunc(c.alike, func(x grown) bool { return x.register == register && x.was == window })
	if i < 0 {
		i = len(c.alike)
		c.alike = append(c.alike, grown{register, window, add()})
	}
	return c.alike[i].is
}

// grown is a window that an event was added to.
type grown struct {
	register int
	was, is  uint32
}

// EachLeaving visits what is in the windows of a configuration with when it
// leaves, the oldest of each first, until a visitor has seen enough of the
// window.
func (c *Configs) EachLeaving(state uint32, visit func(register int, n uint32, o *Occurrence, leaves order.Instant) bool) {
	memory := c.All[state].memory
	switch {
	case c.windows == 0 || memory == "":
	case c.Store.Auto.Some != nil:
		tree := c.tree(memory)
		tree.each(func(l *leaf) { c.eachLeavingOf(l.memory, visit) })
	default:
		c.eachLeavingOf(memory, visit)
	}
}

func (c *Configs) eachLeavingOf(memory string, visit func(register int, n uint32, o *Occurrence, leaves order.Instant) bool) {
	for i, r := range c.of.Registers {
		if memory == "" || r.Kind() != props.WindowRegister {
			continue
		}
		c.holdings.each(word(c.register(memory, i)), func(n uint32) bool {
			o := &c.occurrences.all[n]
			return visit(i, n, o, o.At.Add(r.Length()))
		})
	}
}

// Leave returns the configuration that a configuration is in when an
// occurrence has left a window, with all that has left by then of its source.
func (c *Configs) Leave(from uint32, register int, n uint32) uint32 {
	x, gone := c.All[from], c.occurrences.all[n]
	at := gone.At.Add(c.of.Registers[register].Length())
	x.memory = c.withWindows(x.memory, func(i int, window uint32) uint32 {
		left := window
		c.holdings.each(window, func(m uint32) bool {
			o := &c.occurrences.all[m]
			leaves := o.At.Add(c.of.Registers[i].Length())
			if o.Source == gone.Source && !at.Before(leaves) {
				left = c.holdings.change(left, m, false, c.occurrences.worth)
			}
			return !at.Before(leaves)
		})
		return left
	})
	return c.number(x)
}

// OneWindow tells whether a configuration has one window and no more: not one for
// each of several values.
func (c *Configs) OneWindow() bool { return c.windows == 1 && c.Store.Auto.Some == nil }

// withWindows returns a memory with windows replaced.
func (c *Configs) withWindows(memory string, by func(register int, window uint32) uint32) string {
	if c.Store.Auto.Some == nil {
		return c.withWindowsOf(memory, by)
	}
	tree := c.tree(memory)
	tree.each(func(l *leaf) {
		if l.memory != "" {
			l.memory = c.withWindowsOf(l.memory, by)
		}
	})
	tree.trim()
	return c.written(tree)
}

func (c *Configs) withWindowsOf(memory string, by func(register int, window uint32) uint32) string {
	b := c.buffer[:0]
	for i, r := range c.of.Registers {
		part := c.register(memory, i)
		if r.Kind() == props.WindowRegister && !c.listed(&r) {
			b = binary.LittleEndian.AppendUint32(b, by(i, word(part)))
		} else {
			b = append(b, part...)
		}
	}
	if c.buffer = b; string(b) == memory {
		return memory
	}
	return string(b)
}

// window returns what a memory has for a window, and since when what happened is
// in it.
func (v *view) window(register string) (window uint32, limit order.Instant, ok bool) {
	for i, r := range v.c.of.Registers {
		if r.Name() == register && r.Kind() == props.WindowRegister {
			return word(v.c.register(v.memory, i)), v.now.Add(-r.Length()), true
		}
	}
	return 0, v.now, false
}

// Size returns how many occurrences a window holds, or values a stack.
func (v *view) Size(register string) int64 {
	if n := v.distinct(register); n >= 0 {
		return int64(len(v.different(n)) / 4)
	}
	window, limit, ok := v.window(register)
	switch {
	case !ok:
		return int64(word(v.part(register, props.StackRegister)))
	case v.c.Exact:
		return v.c.history.size(window, limit)
	}
	return int64(v.c.holdings.sizes[window])
}

// Sum returns what they come to, or what an amount is.
func (v *view) Sum(register string) event.Value {
	for i, r := range v.c.of.Registers {
		if r.Name() == register && r.Kind() == props.AmountRegister {
			return v.c.amount(word(v.c.register(v.memory, i))).Value()
		}
	}
	window, limit, _ := v.window(register)
	if v.c.Exact {
		return v.c.history.sum(window, limit).Value()
	}
	return v.c.holdings.sums[window].Value()
}

// Held is how many occurrences, and nodes of sets of them, are kept.
func (c *Configs) Held() (occurrences, nodes int) {
	return len(c.history.all) + len(c.occurrences.all), len(c.holdings.nodes)
}

// fullOfWindows tells whether it is time to sweep what windows hold.
func (c *Configs) fullOfWindows() bool {
	return c.windows > 0 && (len(c.history.all) >= c.history.due || len(c.holdings.nodes) >= c.holdings.due || len(c.occurrences.all) >= c.occurrences.due)
}

// sweepWindows forgets what no window holds that is used. What that costs is
// spread over as much that is new.
func (c *Configs) sweepWindows() {
	defer c.RebuildNumbers()
	used := len(c.All) - len(c.free)
	if c.Exact {
		live := make([]bool, len(c.history.all))
		c.eachWindow(func(register int, window uint32) uint32 {
			c.history.mark(live, window, c.history.now.Add(-c.of.Registers[register].Length()))
			return window
		})
		moved := c.history.sweep(live)
		c.eachWindow(func(_ int, window uint32) uint32 { return moved[window] })
		c.history.due = max(c.history.least, 2*len(c.history.all), used)
		return
	}
	live := make([]bool, len(c.holdings.nodes))
	c.eachWindow(func(_ int, window uint32) uint32 { c.holdings.mark(live, window); return window })
	moved := c.holdings.sweep(live)
	c.eachWindow(func(_ int, window uint32) uint32 { return moved[window] })
	if len(c.occurrences.all) >= c.occurrences.due {
		c.sweepOccurrences()
	}
	c.holdings.due = max(c.holdings.due, used)
}

// sweepOccurrences numbers those anew that some window holds, or some letter may
// add to one.
func (c *Configs) sweepOccurrences() {
	live := make([]bool, len(c.occurrences.all))
	for n := range c.holdings.nodes {
		if x := &c.holdings.nodes[n]; x.height == 0 {
			for left := x.bits; left != 0; left &= left - 1 {
				live[x.base+uint32(bits.TrailingZeros64(left))] = true
			}
		}
	}
	for n := range c.Reads {
		for i := range c.adds[c.Store.Fates[n].Letter] {
			if r := &c.Reads[n]; r.stamped {
				live[int(r.occurs)+i] = true
			}
		}
	}
	moved := c.occurrences.sweep(live)
	for n := range c.Reads {
		if r := &c.Reads[n]; r.stamped && len(c.adds[c.Store.Fates[n].Letter]) > 0 {
			r.occurs = moved[r.occurs]
		}
	}
	old, again := c.holdings, map[uint32]uint32{}
	c.holdings = newHoldings(old.least)
	c.eachWindow(func(_ int, window uint32) uint32 {
		set, known := again[window]
		if !known {
			old.each(window, func(n uint32) bool {
				set = c.holdings.change(set, moved[n], true, c.occurrences.worth)
				return true
			})
			again[window] = set
		}
		return set
	})
	c.holdings.due = max(c.holdings.least, 2*len(c.holdings.nodes))
}

// eachWindow visits and replaces the windows of all configurations.
func (c *Configs) eachWindow(visit func(register int, window uint32) uint32) {
	for n := range c.All {
		if x := &c.All[n]; x.memory != "" {
			x.memory = c.withWindows(x.memory, visit)
		}
	}
}
