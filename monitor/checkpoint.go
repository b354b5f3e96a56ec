package monitor

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// checkpointFormat is the first line of a checkpoint. A change of anything
// that is written after it changes the number.
const checkpointFormat = "wtsim-checkpoint/7\n"

// Checkpoint writes the state of the stream, between two events. What a
// stream restored from it finds is what this one would find, so that the
// verdicts of the two halves are those of the whole.
//
// It holds the events that wait, the instances with their slices, and the
// counts; not the properties, of which it has a fingerprint.
func (s *Stream) Checkpoint(w io.Writer) error {
	if s.closed {
		return errClosed
	}
	s.sweep()
	if _, err := io.WriteString(w, checkpointFormat); err != nil {
		return err
	}
	e := codec.NewEncoder(w)
	s.encodeAll(e, nil)
	return e.Close(w)
}

// Snapshot is Checkpoint in two steps: it takes the state down, much faster than it
// is written, and what it returns writes the checkpoint. That may happen while the
// stream goes on, in another goroutine, once.
func (s *Stream) Snapshot() (write func(io.Writer) error, err error) {
	if s.closed {
		return nil, errClosed
	}
	m := &s.engine
	var beside *takenDown
	if plain(m.stores) {
		forgetTrails(m.stores)
		if live, n := m.liveSymbols(); 2*n < len(live) {
			m.sweepSymbols(live)
		}
		beside = takeDown(&m.trails, m.stores)
	} else {
		s.sweep()
	}
	e := codec.NewSnapshot()
	s.encodeAll(e, beside)
	return func(w io.Writer) error {
		if _, err := io.WriteString(w, checkpointFormat); err != nil {
			return err
		}
		return e.WriteSnapshot(w)
	}, nil
}

var errClosed = errors.New("the stream is closed, wanted one that takes events")

// sweep sweeps out what a checkpoint need not have.
func (s *Stream) sweep() {
	m := &s.engine
	m.sweepTrails()
	for _, plan := range m.stateful {
		m.sweepLetters(plan)
		m.stores[plan].sweepConfigs()
	}
	if live, n := m.liveSymbols(); n < len(live) {
		m.sweepSymbols(live)
	}
}

// encodeAll writes all behind the format. What is taken down is written in place of
// what the engine has of it by then.
func (s *Stream) encodeAll(e *codec.Encoder, beside *takenDown) {
	m := &s.engine
	for _, part := range m.program.fingerprint() {
		e.Text(part)
	}
	for _, d := range s.options.durations() {
		e.Int(int64(d))
	}
	e.Bool(s.options.Coverage)
	e.Count(s.options.Part)
	e.Count(s.options.Parts)
	e.Count(s.inputs)
	s.encode(e)
	m.encode(e, beside)
	for i := range m.stores {
		if m.stores[i].Auto != nil {
			m.stores[i].encode(e, beside)
		}
	}
	if m.program.timed {
		m.deadlines.now.Encode(e)
	}
	s.events.EncodeWaiting(e, func(a *queued) { a.encode(e) })
}

// Restore returns the stream that a checkpoint is of. The program must be of
// the same properties, and the options the same. Its position says where to go on.
func (p *Program) Restore(r io.Reader, o StreamOptions) (*Stream, error) {
	s, err := p.Stream(o)
	if err != nil {
		return nil, err
	}
	head := make([]byte, len(checkpointFormat))
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	if got := string(head[:n]); got != checkpointFormat {
		return nil, errFormat(got)
	}
	d := codec.NewDecoder(r)
	if err := s.matches(d); err != nil {
		return nil, err
	}
	s.inputs = d.Count()
	s.decode(d)
	s.engine.decode(d)
	for i := range s.engine.stores {
		if st := &s.engine.stores[i]; st.Auto != nil {
			st.decode(d, &s.engine)
		}
	}
	if p.timed {
		s.engine.deadlines.now = order.DecodeInstant(d)
	}
	s.events.DecodeWaiting(d, func(a *queued) { a.decode(d, &s.engine) })
	if err := d.Close(); err != nil {
		return nil, err
	}
	s.engine.symbols.Rehash()
	for i := range s.engine.stores {
		s.engine.stores[i].relink()
	}
	s.engine.restoreDeadlines()
	return s, nil
}

func errFormat(got string) error {
	want := strings.TrimSpace(checkpointFormat)
	if line, _, ok := strings.Cut(got, "\n"); ok && strings.HasPrefix(line, "wtsim-checkpoint/") {
		return fmt.Errorf("its format is %q, wanted %q", line, want)
	}
	return fmt.Errorf("no checkpoint, wanted a file that begins with %q", want)
}

