package machine

import (
	"encoding/binary"
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/props"
)

// Windows. In exact order a memory has the newest occurrence of a window alone
// (history). With skew it lists all that the window holds: that an occurrence
// leaves is then an event of its source, at its time plus the window's length,
// which is ordered like all others (package skew).

// windowSize is how much of a memory is a window.
func (c *Configs) windowSize(memory string) int {
	if c.Exact {
		return 4
	}
	return 4 + 4*int(word(memory))
}

// happen appends a window with an event.
func (c *Configs) happen(b []byte, part string, w *props.Write, values string, by *Stamp) []byte {
	value := props.Total{}
	if w.Param >= 0 {
		v, _ := c.view.value(word(values[4*w.Param:]))
		value, _ = props.TotalOf(v)
	}
	if c.Exact {
		return binary.LittleEndian.AppendUint32(b, c.history.add(word(part), by.At, value))
	}
	n := c.occurrences.number(Occurrence{by.At, by.Source, by.ID, int32(w.Param), value})
	held := words(part[4:])
	if at, there := slices.BinarySearchFunc(held, n, c.occurrences.compare); !there {
		held = slices.Insert(held, at, n)
	}
	return appendWindow(b, held)
}

func appendWindow(b []byte, held []uint32) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(held)))
	for _, n := range held {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

func words(text string) []uint32 {
	all := make([]uint32, 0, len(text)/4+1)
	for ; len(text) > 0; text = text[4:] {
		all = append(all, word(text))
	}
	return all
}

// EachLeaving visits what is in the windows of a configuration with when it
// leaves, the oldest of each first, until a visitor has seen enough of the
// window.
func (c *Configs) EachLeaving(state uint32, visit func(register int, n uint32, o *Occurrence, leaves order.Instant) bool) {
	if !c.windowed || c.All[state].memory == "" {
		return
	}
	for i, r := range c.Store.Auto.Registers {
		if r.Kind() != props.WindowRegister {
			continue
		}
		for held := c.register(c.All[state].memory, i)[4:]; len(held) > 0; held = held[4:] {
			n := word(held)
			if o := &c.occurrences.all[n]; !visit(i, n, o, o.At.Add(r.Length())) {
				break
			}
		}
	}
}

// Leave returns the configuration that a configuration is in when an
// occurrence has left a window.
func (c *Configs) Leave(from uint32, register int, n uint32) uint32 {
	x := c.All[from]
	b := c.buffer[:0]
	for i := range c.Store.Auto.Registers {
		part := c.register(x.memory, i)
		if i == register {
			b = appendWindow(b, slices.DeleteFunc(words(part[4:]), func(m uint32) bool { return m == n }))
			continue
		}
		b = append(b, part...)
	}
	c.buffer, x.memory = b, string(b)
	return c.number(x)
}

// window returns what a window's part of the memory says, and since when what
// happened is in it.
func (v *view) window(register string) (part string, limit order.Instant) {
	for i, r := range v.c.Store.Auto.Registers {
		if r.Name() == register && r.Kind() == props.WindowRegister {
			return v.c.register(v.memory, i), v.now.Add(-r.Length())
		}
	}
	return "\x00\x00\x00\x00", v.now
}

// Size returns how many occurrences a window holds.
func (v *view) Size(register string) int64 {
	part, limit := v.window(register)
	if v.c.Exact {
		return v.c.history.size(word(part), limit)
	}
	return int64(word(part))
}

// Sum returns what they come to.
func (v *view) Sum(register string) event.Value {
	part, limit := v.window(register)
	if v.c.Exact {
		return v.c.history.sum(word(part), limit).Value()
	}
	sum := props.Total{}
	for _, n := range words(part[4:]) {
		sum = sum.Plus(v.c.occurrences.all[n].value)
	}
	return sum.Value()
}

// fullOfWindows tells whether it is time to sweep what windows hold.
func (c *Configs) fullOfWindows() bool {
	return c.windowed && (len(c.history.all) >= c.history.due || len(c.occurrences.all) >= c.occurrences.due)
}

// sweepWindows forgets what no window holds that is used.
func (c *Configs) sweepWindows() {
	live := make([]bool, max(len(c.history.all), len(c.occurrences.all)))
	kinds := c.Store.Auto.Registers
	c.eachWindow(func(register int, part string) {
		if c.Exact {
			c.history.mark(live, word(part), c.history.now.Add(-kinds[register].Length()))
			return
		}
		for _, n := range words(part[4:]) {
			live[n] = true
		}
	})
	var moved []uint32
	if c.Exact {
		moved = c.history.sweep(live[:len(c.history.all)])
	} else {
		moved = c.occurrences.sweep(live[:len(c.occurrences.all)])
	}
	c.moveWindows(moved)
	used := len(c.All) - len(c.free)
	c.history.due = max(c.history.least, 2*len(c.history.all), used)
	c.occurrences.due = max(c.occurrences.least, 2*len(c.occurrences.all), used)
}

// eachWindow visits the windows of all configurations.
func (c *Configs) eachWindow(visit func(register int, part string)) {
	for n := range c.All {
		if memory := c.All[n].memory; memory != "" {
			for i, r := range c.Store.Auto.Registers {
				if r.Kind() == props.WindowRegister {
					visit(i, c.register(memory, i))
				}
			}
		}
	}
}

// moveWindows gives what windows hold its new numbers.
func (c *Configs) moveWindows(moved []uint32) {
	for n := range c.All {
		x := &c.All[n]
		if x.memory == "" {
			continue
		}
		b := c.buffer[:0]
		for i, r := range c.Store.Auto.Registers {
			part := c.register(x.memory, i)
			if r.Kind() != props.WindowRegister {
				b = append(b, part...)
				continue
			}
			if !c.Exact {
				b, part = append(b, part[:4]...), part[4:]
			}
			for _, m := range words(part) {
				b = binary.LittleEndian.AppendUint32(b, moved[m])
			}
		}
		if c.buffer = b; string(b) != x.memory {
			x.memory = string(b)
		}
	}
	c.RebuildNumbers()
}
