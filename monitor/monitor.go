package monitor

import (
	"slices"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// startState is the automaton's, as instances store it.
const startState = props.StartState

// Options say how to monitor. The zero value keeps everything.
type Options struct {
	// NoWitness leaves out the witnesses of violations, and with them the
	// memory of every event that a live instance has seen.
	NoWitness bool
	// Coverage keeps track of the states and transitions that events use; it
	// needs witnesses. See [Monitor.Coverage].
	Coverage bool
	// Taken, if not nil, is told of a transition when an event uses it first,
	// at the time of Observe; again where it is taken by other guards. It needs
	// Coverage.
	Taken func(property string, t TransitionUse)
	// Malformed, if not nil, is told of each event that is malformed for a
	// property, at the time of Observe.
	Malformed func(Malformed)

	skew  time.Duration // see front.go
	ttl   time.Duration // see age.go
	shard shard         // see shard.go
}

// Monitor decides the properties of a program over one sequence of events.
// It is used by one goroutine.
type Monitor struct {
	program *Program
	options Options
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
	born    []symbol       // the newborns' values
	hits    []hit          // violated by the event
	one     [1]event.Event // see Observe
	group   []occurrence   // events that are applied at once
	scratch []symbol       // their values
	ahead   ahead          // see ahead.go

	deadlines deadlines // see deadline.go
	undecided []error   // at quiescence
}

// occurrence is an event as the engine needs it: small, so that many can wait
// for their turn.
type occurrence struct {
	id     string
	source int32
	at     instant // effective
	time   instant // by its source's clock
	routed []routed
	whole  bool // see Monitor.whole
}

// routed is an event as one property sees it.
type routed struct {
	plan   int32
	letter uint32   // see store.letter
	values []symbol // of the letter's variables, ascending
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

// Start returns a monitor that has seen nothing.
func (p *Program) Start() *Monitor { return p.StartWith(Options{}) }

// StartWith returns a monitor that has seen nothing, with options.
func (p *Program) StartWith(o Options) *Monitor {
	m := &Monitor{program: p, options: o, stores: make([]store, len(p.plans)), due: sweepAt{firstSweep, firstSweep, firstSweep}}
	both := make([]symbol, 2*p.vars)
	m.values, m.plain = both[:p.vars], both[p.vars:]
	m.deadlines.due = firstSweep
	for i := range p.plans {
		m.stores[i].number = i
		m.stores[i].start(&p.plans[i], &m.options, &m.symbols, &m.sources)
		if m.stores[i].configs != nil {
			m.stateful = append(m.stateful, i)
		}
	}
	return m
}

// Observe takes the next event and returns what it violates, by property
// name, then by binding as compact JSON; before that, what deadlines violate
// that have passed by then.
//
// Events come in exact order: by effective time; at equal times in the order
// of the input, events of one source in their source's order. The caller sees
// to that, and drops duplicates; the monitor looks at no time but for
// deadlines. See [Stream] for events as they come.
func (m *Monitor) Observe(e event.Event) []Violation {
	m.one[0] = e
	return m.observe(m.one[:])
}

// ObserveAll is Observe for events in a row. Of many events it takes less
// time.
func (m *Monitor) ObserveAll(events []event.Event) (found []Violation) {
	for group := range slices.Chunk(events, together) {
		found = append(found, m.observe(group)...)
	}
	return found
}

func (m *Monitor) observe(events []event.Event) (found []Violation) {
	if len(events) > 1 {
		m.expectValues(func(each func(*event.Event)) {
			for i := range events {
				each(&events[i])
			}
		})
	}
	m.scratch = m.scratch[:0]
	for i := range events {
		m.prepareAt(i, &events[i])
	}
	if len(events) > 1 {
		for i := range events {
			m.expect(&m.group[i])
		}
		m.fetch()
	}
	for i := range events {
		e := &events[i]
		m.counts.events++
		if m.program.timed {
			found = append(found, m.tick(instantOf(e.Time))...)
		}
		if m.now = m.group[i]; len(m.now.routed) > 0 {
			m.now.source, m.now.at, m.whole = m.sources.number(e.Source), m.deadlines.now, e
			found = append(found, m.apply()...)
		}
	}
	m.collect()
	return found
}

// prepareAt prepares an event as one of the group.
func (m *Monitor) prepareAt(i int, e *event.Event) {
	if i == len(m.group) {
		m.group = append(m.group, occurrence{})
	}
	o := &m.group[i]
	*o = occurrence{id: e.ID, routed: o.routed[:0], whole: true}
	if routes := m.program.routes[e.Type]; len(routes) > 0 {
		m.prepare(o, e, routes, &m.scratch)
	}
}

// prepare binds the event's parameters for each property that has its type in
// the alphabet. What is malformed for a property is told, and not among what
// is routed. The values are appended to a buffer.
func (m *Monitor) prepare(o *occurrence, e *event.Event, routes []route, buffer *[]symbol) {
	malformed := false
	for _, r := range routes {
		s := &m.stores[r.plan]
		l := &s.letters[r.letter]
		passed, why := l.judge(e)
		if why != "" {
			malformed = true
			m.reject(s, e, why)
			continue
		}
		if !m.options.shard.has(r.plan, s.common, l, e) {
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
	if malformed {
		m.counts.malformed++
	}
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
func (m *Monitor) apply() []Violation {
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
func (m *Monitor) applyTo(s *store) {
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
func (m *Monitor) note(s *store, own cell) {
	p := &s.pools[m.letter.domain]
	in := &p.all[own]
	if p.counted {
		in.function = s.compose(in.function, m.fate)
	}
	if m.options.NoWitness || in.dead && p.top && !m.violated(m.letter.domain, own) {
		return
	}
	if !m.noted {
		m.noted = true
		m.trails.keep(recordOf(m.now.id, m.now.source, m.now.at), m.now.time)
	}
	in.trail = m.trails.add(in.trail, uint32(m.trails.records.n-1), m.fate)
}

// violated tells whether the event violates an instance.
func (m *Monitor) violated(domain int, c cell) bool {
	for _, h := range m.hits {
		if h.domain == domain && h.cell == c {
			return true
		}
	}
	return false
}

// advance moves a stored instance by the event.
func (m *Monitor) advance(s *store, domain int, c cell) {
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
func (m *Monitor) settle(s *store, domain int, c cell) {
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

func (m *Monitor) drop(s *store, domain int, c cell) {
	if m.options.ttl > 0 {
		m.forgetAge(s, domain, c)
	}
	s.pools[domain].drop(c)
}
