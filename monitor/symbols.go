package monitor

import (
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// symbol stands for a value as it was written. Equal values have one
// canonical symbol; spelt tells one that is not.
type symbol uint32

// spelt marks the symbol of a value that is not in its canonical form, such
// as 1.0: only then must the canonical one be looked up.
const spelt symbol = 1 << 31

// symbols gives values numbers. Comparing and hashing numbers is what makes
// looking up instances cheap.
type symbols struct {
	seeds [2]maphash.Seed
	slots []slot // open addressing
	known []known
	texts texts
}

// slot holds a number + 1 under 96 bits of the value's hash, with seeds that
// nobody knows: values of one hash are taken to be equal, so that memory is
// touched once. With 2 to the power of 31 values, which is all that there can
// be, the odds that two of them have one hash are below one in 10 to the
// power of 10.
type slot struct {
	hash         uint64
	more, number uint32
}

type known struct {
	text      string // as written
	canonical symbol
	kind      event.Kind
}

// symbol returns the number of a value. What the table keeps does not hold on
// to the value's own memory.
func (t *symbols) symbol(v event.Value) symbol {
	if t.slots == nil {
		t.rehash()
	}
	hash, more := t.hash(v.Kind(), v.Text())
	mask := uint64(len(t.slots) - 1)
	i := hash & mask
	for ; t.slots[i].number != 0; i = (i + 1) & mask {
		if x := &t.slots[i]; x.hash == hash && x.more == more {
			return symbol(x.number - 1)
		}
	}
	n := symbol(len(t.known))
	t.known = append(t.known, known{t.texts.keep(v.Text()), n, v.Kind()})
	written := n
	if c := v.Canonical(); c.Text() != v.Text() {
		canonical := t.symbol(c)
		t.known[n].canonical, written = canonical, n|spelt
		i = t.empty(hash)
	}
	t.slots[i] = slot{hash, more, uint32(written) + 1}
	if 3*len(t.known) > 2*len(t.slots) {
		t.grow()
	}
	return written
}

func (t *symbols) hash(kind event.Kind, text string) (hash uint64, more uint32) {
	return t.hashOf(kind, text), uint32(maphash.String(t.seeds[1], text))
}

// hashOf is what says where a value stands.
func (t *symbols) hashOf(kind event.Kind, text string) uint64 {
	return maphash.String(t.seeds[0], text) ^ uint64(kind)<<60
}

func (t *symbols) empty(hash uint64) uint64 {
	mask := uint64(len(t.slots) - 1)
	i := hash & mask
	for t.slots[i].number != 0 {
		i = (i + 1) & mask
	}
	return i
}

// canonical returns the symbol of the same value in canonical form.
func (t *symbols) canonical(s symbol) symbol {
	if s&spelt == 0 {
		return s
	}
	return t.known[s&^spelt].canonical
}

func (t *symbols) value(s symbol) event.Value {
	k := &t.known[s&^spelt]
	v, ok := event.Scalar(k.kind, k.text)
	if !ok {
		panic("monitor: a symbol stands for a value that binds")
	}
	return v
}

func (t *symbols) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	for _, x := range old {
		if x.number != 0 {
			t.slots[t.empty(x.hash)] = x
		}
	}
}

// texts keeps copies of short strings in large pieces: a piece is never
// moved, so that its parts can be shared.
type texts struct{ piece *strings.Builder }

// The first piece is small: most runs of the simulator need no more.
const firstPiece, textPiece = 1 << 9, 1 << 16

func (t *texts) keep(s string) string {
	if len(s) > textPiece/8 {
		return strings.Clone(s)
	}
	if t.piece == nil || t.piece.Cap()-t.piece.Len() < len(s) {
		size := firstPiece
		if t.piece != nil {
			size = min(2*t.piece.Cap(), textPiece)
		}
		t.piece = &strings.Builder{}
		t.piece.Grow(max(size, len(s)))
	}
	from := t.piece.Len()
	t.piece.WriteString(s)
	return t.piece.String()[from:]
}

// sweep keeps the live values; it returns the new numbers by the old ones.
func (t *symbols) sweep(live []bool) []symbol {
	old := t.known
	moved := make([]symbol, len(old))
	kept := 0
	for n := range old {
		if live[n] {
			moved[n] = symbol(kept)
			kept++
		}
	}
	t.known, t.texts, t.slots = make([]known, 0, kept), texts{}, nil
	for n, k := range old {
		if live[n] {
			k.text = t.texts.keep(k.text)
			k.canonical = moved[k.canonical]
			t.known = append(t.known, k)
		}
	}
	t.rehash()
	return moved
}

// rehash makes the table anew.
func (t *symbols) rehash() {
	if t.seeds == [2]maphash.Seed{} {
		t.seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	}
	size := 16
	for 3*len(t.known) > size { // half of what may be in it
		size *= 2
	}
	t.slots = make([]slot, size)
	for n, k := range t.known {
		hash, more := t.hash(k.kind, k.text)
		number := symbol(n)
		if k.canonical != number {
			number |= spelt
		}
		t.slots[t.empty(hash)] = slot{hash, more, uint32(number) + 1}
	}
}

func encodeValue(e *encoder, v event.Value) {
	e.count(int(v.Kind()))
	e.text(v.Text())
}

func decodeValue(d *decoder) event.Value {
	kind, text := event.Kind(d.uint()), d.text()
	v, ok := event.Scalar(kind, text)
	if !ok {
		d.fail("a value cannot bind")
	}
	return v
}

func encodeSymbols(e *encoder, all []symbol) {
	e.count(len(all))
	for _, s := range all {
		e.uint(uint64(s))
	}
}

// symbols reads a list of symbols of some length.
func decodeSymbols(d *decoder, t *symbols, length int) []symbol {
	if n := d.count(); n != length {
		d.fail(fmt.Sprintf("%d values, wanted %d", n, length))
		return nil
	}
	all := make([]symbol, length)
	for i := range all {
		n := symbol(d.uint())
		if int(n&^spelt) >= len(t.known) {
			d.fail("there is no such value")
			return nil
		}
		all[i] = n
	}
	return all
}

// key reads the canonical values of an instance.
func decodeKey(d *decoder, t *symbols, length int) []symbol {
	all := decodeSymbols(d, t, length)
	for _, n := range all {
		if n&spelt != 0 || t.known[n].canonical != n {
			d.fail("a value is not canonical")
			return nil
		}
	}
	return all
}
