package monitor

import (
	"slices"

	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/skew"
	"github.com/wtsim/wtsim/monitor/internal/values"
)

// cell is the number of an instance in the pool of its domain.
type cell uint32

// none is no cell.
const none = ^cell(0)

// pool holds the instances of one domain.
//
// Invariants: every binding that an event had has a cell, alive or dead, in
// the main table. Every instance that is not dead is in the main table and in
// all indexes; what is dead is in no index.
type pool struct {
	*domain
	owned bool // its instances belong to this part, see cube.go
	all   []instance
	keys  []values.Symbol // canonical, len(list) for each instance
	links []link          // len(indexes) for each instance
	ages  []age           // only with a time to live
	fuzzy []*skew.Front   // only with skew
	free  []cell
	main  table
	index []table                  // for each index: the newest instance of each group
	spelt map[cell][]values.Symbol // the values as first written, where not canonical

	inherited map[cell][]uint32       // trails of parts that were forgotten, see age.go
	lacking   map[cell]bool           // instances without all of their slice, see forgotten.go
	doubted   map[cell]machine.Worlds // violated, unless something is missing; see lossy.go
}

// instance is one binding of a property's variables.
type instance struct {
	state    uint32 // of the automaton, or a configuration's number
	function uint16 // what the events of exactly this binding come to, see lazy.go
	dead     bool   // cannot be violated any more
	unused   bool   // no instance at all
	trail    uint32 // the events of exactly this binding; see trail.go
}

// link chains the instances of one group of an index.
type link struct{ next, before cell }

// table finds cells by keys; an entry is the cell + 1. A key of one symbol is
// the entry's place; else it is hashed (open addressing). The keys themselves
// stand in the pool.
type table struct {
	slots []cell
	n     int
}

func (t *table) set(at uint32, c cell) { t.slots[at] = c + 1 }

func hashOf(key []values.Symbol) uint32 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, s := range key {
		h = (h ^ uint64(s)) * 0xff51afd7ed558ccd
		h ^= h >> 32
	}
	return uint32(h)
}

// key returns the canonical values of an instance.
func (p *pool) key(c cell) []values.Symbol {
	n := len(p.list)
	return p.keys[int(c)*n : int(c)*n+n]
}

// has compares some columns of an instance with a key.
func (p *pool) has(c cell, cols []int, key []values.Symbol) bool {
	own := p.key(c)
	if cols == nil {
		for i := range own {
			if own[i] != key[i] {
				return false
			}
		}
		return true
	}
	for i, col := range cols {
		if own[col] != key[i] {
			return false
		}
	}
	return true
}

// columns appends the columns of an instance to a key; nil means all.
func (p *pool) columns(dst []values.Symbol, c cell, cols []int) []values.Symbol {
	if cols == nil {
		return append(dst, p.key(c)...)
	}
	own := p.key(c)
	for _, col := range cols {
		dst = append(dst, own[col])
	}
	return dst
}

// find returns the cell of a key, and where it is or would be.
func (p *pool) find(t *table, cols []int, key []values.Symbol) (cell, uint32) {
	switch {
	case t.n == 0:
		return none, 0
	case len(key) == 1 && int(key[0]) >= len(t.slots):
		return none, 0
	case len(key) == 1:
		return t.slots[key[0]] - 1, uint32(key[0]) // none if it is empty
	}
	mask := uint32(len(t.slots) - 1)
	for i := hashOf(key) & mask; ; i = (i + 1) & mask {
		switch c := t.slots[i]; {
		case c == 0:
			return none, i
		case p.has(c-1, cols, key):
			return c - 1, i
		}
	}
}

// enter puts a cell under a key that is not there.
func (p *pool) enter(t *table, cols []int, key []values.Symbol, c cell) {
	t.n++
	if len(key) == 1 {
		if n := int(key[0]) + 1 - len(t.slots); n > 0 {
			t.slots = append(t.slots, make([]cell, max(n, len(t.slots)/2))...)
		}
		t.set(uint32(key[0]), c)
		return
	}
	if 2*t.n > len(t.slots) { // what is not found is compared with what stands before the next gap, which waits for memory
		p.grow(t, cols)
	}
	mask := uint32(len(t.slots) - 1)
	i := hashOf(key) & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.set(i, c)
}

