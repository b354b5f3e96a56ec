package monitor

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/values"
)

// StreamOptions say how to judge events as they come.
type StreamOptions struct {
	Skew     time.Duration // bounds the difference between the clocks of two sources; 0 is exact order
	Lateness time.Duration // how far an event may come behind
	TTL      time.Duration // forgets instances that saw no event for longer, with Skew at least for that; 0 is never
	Ahead    time.Duration // an event more than this later than the newest of all other sources is malformed; 0 is no bound
	Names    time.Duration // how long before the watermark names of events are remembered, with TTL no longer than that; 0 is for ever
	Part     int           // which part of the instances, see [Parts.Route]
	Parts    int           // of how many; 0 is one
	Coverage bool          // keeps track of what events use, see [Stream.Coverage]

	limits *limits // nil are the usual ones
}

// Stream judges events as they come: out of order, twice, too late. It brings
// them into exact order for a [Monitor], or, with skew, judges all orders that
// are possible.
//
// The rules (see also the package comment):
//
//  1. A second event of one source and id is ignored: a duplicate if it says
//     the same, else malformed.
//  2. An event's effective time is its time, or that of its predecessor in its
//     source if that is later. Times below are effective times.
//  3. The watermark is the newest time seen minus skew and lateness. An event
//     before it is late: counted, told and not applied. So is one that stands
//     in its source before one that was settled already, and one whose own time
//     is before the watermark by more than names are remembered. One too far
//     ahead is malformed, and moves no watermark.
//  4. What is before the watermark is settled, in exact order.
//  5. Violations come by time of the violating event, then by property, then
//     by binding as compact JSON.
//
// That time has passed is an input like an event, see [Input]: what is judged
// hangs on what was pushed alone.
type Stream struct {
	engine  engine
	options StreamOptions
	seen    order.Seen
	events  order.Sequencer[queued]
	group   []*order.Waiter[queued]
	expects int // how many that wait are expected already, see settle
	newest  order.Instant
	any     bool
	closed  bool
	inputs  int
	summary Summary
}

// behind is how far before the newest time an event's name may be forgotten; 0
// is never.
func (o *StreamOptions) behind() time.Duration {
	names := o.names()
	if names <= 0 {
		return 0
	}
	sum := o.Skew
	for _, d := range []time.Duration{o.Lateness, names} {
		if sum += d; sum < 0 { // longer than there are times
			return math.MaxInt64
		}
	}
	return sum
}

// names is how long before the watermark names are remembered; 0 is for ever.
func (o *StreamOptions) names() time.Duration {
	if o.TTL > 0 && o.Names > 0 {
		return min(o.TTL, o.Names)
	}
	return max(o.TTL, o.Names)
}

// Summary is what a stream has seen.
type Summary struct {
	Verdict    Verdict
	Events     int // without duplicates
	Violations int
	Malformed  int
	Late       int
	Duplicates int
	Expired    int  // instances forgotten by their age
	Instances  int  // that were begun
	Undecided  int  // instances
	Lossy      bool // some source may lose events: what holds, holds if none is missing
	Owed       int  // instances with a deadline ahead of them, or in a state that must not be the last; 0 after [Stream.End]
}

// Stream returns a stream that has seen nothing. With skew, a property can
// have 64 states.
func (p *Program) Stream(o StreamOptions) (*Stream, error) {
	for i := range p.plans {
		if pl := &p.plans[i]; o.Skew > 0 && len(pl.over) > maxStatesOfSkew && !pl.automaton.Stateful() {
			return nil, fmt.Errorf("property %q: %d states, wanted at most %d with skew", pl.property.Name(), len(pl.over), maxStatesOfSkew)
		}
	}
	limits := o.limits.or(usual())
	ttl := o.TTL
	if ttl > 0 {
		ttl = max(ttl, o.Skew)
	}
	s := &Stream{options: o, seen: order.NewSeen(o.behind(), o.Ahead)}
	s.engine.start(p, settings{skew: o.Skew, ttl: ttl, part: part{number: o.Part, of: o.Parts}, coverage: o.Coverage, limits: limits})
	s.engine.held = s
	return s, nil
}

// eachWaiting visits the symbols of events that wait.
func (s *Stream) eachWaiting(visit func([]values.Symbol)) {
	s.events.EachItem(func(a *queued) {
		for _, r := range a.routed {
			visit(r.values)
		}
	})
}

