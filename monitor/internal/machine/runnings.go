package machine

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/monitor/internal/order"
)

// Of a property that some value of a variable must do for, each combination of
// values has a deadline of its own. Those that one event began, and that pass at
// once, are one: it passes for all of them. The configuration's own is the one
// that passes first.

// runs is the bit of a state that has a deadline that runs.
const runs = 1 << 31

// Several tells whether more than one deadline may run in a configuration.
func (c *Configs) Several() bool { return c.Store.Auto.Some != nil }

// Runnings returns the deadlines that run in a configuration, in the order in
// which they pass by time.
func (c *Configs) Runnings(state uint32) []Running {
	x := &c.All[state]
	switch {
	case !x.Running.On():
		return nil
	case !c.Several():
		return []Running{x.Running}
	}
	tree := c.tree(x.memory)
	return c.runningsIn(&tree)
}

func (c *Configs) runningsIn(tree *branch) (all []Running) {
	tree.each(func(l *leaf) {
		if l.running.On() {
			all = append(all, l.running)
		}
	})
	slices.SortFunc(all, func(x, y Running) int { return c.compareRunnings(&x, &y) })
	return slices.Compact(all)
}

func (c *Configs) firstRunning(tree *branch) (first Running) {
	tree.each(func(l *leaf) {
		if l.running.On() && (!first.On() || c.compareRunnings(&l.running, &first) < 0) {
			first = l.running
		}
	})
	return first
}

func (c *Configs) compareRunnings(x, y *Running) int {
	if n := cmp.Or(x.At.Compare(y.At), strings.Compare(x.ID, y.ID), cmp.Compare(x.After, y.After)); n != 0 || x.Source == y.Source {
		return n
	}
	return strings.Compare(c.sources.Name(x.Source), c.sources.Name(y.Source))
}

// ExpireThe is what one of the deadlines does that run, by its place among them.
func (c *Configs) ExpireThe(which int, from uint32) uint32 {
	if which == 0 {
		return c.Expire(from)
	}
	x := c.All[from]
	c.expireValues(&x, c.Runnings(from)[which])
	return c.number(x)
}

// ExpiredThe is ExpireThe, for an instance whose deadline passes.
func (c *Configs) ExpiredThe(which int, from uint32) uint32 {
	to := c.ExpireThe(which, from)
	c.cover(len(c.Store.Auto.Events), from, to)
	return to
}

// expireValues lets a deadline pass for all combinations of values for which it
// runs.
func (c *Configs) expireValues(x *Config, passing Running) {
	tree := c.tree(x.memory)
	tree.each(func(l *leaf) {
		if l.running == passing {
			c.expireLeaf(l)
		}
	})
	some := c.Store.Auto.Some
	c.setValues(x, &tree, tree.outlook(some, some.Every))
}

func (c *Configs) expireLeaf(l *leaf) {
	c.view.t, c.view.memory, c.view.values = &noType, l.memory, ""
	to, writes := c.of.Deadlines[l.state].Take(&c.view)
	if l.state = to; c.settled[to] {
		l.memory, l.running = "", Running{}
		return
	}
	if len(writes) > 0 {
		l.memory = c.write(l.memory, writes, &noReading, 0, nil)
	}
	if d := c.of.Deadlines[to].After; d > 0 {
		l.running.again(d)
	} else {
		l.running = Running{}
	}
}

// appendState appends a state, and the deadline that runs.
func (l *leaf) appendState(text []byte) []byte {
	r := &l.running
	if !r.On() {
		return binary.LittleEndian.AppendUint32(text, uint32(l.state))
	}
	text = binary.LittleEndian.AppendUint32(text, uint32(l.state)|runs)
	text = binary.LittleEndian.AppendUint64(text, uint64(r.After))
	text = binary.LittleEndian.AppendUint64(text, uint64(r.At.Sec))
	text = binary.LittleEndian.AppendUint32(text, uint32(r.At.Nsec))
	text = binary.LittleEndian.AppendUint32(text, uint32(r.Source))
	return append(binary.LittleEndian.AppendUint32(text, uint32(len(r.ID))), r.ID...)
}

// runningSize is what a deadline takes in a text, but for its name.
const runningSize = 28

// runningIn reads a deadline, and returns what follows it.
func runningIn(text string) (r Running, rest string) {
	end := runningSize + int(word(text[runningSize-4:]))
	return Running{order.Instant{Sec: count(text[8:]), Nsec: int32(word(text[16:]))}, int32(word(text[20:])), text[runningSize:end], time.Duration(count(text))}, text[end:]
}

// checkRunning sees that a text begins with a state and a deadline if it says so,
// and returns what follows.
func (c *Configs) checkRunning(d *codec.Decoder, text string) (rest string) {
	if rest = text[4:]; word(text)&runs == 0 {
		return rest
	}
	if len(rest) < runningSize || len(rest)-runningSize < int(word(rest[runningSize-4:])) {
		d.Fail("a deadline is cut off")
		return ""
	}
	r, rest := runningIn(rest)
	if !r.On() || r.Source < 0 || int(r.Source) >= len(c.sources.Names) {
		d.Fail("a deadline is of no source, or of no time")
		return ""
	}
	return rest
}

// visitedRunnings returns a memory with the sources of deadlines as a visitor
// leaves them.
func (c *Configs) visitedRunnings(memory string, visit func(int32) int32) string {
	tree := c.tree(memory)
	tree.each(func(l *leaf) {
		if l.running.On() {
			l.running.Source = visit(l.running.Source)
		}
	})
	return c.written(tree)
}

func (c *Configs) saidRunning(r *Running) string {
	if !r.On() {
		return ""
	}
	return fmt.Sprintf("%d.%09d%q%d%q", r.At.Sec, r.At.Nsec, r.ID, r.After, c.sources.Name(r.Source))
}
