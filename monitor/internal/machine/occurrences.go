package machine

import (
	"cmp"
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
}

// occurrences numbers them. With skew a configuration lists what its windows
// hold, by these numbers.
type occurrences struct {
	all     []Occurrence
	numbers map[occurrenceName]uint32
	due     int // how many there may be before they are swept
	least   int // of due
}

type occurrenceName struct {
	source int32
	id     string
	param  int32
}

func (o *Occurrence) name() occurrenceName { return occurrenceName{o.Source, o.id, o.param} }

// Worth tells whether two occurrences are worth the same.
func (o *Occurrence) Worth(p *Occurrence) bool { return o.value == p.value || o.value.Equal(p.value) }

func newOccurrences(least int) occurrences {
	return occurrences{numbers: map[occurrenceName]uint32{}, due: least, least: least}
}

func (t *occurrences) number(o Occurrence) uint32 {
	n, ok := t.numbers[o.name()]
	if !ok {
		n = uint32(len(t.all))
		t.all = append(t.all, o)
		t.numbers[o.name()] = n
	}
	return n
}

// compare is the order in which a window lists what it holds.
func (t *occurrences) compare(a, b uint32) int {
	return cmp.Or(t.all[a].At.Compare(t.all[b].At), cmp.Compare(a, b))
}

// sweep keeps what is live, in its order, and returns the new numbers by the old
// ones.
func (t *occurrences) sweep(live []bool) []uint32 {
	moved := make([]uint32, len(t.all))
	kept := t.all[:0]
	for n := range live {
		if live[n] {
			moved[n] = uint32(len(kept))
			kept = append(kept, t.all[n])
		}
	}
	clear(t.all[len(kept):])
	t.all = kept
	t.rebuild()
	return moved
}

func (t *occurrences) rebuild() {
	t.numbers = make(map[occurrenceName]uint32, len(t.all))
	for n := range t.all {
		t.numbers[t.all[n].name()] = uint32(n)
	}
}

// compareWindows compares lists of occurrences by what they are.
func (c *Configs) compareWindows(a, b string) int {
	return slices.CompareFunc(words(a), words(b), func(m, n uint32) int {
		x, y := &c.occurrences.all[m], &c.occurrences.all[n]
		return cmp.Or(x.At.Compare(y.At), strings.Compare(c.sources.Name(x.Source), c.sources.Name(y.Source)), strings.Compare(x.id, y.id), cmp.Compare(x.param, y.param))
	})
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
	}
}

func (t *occurrences) decode(d *codec.Decoder, from *order.Sources, texts *values.Texts) {
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		t.all = append(t.all, Occurrence{order.DecodeInstant(d), int32(d.Below(len(from.Names), "a source")), texts.Keep(d.Text()),
			int32(d.Int()), decodeTotal(d)})
	}
	if t.rebuild(); len(t.numbers) < len(t.all) {
		d.Fail("an event is in a window twice")
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
