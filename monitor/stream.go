package monitor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
)

// StreamOptions say how to judge events as they come.
type StreamOptions struct {
	Skew     time.Duration // bounds the difference between the clocks of two sources; 0 is exact order
	Lateness time.Duration // how far an event may come behind
	TTL      time.Duration // forgets instances that saw no event for longer; 0 is never
	Shard    int           // which part of the instances, see shard.go
	Shards   int           // of how many parts; 0 is one
	Coverage bool          // keeps track of what events use, see [Stream.Coverage]
	Found    func(Finding) // is told of everything, as it is found
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
//     in its source before one that was settled already, and, with a time to
//     live, one whose own time is before the watermark by more than that.
//  4. What is before the watermark is settled, in exact order.
//  5. Violations come by time of the violating event, then by property, then
//     by binding as compact JSON.
type Stream struct {
	monitor *Monitor
	options StreamOptions
	seen    seen
	sequencer
	group   []*waiter
	expects int      // how many that wait are expected already, see settle
	single  [1]Input // see Push
	newest  instant
	any     bool
	closed  bool
	lines   int
	reasons []string // for what the event at hand is malformed
	summary Summary
}

// Summary is what a stream has seen.
type Summary struct {
	Verdict    Verdict
	Events     int // without duplicates
	Violations int
	Malformed  int
	Late       int
	Duplicates int
	Expired    int // instances forgotten by their age
	Instances  int // that were begun
	Undecided  int // instances
}

// Verdict is the answer for all events together.
type Verdict string

// The verdicts.
const (
	Held         Verdict = "held"
	Violated     Verdict = "violated"     // certainly or possibly
	Inconclusive Verdict = "inconclusive" // no violation, but not all was judged
)

// Finding is one thing that a stream tells of: exactly one of the kinds.
type Finding struct {
	Kind      FindingKind
	Violation Violation // of a violation; of an undecided instance property and binding
	Line      int       // of an event that is malformed or late
	Source    string    // of an event that is late
	Event     string    // the same
	Why       string    // why malformed, or undecided

	seq int     // how many lines were judged before; see MergeFindings
	at  instant // of a violation: its event's effective time
}

// FindingKind tells findings apart; it is their "kind" in JSON.
type FindingKind string

// The kinds of finding.
const (
	FoundViolation FindingKind = "violation"
	FoundUndecided FindingKind = "inconclusive"
	FoundMalformed FindingKind = "malformed"
	FoundLate      FindingKind = "late"
)

// Stream returns a stream that has seen nothing. With skew, a property can
// have 64 states.
func (p *Program) Stream(o StreamOptions) (*Stream, error) {
	for i := range p.plans {
		if pl := &p.plans[i]; o.Skew > 0 && len(pl.dead) > maxStatesOfSkew && !pl.auto.Stateful() {
			return nil, fmt.Errorf("property %q: %d states, wanted at most %d with skew", pl.property.Name(), len(pl.dead), maxStatesOfSkew)
		}
	}
	if o.Found == nil {
		o.Found = func(Finding) {}
	}
	s := &Stream{options: o, seen: newSeen(&o)}
	s.monitor = p.StartWith(Options{skew: o.Skew, ttl: o.TTL, shard: shard{number: o.Shard, of: o.Shards}, Coverage: o.Coverage, Malformed: func(x Malformed) {
		s.reasons = append(s.reasons, fmt.Sprintf("property %q: %s", x.Property, x.Why))
	}})
	s.monitor.waiting, s.monitor.waitingLetters = s.eachWaiting, s.eachWaitingLetter
	return s, nil
}

// eachWaiting visits the symbols of events that wait. What was moved in its
// source shares its memory with its second self.
func (s *Stream) eachWaiting(visit func([]symbol)) {
	for i := range s.origins {
		for _, w := range s.origins[i].waiting {
			for _, r := range w.routed {
				visit(r.values)
			}
		}
	}
}

// eachWaitingLetter visits and replaces the letters that events that wait
// have for a property.
func (s *Stream) eachWaitingLetter(plan int, visit func(uint32) uint32) {
	for i := range s.origins {
		for _, w := range s.origins[i].waiting {
			for n := range w.routed {
				if r := &w.routed[n]; int(r.plan) == plan {
					r.letter = visit(r.letter)
				}
			}
		}
	}
}

// Malformed counts a line that is no event.
func (s *Stream) Malformed(line int, why string) {
	s.lines++
	s.malformed(line, why)
}

func (s *Stream) malformed(line int, why string) {
	s.summary.Malformed++
	s.found(Finding{Kind: FoundMalformed, Line: line, Why: why})
}

// Input is a line of events as it was read.
type Input struct {
	Event event.Event
	Line  int
	Why   string // why it is no event; else empty

	sign  sighting
	sight sight
}

// Push takes the next event. Nothing of it is kept.
func (s *Stream) Push(e *event.Event, line int) {
	s.single[0] = Input{Event: *e, Line: line}
	s.PushAll(s.single[:])
}

// PushAll takes what comes next. Nothing of it is kept. Of many events it
// takes less time than Push.
func (s *Stream) PushAll(all []Input) {
	s.LookAll(all)
	s.JudgeAll(all)
}

// LookAll does the first half of PushAll: it finds out which events came
// before. It touches nothing of the stream that JudgeAll does, so that it can
// run ahead in another goroutine, in the order of the input.
func (s *Stream) LookAll(all []Input) { s.seen.enter(all) }

// JudgeAll does the second half. It only reads what it is given.
func (s *Stream) JudgeAll(all []Input) {
	for group := range slices.Chunk(all, together) {
		if len(group) > 1 {
			s.monitor.expectValues(func(each func(*event.Event)) {
				for i := range group {
					if group[i].Why == "" {
						each(&group[i].Event)
					}
				}
			})
		}
		for i := range group {
			if x := &group[i]; x.Why != "" {
				s.Malformed(x.Line, x.Why)
			} else {
				s.judge(&x.Event, x.Line, x.sight)
			}
		}
	}
}

func (s *Stream) judge(e *event.Event, line int, seen sight) {
	s.lines++
	switch seen {
	case seenAgain:
		s.summary.Duplicates++
		return
	case seenChanged:
		s.malformed(line, fmt.Sprintf("event %q of %q came before with another content", e.ID, e.Source))
		return
	}
	s.summary.Events++
	m := s.monitor
	source := m.sources.number(e.Source)
	o := s.origin(source)
	s.forgetSilent(o)
	r := s.rankOf(o, e.Sequence)
	own := instantOf(e.Time)
	at, settled := o.effective(r, own)
	if !s.any || s.newest.before(at) {
		s.newest, s.any = at, true
	}
	limit := s.watermark()
	if settled || at.before(limit) || s.options.TTL > 0 && own.before(limit.add(-s.options.TTL)) {
		s.summary.Late++
		for _, r := range m.program.routes[e.Type] {
			m.stores[r.plan].late++
		}
		s.found(Finding{Kind: FoundLate, Line: line, Source: e.Source, Event: e.ID})
		s.settle(&limit)
		return
	}
	w := s.take()
	w.source, w.at, w.time, w.rank = source, at, own, r
	if routes := m.program.routes[e.Type]; len(routes) > 0 {
		m.prepare(&w.occurrence, e, routes, &w.values)
		w.id = m.trails.texts.keep(e.ID)
	}
	if len(s.reasons) > 0 {
		s.malformed(line, strings.Join(s.reasons, "; "))
		s.reasons = s.reasons[:0]
	}
	s.place(w)
	s.settle(&limit)
	s.monitor.collect()
	s.sweepSources()
}

// watermark is rule 3.
func (s *Stream) watermark() instant {
	return s.newest.add(-s.options.Skew).add(-s.options.Lateness)
}

// settle applies what is before a limit.
func (s *Stream) settle(limit *instant) {
	timed := s.monitor.program.timed && s.options.Skew == 0
	for {
		s.expectSome()
		s.group = s.release(s.group[:0], limit)
		if len(s.group) == 0 {
			if timed {
				s.passTo(limit)
			}
			return
		}
		s.expects -= len(s.group)
		var found []Violation
		at := s.group[0].at
		if timed {
			s.passTo(&at)
		}
		for _, w := range s.group {
			if len(w.routed) > 0 {
				s.monitor.now = w.occurrence
				found = append(found, s.monitor.apply()...)
			}
			s.giveBack(w)
		}
		if timed {
			found = append(found, s.monitor.pass(at, at.before(s.newest))...)
		}
		sortViolations(found)
		s.tell(at, found...)
	}
}

// expectSome loads what the events that are next will look up, if they are
// many.
func (s *Stream) expectSome() {
	next := s.inOrder.all[s.inOrder.head:]
	if s.expects > 0 || len(next) < together {
		return
	}
	for _, w := range next[:together] {
		if !w.moved {
			s.monitor.expect(&w.occurrence)
		}
	}
	s.monitor.fetch()
	s.expects = together
}

func (s *Stream) tell(at instant, found ...Violation) {
	s.summary.Violations += len(found)
	for _, v := range found {
		s.found(Finding{Kind: FoundViolation, Violation: v, at: at})
	}
}

// found tells what is found. What all parts find the first one tells.
func (s *Stream) found(f Finding) {
	if s.options.Shard == 0 || f.Kind.place() > 0 {
		f.seq = s.lines
		s.options.Found(f)
	}
}

// Close settles everything: no event will come. The stream is of no use
// afterwards.
func (s *Stream) Close() Summary {
	s.settle(nil)
	s.closed = true
	m := s.monitor
	if s.options.TTL > 0 && s.any {
		m.now = occurrence{at: s.newest}
		for i := range m.stores {
			m.expire(&m.stores[i])
		}
	}
	if s.options.Skew > 0 {
		m.deadlines.end = s.timeAtEnd()
		all := m.finish()
		for _, v := range all {
			if v.why == "" {
				s.tell(v.at, v.violation)
			}
		}
		for _, v := range all {
			if v.why != "" {
				s.summary.Undecided++
				s.found(Finding{Kind: FoundUndecided, Violation: v.violation, Why: v.why})
			}
		}
	}
	return s.Summary()
}

// Summary returns what the stream has seen up to now. What waits for the
// watermark is not judged yet; with skew, violations are counted by Close.
func (s *Stream) Summary() Summary {
	sum := s.summary
	for i := range s.monitor.stores {
		sum.Instances += s.monitor.stores[i].created
		sum.Expired += s.monitor.stores[i].expired
	}
	sum.Verdict = sum.verdict()
	return sum
}

func (sum *Summary) verdict() Verdict {
	switch {
	case sum.Violations > 0:
		return Violated
	case sum.Malformed+sum.Late+sum.Expired+sum.Undecided > 0:
		return Inconclusive
	}
	return Held
}

// MarshalJSON writes the finding as one of the objects that the command
// prints.
func (f Finding) MarshalJSON() ([]byte, error) {
	b := event.Str(string(f.Kind)).AppendJSON([]byte(`{"kind":`))
	switch f.Kind {
	case FoundViolation:
		return f.Violation.MarshalJSON()
	case FoundUndecided:
		b = appendField(b, "property", f.Violation.Property)
		b = append(b, `,"binding":`...)
		b = event.Data(f.Violation.Binding).AppendJSON(b)
		b = appendField(b, "why", f.Why)
	case FoundMalformed:
		b = appendField(fmt.Appendf(b, `,"line":%d`, f.Line), "why", f.Why)
	case FoundLate:
		b = appendField(fmt.Appendf(b, `,"line":%d`, f.Line), "source", f.Source)
		b = appendField(b, "event", f.Event)
	}
	return append(b, '}'), nil
}
