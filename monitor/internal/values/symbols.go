package values

import (
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/codec"
)

// Symbol stands for a value as it was written. Equal values have one
// canonical symbol; spelt tells one that is not.
type Symbol uint32

// Spelt marks the symbol of a value that is not in its canonical form, such
// as 1.0: only then must the canonical one be looked up.
const Spelt Symbol = 1 << 31

// symbols gives values numbers. Comparing and hashing numbers is what makes
// looking up instances cheap.
type Table struct {
	seeds [2]maphash.Seed
	Slots []slot // open addressing
	Known []Known
	Texts Texts
}

// slot holds a number + 1 under 96 bits of the value's hash, with seeds that
// nobody knows: values of one hash are taken to be equal, so that memory is
// touched once. With 2 to the power of 31 values, which is all that there can
// be, the odds that two of them have one hash are below one in 10 to the
// power of 10.
type slot struct {
	hash         uint64
	more, Number uint32
}

type Known struct {
	Text      string // as written
	Canonical Symbol
	Kind      event.Kind
}

// Symbol returns the number of a value. What the table keeps does not hold on
// to the value's own memory.
func (t *Table) Symbol(v event.Value) Symbol {
	if t.Slots == nil {
		t.Rehash()
	}
	hash, more := t.hash(v.Kind(), v.Text())
	mask := uint64(len(t.Slots) - 1)
	i := hash & mask
	for ; t.Slots[i].Number != 0; i = (i + 1) & mask {
		if x := &t.Slots[i]; x.hash == hash && x.more == more {
			return Symbol(x.Number - 1)
		}
	}
	n := Symbol(len(t.Known))
	t.Known = append(t.Known, Known{t.Texts.Keep(v.Text()), n, v.Kind()})
	written := n
	if c := v.Canonical(); c.Text() != v.Text() {
		canonical := t.Symbol(c)
		t.Known[n].Canonical, written = canonical, n|Spelt
		i = t.empty(hash)
	}
	t.Slots[i] = slot{hash, more, uint32(written) + 1}
	if 3*len(t.Known) > 2*len(t.Slots) {
		t.grow()
	}
	return written
}

// Find returns the canonical symbol of a value, and whether the table has it.
func (t *Table) Find(v event.Value) (Symbol, bool) {
	if t.Slots == nil {
		return 0, false
	}
	v = v.Canonical()
	hash, more := t.hash(v.Kind(), v.Text())
	mask := uint64(len(t.Slots) - 1)
	for i := hash & mask; t.Slots[i].Number != 0; i = (i + 1) & mask {
		if x := &t.Slots[i]; x.hash == hash && x.more == more {
			return Symbol(x.Number - 1), true
		}
	}
	return 0, false
}

func (t *Table) hash(kind event.Kind, text string) (hash uint64, more uint32) {
	return t.HashOf(kind, text), uint32(maphash.String(t.seeds[1], text))
}

// HashOf is what says where a value stands.
func (t *Table) HashOf(kind event.Kind, text string) uint64 {
	return maphash.String(t.seeds[0], text) ^ uint64(kind)<<60
}

func (t *Table) empty(hash uint64) uint64 {
	mask := uint64(len(t.Slots) - 1)
	i := hash & mask
	for t.Slots[i].Number != 0 {
		i = (i + 1) & mask
	}
	return i
}

// Canonical returns the symbol of the same value in canonical form.
func (t *Table) Canonical(s Symbol) Symbol {
	if s&Spelt == 0 {
		return s
	}
	return t.Known[s&^Spelt].Canonical
}

func (t *Table) Value(s Symbol) event.Value {
	k := &t.Known[s&^Spelt]
	v, ok := event.Scalar(k.Kind, k.Text)
	if !ok {
		panic("monitor: a symbol stands for a value that binds")
	}
	return v
}

func (t *Table) grow() {
	old := t.Slots
	t.Slots = make([]slot, 2*len(old))
	for _, x := range old {
		if x.Number != 0 {
			t.Slots[t.empty(x.hash)] = x
		}
	}
}

// Texts keeps copies of short strings in large pieces: a piece is never
// moved, so that its parts can be shared.
type Texts struct{ piece *strings.Builder }

// The first piece is small: most runs of the simulator need no more.
const firstPiece, textPiece = 1 << 9, 1 << 16

func (t *Texts) Keep(s string) string {
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

// Sweep keeps the live values; it returns the new numbers by the old ones.
func (t *Table) Sweep(live []bool) []Symbol {
	old := t.Known
	moved := make([]Symbol, len(old))
	kept := 0
	for n := range old {
		if live[n] {
			moved[n] = Symbol(kept)
			kept++
		}
	}
	t.Known, t.Texts, t.Slots = make([]Known, 0, kept), Texts{}, nil
	for n, k := range old {
		if live[n] {
			k.Text = t.Texts.Keep(k.Text)
			k.Canonical = moved[k.Canonical]
			t.Known = append(t.Known, k)
		}
	}
	t.Rehash()
	return moved
}

// Rehash makes the table anew.
func (t *Table) Rehash() {
	if t.seeds == [2]maphash.Seed{} {
		t.seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	}
	size := 16
	for 3*len(t.Known) > size { // half of what may be in it
		size *= 2
	}
	t.Slots = make([]slot, size)
	for n, k := range t.Known {
		hash, more := t.hash(k.Kind, k.Text)
		number := Symbol(n)
		if k.Canonical != number {
			number |= Spelt
		}
		t.Slots[t.empty(hash)] = slot{hash, more, uint32(number) + 1}
	}
}

func EncodeValue(e *codec.Encoder, v event.Value) {
	e.Count(int(v.Kind()))
	e.Text(v.Text())
}

func DecodeValue(d *codec.Decoder) event.Value {
	kind, text := event.Kind(d.Uint()), d.Text()
	v, ok := event.Scalar(kind, text)
	if !ok {
		d.Fail("a value cannot bind")
	}
	return v
}

func EncodeSymbols(e *codec.Encoder, all []Symbol) {
	e.Count(len(all))
	for _, s := range all {
		e.Uint(uint64(s))
	}
}

// symbols reads a list of symbols of some length.
func DecodeSymbols(d *codec.Decoder, t *Table, length int) []Symbol {
	if n := d.Count(); n != length {
		d.Fail(fmt.Sprintf("%d values, wanted %d", n, length))
		return nil
	}
	all := make([]Symbol, length)
	for i := range all {
		n := Symbol(d.Uint())
		if int(n&^Spelt) >= len(t.Known) {
			d.Fail("there is no such value")
			return nil
		}
		all[i] = n
	}
	return all
}

// key reads the canonical values of an instance.
func DecodeKey(d *codec.Decoder, t *Table, length int) []Symbol {
	all := DecodeSymbols(d, t, length)
	for _, n := range all {
		if n&Spelt != 0 || t.Known[n].Canonical != n {
			d.Fail("a value is not canonical")
			return nil
		}
	}
	return all
}
