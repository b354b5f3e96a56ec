package machine

import (
	"math/bits"

	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/props"
)

// holdings are the sets of occurrences that windows hold, with skew: tries by
// the occurrences' numbers, whose nodes are numbered as they are first made
// (hash consing). Equal sets have one number, and a set with one occurrence more
// or less shares nearly all of its nodes. The number 0 is the empty set.
type holdings struct {
	nodes   []node
	sizes   []uint32      // by node
	sums    []props.Total // by node
	numbers map[node]uint32
	due     int // how many nodes there may be before they are swept
	least   int // of due
}

// node holds 64 occurrences, as bits, or eight times what its parts hold. A set
// is no higher than its greatest number wants.
type node struct {
	base   uint32 // the first occurrence that it has room for
	height uint32
	bits   uint64 // of a leaf, whose height is 0
	parts  [1 << partBits]uint32
}

const leafBits, partBits = 6, 3

// reach is how many occurrences a node of a height has room for, as a power of
// two.
func reach(height uint32) uint32 { return leafBits + partBits*height }

func newHoldings(least int) holdings {
	return holdings{nodes: make([]node, 1), sizes: make([]uint32, 1), sums: make([]props.Total, 1), numbers: map[node]uint32{}, due: least, least: least}
}

// number returns the number of a node, given what its occurrences are worth.
func (h *holdings) number(x node, worth func(uint32) props.Total) uint32 {
	if x.bits == 0 && x.parts == [1 << partBits]uint32{} {
		return 0
	}
	if n, ok := h.numbers[x]; ok {
		return n
	}
	n, size, sum := uint32(len(h.nodes)), uint32(bits.OnesCount64(x.bits)), props.Total{}
	for left := x.bits; left != 0; left &= left - 1 {
		sum = sum.Plus(worth(x.base + uint32(bits.TrailingZeros64(left))))
	}
	for _, part := range x.parts {
		size, sum = size+h.sizes[part], sum.Plus(h.sums[part])
	}
	h.nodes, h.sizes, h.sums = append(h.nodes, x), append(h.sizes, size), append(h.sums, sum)
	h.numbers[x] = n
	return n
}

// change returns a set with or without an occurrence.
func (h *holdings) change(set, n uint32, there bool, worth func(uint32) props.Total) uint32 {
	height := h.nodes[set].height
	for uint64(n)>>reach(height) > 0 {
		height++
		set = h.number(node{height: height, parts: [1 << partBits]uint32{set}}, worth)
	}
	set = h.changeIn(set, node{height: height}, n, there, worth)
	for x := &h.nodes[set]; x.height > 0 && x.parts == [1 << partBits]uint32{x.parts[0]}; x = &h.nodes[set] {
		set = x.parts[0]
	}
	return set
}

// changeIn is change in a node, given what it is if it is empty.
func (h *holdings) changeIn(set uint32, empty node, n uint32, there bool, worth func(uint32) props.Total) uint32 {
	x := empty
	if set != 0 {
		x = h.nodes[set]
	}
	if x.height == 0 {
		x.bits &^= 1 << (n - x.base)
		if there {
			x.bits |= 1 << (n - x.base)
		}
		return h.number(x, worth)
	}
	i := (n - x.base) >> reach(x.height-1)
	x.parts[i] = h.changeIn(x.parts[i], x.emptyPart(i), n, there, worth)
	return h.number(x, worth)
}

// emptyPart is a part of a node before anything is in it.
func (x *node) emptyPart(i uint32) node {
	return node{base: x.base + i<<reach(x.height-1), height: x.height - 1}
}

// each visits what a set holds, in order of number, until a visitor has seen
// enough, and tells whether none has.
func (h *holdings) each(set uint32, visit func(uint32) bool) bool {
	x := h.nodes[set] // visitors may add nodes
	for left := x.bits; left != 0; left &= left - 1 {
		if !visit(x.base + uint32(bits.TrailingZeros64(left))) {
			return false
		}
	}
	for _, part := range x.parts {
		if part != 0 && !h.each(part, visit) {
			return false
		}
	}
	return true
}

// list returns what a set holds.
func (h *holdings) list(set uint32) (all []uint32) {
	h.each(set, func(n uint32) bool { all = append(all, n); return true })
	return all
}

// mark marks the nodes of a set.
func (h *holdings) mark(live []bool, set uint32) {
	if set == 0 || live[set] {
		return
	}
	live[set] = true
	for _, part := range h.nodes[set].parts {
		h.mark(live, part)
	}
}

// sweep keeps the nodes that are marked, and returns the new numbers by the old
// ones.
func (h *holdings) sweep(live []bool) []uint32 {
	old := *h
	*h = newHoldings(h.least)
	moved := make([]uint32, len(old.nodes))
	for n := 1; n < len(old.nodes); n++ {
		if !live[n] {
			continue
		}
		x := old.nodes[n]
		for i, part := range x.parts { // they were made before
			x.parts[i] = moved[part]
		}
		moved[n] = uint32(len(h.nodes))
		h.nodes, h.sizes, h.sums = append(h.nodes, x), append(h.sizes, old.sizes[n]), append(h.sums, old.sums[n])
		h.numbers[x] = moved[n]
	}
	h.due = max(h.least, 2*len(h.nodes))
	return moved
}

func (h *holdings) encode(e *codec.Encoder) {
	e.Count(len(h.nodes) - 1)
	for _, x := range h.nodes[1:] {
		e.Count(int(x.base))
		e.Count(int(x.height))
		e.Bits(x.bits)
		for i := 0; x.height > 0 && i < len(x.parts); i++ {
			e.Count(int(x.parts[i]))
		}
	}
}

func (h *holdings) decode(d *codec.Decoder, occurrences int, worth func(uint32) props.Total) {
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		x := node{base: uint32(d.Below(1<<32, "an occurrence")), height: uint32(d.Below(9, "a height")), bits: d.Bits()}
		for i := 0; x.height > 0 && i < len(x.parts); i++ {
			x.parts[i] = uint32(d.Below(len(h.nodes), "a set"))
		}
		known := len(h.nodes)
		if !h.sound(&x, occurrences) || int(h.number(x, worth)) != known {
			d.Fail("a window holds what is not there")
		}
	}
	h.due = max(h.least, 2*len(h.nodes))
}

// sound tells whether a node holds what is there, where it should be.
func (h *holdings) sound(x *node, occurrences int) bool {
	if x.height == 0 {
		return uint64(x.base)+uint64(bits.Len64(x.bits)) <= uint64(occurrences)
	}
	for i, part := range x.parts {
		want := x.emptyPart(uint32(i))
		if y := &h.nodes[part]; part != 0 && (y.base != want.base || y.height != want.height) {
			return false
		}
	}
	return x.bits == 0
}