// eachWaitingLetter visits and replaces the letters that events that wait
// have for a property.
func (s *Stream) eachWaitingLetter(plan int, visit func(uint32) uint32) {
	s.events.EachItem(func(a *queued) {
		for n := range a.routed {
			if r := &a.routed[n]; int(r.plan) == plan {
				r.letter = visit(r.letter)
			}
		}
	})
}

// Input is what a stream is given next: an event, a tick, or why it is neither.
//
// A tick says that time has passed, up to the time of its event. If it names a
// source, then time has passed there, and it takes the place of an event of
// that source, by its sequence: one that another part is given. A tick without
// a time says nothing; it counts as an input.
type Input struct {
	Event event.Event
	Line  int    // for messages
	Why   string // why it is no event; else empty
	Tick  bool   // only time, source and sequence are looked at
	Guest bool   // the event's home is another part, which counts it, see [Parts.Route]

	sign  order.Sighting
	sight order.Sight
}

// Push takes what comes next, and returns what it comes to. Nothing of the
// inputs is kept.
func (s *Stream) Push(all []Input) Judgement {
	s.Look(all)
	return s.Judge(all)
}

// Look does the first half of Push: it finds out which events came before. It
// touches nothing of the stream that Judge does, so that it can run ahead in
// another goroutine, in the order of the input.
func (s *Stream) Look(all []Input) {
	isEvent := func(x *Input) bool { return x.Why == "" && !x.Tick }
	for i := range all {
		if x := &all[i]; s.options.Ahead > 0 && x.Why == "" && x.Event.Source != "" {
			x.sight = s.seen.Await(&x.Event)
		}
	}
	isFit := func(x *Input) bool { return isEvent(x) && (s.options.Ahead == 0 || x.sight != order.TooFarAhead) }
	for group := range slices.Chunk(all, s.engine.options.limits.together) {
		for i := range group {
			if x := &group[i]; isFit(x) {
				x.sign = s.seen.Sign(&x.Event)
			}
		}
		for i := range group { // nothing between them: the processor waits for all of them at once
			s.seen.Load(group[i].sign)
		}
		for i := range group {
			if x := &group[i]; isFit(x) {
				x.sight = s.seen.Enter(x.sign, &x.Event)
			}
		}
	}
}

// Judge does the second half. It only reads what it is given.
func (s *Stream) Judge(all []Input) Judgement {
	j := &Judgement{}
	expired := s.engine.expired()
	for group := range slices.Chunk(all, s.engine.options.limits.together) {
		if len(group) > 1 {
			s.engine.expectValues(func(each func(*event.Event)) {
				for i := range group {
					if x := &group[i]; x.Why == "" && !x.Tick {
						each(&x.Event)
					}
				}
			})
		}
		for i := range group {
			s.inputs++
			s.judge(&group[i], j)
		}
	}
	return s.judged(j, expired)
}

// judged completes a judgement.
func (s *Stream) judged(j *Judgement, expired int) Judgement {
	j.Lost.Expired = s.engine.expired() - expired
	j.Used, j.Position = s.engine.used(), s.Position()
	s.summary.Malformed += j.Lost.Malformed
	s.summary.Late += j.Lost.Late
	s.summary.Duplicates += j.Lost.Duplicates
	return *j
}

func (s *Stream) judge(x *Input, j *Judgement) {
	switch {
	case x.Why != "":
		s.malformed(x, x.Why, j)
	case x.Tick && x.Event.Source != "" && x.sight == order.TooFarAhead: // told where its event is
	case x.Tick:
		s.tick(x, j)
	case x.sight == order.TooFarAhead:
		if !x.Guest {
			s.summary.Events++
		}
		s.malformed(x, fmt.Sprintf("event %q of %q is more than %v later than the newest of all other sources", x.Event.ID, x.Event.Source, s.options.Ahead), j)
	case x.sight != order.SeenFirst && x.Guest: // its home tells
	case x.sight == order.SeenAgain:
		j.Lost.Duplicates++
	case x.sight == order.SeenChanged:
		s.malformed(x, fmt.Sprintf("event %q of %q came before with another content", x.Event.ID, x.Event.Source), j)
	default:
		s.accept(x, j)
	}
}

func (s *Stream) malformed(x *Input, why string, j *Judgement) {
	j.Lost.Malformed++
	s.found(j, Finding{Kind: FoundMalformed, Line: x.Line, Source: x.Event.Source, Event: x.Event.ID, Why: why})
}

