package monitor

import (
	"encoding/binary"
	"slices"

	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/monitor/internal/values"
)

// With a time to live, what was forgotten and is seen again starts afresh: its
// slice lacks what came before. So does that of an instance which is born of
// what was forgotten. Nothing about such an instance is certain, and a
// violation of it says so. What outlives what was forgotten has all of its
// slice.
//
// Which bindings were forgotten is kept as 64 bits each, and of many as four
// bits of some millions: what was not forgotten may be taken for it, so that a
// certain violation is told as a possible one, never the other way round.

// lost are the bindings of a property that were forgotten.
type lost struct {
	names map[uint64]struct{}
	bits  []uint64 // instead, of many
	n     int
}

// From how many on only bits are kept, and how many words of them. After
// 100 000 names one in ten thousand that was not forgotten is taken for one,
// after a million one in six.
const (
	fewLost  = 1 << 12
	lostBits = 1 << 16
)

func (l *lost) add(name uint64) {
	if l.has(name) {
		return
	}
	if l.n++; l.bits == nil && l.n <= fewLost {
		if l.names == nil {
			l.names = map[uint64]struct{}{}
		}
		l.names[name] = struct{}{}
		return
	}
	if l.bits == nil {
		l.bits = make([]uint64, lostBits)
		for other := range l.names { //wtsim:order what is set does not hang on it
			l.set(other)
		}
		l.names = nil
	}
	l.set(name)
}

func (l *lost) set(name uint64) {
	eachBit(name, func(word int, bit uint64) bool { l.bits[word] |= bit; return true })
}

func (l *lost) has(name uint64) bool {
	if l.bits == nil {
		_, ok := l.names[name]
		return ok
	}
	return eachBit(name, func(word int, bit uint64) bool { return l.bits[word]&bit != 0 })
}

// eachBit visits the four bits of a name while they are what is asked for.
func eachBit(name uint64, ask func(word int, bit uint64) bool) bool {
	step := name>>32 | 1
	for i := range uint64(4) {
		at := (name + i*step) * 0x9e3779b97f4a7c15 >> 40
		if !ask(int(at>>6%lostBits), 1<<(at&63)) {
			return false
		}
	}
	return true
}

// nameOf is the hash of a binding of a domain, the same in all processes.
func (s *store) nameOf(domain int, key []values.Symbol) uint64 {
	var room [64]byte
	b := binary.AppendUvarint(room[:0], uint64(domain))
	for _, v := range key {
		k := &s.symbols.Known[v]
		b = append(binary.AppendUvarint(append(b, byte(k.Kind)), uint64(len(k.Text))), k.Text...)
	}
	key128 := partKey()
	hash, _ := key128.Sum(b)
	return hash
}

// lose notes that an instance is forgotten.
func (s *store) lose(domain int, c cell) {
	s.lost.add(s.nameOf(domain, s.pools[domain].key(c)))
}

// wasLost tells whether the binding that the current values give to a domain
// was forgotten once.
func (x *step) wasLost(domain int) bool {
	var room [8]values.Symbol
	return x.lost.has(x.nameOf(domain, pick(room[:0], x.plain, x.domains[domain].list)))
}

// lacks tells whether a newborn of the current values that continues an
// instance lacks a part of its slice: that one does, or something in the
// newborn that is not in it was forgotten.
func (x *step) lacks(domain, base int, c cell) bool {
	if x.lost.n == 0 {
		return false
	}
	if x.pools[base].lacks(c) {
		return true
	}
	inside := func(d int) bool { return !x.domains[d].vars.within(x.domains[base].vars) && x.wasLost(d) }
	return inside(domain) || slices.ContainsFunc(x.domains[domain].parts, inside)
}

// lacksByRecipe is lacks where the state is found by a recipe (lazy.go).
func (x *step) lacksByRecipe(domain int) bool {
	if x.lost.n == 0 {
		return false
	}
	var room [8]values.Symbol
	d := &x.domains[domain]
	if c := x.lookup(domain, pick(room[:0], x.plain, d.list)); c != none {
		return x.pools[domain].lacks(c)
	}
	return x.wasLost(domain) || slices.ContainsFunc(d.recipe.rest, x.wasLost) || x.lacksByRecipe(d.recipe.base)
}

// lacks tells whether an instance lacks a part of its slice.
func (p *pool) lacks(c cell) bool { return p.lacking[c] }

// lack notes that it does.
func (p *pool) lack(c cell) {
	if p.lacking == nil {
		p.lacking = make(map[cell]bool)
	}
	p.lacking[c] = true
}

func (l *lost) encode(e *codec.Encoder) {
	all := make([]uint64, 0, len(l.names))
	for name := range l.names { //wtsim:order sorted below
		all = append(all, name)
	}
	slices.Sort(all)
	e.Count(l.n)
	for _, list := range [][]uint64{all, l.bits} {
		e.Count(len(list))
		for _, x := range list {
			e.Bits(x)
		}
	}
}

func (l *lost) decode(d *codec.Decoder) {
	n := d.Count()
	for left := d.Below(fewLost+1, "the number of forgotten names"); left > 0 && d.Err == nil; left-- {
		l.add(d.Bits())
	}
	words := d.Below(lostBits+1, "the number of words")
	if words != 0 && words != lostBits {
		d.Fail("what was forgotten is cut")
		return
	}
	for i := 0; i < words && d.Err == nil; i++ {
		l.bits = append(l.bits, d.Bits())
	}
	l.n = n
}
