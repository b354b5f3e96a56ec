package monitor

import (
	"maps"
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/values"
)

// Every event that is in some slice is noted once, in the trail of its own
// binding. The slice of an instance is the union of the trails of the
// bindings that it contains: nothing is stored for each pair of an event and
// an instance.

// trails holds the events that witnesses tell of. Trail 0 is empty.
type trails struct {
	notes   pieces[note]
	records pieces[record]
	times   map[uint32]order.Instant // of records, where it is not the effective one
	types   map[uint32]string        // of records, where the letter does not say it
	texts   values.Texts
}

// pieces is a list that grows without moving what it holds.
type pieces[T any] struct {
	all [][]T
	n   int
}

const pieceBits = 12

func (p *pieces[T]) add(x T) {
	if p.n&(1<<pieceBits-1) == 0 {
		size := 1 << pieceBits
		if p.n == 0 {
			size = 16 // most runs of the simulator need no more
		}
		p.all = append(p.all, make([]T, 0, size))
	}
	last := len(p.all) - 1
	p.all[last] = append(p.all[last], x)
	p.n++
}

// frozen is the list as it is now, for a checkpoint that is written later, of what is
// not changed, only added to.
func (p *pieces[T]) frozen() pieces[T] { return pieces[T]{slices.Clone(p.all), p.n} }

// copied is a copy, of what is changed too.
func (p *pieces[T]) copied() pieces[T] {
	c := p.frozen()
	for i := range c.all {
		c.all[i] = slices.Clone(c.all[i])
	}
	return c
}

func (p *pieces[T]) at(i uint32) *T { return &p.all[i>>pieceBits][i&(1<<pieceBits-1)] }

// note is one event of a trail, from its last back.
type note struct {
	before uint32
	record uint32
	letter uint32
}

// record is what is kept of an event, for all properties. Records stand in
// the order in which the events were applied.
type record struct {
	id     string
	sec    int64 // with nsec: effective time
	nsec   int32
	source int32
}

func recordOf(id string, source int32, at order.Instant) record {
	return record{id, at.Sec, at.Nsec, source}
}

func (r *record) at() order.Instant { return order.Instant{Sec: r.sec, Nsec: r.nsec} }

func (r *record) stamp() *machine.Stamp {
	return &machine.Stamp{At: r.at(), Source: r.source, ID: r.id}
}

// keep adds a record; the time is by the event's source's clock, which is
// nearly always the effective one.
func (t *trails) keep(r record, time order.Instant) uint32 {
	n := uint32(t.records.n)
	t.records.add(r)
	if time != r.at() {
		if t.times == nil {
			t.times = make(map[uint32]order.Instant)
		}
		t.times[n] = time
	}
	return n
}

// frozen is what there is now, for a checkpoint that is written later. Sweeps of letters
// change notes where they are; sweeps of sources have trails of their own by then.
func (t *trails) frozen() trails {
	return trails{notes: t.notes.copied(), records: t.records.frozen(), times: maps.Clone(t.times), types: maps.Clone(t.types)}
}

// call says of what type a recorded event is.
func (t *trails) call(n uint32, eventType string) {
	if t.types == nil {
		t.types = make(map[uint32]string)
	}
	t.types[n] = eventType
}

// typeOf returns the type of an event of a slice.
func (s *store) typeOf(n note) string {
	if l := s.letterOf(n.letter); !l.Other {
		return l.Type
	}
	return s.trails.types[n.record]
}

// time returns when a recorded event was, by its source's clock.
func (t *trails) time(n uint32) order.Instant {
	if at, ok := t.times[n]; ok {
		return at
	}
	return t.records.at(n).at()
}

func (t *trails) add(before, record, letter uint32) uint32 {
	if t.notes.n == 0 {
		t.notes.add(note{})
	}
	t.notes.add(note{before, record, letter})
	return uint32(t.notes.n - 1)
}

// slice returns the events of an instance, in the order in which they were
// applied.
func (s *store) slice(domain int, key []values.Symbol) []note {
	var all []note
	for _, d := range append([]int{domain}, s.domains[domain].parts...) {
		c := s.partOf(d, domain, key)
		if c == none {
			continue
		}
		all = s.trails.follow(all, s.pools[d].all[c].trail)
	}
	for _, trail := range s.inheritance(domain, key) {
		all = s.trails.follow(all, trail)
	}
	slices.SortFunc(all, func(a, b note) int { return int(a.record) - int(b.record) })
	return s.joined(all)
}

// follow appends the notes of a trail.
func (t *trails) follow(all []note, trail uint32) []note {
	for at := trail; at != 0; at = t.notes.at(at).before {
		all = append(all, *t.notes.at(at))
	}
	return all
}

// partOf returns the instance of a part of a binding.
func (s *store) partOf(part, domain int, key []values.Symbol) cell {
	var room [8]values.Symbol
	sub := room[:0]
	for _, v := range s.domains[part].list {
		sub = append(sub, key[slices.Index(s.domains[domain].list, v)])
	}
	return s.pools[part].lookup(sub)
}

// eventOf returns what is known of a recorded event.
func (s *store) eventOf(n note) event.Event {
	r := s.trails.records.at(n.record)
	return event.Event{ID: r.id, Source: s.sources.Name(r.source), Type: s.typeOf(n), Time: s.trails.time(n.record).Time()}
}
