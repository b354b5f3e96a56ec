package machine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// Occurrence is an event in a window, with skew.
type Occurrence struct {
	At     order.Instant
	Source int32
	id     string
	param  int32 // what is summed up, among what the type reads; -1 if nothing
	value  props.Total
	symbol uint32 // in a window of different values, instead: the value's symbol + 1; else 0
}

// occurrences numbers them, in the order in which events are applied, which is
// that of their times. With skew a configuration has the set of what each of its
// windows holds (holdings).
type occurrences struct {
	all   []Occurrence
	due   int // how many there may be before they are swept
	least int // of due
}

// Worth tells whether two occurrences are worth the same.
func (o *Occurrence) Worth(p *Occurrence) bool {
	return o.symbol == p.symbol && (o.value == p.value || o.value.Equal(p.value))
}

func (t *occurrences) worth(n uint32) props.Total { return t.all[n].value }

// sweep keeps what is live, in its order, and returns the new numbers by the old
// ones.
func (t *occurrences) sweep(live []bool) []uint32 {
	moved := make([]uint32, len(t.all))
	kept := make([]Occurrence, 0, len(t.all)/2)
	for n := range live {
		if live[n] {
			moved[n] = uint32(len(kept))
			kept = append(kept, t.all[n])
		}
	}
	t.all = kept
	t.due = max(t.least, 2*len(kept))
	return moved
}

// occur numbers what an event of a type is in windows: one for each parameter
// that is summed up, or none.
func (c *Configs) occur(letter int, values string, at *Stamp) (first uint32) {
	first = uint32(len(c.occurrences.all))
	for _, a := range c.adds[letter] {
		o := Occurrence{At: at.At, Source: at.Source, id: at.ID, param: int32(a.param)}
		switch {
		case a.distinct:
			o.symbol = word(values[4*a.param:])
		case a.param >= 0:
			v, _ := c.view.value(word(values[4*a.param:]))
			o.value, _ = props.TotalOf(v)
		}
		c.occurrences.all = append(c.occurrences.all, o)
	}
	return first
}

// addition is what an event is in windows: by the parameter that is summed up,
// -1 for none, or whose values are told apart.
type addition struct {
	param    int
	distinct bool
}

// adds are the additions of an event type.
func adds(t *props.EventType, a *props.Automaton) (all []addition) {
	for state := range a.States {
		for _, m := range t.Moves(state) {
			for _, w := range m.Writes {
				x := addition{w.Param, a.Registers[w.Register].Distinct()}
				if w.Happens(a) && !slices.Contains(all, x) {
					all = append(all, x)
				}
			}
		}
	}
	return all
}

// compareWindows compares lists of occurrences by what they are.
func (c *Configs) compareWindows(a, b uint32) int {
	return slices.CompareFunc(c.holdings.list(a), c.holdings.list(b), func(m, n uint32) int {
		x, y := &c.occurrences.all[m], &c.occurrences.all[n]
		return cmp.Or(x.At.Compare(y.At), strings.Compare(c.sources.Name(x.Source), c.sources.Name(y.Source)), strings.Compare(x.id, y.id), cmp.Compare(x.param, y.param), cmp.Compare(min(x.symbol, 1), min(y.symbol, 1)))
	})
}

// saidWindow says what a list of occurrences holds, whatever their numbers are.
func (c *Configs) saidWindow(window uint32) string {
	var b strings.Builder
	for _, n := range c.holdings.list(window) {
		o := &c.occurrences.all[n]
		fmt.Fprintf(&b, "%d.%09d%q%q%d %d,", o.At.Sec, o.At.Nsec, c.sources.Name(o.Source), o.id, o.param, min(o.symbol, 1))
	}
	return b.String()
}

func (t *occurrences) encode(e *codec.Encoder) {
	e.Count(len(t.all))
	for i := range t.all {
		o := &t.all[i]
		o.At.Encode(e)
		e.Count(int(o.Source))
		e.Text(o.id)
		e.Int(int64(o.param))
		encodeTotal(e, o.value)
		e.Count(int(o.symbol))
	}
}

func (t *occurrences) decode(d *codec.Decoder, from *order.Sources, texts *values.Texts, known int) {
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		t.all = append(t.all, Occurrence{order.DecodeInstant(d), int32(d.Below(len(from.Names), "a source")), texts.Keep(d.Text()),
			int32(d.Int()), decodeTotal(d), uint32(d.Below(known+1, "a value"))})
	}
	if !slices.IsSortedFunc(t.all, func(a, b Occurrence) int { return a.At.Compare(b.At) }) {
		d.Fail("occurrences have no order")
	}
	t.due = max(t.least, 2*len(t.all))
}

func encodeTotal(e *codec.Encoder, t props.Total) { e.Text(t.Value().Text()) }

func decodeTotal(d *codec.Decoder) props.Total {
	v, err := event.Num(d.Text())
	t, ok := props.TotalOf(v)
	if err != nil || !ok {
		d.Fail("a sum is no number")
	}
	return t
}
