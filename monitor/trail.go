package monitor

import (
	"slices"

	"github.com/wtsim/wtsim/event"
)

// Every event that is in some slice is noted once, in the trail of its own
// binding. The slice of an instance is the union of the trails of the
// bindings that it contains: nothing is stored for each pair of an event and
// an instance.

// trails holds the events that witnesses tell of. Trail 0 is empty.
type trails struct {
	notes   pieces[note]
	records pieces[record]
	times   map[uint32]instant // of records, where it is not the effective one
	texts   texts
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

func recordOf(id string, source int32, at instant) record {
	return record{id, at.sec, at.nsec, source}
}

func (r *record) at() instant { return instant{r.sec, r.nsec} }

// keep adds a record; the time is by the event's source's clock, which is
// nearly always the effective one.
func (t *trails) keep(r record, time instant) uint32 {
	n := uint32(t.records.n)
	t.records.add(r)
	if time != r.at() {
		if t.times == nil {
			t.times = make(map[uint32]instant)
		}
		t.times[n] = time
	}
	return n
}

// time returns when a recorded event was, by its source's clock.
func (t *trails) time(n uint32) instant {
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
func (m *engine) slice(s *store, domain int, key []symbol) []note {
	var all []note
	for _, d := range append([]int{domain}, s.domains[domain].parts...) {
		c := m.partOf(s, d, domain, key)
		if c == none {
			continue
		}
		all = m.trails.follow(all, s.pools[d].all[c].trail)
	}
	for _, trail := range m.inheritance(s, domain, key) {
		all = m.trails.follow(all, trail)
	}
	slices.SortFunc(all, func(a, b note) int { return int(a.record) - int(b.record) })
	return all
}

// follow appends the notes of a trail.
func (t *trails) follow(all []note, trail uint32) []note {
	for at := trail; at != 0; at = t.notes.at(at).before {
		all = append(all, *t.notes.at(at))
	}
	return all
}

// partOf returns the instance of a part of a binding.
func (m *engine) partOf(s *store, part, domain int, key []symbol) cell {
	var room [8]symbol
	sub := room[:0]
	for _, v := range s.domains[part].list {
		sub = append(sub, key[slices.Index(s.domains[domain].list, v)])
	}
	return s.pools[part].lookup(sub)
}

// witness tells a slice to people, with the states that it leads to.
func (m *engine) witness(s *store, slice []note) []WitnessEvent {
	if len(slice) == 0 {
		return nil
	}
	if s.configs != nil {
		return m.witnessInTime(s, slice)
	}
	steps := make([]WitnessEvent, len(slice))
	state := uint32(startState)
	for i, n := range slice {
		state = s.next(n.letter, state)
		r := m.trails.records.at(n.record)
		steps[i] = WitnessEvent{m.sources.name(r.source), r.id, s.letterOf(n.letter).Type, s.auto.States[state]}
	}
	return steps
}

// eventOf returns what is known of a recorded event.
func (m *engine) eventOf(s *store, n note) event.Event {
	r := m.trails.records.at(n.record)
	return event.Event{ID: r.id, Source: m.sources.name(r.source), Type: s.letterOf(n.letter).Type, Time: m.trails.time(n.record).time()}
}