// matches tells whether the checkpoint is of the same properties and options.
func (s *Stream) matches(d *codec.Decoder) error {
	for i, want := range s.engine.program.fingerprint() {
		got := d.Text()
		switch {
		case d.Err != nil || got == want:
		case i == 0:
			return fmt.Errorf("it is of the properties %s, wanted %s", oneLine(got), want)
		default:
			return errors.New("its properties have the same names but say something else, wanted those that it was made with")
		}
	}
	for i, want := range s.options.durations() {
		if got := time.Duration(d.Int()); d.Err == nil && got != want {
			return fmt.Errorf("its %s is %v, wanted %v", []string{"skew", "lateness", "time to live", "bound on how far ahead events are", "memory of names"}[i], got, want)
		}
	}
	if got := d.Bool(); d.Err == nil && got != s.options.Coverage {
		return fmt.Errorf("coverage was %v, wanted %v", got, s.options.Coverage)
	}
	if part, parts := d.Count(), d.Count(); d.Err == nil && (part != s.options.Part || parts != s.options.Parts) {
		return fmt.Errorf("it is of part %d of %d, wanted %d of %d", part, parts, s.options.Part, s.options.Parts)
	}
	return d.Err
}

// oneLine is a text of a file that may be damaged, for people.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
	return text[:min(len(text), 1000)]
}

func (o *StreamOptions) durations() [5]time.Duration {
	return [5]time.Duration{o.Skew, o.Lateness, o.TTL, o.Ahead, o.Names}
}

// Fingerprint returns a text that is the same for programs of the same
// properties, and for no others: what a checkpoint of one can be restored with.
func (p *Program) Fingerprint() string { return hex.EncodeToString([]byte(p.fingerprint()[1])) }

// Same reports whether both programs have a property of a name, and it says the
// same in both.
func (p *Program) Same(q *Program, name string) bool {
	is := func(pl plan) bool { return pl.property.Name() == name }
	i, j := slices.IndexFunc(p.plans, is), slices.IndexFunc(q.plans, is)
	if i < 0 || j < 0 {
		return false
	}
	a, b := sha256.New(), sha256.New()
	p.plans[i].says(a)
	q.plans[j].says(b)
	return bytes.Equal(a.Sum(nil), b.Sum(nil))
}

// fingerprint is the names of the properties, and a sum of all that they say.
func (p *Program) fingerprint() [2]string {
	var names []string
	sum := sha256.New()
	for i := range p.plans {
		names = append(names, fmt.Sprintf("%q", p.plans[i].property.Name()))
		p.plans[i].says(sum)
	}
	return [2]string{strings.Join(names, ", "), string(sum.Sum(nil))}
}

// says writes all that a property says.
func (pl *plan) says(to io.Writer) {
	fmt.Fprintf(to, "%q", pl.property.String())
	if pl.automaton == nil {
		return
	}
	if some := pl.automaton.Some; some != nil {
		fmt.Fprintf(to, "%q%v%v%v", some.Variables, some.Every, some.EachTime, statefulPart(some.Of()))
		saysAutomaton(to, pl.property.AsWritten())
	}
	if pl.automaton.Stateful() {
		fmt.Fprint(to, statefulPart(pl.automaton))
	}
	if all := pl.property.Complete(); len(all) > 0 {
		fmt.Fprintf(to, "complete %q", all)
	}
	saysAutomaton(to, pl.automaton)
}

func saysAutomaton(to io.Writer, a *props.Automaton) {
	fmt.Fprintf(to, "%q%q%v", a.Variables, a.States, a.AtEnd)
	for i := range a.Events {
		t := &a.Events[i]
		if t.Other {
			fmt.Fprint(to, "any ")
		}
		fmt.Fprintf(to, "%q%v%q%d", t.Type, t.Binds, t.Wants, t.Guards())
		for state := range a.States {
			fmt.Fprintf(to, "%v%d,%d", t.Targets(state), t.Next(state, 0), t.Next(state, ^uint64(0)))
		}
	}
}

// encode writes what the stream has besides its monitor, but for the events
// that wait.
func (s *Stream) encode(e *codec.Encoder) {
	for _, n := range s.summary.counts() {
		e.Int(int64(*n))
	}
	e.Bool(s.any)
	s.newest.Encode(e)
	s.seen.Encode(e)
	s.events.Encode(e, &s.engine.sources)
}

func (s *Stream) decode(d *codec.Decoder) {
	for _, n := range s.summary.counts() {
		*n = int(d.Int())
	}
	s.any, s.newest = d.Bool(), order.DecodeInstant(d)
	s.seen.Decode(d)
	s.events.Decode(d, &s.engine.sources)
}

// counts are the counts that go on.
func (s *Summary) counts() []*int {
	return []*int{&s.Events, &s.Violations, &s.Malformed, &s.Late, &s.Duplicates, &s.Undecided}
}

