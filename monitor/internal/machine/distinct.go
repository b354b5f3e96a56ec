package machine

import (
	"encoding/binary"
	"slices"

	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// Windows of different values. In exact order one is a list in the memory: how
// many values there are, they themselves as symbols + 1, and when each was there
// last, ascending. With skew it is a window like others, of one occurrence for
// each value and source: the latest, which leaves last.

// listed tells whether a register is such a list.
func (c *Configs) listed(r *props.Register) bool { return c.Exact && r.Distinct() }

// instantSize is what an instant takes.
const instantSize = 12

// sizeOfWindow is how much of a memory that begins with a window is the window.
func (c *Configs) sizeOfWindow(r *props.Register, memory string) int {
	if c.listed(r) {
		return 4 + (4+instantSize)*int(word(memory))
	}
	return 4
}

// appendLatest appends a list with a value at a time, and without what is not
// later than a limit.
func appendLatest(b []byte, list string, value uint32, at, limit order.Instant) []byte {
	n := int(word(list))
	names, times := list[4:4+4*n], list[4+4*n:]
	gone := goneBy(times, n, limit)
	was := gone
	for was < n && word(names[4*was:]) != value {
		was++
	}
	next := min(was+1, n)
	b = binary.LittleEndian.AppendUint32(b, uint32(n-gone-(next-was)+1))
	b = append(append(b, names[4*gone:4*was]...), names[4*next:]...)
	b = binary.LittleEndian.AppendUint32(b, value)
	b = append(append(b, times[instantSize*gone:instantSize*was]...), times[instantSize*next:]...)
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(b, uint64(at.Sec)), uint32(at.Nsec))
}

// appendYounger appends a list without what is not later than a limit.
func appendYounger(b []byte, list string, limit order.Instant) []byte {
	n := int(word(list))
	names, times := list[4:4+4*n], list[4+4*n:]
	gone := goneBy(times, n, limit)
	b = binary.LittleEndian.AppendUint32(b, uint32(n-gone))
	return append(append(b, names[4*gone:]...), times[instantSize*gone:]...)
}

// goneBy is how many of a list are not later than a limit.
func goneBy(times string, n int, limit order.Instant) (gone int) {
	for gone < n && !limit.Before(instantIn(times, gone)) {
		gone++
	}
	return gone
}

func instantIn(times string, i int) order.Instant {
	return order.Instant{Sec: count(times[instantSize*i:]), Nsec: int32(word(times[instantSize*i+8:]))}
}

// distinct returns which register is a window of different values; -1 if it is
// none.
func (v *view) distinct(register string) int {
	return slices.IndexFunc(v.c.of.Registers, func(r props.Register) bool { return r.Distinct() && r.Name() == register })
}

// different returns the values of such a window, as symbols + 1.
func (v *view) different(register int) string {
	r, part := &v.c.of.Registers[register], v.c.register(v.memory, register)
	if !v.c.Exact {
		return v.c.differentIn(word(part))
	}
	n, limit := int(word(part)), v.now.Add(-r.Length())
	names, times := part[4:4+4*n], part[4+4*n:]
	return names[4*goneBy(times, n, limit):]
}

// differentIn is different, of a set of occurrences.
func (c *Configs) differentIn(window uint32) string {
	var all []uint32
	c.holdings.each(window, func(n uint32) bool { all = append(all, c.occurrences.all[n].symbol); return true })
	slices.Sort(all)
	var b []byte
	for _, symbol := range slices.Compact(all) {
		b = binary.LittleEndian.AppendUint32(b, symbol)
	}
	return string(b)
}

// withoutEarlier returns a window without the occurrences of a value that the
// source of another has had before: they leave before that one, and nobody can
// tell.
func (c *Configs) withoutEarlier(window, n uint32) uint32 {
	x, left := &c.occurrences.all[n], window
	c.holdings.each(window, func(m uint32) bool {
		if o := &c.occurrences.all[m]; o.symbol == x.symbol && o.Source == x.Source && !x.At.Before(o.At) {
			left = c.holdings.change(left, m, false, c.occurrences.worth)
		}
		return true
	})
	return left
}

// eachSymbol visits and replaces the values.
func (t *occurrences) eachSymbol(visit func([]values.Symbol)) {
	for n := range t.all {
		if o := &t.all[n]; o.symbol > 0 {
			one := [1]values.Symbol{values.Symbol(o.symbol - 1)}
			visit(one[:])
			o.symbol = uint32(one[0]) + 1
		}
	}
}
