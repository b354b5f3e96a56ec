package monitor

import (
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// startState is the automaton's, as instances store it.
const startState = props.StartState

// settings say how an engine judges.
type settings struct {
	noWitness bool
	coverage  bool
	skew      time.Duration // see front.go
	ttl       time.Duration // see age.go
	part      part          // see part.go
	limits    limits
}

// limits are the sizes from which on the engine does something. They are
// arguments so that tests reach what else needs millions of events.
type limits struct {
	together     int // how many events are a group, see ahead.go
	firstSweep   int // how much there is before anything is swept, see collect.go
	firstLetters int // how many letters there are before they are swept
	collectAt    int // how many configurations there may be before the unused are dropped for the first time
	slideAt      int // how many events wait before a front takes a part of them although there was no pause of E
	maxLayer     int // bounds the down-sets of one size
}

func usual() *limits {
	return &limits{together: 16, firstSweep: 1 << 13, firstLetters: 1 << 13, collectAt: 1 << 10, slideAt: 64, maxLayer: 1 << 17}
}

// or returns the limits, or the usual ones where there are none.
func (l *limits) or(usual *limits) limits {
	if l == nil {
		return *usual
	}
	return *l
}

// engine decides the properties of a program over events in exact order.
type engine struct {
	program *Program
	options settings
	stores  []store // by plan
	counts  counts
	symbols symbols
	sources sources
	trails  trails
	due     sweepAt
	waiting func(visit func([]symbol)) // the symbols of events that wait; may be nil

	stateful       []int // plans whose instances are more than a state, see memory.go
	waitingLetters func(plan int, visit func(uint32) uint32)

	// Working memory of one event and one property.
	now     occurrence
	whole   *event.Event // the event, where all of it is at hand
	noted   bool         // the event has a record
	letter  *letter
	fate    uint32   // the letter's number, see store.letter
	values  []symbol // by variable, as written
	plain   []symbol // by variable, canonical
	newborn []birth
	born    []symbol     // the newborns' values
	hits    []hit        // violated by the event
	group   []occurrence // events that are applied at once
	scratch []symbol     // their values
	ahead   ahead        // see ahead.go

	deadlines deadlines // see deadline.go
}

// occurrence is an event as the engine needs it: small, so that many can wait
// for their turn.
type occurrence struct {
	moment
	id     string
	routed []routed
	whole  bool // see Monitor.whole
}

// queued is an event that waits.
type queued struct {
	occurrence
	values []symbol // the memory of what is routed
}

// routed is an event as one property sees it.
type routed struct {
	plan   int32
	letter uint32   // see store.letter
	values []symbol // of the letter's variables, ascending
}

// misfit is why an event is malformed for a property.
type misfit struct {
	plan int
	why  string
}

// hit is an instance that the event violates.
type hit struct {
	domain int
	cell   cell
}

// birth is an instance to be.
type birth struct {
	domain int
	from   int // where its values stand among born
	in     instance
	fuzzy  *front

	inherited []uint32
}

// engine returns one that has seen nothing.
func (p *Program) engine(o settings) *engine {
	first := o.limits.firstSweep
	m := &engine{program: p, options: o, stores: make([]store, len(p.plans)), due: sweepAt{first, first, first}}
	both := make([]symbol, 2*p.vars)
	m.values, m.plain = both[:p.vars], both[p.vars:]
	m.deadlines.due = first
	for i := range p.plans {
		m.stores[i].number = i
		m.stores[i].start(&p.plans[i], &m.options, &m.symbols, &m.sources)
		if m.stores[i].configs != nil {
			m.stateful = append(m.stateful, i)
		}
	}
	return m
}

// observe applies events in a row. It returns what they violate, and for what
// they are malformed.
func (m *engine) observe(events []event.Event) (found []Violation, misfits []Malformed) {
	if len(events) > 1 {
		m.expectValues(func(each func(*event.Event)) {
			for i := range events {
				each(&events[i])
			}
		})
	}
	m.scratch = m.scratch[:0]
	for i := range events {
		misfits = append(misfits, m.reject(&events[i], m.prepareAt(i, &events[i]))...)
	}
	if len(events) > 1 {
		for i := range events {
			m.expect(&m.group[i])
		}
		m.fetch()
	}
	for i := range events {
		e := &events[i]
		if m.program.timed {
			found = append(found, m.tick(instantOf(e.Time))...)
		}
		if m.now = m.group[i]; len(m.now.routed) > 0 {
			m.now.source, m.now.at, m.whole = m.sources.number(e.Source), m.deadlines.now, e
			found = append(found, m.apply()...)
		}
	}
	m.collect()
	return found, misfits
}

// prepareAt prepares an event as one of the group, and returns for what it is
// malformed.
func (m *engine) prepareAt(i int, e *event.Event) []misfit {
	if i == len(m.group) {
		m.group = append(m.group, occurrence{})
	}
	o := &m.group[i]
	*o = occurrence{id: e.ID, routed: o.routed[:0], whole: true}
	if routes := m.program.routes[e.Type]; len(routes) > 0 {
		return m.prepare(o, e, routes, &m.scratch)
	}
	return nil
}

// prepare binds the event's parameters for each property that has its type in
// the alphabet. For what it is malformed is returned, and not among what is
// routed. The values are appended to a buffer.
func (m *engine) prepare(o *occurrence, e *event.Event, routes []route, buffer *[]symbol) (misfits []misfit) {
	for _, r := range routes {
		s := &m.stores[r.plan]
		l := &s.letters[r.letter]
		passed, why := l.judge(e)
		if why != "" {
			misfits = append(misfits, misfit{r.plan, why})
			continue
		}
		if !m.options.part.has(r.plan, s.common, l, e) {
			continue
		}
		from := len(*buffer)
		for _, b := range l.Binds {
			v, _ := e.Data.Get(b.Param)
			*buffer = append(*buffer, m.symbols.symbol(v))
		}
		number := uint32(0)
		if s.configs != nil {
			number = s.configs.letterOf(m, r.letter, passed, e)
		} else {
			number = s.letter(r.letter, passed)
		}
		o.routed = append(o.routed, routed{int32(r.plan), number, (*buffer)[from:]})
	}
	return misfits
}

// judge returns the guards that the event passes, or why it is malformed for
// the property.
func (l *letter) judge(e *event.Event) (passed uint64, why string) {
	if why = unfitFor(l, e); why != "" {
		return 0, why
	}
	passed, err := l.Letter(e.Data)
	if err != nil {
		why = err.Error()
	}
	return passed, why
}

// unfitFor says why an event is malformed for a property; empty if it is not.
func unfitFor(l *letter, e *event.Event) (why string) {
	for _, b := range l.Binds {
		if v, ok := e.Data.Get(b.Param); !ok || !v.CanBind() {
			return unfit(b.Param, v, ok)
		}
	}
	for _, param := range l.Wants {
		if v, ok := e.Data.Get(param); !ok || !v.CanBind() {
			return unfit(param, v, ok)
		}
	}
	return ""
}

// apply lets the event change the instances of its properties.
func (m *engine) apply() []Violation {
	m.noted = false
	var found []Violation
	for i := range m.now.routed {
		r := &m.now.routed[i]
		s := &m.stores[r.plan]
		m.fate, m.letter = r.letter, s.letterOf(r.letter)
		if s.configs != nil {
			m.fate = s.configs.stamped(r.letter, &m.now)
			s.configs.collect()
		}
		for i, v := range m.letter.list {
			m.values[v], m.plain[v] = r.values[i], m.symbols.canonical(r.values[i])
		}
		m.applyTo(s)
		if len(m.hits) > 0 {
			found = append(found, m.report(s, m.hits)...)
		}
	}
	sortViolations(found)
	return found
}

// applyTo lets the event change the instances of one property. Who is born is
// found first, since a newborn continues a slice as it was before the event.
func (m *engine) applyTo(s *store) {
	m.newborn, m.born, m.hits = m.newborn[:0], m.born[:0], m.hits[:0]
	s.matched[s.fates[m.fate].letter]++
	if m.options.ttl > 0 {
		m.expire(s)
	}
	var room [8]symbol
	own := s.lookup(m.letter.domain, pick(room[:0], m.plain, m.letter.list))
	if own == none {
		m.conceiveOwn(s)
		for i := range m.letter.joins {
			m.conceiveJoins(s, &m.letter.joins[i])
		}
	} else {
		m.advance(s, m.letter.domain, own)
	}
	for _, f := range m.letter.larger {
		p := &s.pools[f.domain]
		for c := p.group(f.index, pick(room[:0], m.plain, m.letter.list)); c != none; {
			next := p.next(f.index, c) // c may leave the group
			m.advance(s, f.domain, c)
			c = next
		}
	}
	for i := range m.newborn {
		own = m.bear(s, &m.newborn[i], own)
	}
	m.note(s, own)
}

// pick appends the values of some variables to a key.
func pick(key, values []symbol, vars []int) []symbol {
	for _, v := range vars {
		key = append(key, values[v])
	}
	return key
}

// note adds the event to the trail of its own binding, and to what that keeps
// for joins.
func (m *engine) note(s *store, own cell) {
	p := &s.pools[m.letter.domain]
	in := &p.all[own]
	if p.counted {
		in.function = s.compose(in.function, m.fate)
	}
	if m.options.noWitness || in.dead && p.top && !m.violated(m.letter.domain, own) {
		return
	}
	if !m.noted {
		m.noted = true
		m.trails.keep(recordOf(m.now.id, m.now.source, m.now.at), m.now.time)
	}
	in.trail = m.trails.add(in.trail, uint32(m.trails.records.n-1), m.fate)
}

// violated tells whether the event violates an instance.
func (m *engine) violated(domain int, c cell) bool {
	for _, h := range m.hits {
		if h.domain == domain && h.cell == c {
			return true
		}
	}
	return false
}

// advance moves a stored instance by the event.
func (m *engine) advance(s *store, domain int, c cell) {
	p := &s.pools[domain]
	if m.options.ttl > 0 {
		m.touch(s, domain, c)
	}
	if p.all[c].dead {
		return
	}
	if m.options.skew > 0 {
		m.advanceFuzzy(s, domain, c)
		return
	}
	in := &p.all[c]
	was := in.state
	if in.state = s.move(m.fate, was); s.isDead(in.state) {
		m.settle(s, domain, c)
	} else if s.configs != nil {
		m.begin(s, domain, c, was)
	}
}

// settle lets go of an instance that is dead now. The binding of an event
// stays known. One that is violated is dropped when it has been reported.
func (m *engine) settle(s *store, domain int, c cell) {
	p := &s.pools[domain]
	if domain != 0 {
		s.live--
		s.settledCount++
	}
	p.unlink(c)
	p.all[c].dead = true
	switch {
	case p.all[c].state == props.ViolatedState && m.options.skew == 0:
		m.hits = append(m.hits, hit{domain, c})
	case !p.event && domain != 0:
		m.drop(s, domain, c)
	case p.top:
		p.forgetTrail(c)
	}
}

func (m *engine) drop(s *store, domain int, c cell) {
	if m.options.ttl > 0 {
		m.forgetAge(s, domain, c)
	}
	s.pools[domain].drop(c)
}
