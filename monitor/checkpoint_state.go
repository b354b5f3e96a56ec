package monitor

import (
	"fmt"
	"slices"
	"time"

	"github.com/wtsim/wtsim/props"
)

// encode writes the letters, configurations and sets of a stateful property.
// The first of them are always the same. Which numbers are free stays as it
// is; in which order they are taken again does not matter.
func (c *configs) encode(e *encoder) {
	e.count(len(c.reads))
	for n, r := range c.reads {
		f := c.store.fates[n]
		e.count(f.letter)
		e.uint(f.passed)
		e.text(r.values)
		if e.bool(r.stamped); r.stamped {
			r.stamp.at.encode(e)
			e.count(int(r.stamp.source))
			e.text(r.stamp.id)
		}
	}
	e.count(len(c.all) - startState - 1)
	for _, x := range c.all[startState+1:] {
		if e.bool(x.state != noState); x.state != noState {
			e.count(int(x.state))
			e.text(x.memory)
			x.running.encode(e)
		}
	}
	e.count(len(c.sets.all) - firstSets)
	for _, members := range c.sets.all[firstSets:] {
		e.count(len(members))
		for _, n := range members {
			e.count(int(n))
		}
	}
}

func (c *configs) decode(d *decoder, m *engine) {
	s := c.store
	for n := d.count(); n > 0 && d.err == nil; n-- {
		f := fate{d.below(len(s.letters), "an event type"), d.uint()}
		r := reading{values: c.decodeValues(d, 4*len(s.letters[f.letter].Reads)), stamped: d.bool()}
		if r.stamped {
			r.stamp = stamp{decodeInstant(d), int32(d.below(len(m.sources.names), "a source")), m.trails.texts.keep(d.text())}
		}
		s.fates, c.reads = append(s.fates, f), append(c.reads, r)
	}
	for n := d.below(1<<32-8, "the number of configurations"); n > 0 && d.err == nil; n-- {
		x := config{state: noState}
		if d.bool() {
			x = config{uint16(d.below(len(s.dead), "a state")), c.decodeMemory(d), decodeRunning(d, m)}
		} else {
			c.free = append(c.free, uint32(len(c.all)))
		}
		c.all = append(c.all, x)
	}
	for n := d.count(); n > 0 && d.err == nil; n-- {
		var members []uint32
		for k := d.count(); k > 0 && d.err == nil; k-- {
			members = append(members, c.decodeNumber(d))
		}
		c.decodeSet(d, members)
	}
	if d.err != nil {
		return
	}
	c.limit = max(c.sets.least, 2*(len(c.all)-len(c.free)))
	c.sets.limit = max(c.sets.least, 2*(len(c.sets.all)-len(c.sets.free)))
	c.rebuildLetters()
	c.rebuildNumbers()
}

// decodeValues reads symbols + 1 of a length in bytes.
func (c *configs) decodeValues(d *decoder, length int) string {
	text := d.text()
	if len(text) != length {
		d.fail(fmt.Sprintf("%d bytes of values, wanted %d", len(text), length))
		return string(make([]byte, length))
	}
	for rest := text; len(rest) > 0; rest = rest[4:] {
		c.checkValue(d, word(rest))
	}
	return text
}

func (c *configs) checkValue(d *decoder, symbolAnd1 uint32) {
	if int64(symbolAnd1) > int64(len(c.symbols.known)) {
		d.fail("there is no such value")
	}
}

// decodeMemory reads what registers hold.
func (c *configs) decodeMemory(d *decoder) string {
	text := d.text()
	rest := text
	for _, r := range c.store.auto.Registers {
		n, from := 4, valuesFrom(r.Kind())
		switch {
		case r.Kind() == props.CounterRegister:
			n = 8
		case r.Kind() == props.SetRegister && len(rest) >= 4:
			n += 4 * int(word(rest))
		}
		if text == "" { // of what is dead
			return text
		}
		if len(rest) < n {
			d.fail("registers hold too little")
			return ""
		}
		for items := rest[from:n]; len(items) > 0; items = items[4:] {
			c.checkValue(d, word(items))
		}
		rest = rest[n:]
	}
	if len(rest) > 0 {
		d.fail("registers hold too much")
	}
	return text
}

// decodeNumber reads the number of a configuration.
func (c *configs) decodeNumber(d *decoder) uint32 {
	n := d.below(len(c.all), "a configuration")
	if c.all[n].state == noState {
		d.fail("there is no such configuration")
		return 0
	}
	return uint32(n)
}

// decodeSet adds the next set; one without members is a number that is free.
func (c *configs) decodeSet(d *decoder, members []uint32) {
	n := uint64(len(c.sets.all))
	switch {
	case len(members) == 0:
		c.sets.all = append(c.sets.all, nil)
		c.sets.free = append(c.sets.free, n)
	case !slices.IsSorted(members) || len(slices.Compact(slices.Clone(members))) < len(members):
		d.fail("a set has no order")
	default:
		c.sets.add(members)
	}
}

// decodeSetNumber reads the number of a set.
func (c *configs) decodeSetNumber(d *decoder) uint64 {
	n := d.bits()
	if n >= uint64(len(c.sets.all)) || n > 0 && len(c.sets.all[n]) == 0 {
		d.fail("there is no such set")
		return 0
	}
	return n
}

func (r running) encode(e *encoder) {
	if e.int(int64(r.after)); r.on() {
		r.at.encode(e)
		e.count(int(r.source))
		e.text(r.id)
	}
}

func decodeRunning(d *decoder, m *engine) running {
	r := running{after: time.Duration(d.int())}
	if !r.on() {
		return running{}
	}
	r.at, r.source, r.id = decodeInstant(d), int32(d.below(len(m.sources.names), "a source")), m.trails.texts.keep(d.text())
	return r
}

// statefulPart is what the fingerprint of a property has besides states.
func (pl *plan) statefulPart() string {
	text := fmt.Sprintf("%v%v", pl.auto.Registers, pl.auto.Deadlines)
	for i := range pl.auto.Events {
		t := &pl.auto.Events[i]
		text += fmt.Sprintf("%q", t.Reads)
		for state := range pl.auto.States {
			text += fmt.Sprintf("%v", t.Moves(state))
		}
	}
	return text
}
