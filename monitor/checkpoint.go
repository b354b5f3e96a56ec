package monitor

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// checkpointFormat is the first line of a checkpoint. A change of anything
// that is written after it changes the number.
const checkpointFormat = "wtsim-checkpoint/3\n"

// Checkpoint writes the state of the stream, between two events. What a
// stream restored from it finds is what this one would find, so that the
// verdicts of the two halves are those of the whole.
//
// It holds the events that wait, the instances with their slices, and the
// counts; not the properties, of which it has a fingerprint.
func (s *Stream) Checkpoint(w io.Writer) error {
	if s.closed {
		return errors.New("the stream is closed, wanted one that takes events")
	}
	m := s.engine
	m.sweepTrails()
	for _, plan := range m.stateful {
		m.sweepLetters(plan)
		m.stores[plan].configs.sweep()
	}
	live, _ := m.liveSymbols()
	m.sweepSymbols(live)
	if _, err := io.WriteString(w, checkpointFormat); err != nil {
		return err
	}
	e := newEncoder(w)
	for _, part := range m.program.fingerprint() {
		e.text(part)
	}
	for _, d := range s.options.durations() {
		e.int(int64(d))
	}
	e.bool(s.options.Coverage)
	e.count(s.options.Part)
	e.count(s.options.Parts)
	e.count(s.inputs)
	s.encode(e)
	m.encode(e)
	for i := range m.stores {
		if m.stores[i].auto != nil {
			m.stores[i].encode(e)
		}
	}
	if m.program.timed {
		m.deadlines.now.encode(e)
	}
	s.encodeWaiting(e, func(a *queued) { a.encode(e) })
	return e.close(w)
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
	d := newDecoder(r)
	if err := s.matches(d); err != nil {
		return nil, err
	}
	s.inputs = d.count()
	s.decode(d)
	s.engine.decode(d)
	for i := range s.engine.stores {
		if st := &s.engine.stores[i]; st.auto != nil {
			st.decode(d, s.engine)
		}
	}
	if p.timed {
		s.engine.deadlines.now = decodeInstant(d)
	}
	s.decodeWaiting(d, func(a *queued) { a.decode(d, s.engine) })
	if err := d.close(); err != nil {
		return nil, err
	}
	s.engine.symbols.rehash()
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
func (s *Stream) matches(d *decoder) error {
	for i, want := range s.engine.program.fingerprint() {
		got := d.text()
		switch {
		case d.err != nil || got == want:
		case i == 0:
			return fmt.Errorf("it is of the properties %s, wanted %s", oneLine(got), want)
		default:
			return errors.New("its properties have the same names but say something else, wanted those that it was made with")
		}
	}
	for i, want := range s.options.durations() {
		if got := time.Duration(d.int()); d.err == nil && got != want {
			return fmt.Errorf("its %s is %v, wanted %v", []string{"skew", "lateness", "time to live"}[i], got, want)
		}
	}
	if got := d.bool(); d.err == nil && got != s.options.Coverage {
		return fmt.Errorf("coverage was %v, wanted %v", got, s.options.Coverage)
	}
	if part, parts := d.count(), d.count(); d.err == nil && (part != s.options.Part || parts != s.options.Parts) {
		return fmt.Errorf("it is of part %d of %d, wanted %d of %d", part, parts, s.options.Part, s.options.Parts)
	}
	return d.err
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

func (o *StreamOptions) durations() [3]time.Duration {
	return [3]time.Duration{o.Skew, o.Lateness, o.TTL}
}

// fingerprint is the names of the properties, and a sum of all that they say.
func (p *Program) fingerprint() [2]string {
	var names []string
	sum := sha256.New()
	for i := range p.plans {
		pl := &p.plans[i]
		names = append(names, fmt.Sprintf("%q", pl.property.Name()))
		fmt.Fprintf(sum, "%q", pl.property.String())
		if pl.auto == nil {
			continue
		}
		if pl.auto.Stateful() {
			fmt.Fprint(sum, pl.statefulPart())
		}
		fmt.Fprintf(sum, "%q%q%v", pl.auto.Variables, pl.auto.States, pl.auto.AtEnd)
		for i := range pl.auto.Events {
			t := &pl.auto.Events[i]
			fmt.Fprintf(sum, "%q%v%q%d", t.Type, t.Binds, t.Wants, t.Guards())
			for state := range pl.auto.States {
				fmt.Fprintf(sum, "%v%d,%d", t.Targets(state), t.Next(state, 0), t.Next(state, ^uint64(0)))
			}
		}
	}
	return [2]string{strings.Join(names, ", "), string(sum.Sum(nil))}
}

// encode writes what the stream has besides its monitor, but for the events
// that wait.
func (s *Stream) encode(e *encoder) {
	for _, n := range s.summary.counts() {
		e.int(int64(*n))
	}
	e.bool(s.any)
	s.newest.encode(e)
	s.seen.encode(e)
	s.sequencer.encode(e, &s.engine.sources)
}

func (s *Stream) decode(d *decoder) {
	for _, n := range s.summary.counts() {
		*n = int(d.int())
	}
	s.any, s.newest = d.bool(), decodeInstant(d)
	s.seen.decode(d)
	s.sequencer.decode(d, &s.engine.sources)
}

// counts are the counts that go on.
func (s *Summary) counts() []*int {
	return []*int{&s.Events, &s.Violations, &s.Malformed, &s.Late, &s.Duplicates}
}

// encode writes what the monitor knows of all properties.
func (m *engine) encode(e *encoder) {
	e.count(m.counts.malformed)
	e.count(len(m.counts.reasons))
	for _, x := range m.counts.reasons {
		for _, text := range []string{x.Property, x.Source, x.ID, x.Type, x.Why} {
			e.text(text)
		}
	}
	e.count(len(m.symbols.known))
	for _, k := range m.symbols.known {
		e.count(int(k.kind))
		e.text(k.text)
		e.count(int(k.canonical))
	}
	e.count(m.trails.records.n)
	for n := range m.trails.records.n {
		r := m.trails.records.at(uint32(n))
		e.text(r.id)
		e.count(int(r.source))
		r.at().encode(e)
		m.trails.time(uint32(n)).encode(e)
	}
	e.count(m.trails.notes.n)
	for n := range m.trails.notes.n {
		x := m.trails.notes.at(uint32(n))
		e.bool(x.before != 0) // after a sweep it is the next one
		e.count(int(x.record))
		e.count(int(x.letter))
	}
}

func (m *engine) decode(d *decoder) {
	m.counts.malformed = d.count()
	for n := d.below(maxReasons+1, "the number of reasons"); n > 0 && d.err == nil; n-- {
		m.counts.reasons = append(m.counts.reasons, Malformed{d.text(), d.text(), d.text(), d.text(), d.text()})
	}
	symbols := d.below(int(spelt), "the number of values")
	for n := symbols; n > 0 && d.err == nil; n-- {
		v := decodeValue(d)
		m.symbols.known = append(m.symbols.known, known{m.symbols.texts.keep(v.Text()), symbol(d.below(symbols, "a value")), v.Kind()})
	}
	for n := d.count(); n > 0 && d.err == nil; n-- {
		id := m.trails.texts.keep(d.text())
		source := int32(d.below(len(m.sources.names), "a source"))
		m.trails.keep(recordOf(id, source, decodeInstant(d)), decodeInstant(d))
	}
	notes := d.below(1<<32-1, "the number of notes")
	for n := 0; n < notes && d.err == nil; n++ {
		x := note{}
		if d.bool() {
			x.before = uint32(n + 1)
		}
		x.record, x.letter = uint32(d.below(max(1, m.trails.records.n), "a record")), uint32(d.count())
		if m.trails.notes.add(x); n+1 == notes && x.before != 0 {
			d.fail("a trail has no end")
		}
	}
	m.due = sweepAt{m.nextSweep(m.trails.notes.n), m.nextSweep(symbols), m.nextSweep(len(m.sources.names))}
}

func (a *queued) encode(e *encoder) {
	e.text(a.id)
	e.count(len(a.routed))
	for _, r := range a.routed {
		e.count(int(r.plan))
		e.count(int(r.letter))
		encodeSymbols(e, r.values)
	}
}

func (a *queued) decode(d *decoder, m *engine) {
	a.id = m.trails.texts.keep(d.text())
	for n := d.below(len(m.stores)+1, "the number of properties"); n > 0 && d.err == nil; n-- {
		plan := d.below(len(m.stores), "a property")
		st := &m.stores[plan]
		letter := d.below(len(st.fates), "a letter")
		if d.err != nil {
			break
		}
		values := decodeSymbols(d, &m.symbols, len(st.letterOf(uint32(letter)).list))
		a.routed = append(a.routed, routed{int32(plan), uint32(letter), values})
	}
}
