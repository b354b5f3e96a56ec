package monitor

import (
	"fmt"
	"slices"
	"time"

	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// encode writes the letters, configurations and sets of a stateful property.
// The first of them are always the same. Which numbers are free stays as it
// is; in which order they are taken again does not matter.
func (c *configs) encode(e *codec.Encoder) {
	e.Count(len(c.reads))
	for n, r := range c.reads {
		f := c.store.fates[n]
		e.Count(f.letter)
		e.Uint(f.passed)
		e.Text(r.values)
		if e.Bool(r.stamped); r.stamped {
			r.stamp.at.Encode(e)
			e.Count(int(r.stamp.source))
			e.Text(r.stamp.id)
		}
	}
	e.Count(len(c.all) - startState - 1)
	for _, x := range c.all[startState+1:] {
		if e.Bool(x.state != noState); x.state != noState {
			e.Count(int(x.state))
			e.Text(x.memory)
			x.running.encode(e)
		}
	}
	e.Count(len(c.sets.all) - firstSets)
	for _, members := range c.sets.all[firstSets:] {
		e.Count(len(members))
		for _, n := range members {
			e.Count(int(n))
		}
	}
}

func (c *configs) decode(d *codec.Decoder, texts *values.Texts) {
	s, from := c.store, c.sources
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		f := fate{d.Below(len(s.auto.Events), "an event type"), d.Uint()}
		r := reading{values: c.decodeValues(d, 4*len(s.auto.Events[f.letter].Reads)), stamped: d.Bool()}
		if r.stamped {
			r.stamp = stamp{order.DecodeInstant(d), int32(d.Below(len(from.Names), "a source")), texts.Keep(d.Text())}
		}
		s.fates, c.reads = append(s.fates, f), append(c.reads, r)
	}
	for n := d.Below(1<<32-8, "the number of configurations"); n > 0 && d.Err == nil; n-- {
		x := config{state: noState}
		if d.Bool() {
			x = config{uint16(d.Below(len(s.dead), "a state")), c.decodeMemory(d), decodeRunning(d, from, texts)}
		} else {
			c.free = append(c.free, uint32(len(c.all)))
		}
		c.all = append(c.all, x)
	}
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		var members []uint32
		for k := d.Count(); k > 0 && d.Err == nil; k-- {
			members = append(members, c.decodeNumber(d))
		}
		c.decodeSet(d, members)
	}
	if d.Err != nil {
		return
	}
	c.limit = max(c.sets.least, 2*(len(c.all)-len(c.free)))
	c.sets.limit = max(c.sets.least, 2*(len(c.sets.all)-len(c.sets.free)))
	c.rebuildLetters()
	c.rebuildNumbers()
}

// decodeValues reads symbols + 1 of a length in bytes.
func (c *configs) decodeValues(d *codec.Decoder, length int) string {
	text := d.Text()
	if len(text) != length {
		d.Fail(fmt.Sprintf("%d bytes of values, wanted %d", len(text), length))
		return string(make([]byte, length))
	}
	for rest := text; len(rest) > 0; rest = rest[4:] {
		c.checkValue(d, word(rest))
	}
	return text
}

func (c *configs) checkValue(d *codec.Decoder, symbolAnd1 uint32) {
	if int64(symbolAnd1) > int64(len(c.symbols.Known)) {
		d.Fail("there is no such value")
	}
}

// decodeMemory reads what registers hold.
func (c *configs) decodeMemory(d *codec.Decoder) string {
	text := d.Text()
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
			d.Fail("registers hold too little")
			return ""
		}
		for items := rest[from:n]; len(items) > 0; items = items[4:] {
			c.checkValue(d, word(items))
		}
		rest = rest[n:]
	}
	if len(rest) > 0 {
		d.Fail("registers hold too much")
	}
	return text
}

// decodeNumber reads the number of a configuration.
func (c *configs) decodeNumber(d *codec.Decoder) uint32 {
	n := d.Below(len(c.all), "a configuration")
	if c.all[n].state == noState {
		d.Fail("there is no such configuration")
		return 0
	}
	return uint32(n)
}

// decodeSet adds the next set; one without members is a number that is free.
func (c *configs) decodeSet(d *codec.Decoder, members []uint32) {
	n := uint64(len(c.sets.all))
	switch {
	case len(members) == 0:
		c.sets.all = append(c.sets.all, nil)
		c.sets.free = append(c.sets.free, n)
	case !slices.IsSorted(members) || len(slices.Compact(slices.Clone(members))) < len(members):
		d.Fail("a set has no order")
	default:
		c.sets.add(members)
	}
}

// decodeSetNumber reads the number of a set.
func (c *configs) decodeSetNumber(d *codec.Decoder) uint64 {
	n := d.Bits()
	if n >= uint64(len(c.sets.all)) || n > 0 && len(c.sets.all[n]) == 0 {
		d.Fail("there is no such set")
		return 0
	}
	return n
}

func (r running) encode(e *codec.Encoder) {
	if e.Int(int64(r.after)); r.on() {
		r.at.Encode(e)
		e.Count(int(r.source))
		e.Text(r.id)
	}
}

func decodeRunning(d *codec.Decoder, from *order.Sources, texts *values.Texts) running {
	r := running{after: time.Duration(d.Int())}
	if !r.on() {
		return running{}
	}
	r.at, r.source, r.id = order.DecodeInstant(d), int32(d.Below(len(from.Names), "a source")), texts.Keep(d.Text())
	return r
}

// decodeState reads a state, or the number of a configuration.
func (s *machine) decodeState(d *codec.Decoder) uint32 {
	if s.configs != nil {
		return s.configs.decodeNumber(d)
	}
	return uint32(d.Below(len(s.dead), "a state"))
}

// decodeStates reads a set of states.
func (s *machine) decodeStates(d *codec.Decoder) uint64 {
	if s.configs != nil {
		return s.configs.decodeSetNumber(d)
	}
	return d.Bits() & (1<<len(s.dead) - 1)
}