// encode writes what the monitor knows of all properties.
func (m *engine) encode(e *codec.Encoder, beside *takenDown) {
	e.Bool(m.lossy)
	e.Count(m.counts.malformed)
	e.Count(len(m.counts.reasons))
	for _, x := range m.counts.reasons {
		for _, text := range []string{x.Property, x.Source, x.ID, x.Type, x.Why} {
			e.Text(text)
		}
	}
	known := m.symbols.Known // is added to, and changed nowhere
	e.Count(len(known))
	e.Later(func(e *codec.Encoder) {
		for i := range known {
			e.Count(int(known[i].Kind))
			e.Text(known[i].Text)
			e.Count(int(known[i].Canonical))
		}
	})
	if beside != nil {
		e.Later(func(e *codec.Encoder) { beside.sweep().encode(e) })
		return
	}
	swept := m.trails
	if e.Snapshot() {
		swept = swept.frozen()
	}
	e.Later(swept.encode)
}

// encode writes trails that were swept.
func (t *trails) encode(e *codec.Encoder) {
	e.Count(t.records.n)
	for n := range t.records.n {
		r := t.records.at(uint32(n))
		e.Text(r.id)
		e.Count(int(r.source))
		r.at().Encode(e)
		t.time(uint32(n)).Encode(e)
	}
	e.Count(len(t.types))
	for _, n := range slices.Sorted(maps.Keys(t.types)) {
		e.Count(int(n))
		e.Text(t.types[n])
	}
	e.Count(t.notes.n)
	for n := range t.notes.n {
		x := t.notes.at(uint32(n))
		e.Bool(x.before != 0) // after a sweep it is the next one
		e.Count(int(x.record))
		e.Count(int(x.letter))
	}
}

func (m *engine) decode(d *codec.Decoder) {
	m.lossy = d.Bool()
	m.counts.malformed = d.Count()
	for n := d.Below(maxReasons+1, "the number of reasons"); n > 0 && d.Err == nil; n-- {
		m.counts.reasons = append(m.counts.reasons, Malformed{d.Text(), d.Text(), d.Text(), d.Text(), d.Text()})
	}
	symbols := d.Below(int(values.Spelt), "the number of values")
	for n := symbols; n > 0 && d.Err == nil; n-- {
		v := values.DecodeValue(d)
		m.symbols.Known = append(m.symbols.Known, values.Known{Text: m.symbols.Texts.Keep(v.Text()), Canonical: values.Symbol(d.Below(symbols, "a value")), Kind: v.Kind()})
	}
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		id := m.trails.texts.Keep(d.Text())
		source := int32(d.Below(len(m.sources.Names), "a source"))
		m.trails.keep(recordOf(id, source, order.DecodeInstant(d)), order.DecodeInstant(d))
	}
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		m.trails.call(uint32(d.Below(max(1, m.trails.records.n), "a record")), d.Text())
	}
	notes := d.Below(1<<32-1, "the number of notes")
	for n := 0; n < notes && d.Err == nil; n++ {
		x := note{}
		if d.Bool() {
			x.before = uint32(n + 1)
		}
		x.record, x.letter = uint32(d.Below(max(1, m.trails.records.n), "a record")), uint32(d.Count())
		if m.trails.notes.add(x); n+1 == notes && x.before != 0 {
			d.Fail("a trail has no end")
		}
	}
	m.due = sweepAt{m.nextSweep(m.trails.notes.n), m.nextSweep(symbols), m.nextSweep(len(m.sources.Names))}
}

func (a *queued) encode(e *codec.Encoder) {
	e.Text(a.id)
	e.Count(len(a.routed))
	for _, r := range a.routed {
		e.Count(int(r.plan))
		e.Count(int(r.letter))
		values.EncodeSymbols(e, r.values)
	}
}

func (a *queued) decode(d *codec.Decoder, m *engine) {
	a.id = m.trails.texts.Keep(d.Text())
	for n := d.Below(m.program.mostRoutes()+1, "the number of roles"); n > 0 && d.Err == nil; n-- {
		plan := d.Below(len(m.stores), "a property")
		st := &m.stores[plan]
		letter := d.Below(len(st.Fates), "a letter")
		if d.Err != nil {
			break
		}
		l, more := st.letterOf(uint32(letter)), 0
		if l.Other {
			more = 1
		}
		values := values.DecodeSymbols(d, &m.symbols, len(l.list)+more)
		a.routed = append(a.routed, routed{int32(plan), uint32(letter), values})
	}
}

// statefulPart is what the fingerprint of a property has besides states.
func statefulPart(a *props.Automaton) string {
	text := fmt.Sprintf("%v%v", a.Registers, a.Deadlines)
	for i := range a.Events {
		t := &a.Events[i]
		text += fmt.Sprintf("%q", t.Reads)
		for state := range a.States {
			text += fmt.Sprintf("%v", t.Moves(state))
		}
	}
	return text
}