// tick lets time pass.
func (s *Stream) tick(x *Input, j *Judgement) {
	switch {
	case x.Event.Source != "":
		s.accept(x, j)
	case !x.Event.Time.IsZero():
		s.reach(order.InstantOf(x.Event.Time))
		limit := s.watermark()
		s.settle(&limit, j)
	}
}

// reach moves the newest time seen.
func (s *Stream) reach(at order.Instant) {
	if !s.any || s.newest.Before(at) {
		s.newest, s.any = at, true
	}
}

// accept gives an event, or a tick of a source, its place.
func (s *Stream) accept(x *Input, j *Judgement) {
	e, m := &x.Event, &s.engine
	m.lossy = m.lossy || e.Lossy
	tells := !x.Tick && !x.Guest
	if tells {
		s.summary.Events++
	}
	source := m.sources.Number(e.Source)
	o := s.events.Origin(source)
	s.forgetSilent(o)
	r := s.events.RankOf(o, e.Sequence)
	own := order.InstantOf(e.Time)
	at, settled := o.Effective(r, own)
	s.reach(at)
	limit := s.watermark()
	if names := s.options.names(); settled || at.Before(limit) || names > 0 && own.Before(limit.Add(-names)) {
		if tells {
			s.late(x, j)
		}
		s.settle(&limit, j)
		return
	}
	w := s.events.Take()
	w.Moment, w.Rank = order.Moment{Source: source, At: at, Time: own}, r
	w.Item = queued{occurrence: occurrence{routed: w.Item.routed[:0]}, values: w.Item.values[:0]}
	if routes := m.program.routesOf(e.Type); len(routes) > 0 && !x.Tick {
		if misfits := m.prepare(&w.Item.occurrence, e, routes, &w.Item.values); len(misfits) > 0 && tells {
			s.malformed(x, because(m.reject(e, misfits)), j)
		}
		w.Item.id = m.trails.texts.Keep(e.ID)
	}
	s.events.Place(w)
	s.settle(&limit, j)
	m.collect()
	s.sweepSources()
}

// because says for what an event is malformed.
func because(all []Malformed) string {
	var why []string
	for _, x := range all {
		why = append(why, fmt.Sprintf("property %q: %s", x.Property, x.Why))
	}
	return strings.Join(why, "; ")
}

func (s *Stream) late(x *Input, j *Judgement) {
	j.Lost.Late++
	routes := s.engine.program.routesOf(x.Event.Type)
	for i, r := range routes {
		if i == 0 || routes[i-1].plan != r.plan {
			s.engine.stores[r.plan].late++
		}
	}
	s.found(j, Finding{Kind: FoundLate, Line: x.Line, Source: strings.Clone(x.Event.Source), Event: strings.Clone(x.Event.ID)})
}

// watermark is rule 3.
func (s *Stream) watermark() order.Instant {
	return s.newest.Add(-s.options.Skew).Add(-s.options.Lateness)
}

// Position returns up to where the input is judged.
func (s *Stream) Position() Position {
	p := Position{Inputs: s.inputs}
	if s.any {
		p.Watermark = s.watermark().Time()
	}
	return p
}

// settle applies what is before a limit.
func (s *Stream) settle(limit *order.Instant, j *Judgement) {
	timed := s.engine.program.timed && s.options.Skew == 0
	for {
		s.expectSome()
		s.group = s.events.Release(s.group[:0], limit)
		if len(s.group) == 0 {
			if timed {
				s.passTo(limit, j)
			}
			return
		}
		s.expects -= len(s.group)
		var found []Violation
		at := s.group[0].At
		if timed {
			s.passTo(&at, j)
		}
		for _, w := range s.group {
			if len(w.Item.routed) > 0 {
				w.Item.Moment = w.Moment
				found = append(found, s.engine.apply(&w.Item.occurrence, nil)...)
			}
			if s.options.Skew > 0 && s.engine.program.timed {
				s.events.Origin(w.Source).Last = ""
				if len(w.Item.routed) > 0 {
					s.events.Origin(w.Source).Last = w.Item.id
				}
			}
			s.events.GiveBack(w)
		}
		if timed {
			found = append(found, s.engine.pass(at, at.Before(s.newest))...)
		}
		sortViolations(found)
		s.tell(j, at, found...)
	}
}

