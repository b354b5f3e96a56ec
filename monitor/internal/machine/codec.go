package machine

import (
	"fmt"
	"slices"
	"time"

	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// Encode writes the letters, configurations and sets of a stateful property.
// The first of them are always the same. Which numbers are free stays as it
// is; in which order they are taken again does not matter.
func (c *Configs) Encode(e *codec.Encoder) {
	c.occurrences.encode(e)
	e.Count(len(c.Reads))
	for n, r := range c.Reads {
		first, second, both := c.Store.Parts(uint32(n))
		if e.Bool(both); both {
			e.Count(int(first))
			e.Count(int(second))
			continue
		}
		f := c.Store.Fates[n]
		e.Count(f.Letter)
		e.Uint(f.Passed)
		e.Text(r.values)
		if e.Bool(r.stamped); r.stamped {
			r.stamp.At.Encode(e)
			e.Count(int(r.stamp.Source))
			e.Text(r.stamp.ID)
			e.Count(int(r.occurs))
		}
	}
	if c.windows > 0 {
		c.history.encode(e)
		c.holdings.encode(e)
	}
	all := codec.Copy(e, c.All[StartState+1:])
	e.Count(len(all))
	e.Later(func(e *codec.Encoder) {
		for i := range all {
			if e.Bool(all[i].State != noState); all[i].State != noState {
				x := &all[i]
				e.Count(int(x.State))
				e.Text(x.memory)
				x.Running.Encode(e)
			}
		}
	})
	e.Count(len(c.Sets.All) - firstSets)
	for _, members := range c.Sets.All[firstSets:] {
		e.Count(len(members))
		for _, n := range members {
			e.Count(int(n))
		}
	}
}

func (c *Configs) Decode(d *codec.Decoder, texts *values.Texts) {
	s, from := c.Store, c.sources
	c.occurrences.decode(d, from, texts, len(c.symbols.Known))
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		if known := len(c.Reads); d.Bool() && known > 0 {
			if n := s.Both(uint32(d.Below(known, "a letter")), uint32(d.Below(known, "a letter"))); int(n) < known {
				d.Fail("a letter occurs twice")
			}
			continue
		}
		f := fate{d.Below(len(s.Auto.Events), "an event type"), d.Uint()}
		r := reading{values: c.decodeValues(d, 4*len(s.Auto.Events[f.Letter].Reads)), stamped: d.Bool()}
		if r.stamped {
			r.stamp = Stamp{order.DecodeInstant(d), int32(d.Below(len(from.Names), "a source")), texts.Keep(d.Text())}
			r.occurs = uint32(d.Below(max(1, len(c.occurrences.all)+1-len(c.adds[f.Letter])), "an occurrence"))
		}
		s.Fates, c.Reads = append(s.Fates, f), append(c.Reads, r)
	}
	if c.windows > 0 {
		c.history.decode(d)
		c.holdings.decode(d, len(c.occurrences.all), c.occurrences.worth)
	}
	for n := d.Below(1<<32-8, "the number of configurations"); n > 0 && d.Err == nil; n-- {
		x := Config{State: noState}
		if d.Bool() {
			x = Config{uint16(d.Below(len(s.Dead), "a state")), c.decodeMemory(d), DecodeRunning(d, from, texts)}
		} else {
			c.free = append(c.free, uint32(len(c.All)))
		}
		c.All = append(c.All, x)
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
	c.limit = max(c.Sets.least, 2*(len(c.All)-len(c.free)))
	c.Sets.limit = max(c.Sets.least, 2*(len(c.Sets.All)-len(c.Sets.free)))
	c.RebuildLetters()
	c.RebuildNumbers()
}

// decodeValues reads symbols + 1 of a length in bytes.
func (c *Configs) decodeValues(d *codec.Decoder, length int) string {
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

func (c *Configs) checkValue(d *codec.Decoder, symbolAnd1 uint32) {
	if int64(symbolAnd1) > int64(len(c.symbols.Known)) {
		d.Fail("there is no such value")
	}
}

// decodeMemory reads what an instance remembers; nothing of what is dead.
func (c *Configs) decodeMemory(d *codec.Decoder) string {
	text, rest := d.Text(), ""
	switch {
	case text == "":
	case c.Store.Auto.Some != nil:
		rest = c.checkValues(d, text, len(c.Store.Auto.Some.Variables))
	default:
		rest = c.checkRegisters(d, text)
	}
	if len(rest) > 0 {
		d.Fail("registers hold too much")
	}
	return text
}

// checkRegisters sees that a text begins with what registers can hold, and
// returns the rest.
func (c *Configs) checkRegisters(d *codec.Decoder, rest string) string {
	for _, r := range c.of.Registers {
		n := c.sizeOf(&r, rest)
		if len(rest) < n || n < 0 {
			d.Fail("registers hold too little")
			return ""
		}
		if r.Kind() == props.WindowRegister && !c.listed(&r) {
			c.checkWindow(d, word(rest))
		}
		from, to := c.valuesIn(&r, rest[:n])
		for items := rest[from:to]; len(items) > 0; items = items[4:] {
			c.checkValue(d, word(items))
		}
		rest = rest[n:]
	}
	return rest
}

// checkWindow sees that a window is there.
func (c *Configs) checkWindow(d *codec.Decoder, window uint32) {
	if known := max(len(c.history.all), len(c.holdings.nodes)); int(window) >= known || !c.Exact && c.holdings.nodes[window].base > 0 {
		d.Fail("there is no such window")
	}
}

// decodeNumber reads the number of a configuration.
func (c *Configs) decodeNumber(d *codec.Decoder) uint32 {
	n := d.Below(len(c.All), "a configuration")
	if c.All[n].State == noState {
		d.Fail("there is no such configuration")
		return 0
	}
	return uint32(n)
}

// decodeSet adds the next set; one without members is a number that is free.
func (c *Configs) decodeSet(d *codec.Decoder, members []uint32) {
	n := uint64(len(c.Sets.All))
	switch {
	case len(members) == 0:
		c.Sets.All = append(c.Sets.All, nil)
		c.Sets.free = append(c.Sets.free, n)
	case !slices.IsSorted(members) || len(slices.Compact(slices.Clone(members))) < len(members):
		d.Fail("a set has no order")
	default:
		c.Sets.add(members)
	}
}

// decodeSetNumber reads the number of a set.
func (c *Configs) decodeSetNumber(d *codec.Decoder) uint64 {
	n := d.Bits()
	if n >= uint64(len(c.Sets.All)) || n > 0 && len(c.Sets.All[n]) == 0 {
		d.Fail("there is no such set")
		return 0
	}
	return n
}

func (r Running) Encode(e *codec.Encoder) {
	if e.Int(int64(r.After)); r.On() {
		r.At.Encode(e)
		e.Count(int(r.Source))
		e.Text(r.ID)
	}
}

func DecodeRunning(d *codec.Decoder, from *order.Sources, texts *values.Texts) Running {
	r := Running{After: time.Duration(d.Int())}
	if !r.On() {
		return Running{}
	}
	r.At, r.Source, r.ID = order.DecodeInstant(d), int32(d.Below(len(from.Names), "a source")), texts.Keep(d.Text())
	return r
}

// DecodeState reads a state, or the number of a configuration.
func (s *Machine) DecodeState(d *codec.Decoder) uint32 {
	if s.Configs != nil {
		return s.Configs.decodeNumber(d)
	}
	return uint32(d.Below(len(s.Dead), "a state"))
}

// DecodeStates reads a set of states.
func (s *Machine) DecodeStates(d *codec.Decoder) uint64 {
	if s.Configs != nil {
		return s.Configs.decodeSetNumber(d)
	}
	return d.Bits() & (1<<len(s.Dead) - 1)
}
