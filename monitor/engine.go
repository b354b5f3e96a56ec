package monitor

import (
	"fmt"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/skew"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// settings say how an engine judges.
type settings struct {
	noWitness bool
	coverage  bool
	skew      time.Duration // see package skew
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

func usual() limits {
	return limits{together: 16, firstSweep: 1 << 13, firstLetters: 1 << 13, collectAt: 1 << 10, slideAt: 64, maxLayer: 1 << 17}
}

// or returns the limits, or the usual ones where there are none.
func (l *limits) or(usual limits) limits {
	if l == nil {
		return usual
	}
	return *l
}

// shared is what the properties of an engine have in common.
type shared struct {
	options   settings
	symbols   values.Table
	sources   order.Sources
	trails    trails
	deadlines deadlines // see deadline.go
	lossy     bool      // events may be missing, see lossy.go
}

// engine decides the properties of a program over events in exact order.
type engine struct {
	shared
	program  *Program
	stores   []store // by plan
	stateful []int   // plans whose instances are more than a state, see package machine
	counts   counts
	due      sweepAt
	held     held // by who feeds the engine; may be nil

	// Working memory.
	step    step
	group   []occurrence // events that are applied at once
	scratch []values.Symbol
	ahead   ahead // see ahead.go
}

// held is what events that wait hold of what the engine sweeps.
type held interface {
	// eachWaiting visits the symbols of events that wait.
	eachWaiting(visit func([]values.Symbol))
	// eachWaitingLetter visits and replaces the letters that they have for a
	// property.
	eachWaitingLetter(plan int, visit func(uint32) uint32)
}

// step is one event that is applied, to its properties in turn.
type step struct {
	*store                  // of the property
	*shared                 // the store's
	now     *occurrence     // the event
	whole   *event.Event    // the event, where all of it is at hand
	noted   bool            // the event has a record
	first   bool            // of its roles in the property
	applied int             // how many events were
	letter  *letter         // for the property
	other   string          // the event's type, where the letter does not say it
	fate    uint32          // the letter's number, see package machine
	written []values.Symbol // by variable
	plain   []values.Symbol // by variable, canonical
	newborn []birth
	born    []values.Symbol // the newborns' values
	hits    []hit           // violated by the event
	passing occurrence      // the memory of now, where a deadline passes
	ended   *order.Instant  // the newest time seen, where the end is judged
}

// occurrence is an event as the engine needs it: small, so that many can wait
// for their turn.
type occurrence struct {
	order.Moment
	id     string
	routed []routed
}

// stamp is what a deadline that the event begins is named after.
func (o *occurrence) stamp() machine.Stamp {
	return machine.Stamp{At: o.At, Source: o.Source, ID: o.id}
}

// stampIn is stamp, where a property asks for it.
func (o *occurrence) stampIn(s *store) *machine.Stamp {
	if s.Configs == nil {
		return nil
	}
	at := o.stamp()
	return &at
}

// queued is an event that waits.
type queued struct {
	occurrence
	values []values.Symbol // the memory of what is routed
}

// routed is an event as one property sees it.
type routed struct {
	plan   int32
	letter uint32          // see store.letter
	values []values.Symbol // of the letter's variables, ascending; behind them, of an other event, its type
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
	again  bool // it was violated before, but for what may be missing (lossy.go)
}

// birth is an instance to be.
type birth struct {
	domain int
	from   int // where its values stand among born
	in     instance
	fuzzy  *skew.Front
	lacks  bool // a part of its slice

	inherited []uint32
}

// start makes it one that has seen nothing.
func (m *engine) start(p *Program, o settings) {
	first := o.limits.firstSweep
	*m = engine{shared: shared{options: o}, program: p, stores: make([]store, len(p.plans)), due: sweepAt{first, first, first}}
	all := make([]values.Symbol, 3*p.vars)
	m.step.shared, m.step.written, m.step.plain = &m.shared, all[:p.vars], all[p.vars:2*p.vars]
	m.ahead.plain = all[2*p.vars:]
	m.deadlines.due = first
	for i := range p.plans {
		m.stores[i].number = i
		m.stores[i].start(&p.plans[i], &m.shared)
		if m.stores[i].Configs != nil {
			m.stateful = append(m.stateful, i)
		}
	}
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
		if bad := m.prepareAt(i, &events[i]); len(bad) > 0 {
			misfits = append(misfits, m.reject(&events[i], bad)...)
		}
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
			found = append(found, m.tick(order.InstantOf(e.Time))...)
		}
		if o := &m.group[i]; len(o.routed) > 0 {
			o.Source, o.At = m.sources.Number(e.Source), m.deadlines.now
			found = append(found, m.apply(o, e)...)
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
	*o = occurrence{id: e.ID, routed: o.routed[:0]}
	m.lossy = m.lossy || e.Lossy
	if routes := m.program.routesOf(e.Type); len(routes) > 0 {
		return m.prepare(o, e, routes, &m.scratch)
	}
	return nil
}

// prepare binds the event's parameters for each property that has its type in
// the alphabet. For what it is malformed is returned, and not among what is
// routed. The values are appended to a buffer.
func (m *engine) prepare(o *occurrence, e *event.Event, routes []route, buffer *[]values.Symbol) (misfits []misfit) {
	for _, r := range routes {
		if n := len(misfits); n > 0 && misfits[n-1].plan == r.plan {
			continue
		}
		s := &m.stores[r.plan]
		l := &s.letters[r.letter]
		if l.Other && l.Lacks(e) {
			continue
		}
		passed, why := l.judge(e)
		if why != "" {
			misfits = append(misfits, misfit{r.plan, why})
			o.routed = withoutRoles(o.routed, r.plan)
			continue
		}
		if m.options.part.of > 1 && !s.cube.has(m.options.part.number, l, e) {
			continue
		}
		from := len(*buffer)
		for _, b := range l.Binds {
			v, _ := b.Of(e)
			*buffer = append(*buffer, m.symbols.Symbol(v))
		}
		if l.Other {
			*buffer = append(*buffer, m.symbols.Symbol(event.Str(e.Type)))
		}
		number := uint32(0)
		if s.Configs != nil {
			number = s.Configs.LetterOf(r.letter, passed, e)
		} else {
			number = s.Letter(r.letter, passed)
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
	passed, err := l.Letter(e)
	if err != nil {
		why = err.Error()
	}
	return passed, why
}

// unfitFor says why an event is malformed for a property; empty if it is not.
func unfitFor(l *letter, e *event.Event) (why string) {
	for i := range l.Binds {
		if why = unbound(&l.Binds[i], e); why != "" {
			return why
		}
	}
	for _, b := range l.Some {
		if b == nil {
			continue
		}
		if why = unbound(b, e); why != "" {
			return why
		}
	}
	for _, param := range l.Wants {
		if v, ok := e.Data.Get(param); !ok || !v.CanBind() {
			return unfit(param, v, ok)
		}
	}
	for _, param := range l.Sums {
		if v, _ := e.Data.Get(param); !props.Summable(v) {
			return fmt.Sprintf("parameter %q cannot be summed up, wanted a number of less than a thousand digits", param)
		}
	}
	return ""
}

// unbound says why a parameter cannot bind; empty if it can.
func unbound(b *props.Bind, e *event.Event) (why string) {
	if v, ok := b.Of(e); !ok || !v.CanBind() {
		return unfit(b.Param, v, ok)
	}
	return ""
}

// apply lets an event change the instances of its properties. whole is all of
// it, where that is at hand.
func (m *engine) apply(o *occurrence, whole *event.Event) (found []Violation) {
	x := &m.step
	x.now, x.whole, x.noted = o, whole, false
	x.applied++
	for i := range o.routed {
		r := &o.routed[i]
		x.store = &m.stores[r.plan]
		x.fate, x.letter = r.letter, x.letterOf(r.letter)
		if x.letter.Other {
			x.other = m.symbols.Value(r.values[len(r.values)-1]).Text()
		} else if x.other != "" {
			x.other = ""
		}
		if x.first = i == 0 || o.routed[i-1].plan != r.plan; x.first {
			x.hits = x.hits[:0]
		}
		if x.letter.leads && x.pools[x.letter.domain].owned {
			x.seen++
		}
		if x.Configs != nil {
			x.fate = x.Configs.Stamped(r.letter, o.stamp())
			if x.Configs.Full() {
				x.sweepConfigs()
			}
		}
		for i, v := range x.letter.list {
			x.written[v], x.plain[v] = r.values[i], m.symbols.Canonical(r.values[i])
		}
		x.applyTo()
		if last := i == len(o.routed)-1 || o.routed[i+1].plan != r.plan; last && len(x.hits) > 0 {
			found = append(found, x.report(x.hits, nil)...)
		}
	}
	sortViolations(found)
	return found
}

// applyTo lets the event change the instances of one property. Who is born is
// found first, since a newborn continues a slice as it was before the event.
func (x *step) applyTo() {
	x.newborn, x.born = x.newborn[:0], x.born[:0]
	if x.pools[x.letter.domain].owned {
		x.matched[x.Fates[x.fate].Letter]++
	}
	if x.options.ttl > 0 {
		x.expire()
	}
	var room [8]values.Symbol
	own := x.lookup(x.letter.domain, pick(room[:0], x.plain, x.letter.list))
	if own == none {
		x.conceiveOwn()
		for i := range x.letter.joins {
			x.conceiveJoins(&x.letter.joins[i])
		}
	} else {
		x.advance(x.letter.domain, own)
	}
	for _, f := range x.letter.larger {
		p := &x.pools[f.domain]
		for c := p.group(f.index, pick(room[:0], x.plain, x.letter.list)); c != none; {
			next := p.next(f.index, c) // c may leave the group
			x.advance(f.domain, c)
			c = next
		}
	}
	for i := range x.newborn {
		own = x.bear(&x.newborn[i], own)
	}
	x.note(own)
}

// pick appends the values of some variables to a key.
func pick(key, values []values.Symbol, vars []int) []values.Symbol {
	for _, v := range vars {
		key = append(key, values[v])
	}
	return key
}

// note adds the event to the trail of its own binding, and to what that keeps
// for joins.
func (x *step) note(own cell) {
	p := &x.pools[x.letter.domain]
	in := &p.all[own]
	if p.counted {
		in.function = x.Compose(in.function, x.fate)
	}
	if x.options.noWitness || in.dead && p.top && !x.violated(x.letter.domain, own) {
		return
	}
	if !x.noted {
		x.noted = true
		x.trails.keep(recordOf(x.now.id, x.now.Source, x.now.At), x.now.Time)
	}
	if x.other != "" {
		x.trails.call(uint32(x.trails.records.n-1), x.other)
	}
	in.trail = x.trails.add(in.trail, uint32(x.trails.records.n-1), x.fate)
}

// violated tells whether the event violates an instance.
func (x *step) violated(domain int, c cell) bool {
	for _, h := range x.hits {
		if h.domain == domain && h.cell == c {
			return true
		}
	}
	return false
}

// advance moves a stored instance by the event.
func (x *step) advance(domain int, c cell) {
	p := &x.pools[domain]
	if x.options.ttl > 0 {
		x.touch(domain, c)
	}
	if p.all[c].dead {
		return
	}
	if x.options.skew > 0 {
		x.advanceFuzzy(domain, c)
		return
	}
	in := &p.all[c]
	was := in.state
	if in.state = x.Move(x.fate, was, x.now.stampIn(x.store)); x.IsDead(in.state) {
		x.end(domain, c, was)
	} else if x.Configs != nil {
		x.begin(domain, c, was)
	}
}

// retire makes an instance a dead one.
func (s *store) retire(domain int, c cell) {
	p := &s.pools[domain]
	if domain != 0 && p.owned {
		s.live--
		s.settledCount++
	}
	p.unlink(c)
	p.all[c].dead = true
}

// settle lets go of an instance that is dead now. The binding of an event
// stays known. One that is violated is dropped when it has been reported.
func (x *step) settle(domain int, c cell) {
	p := &x.pools[domain]
	x.retire(domain, c)
	switch {
	case p.all[c].state == props.ViolatedState && x.options.skew == 0:
		x.hits = append(x.hits, hit{domain: domain, cell: c})
	case !p.event && domain != 0:
		x.drop(domain, c)
	case p.top:
		p.forgetTrail(c)
	}
}

func (s *store) drop(domain int, c cell) {
	if s.options.ttl > 0 {
		s.forgetAge(domain, c)
	}
	s.pools[domain].drop(c)
}