// expectSome loads what the events that are next will look up, if they are
// many.
func (s *Stream) expectSome() {
	next := s.events.Next()
	if s.expects > 0 || len(next) < s.engine.options.limits.together {
		return
	}
	for _, w := range next[:s.engine.options.limits.together] {
		if !w.Moved {
			s.engine.expect(&w.Item.occurrence)
		}
	}
	s.engine.fetch()
	s.expects = s.engine.options.limits.together
}

// tell tells what is violated, and behind it what is, unless something is
// missing.
func (s *Stream) tell(j *Judgement, at order.Instant, found ...Violation) {
	doubted := 0
	for _, v := range found {
		if v.doubt != "" {
			doubted++
			continue
		}
		s.summary.Violations++
		s.found(j, Finding{Kind: FoundViolation, Violation: v, at: at})
	}
	if doubted > 0 {
		s.tellDoubted(j, at, found)
	}
}

func (s *Stream) tellDoubted(j *Judgement, at order.Instant, found []Violation) {
	for _, v := range found {
		if v.doubt != "" {
			s.summary.Undecided++
			s.found(j, Finding{Kind: FoundUndecided, Violation: v, Why: v.doubt, at: at})
		}
	}
}

func (s *Stream) found(j *Judgement, f Finding) {
	f.input = s.inputs
	j.Findings = append(j.Findings, f)
}

// Lossy tells whether events may be missing: whether one was lossy, or Lose was
// called.
func (s *Stream) Lossy() bool { return s.engine.lossy }

// Lose says that events may be missing from here on, as an event does that is
// lossy (see [event.Event]).
func (s *Stream) Lose() { s.engine.lossy = true }

// Close settles everything: no event will come of the input. That by itself
// lets no deadline pass. The stream is of no use afterwards.
func (s *Stream) Close() Judgement { return s.close(false) }

// End is Close where nothing happened after the events, so that all deadlines
// have passed, and states that must not be the last are violated. The event of
// such a violation is named "end"; it is of no source.
func (s *Stream) End() Judgement { return s.close(true) }

func (s *Stream) close(judged bool) Judgement {
	j := &Judgement{}
	m, expired := &s.engine, s.engine.expired()
	s.settle(nil, j)
	s.closed = true
	if s.options.TTL > 0 && s.any {
		for i := range m.stores {
			(&step{store: &m.stores[i], shared: &m.shared, now: &occurrence{Moment: order.Moment{At: s.newest}}}).expire()
		}
	}
	if s.options.Skew > 0 {
		end := s.endOfTime(judged)
		all, owed := m.finish(&end)
		s.summary.Owed = owed
		for _, v := range all {
			if v.why == "" {
				s.tell(j, v.at, v.violation)
			}
		}
		for _, v := range all {
			if v.why != "" {
				s.summary.Undecided++
				s.found(j, Finding{Kind: FoundUndecided, Violation: v.violation, Why: v.why, at: v.at})
			}
		}
	}
	if s.options.Skew == 0 && !judged {
		s.summary.Owed = m.owed()
	}
	if s.options.Skew == 0 && judged {
		for _, v := range m.end(s.newest) {
			s.tell(j, order.InstantOf(v.Event.Time), v)
		}
	}
	return s.judged(j, expired)
}

// Stats returns the counts up to now, in the order given to Compile. What
// waits for the watermark is counted in Summary alone.
func (s *Stream) Stats() []PropertyStats { return s.engine.stats() }

// Coverage returns what was used up to now, see [Monitor.Coverage]. With skew
// it is complete once the stream is closed.
func (s *Stream) Coverage() []Coverage { return s.engine.coverage() }

// Summary returns what the stream has seen up to now. What waits for the
// watermark is not judged yet; with skew, violations are counted by Close.
func (s *Stream) Summary() Summary {
	sum := s.summary
	for i := range s.engine.stores {
		sum.Instances += s.engine.stores[i].created
	}
	sum.Expired, sum.Lossy = s.engine.expired(), s.engine.mayLack()
	if !s.closed {
		sum.Owed = s.engine.owed()
	}
	sum.Verdict = sum.verdict()
	return sum
}

func (sum *Summary) verdict() Verdict {
	switch {
	case sum.Violations > 0:
		return Violated
	case sum.Malformed+sum.Late+sum.Expired+sum.Undecided > 0 || sum.Lossy:
		return Inconclusive
	}
	return Held
}
