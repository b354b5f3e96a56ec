package monitor

import (
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
	seed  maphash.Seed
	slots []slot // open addressing
	known []known
	texts texts
}

// slot holds a number + 1, and the hash, so that only what is very likely the
// same is looked at.
type slot struct{ hash, number uint32 }

type known struct {
	value     event.Value
	canonical symbol
}

// symbol returns the number of a value. What the table keeps does not hold on
// to the value's own memory.
func (t *symbols) symbol(v event.Value) symbol {
	if t.slots == nil {
		t.seed, t.slots = maphash.MakeSeed(), make([]slot, 16)
	}
	hash := uint32(maphash.String(t.seed, v.Text())) ^ uint32(v.Kind())<<28
	mask := uint32(len(t.slots) - 1)
	i := hash & mask
	for ; t.slots[i].number != 0; i = (i + 1) & mask {
		if t.slots[i].hash != hash {
			continue
		}
		n := t.slots[i].number - 1
		if k := &t.known[n].value; k.Kind() == v.Kind() && k.Text() == v.Text() {
			return t.written(symbol(n))
		}
	}
	n := symbol(len(t.known))
	t.slots[i] = slot{hash, uint32(n) + 1}
	t.known = append(t.known, known{v.WithText(t.texts.keep(v.Text())), n})
	if c := v.Canonical(); c.Text() != v.Text() {
		t.known[n].canonical = t.symbol(c)
	}
	if 2*len(t.known) > len(t.slots) {
		t.grow()
	}
	return t.written(n)
}

func (t *symbols) written(n symbol) symbol {
	if t.known[n].canonical != n {
		return n | spelt
	}
	return n
}

// canonical returns the symbol of the same value in canonical form.
func (t *symbols) canonical(s symbol) symbol {
	if s&spelt == 0 {
		return s
	}
	return t.known[s&^spelt].canonical
}

func (t *symbols) value(s symbol) event.Value { return t.known[s&^spelt].value }

func (t *symbols) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	mask := uint32(len(t.slots) - 1)
	for _, x := range old {
		if x.number == 0 {
			continue
		}
		i := x.hash & mask
		for t.slots[i].number != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = x
	}
}

// texts keeps copies of short strings in large pieces: a piece is never
// moved, so that its parts can be shared.
type texts struct{ piece *strings.Builder }

const textPiece = 1 << 16

func (t *texts) keep(s string) string {
	if len(s) > textPiece/8 {
		return strings.Clone(s)
	}
	if t.piece == nil || t.piece.Cap()-t.piece.Len() < len(s) {
		t.piece = &strings.Builder{}
		t.piece.Grow(textPiece)
	}
	from := t.piece.Len()
	t.piece.WriteString(s)
	return t.piece.String()[from:]
}
