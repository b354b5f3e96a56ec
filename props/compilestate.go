package props

import (
	"fmt"
	"slices"
	"time"
)

// What compile does for registers and deadlines.

// declareRegisters checks the registers' names.
func (c *compiler) declareRegisters() error {
	for i, r := range c.registers {
		if r.name == "" || registerNamed(c.registers[:i], r.name) >= 0 {
			return fmt.Errorf("register %q is declared twice or has no name", r.name)
		}
		if r.kind == WindowRegister && r.length <= 0 {
			return fmt.Errorf("register %q is a window of %v, wanted a positive duration", r.name, r.length)
		}
		if r.kind == StackRegister && (r.Depth() < 1 || r.Depth() > maxDepth) {
			return fmt.Errorf("register %q is a stack of depth %d, wanted one from 1 to %d", r.name, r.Depth(), maxDepth)
		}
	}
	c.a.Registers = slices.Concat(c.registers, c.ages())
	return nil
}

// updates checks what a transition writes, and notes what it reads for that.
func (c *compiler) updates(t transition) error {
	et := c.event(t.letter)
	for i, u := range t.updates {
		at := registerNamed(c.registers, u.register.name)
		switch {
		case at < 0:
			return fmt.Errorf("%q writes unknown register %q, wanted %s", et.Type, u.register.name, oneOf(c.registerNames()))
		case c.registers[at].kind != u.register.kind || c.registers[at].distinct != u.register.distinct || !u.fits():
			return fmt.Errorf("%q writes register %q, a %v, as if it were another kind", et.Type, u.register.name, c.registers[at].kind)
		case slices.ContainsFunc(t.updates[:i], func(e Update) bool { return e.register.name == u.register.name }):
			return fmt.Errorf("%q writes register %q twice, wanted once", et.Type, u.register.name)
		case u.op == PushCount && !c.counts(u.from):
			return fmt.Errorf("%q puts %q on the stack %q, wanted a counter", et.Type, u.from, u.register.name)
		case u.param != "":
			if et.Reads = with(et.Reads, []string{u.param}); isParam(u.param) {
				et.Wants = with(et.Wants, []string{u.param})
			}
			if u.register.kind == WindowRegister && !u.register.distinct || u.op == AddNumber {
				et.Sums = with(et.Sums, []string{u.param})
			}
		}
	}
	return nil
}

// writes translates updates that have been checked.
func (c *compiler) writes(et *EventType, t transition) []Write {
	var all []Write
	for _, u := range t.updates {
		w := Write{Register: registerNamed(c.registers, u.register.name), Op: u.op, By: u.by, Param: -1}
		if u.op == PushCount {
			w.By = int64(registerNamed(c.registers, u.from))
		}
		if u.param != "" {
			w.Param = slices.Index(et.Reads, u.param)
		}
		all = append(all, w)
	}
	return all
}

// counts tells whether a register is a counter.
func (c *compiler) counts(name string) bool {
	i := registerNamed(c.registers, name)
	return i >= 0 && (c.registers[i].kind == CounterRegister || c.registers[i].kind == AmountRegister)
}

func (c *compiler) registerNames() []string {
	var names []string
	for _, r := range c.registers {
		names = append(names, r.name)
	}
	return names
}

// with returns a list with what it lacks.
func with(list, more []string) []string {
	for _, x := range more {
		if !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list
}

// said writes a duration for people: 5s, not 5m0s.
func said(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if len(s) > len(zero) && s[len(s)-len(zero):] == zero {
			s = s[:len(s)-2]
		}
	}
	return s
}
