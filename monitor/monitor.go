package monitor

import (
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// Options say how to monitor. The zero value keeps everything.
type Options struct {
	// NoWitness leaves out the witnesses of violations, and with them the
	// memory of every event that a live instance has seen.
	NoWitness bool
	// Malformed, if not nil, is told of each event that is malformed for a
	// property, at the time of Observe.
	Malformed func(Malformed)
}

// Monitor decides the properties of a program over one sequence of events.
// It is used by one goroutine.
type Monitor struct {
	program *Program
	options Options
	stores  []store // by plan
	counts  counts

	// Working memory of one event and one property.
	event   event.Event
	step    *observed     // what trails keep of the event; nil before one does
	letter  *letter       // the event's type
	passed  uint64        // the guards that it passes
	values  []event.Value // by variable
	key     []byte
	newborn []*instance
	hits    []*instance // violated by the event
	buffer  [64]byte    // the key's memory, as long as it suffices
}

// Start returns a monitor that has seen nothing.
func (p *Program) Start() *Monitor { return p.StartWith(Options{}) }

// StartWith returns a monitor that has seen nothing, with options.
func (p *Program) StartWith(o Options) *Monitor {
	m := &Monitor{program: p, options: o, stores: make([]store, len(p.plans))}
	m.key = m.buffer[:0]
	m.values = make([]event.Value, p.vars)
	tables := make([]table, p.tables)
	indexes := make([]map[string]*list, p.indexes)
	for i := range p.plans {
		pl := &p.plans[i]
		s := &m.stores[i]
		s.plan = pl
		s.tables, tables = tables[:len(pl.domains)], tables[len(pl.domains):]
		s.indexes, indexes = indexes[:pl.indexes], indexes[pl.indexes:]
		if pl.auto != nil {
			s.root = instance{state: props.StartState, dead: pl.dead[props.StartState]}
		}
	}
	return m
}

// Observe takes the next event and returns what it violates, by property
// name, then by binding as compact JSON.
//
// Events come in exact order: by effective time; at equal times in the order
// of the input, events of one source in their source's order. The caller sees
// to that, and drops duplicates; the monitor looks at no time.
func (m *Monitor) Observe(e event.Event) []Violation {
	m.counts.events++
	routes := m.program.routes[e.Type]
	if len(routes) == 0 {
		return nil
	}
	m.event, m.step = e, nil
	malformed := false
	var found []Violation
	for _, r := range routes {
		s := &m.stores[r.plan]
		m.letter = &s.letters[r.letter]
		if why := m.bind(); why != "" {
			malformed = true
			m.reject(s, why)
			continue
		}
		m.passed = m.letter.Letter(e.Data)
		m.apply(s)
		if len(m.hits) > 0 {
			found = append(found, m.report(s, m.hits)...)
		}
	}
	if malformed {
		m.counts.malformed++
	}
	sortViolations(found)
	return found
}

// bind takes the event's values for the variables of the letter, or says why
// the event is malformed.
func (m *Monitor) bind() (why string) {
	for _, b := range m.letter.Binds {
		v, ok := m.event.Data.Get(b.Param)
		if !ok || !v.CanBind() {
			return unfit(b.Param, v, ok)
		}
		m.values[b.Variable] = v
	}
	for _, param := range m.letter.Wants {
		if v, ok := m.event.Data.Get(param); !ok || !v.CanBind() {
			return unfit(param, v, ok)
		}
	}
	return ""
}

// apply lets the event change the instances of one property. Who is born is
// found first, since a newborn continues a slice as it was before the event.
func (m *Monitor) apply(s *store) {
	m.newborn, m.hits = m.newborn[:0], m.hits[:0]
	own := m.lookup(s, m.letter.domain)
	if own == nil {
		m.conceiveOwn(s)
		for i := range m.letter.joins {
			m.conceiveJoins(s, &m.letter.joins[i])
		}
	} else {
		m.advance(s, own)
	}
	for _, slot := range m.letter.larger {
		m.advanceAll(s, slot)
	}
	for _, in := range m.newborn {
		m.bear(s, in)
	}
}

// conceiveOwn begins the instance of the event's own binding. Its slice so
// far is that of the largest instance contained in it.
func (m *Monitor) conceiveOwn(s *store) {
	d := &s.domains[m.letter.domain]
	var union set
	for _, part := range d.parts {
		if m.lookup(s, part) != nil {
			union |= s.domains[part].vars
		}
	}
	base := &s.root
	if union != 0 {
		base = m.lookup(s, find(s.domains, union))
	}
	if base == nil || base.dead {
		base = tombstone
	}
	m.newborn = append(m.newborn, m.conceive(s, m.letter.domain, base))
}

// conceiveJoins begins the joins of the event's binding with the instances of
// one domain. A join continues its partner's slice, unless there is a larger
// instance inside the join: then that one is the partner to be, or the join
// is there already, or it is dead.
func (m *Monitor) conceiveJoins(s *store, j *join) {
	for _, d := range j.insideEvent {
		if m.lookup(s, d) != nil {
			return
		}
	}
	partners := s.indexes[j.slot][string(m.keyBy(j.by))]
	if partners == nil {
		return
	}
	added := s.domains[j.partner].vars &^ m.letter.vars
	alive := partners.alive()
	if len(alive) == 0 {
		delete(s.indexes[j.slot], string(m.keyBy(j.by)))
	}
	for _, partner := range alive {
		partner.load(s, added, m.values)
		inside := func(d int) bool { return m.lookup(s, d) != nil }
		if !slices.ContainsFunc(j.insideTheTwo, inside) {
			m.newborn = append(m.newborn, m.conceive(s, j.domain, partner))
		}
	}
}

// conceive makes an instance that continues the slice of another one. Values
// stand as they were first written.
func (m *Monitor) conceive(s *store, domain int, base *instance) *instance {
	in := &instance{domain: domain, state: base.state, dead: base.dead, trail: base.trail}
	vars := s.domains[domain].vars
	in.values = make([]event.Value, 0, vars.len())
	base.load(s, ^set(0), m.values)
	for v := 0; vars != 0; {
		v, vars = vars.first()
		in.values = append(in.values, m.values[v])
	}
	return in
}

// advanceAll advances the instances of an index that contain the event's
// binding.
func (m *Monitor) advanceAll(s *store, slot int) {
	larger := s.indexes[slot][string(m.keyBy(m.letter.vars))]
	if larger == nil {
		return
	}
	for _, in := range larger.instances {
		m.advance(s, in)
	}
	if len(larger.alive()) == 0 {
		delete(s.indexes[slot], string(m.keyBy(m.letter.vars)))
	}
}

// advance moves a stored instance by the event.
func (m *Monitor) advance(s *store, in *instance) {
	if in.dead {
		return
	}
	m.move(s, in)
	if !in.dead {
		return
	}
	if in != &s.root {
		m.forget(s, in)
	}
	if in.state != props.ViolatedState {
		in.trail = nil
	}
}

// bear moves a newborn by the event, and stores it if it survives that.
func (m *Monitor) bear(s *store, in *instance) {
	if !in.dead {
		m.move(s, in)
	}
	if !in.dead {
		m.insert(s, in)
	} else if s.domains[in.domain].event {
		s.table(in.domain)[string(m.keyOf(s, in, ^set(0)))] = tombstone
	}
}

// move takes the automaton's transition.
func (m *Monitor) move(s *store, in *instance) {
	in.state = m.letter.Next(in.state, m.passed)
	in.dead = s.dead[in.state]
	if !m.options.NoWitness {
		in.trail = &trail{in.trail, m.seen(), in.state}
	}
	if in.state == props.ViolatedState {
		m.hits = append(m.hits, in)
	}
}

// seen returns what trails keep of the event, shared by all of them.
func (m *Monitor) seen() *observed {
	if m.step == nil {
		m.step = &observed{m.event.Source, m.event.ID, m.event.Type}
	}
	return m.step
}
