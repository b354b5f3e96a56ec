package machine

import (
	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/props"
)

// history holds the occurrences of windows in exact order. A window is its
// newest occurrence; each knows the one before it, how many there were up to it,
// and what they came to. What a window holds at a time is the difference to the
// newest occurrence that is too old. That is found by jumps: each occurrence
// also knows one further back, so that a way back of n is some log n jumps
// (Myers: An applicative random-access stack, 1983). Nothing is changed once it
// is there, so that an instance that is born can go on with the window of
// another.
type history struct {
	all    []happened    // the first stands for none
	sums   []props.Total // of all, if something is summed up
	summed bool          // something is
	now    order.Instant // of the newest
	due    int           // how many there may be before they are swept
	least  int           // of due
}

// happened is an occurrence, and all before it.
type happened struct {
	sec    int64
	nsec   int32
	before uint32
	jump   uint32
	count  uint32 // modulo 2^32: only differences are looked at
}

func (h *happened) at() order.Instant { return order.Instant{Sec: h.sec, Nsec: h.nsec} }

func newHistory(summed bool, least int) history {
	h := history{all: make([]happened, 1), summed: summed, due: least, least: least}
	if summed {
		h.sums = make([]props.Total, 1)
	}
	return h
}

// add adds an occurrence to a window, and returns what the window is then.
func (h *history) add(top uint32, at order.Instant, value props.Total) uint32 {
	n := uint32(len(h.all))
	x := happened{sec: at.Sec, nsec: at.Nsec, before: top, jump: n, count: h.all[top].count + 1}
	if top != 0 {
		x.jump = h.jumpFrom(top)
	}
	h.all = append(h.all, x)
	if h.summed {
		h.sums = append(h.sums, h.sums[top].Plus(value))
	}
	h.now = order.Later(h.now, at)
	return n
}

// jumpFrom is where what follows an occurrence jumps to. The first one jumps to
// itself.
func (h *history) jumpFrom(top uint32) uint32 {
	a := h.all[top].jump
	b := h.all[a].jump
	if h.all[top].count-h.all[a].count == h.all[a].count-h.all[b].count {
		return b
	}
	return top
}

// tooOld returns the newest occurrence of a window that is not later than a
// time; 0 if there is none.
func (h *history) tooOld(top uint32, limit order.Instant) uint32 {
	for top != 0 {
		x := &h.all[top]
		if !limit.Before(x.at()) {
			return top
		}
		if j := &h.all[x.jump]; x.jump != top && limit.Before(j.at()) {
			top = x.jump
		} else {
			top = x.before
		}
	}
	return 0
}

func (h *history) size(top uint32, limit order.Instant) int64 {
	return int64(h.all[top].count - h.all[h.tooOld(top, limit)].count)
}

func (h *history) sum(top uint32, limit order.Instant) props.Total {
	if !h.summed {
		return props.Total{}
	}
	return h.sums[top].Minus(h.sums[h.tooOld(top, limit)])
}

// mark marks what a window needs from now on: what it holds, and the newest
// that is too old, which others are counted from.
func (h *history) mark(live []bool, top uint32, limit order.Instant) {
	for n := top; n != 0 && !live[n]; n = h.all[n].before {
		live[n] = true
		if !limit.Before(h.all[n].at()) {
			h.all[n].before = 0
			return
		}
	}
}

// sweep keeps what is marked, and returns the new numbers by the old ones.
func (h *history) sweep(live []bool) []uint32 {
	moved := make([]uint32, len(h.all))
	old, sums := h.all, h.sums
	h.all = append(make([]happened, 0, len(old)/2+1), old[0])
	if h.summed {
		h.sums = append(make([]props.Total, 0, len(old)/2+1), sums[0])
	}
	for n := 1; n < len(old); n++ {
		if !live[n] {
			continue
		}
		x := old[n]
		moved[n] = uint32(len(h.all))
		x.before, x.jump = moved[x.before], moved[n]
		if x.before != 0 {
			x.jump = h.jumpFrom(x.before)
		}
		h.all = append(h.all, x)
		if h.summed {
			h.sums = append(h.sums, sums[n])
		}
	}
	return moved
}

func (h *history) encode(e *codec.Encoder) {
	h.now.Encode(e)
	e.Count(len(h.all) - 1)
	for n, x := range h.all[1:] {
		x.at().Encode(e)
		e.Count(int(x.before))
		e.Uint(uint64(x.count))
		if h.summed {
			encodeTotal(e, h.sums[n+1])
		}
	}
}

func (h *history) decode(d *codec.Decoder) {
	h.now = order.DecodeInstant(d)
	for n := d.Below(1<<32-1, "the number of occurrences"); n > 0 && d.Err == nil; n-- {
		at := order.DecodeInstant(d)
		x := happened{sec: at.Sec, nsec: at.Nsec, before: uint32(d.Below(len(h.all), "an occurrence")), jump: uint32(len(h.all)),
			count: uint32(d.Below(1<<32, "a count"))}
		if x.before != 0 {
			x.jump = h.jumpFrom(x.before)
		}
		h.all = append(h.all, x)
		if h.summed {
			h.sums = append(h.sums, decodeTotal(d))
		}
	}
	h.due = max(h.least, 2*len(h.all))
}