func (p *pool) grow(t *table, cols []int) {
	old := t.slots
	t.slots = make([]cell, max(8, 2*len(old)))
	mask := uint32(len(t.slots) - 1)
	var room [8]values.Symbol
	for _, c := range old {
		if c == 0 {
			continue
		}
		i := hashOf(p.columns(room[:0], c-1, cols)) & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = c
	}
}

// remove empties a slot and moves back what was pushed on by it.
func (p *pool) remove(t *table, cols []int, at uint32) {
	t.n--
	if len(p.list) == 1 || len(cols) == 1 {
		t.slots[at] = 0
		return
	}
	mask := uint32(len(t.slots) - 1)
	var room [8]values.Symbol
	hole := at
	for i := (at + 1) & mask; t.slots[i] != 0; i = (i + 1) & mask {
		home := hashOf(p.columns(room[:0], t.slots[i]-1, cols)) & mask
		if (i-home)&mask >= (i-hole)&mask {
			t.slots[hole] = t.slots[i]
			hole = i
		}
	}
	t.slots[hole] = 0
}

// lookup returns the instance of a binding.
func (p *pool) lookup(key []values.Symbol) cell {
	c, _ := p.find(&p.main, nil, key)
	return c
}

// group returns the newest instance of a group of an index.
func (p *pool) group(index int, key []values.Symbol) cell {
	if p.index == nil {
		return none
	}
	c, _ := p.find(&p.index[index], p.indexes[index].cols, key)
	return c
}

// next returns the instance after c in its group.
func (p *pool) next(index int, c cell) cell { return p.links[int(c)*len(p.indexes)+index].next }

// add makes an instance. One that is dead enters no index.
func (p *pool) add(key []values.Symbol, in instance) cell {
	c := cell(len(p.all))
	if n := len(p.free); n > 0 {
		c, p.free = p.free[n-1], p.free[:n-1]
		p.all[c] = in
		copy(p.key(c), key)
	} else {
		p.all = append(roomFor(p.all, 1), in)
		p.keys = append(roomFor(p.keys, len(key)), key...)
		p.links = roomFor(p.links, len(p.indexes))
		for range p.indexes {
			p.links = append(p.links, link{none, none})
		}
	}
	p.enter(&p.main, nil, key, c)
	if !in.dead {
		p.link(c)
	}
	return c
}

// roomFor returns a list with room for more. It doubles: lists of this size would
// grow by a quarter else, and be copied four times as often.
func roomFor[T any](list []T, n int) []T {
	if len(list)+n <= cap(list) {
		return list
	}
	return slices.Grow(list, max(n, len(list)))
}

func (p *pool) link(c cell) {
	if p.index == nil {
		p.index = make([]table, len(p.indexes))
	}
	var room [8]values.Symbol
	for i, x := range p.indexes {
		t, key := &p.index[i], p.columns(room[:0], c, x.cols)
		first, at := p.find(t, x.cols, key)
		p.links[int(c)*len(p.indexes)+i] = link{first, none}
		if first == none {
			p.enter(t, x.cols, key, c)
		} else {
			p.links[int(first)*len(p.indexes)+i].before = c
			t.set(at, c)
		}
	}
}

func (p *pool) unlink(c cell) {
	var room [8]values.Symbol
	for i, x := range p.indexes {
		l := p.links[int(c)*len(p.indexes)+i]
		if l.next != none {
			p.links[int(l.next)*len(p.indexes)+i].before = l.before
		}
		if l.before != none {
			p.links[int(l.before)*len(p.indexes)+i].next = l.next
			continue
		}
		t := &p.index[i]
		_, at := p.find(t, x.cols, p.columns(room[:0], c, x.cols))
		if l.next == none {
			p.remove(t, x.cols, at)
		} else {
			t.set(at, l.next)
		}
	}
}

// drop forgets an instance altogether.
func (p *pool) drop(c cell) {
	if !p.all[c].dead {
		p.unlink(c)
	}
	_, at := p.find(&p.main, nil, p.key(c))
	p.remove(&p.main, nil, at)
	p.all[c] = instance{unused: true}
	if int(c) < len(p.fuzzy) {
		p.fuzzy[c] = nil
	}
	delete(p.spelt, c)
	delete(p.inherited, c)
	delete(p.lacking, c)
	delete(p.doubted, c)
	p.free = append(p.free, c)
}
