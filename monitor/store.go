package monitor

import (
	"encoding/binary"

	"github.com/wtsim/wtsim/event"
)

// store holds the instances of one property.
//
// Invariants: every binding that an event had is in its table, alive or as
// the tombstone. Every instance that is not dead is in its table. What is in
// an index and not dead is in its table too.
type store struct {
	*plan
	root      instance // of the empty binding; there from the start
	tables    []table  // by domain; that of the empty one is not used
	indexes   []map[string]*list
	live      int // instances in tables that are not dead
	malformed int
}

// table finds instances of one domain by the key of their binding.
type table map[string]*instance

// instance is one binding of a property's variables.
type instance struct {
	domain int
	state  int
	dead   bool
	values []event.Value // of the domain's variables, ascending
	trail  *trail
}

// tombstone stands for every dead instance that must not be born again. It
// is never written to.
var tombstone = &instance{dead: true}

// trail is an instance's slice, from its last event back. Instances that
// continue one slice share it.
type trail struct {
	before *trail
	event  *observed
	state  int // after the event
}

// observed is what witnesses tell of an event.
type observed struct{ source, id, eventType string }

// list is one entry of an index. Dead instances stay in it until it is next
// used, so that they need not know where they are.
type list struct{ instances []*instance }

// alive removes the dead and returns the others, in order of birth.
func (l *list) alive() []*instance {
	kept := l.instances[:0]
	for _, in := range l.instances {
		if !in.dead {
			kept = append(kept, in)
		}
	}
	clear(l.instances[len(kept):])
	l.instances = kept
	return kept
}

// add appends an instance. A full list drops its dead before it grows, which
// keeps it within twice its living.
func (l *list) add(in *instance) {
	if len(l.instances) == cap(l.instances) {
		l.alive()
	}
	l.instances = append(l.instances, in)
}

// load puts the instance's values of some variables where they belong.
func (in *instance) load(s *store, wanted set, values []event.Value) {
	vars := s.domains[in.domain].vars
	for i := range in.values {
		var v int
		v, vars = vars.first()
		if wanted&(1<<v) != 0 {
			values[v] = in.values[i]
		}
	}
}

// lookup returns the instance of a domain that has the current values; nil
// if it is not stored.
func (m *Monitor) lookup(s *store, domain int) *instance {
	if domain == 0 {
		return &s.root
	}
	return s.tables[domain][string(m.keyBy(s.domains[domain].vars))]
}

func (s *store) table(domain int) table {
	if s.tables[domain] == nil {
		s.tables[domain] = make(table)
	}
	return s.tables[domain]
}

// insert stores a newborn.
func (m *Monitor) insert(s *store, in *instance) {
	s.table(in.domain)[string(m.keyOf(s, in, ^set(0)))] = in
	for _, x := range s.domains[in.domain].indexes {
		if s.indexes[x.slot] == nil {
			s.indexes[x.slot] = make(map[string]*list)
		}
		key := m.keyOf(s, in, x.by)
		l := s.indexes[x.slot][string(key)]
		if l == nil {
			l = &list{}
			s.indexes[x.slot][string(key)] = l
		}
		l.add(in)
	}
	s.live++
}

// forget takes a dead instance out of its table. The binding of an event
// leaves the tombstone.
func (m *Monitor) forget(s *store, in *instance) {
	s.live--
	key := m.keyOf(s, in, ^set(0))
	if s.domains[in.domain].event {
		s.tables[in.domain][string(key)] = tombstone
	} else {
		delete(s.tables[in.domain], string(key))
	}
}

// keyBy returns the key of the current values of some variables. It is valid
// until the next key is made.
func (m *Monitor) keyBy(vars set) []byte {
	m.key = m.key[:0]
	for v := 0; vars != 0; {
		v, vars = vars.first()
		m.key = appendKey(m.key, m.values[v])
	}
	return m.key
}

// keyOf returns the key of an instance's values of some of its variables.
func (m *Monitor) keyOf(s *store, in *instance, by set) []byte {
	m.key = m.key[:0]
	vars := s.domains[in.domain].vars
	for i := range in.values {
		var v int
		v, vars = vars.first()
		if by&(1<<v) != 0 {
			m.key = appendKey(m.key, in.values[i])
		}
	}
	return m.key
}

// appendKey appends a value so that a sequence of values can be told from
// every other: its length first, and strings apart from the rest.
func appendKey(dst []byte, v event.Value) []byte {
	if v.Kind() == event.String {
		dst = binary.AppendUvarint(dst, uint64(len(v.Text()))<<1)
		return append(dst, v.Text()...)
	}
	key := v.Key()
	dst = binary.AppendUvarint(dst, uint64(len(key))<<1|1)
	return append(dst, key...)
}
