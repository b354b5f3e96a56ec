package stream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/monitor"
)

// Era is properties that began at one place of the log, and are judged by a
// stream of their own: a property sees what stands behind the record that
// brought it, and is dropped by one that does not have it.
type Era struct {
	Program *monitor.Program
	names   []string // of those that are still judged
	fresh   bool     // none of them was judged before, under its name
	since   int      // with which plan it began
}

// Plan is which properties are judged from a place in the log on. It follows
// from the records before it, the first of which a deployment begins with.
type Plan struct {
	eras   []Era    // the oldest first
	judged []string // the names of all that were judged, ever
	marks  []string // of this plan and those before it, the oldest first
}

// Mark tells plans apart that hand events out differently. Who makes blocks has it
// in its name, behind an @.
func (plan Plan) Mark() string { return plan.marks[len(plan.marks)-1] }

func (plan Plan) marked() Plan {
	sum := sha256.New()
	for _, e := range plan.eras {
		fmt.Fprintf(sum, "%s %q ", e.Program.Fingerprint(), e.names)
	}
	plan.marks = append(plan.marks, hex.EncodeToString(sum.Sum(nil)[:8]))
	return plan
}

// unknownTo are the properties that somebody does not know who has a plan of this
// mark; all, if nobody here ever had it.
func (plan Plan) unknownTo(mark string) (eras []Era) {
	known := len(plan.marks) - 1
	for known >= 0 && plan.marks[known] != mark {
		known--
	}
	for _, e := range plan.eras {
		if e.since > known {
			eras = append(eras, e)
		}
	}
	return eras
}

// FirstPlan is the plan that a log begins with.
func FirstPlan(p *monitor.Program) Plan {
	return Plan{eras: []Era{{Program: p, names: p.Properties()}}, judged: p.Properties()}.marked()
}

// Next is the plan from a record on that wants the properties of a program.
// Those that are judged already, and are the same, go on.
func (plan Plan) Next(p *monitor.Program) (next Plan) {
	begin := p.Properties()
	for _, e := range plan.eras {
		var names []string
		for _, name := range e.names {
			if e.Program.Same(p, name) {
				names = append(names, name)
				begin = slices.DeleteFunc(begin, func(n string) bool { return n == name })
			}
		}
		if len(names) > 0 {
			next.eras = append(next.eras, Era{e.Program, names, e.fresh, e.since})
		}
	}
	next.judged = slices.Clone(plan.judged)
	was := func(name string) bool { return slices.Contains(plan.judged, name) }
	for _, fresh := range []bool{false, true} {
		names := slices.DeleteFunc(slices.Clone(begin), func(n string) bool { return was(n) == fresh })
		if len(names) > 0 {
			next.eras = append(next.eras, Era{p.Only(names), names, fresh, len(plan.marks)})
		}
		if fresh {
			next.judged = append(next.judged, names...)
		}
	}
	next.marks = slices.Clone(plan.marks)
	return next.marked()
}

// is tells whether two plans, one of which comes next to the other, are one.
func (plan Plan) is(now Plan) bool {
	return slices.EqualFunc(plan.eras, now.eras, func(a, b Era) bool { return a.Program == b.Program && slices.Equal(a.names, b.names) })
}

// judges tells whether a property is still judged.
func (e *Era) judges(name string) bool { return slices.Contains(e.names, name) }

// running is an era, and the engine that judges it.
type running struct {
	Era
	stream *monitor.Stream
}

// ended is what the engine finds if the input ends here. The engine itself goes
// on as if nobody had asked.
func (r *running) ended(o monitor.StreamOptions, end bool) (monitor.Judgement, monitor.Summary) {
	var saved bytes.Buffer
	err := r.stream.Checkpoint(&saved)
	var copied *monitor.Stream
	if err == nil {
		copied, err = r.Program.Restore(&saved, o)
	}
	if err != nil {
		panic("stream: a stream that takes events can be saved and restored: " + err.Error())
	}
	judge := copied.Close
	if end {
		judge = copied.End
	}
	return judge(), copied.Summary()
}

// engines makes the engines of a plan.
func engines(p Plan, o monitor.StreamOptions) (all []running, err error) {
	for _, e := range p.eras {
		s, err := e.Program.Stream(o)
		if err != nil {
			return nil, err
		}
		all = append(all, running{Era: e, stream: s})
	}
	return all, nil
}

// planned takes the engines over into another plan.
func planned(old []running, next Plan, o monitor.StreamOptions) (all []running, err error) {
	for _, e := range next.eras {
		if i := slices.IndexFunc(old, func(r running) bool { return r.Program == e.Program }); i >= 0 {
			all = append(all, running{Era: e, stream: old[i].stream})
			continue
		}
		more, err := engines(Plan{eras: []Era{e}}, o)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// compile reads the properties of a plan record.
func (c *Config) compile(text string) (*monitor.Program, error) {
	if c.Compile == nil {
		return nil, errors.New("the properties change in its log, and nobody can read them; wanted Config.Compile")
	}
	p, err := c.Compile(text)
	if err == nil && len(p.Properties()) == 0 {
		err = errors.New("there are none")
	}
	if err != nil {
		return nil, fmt.Errorf("the properties that its log has: %w", err)
	}
	return p, nil
}

// replan lets other properties be judged from here on. Of those that end it is
// told what waits; those that are new may begin in the past.
func (w *Worker) replan(ctx context.Context, text string, past []Span) error {
	p, err := w.compile(text)
	if err != nil {
		return fmt.Errorf("shard %d: %w", w.Shard, err)
	}
	now := w.plan
	next := now.Next(p)
	if next.is(now) {
		return nil
	}
	for i := range w.eras {
		e := &w.eras[i]
		stays := func(name string) bool {
			return slices.ContainsFunc(next.eras, func(n Era) bool { return n.Program == e.Program && n.judges(name) })
		}
		if slices.ContainsFunc(e.names, func(name string) bool { return !stays(name) }) {
			w.leave(e, stays)
		}
	}
	before, lossy := w.counted(), w.eras[0].stream.Lossy()
	if w.eras, err = planned(w.eras, next, w.Options); err != nil {
		return err
	}
	w.plans, w.plan = append(w.plans, text), next
	w.base.Add(before)
	w.base.sub(w.counted())
	if lossy { // what is new learns of it too
		for i := range w.eras {
			w.eras[i].stream.Lose()
		}
	}
	if newest := &w.eras[len(w.eras)-1]; past != nil && newest.fresh && !slices.ContainsFunc(now.eras, func(e Era) bool { return e.Program == newest.Program }) {
		return w.judgePast(ctx, newest, past)
	}
	return nil
}

// leave tells what waits of the properties of an era that do not stay.
func (w *Worker) leave(e *running, stays func(string) bool) {
	last, _ := e.ended(w.Options, false)
	last.Findings = slices.DeleteFunc(last.Findings, func(f monitor.Finding) bool {
		return f.Kind != monitor.FoundViolation || stays(f.Violation.Property)
	})
	w.found(e, last.Findings, leaving)
}

// counted are the totals of the engines: each event is counted by the oldest,
// what is malformed for a property by each.
func (s *state) counted() (t Totals) {
	for i, e := range s.eras {
		sum := e.stream.Summary()
		if i == 0 {
			t.Events, t.Late, t.Duplicates = sum.Events, sum.Late, sum.Duplicates
		}
		t.Malformed += sum.Malformed
		t.Expired += sum.Expired
		t.Undecided += sum.Undecided
		t.Lossy = t.Lossy || sum.Lossy
	}
	return t
}

// Coverage is what events have used of each property that is judged, if the
// options want it.
func (w *Worker) Coverage() (all []monitor.Coverage) {
	for i := range w.eras {
		e := &w.eras[i]
		for _, c := range e.stream.Coverage() {
			if e.judges(c.Property) {
				all = append(all, c)
			}
		}
	}
	return all
}

// takeDown returns what appends each engine's state, as it is now, behind its
// length, in about some bytes.
func (s *state) takeDown() func(out []byte, size int) []byte {
	var engines []func(io.Writer) error
	for i := range s.eras {
		write, err := s.eras[i].stream.Snapshot()
		if err != nil {
			panic("stream: a stream that takes events can be saved: " + err.Error())
		}
		engines = append(engines, write)
	}
	return func(out []byte, size int) []byte {
		var b bytes.Buffer
		b.Grow(size)
		for _, write := range engines {
			b.Reset()
			if err := write(&b); err != nil {
				panic("stream: memory takes what is written: " + err.Error())
			}
			out = append(binary.AppendUvarint(out, uint64(b.Len())), b.Bytes()...)
		}
		return out
	}
}

func decodeEras(data []byte, p Plan, o monitor.StreamOptions) (all []running, err error) {
	for _, e := range p.eras {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(len(data)-size) {
			return nil, errors.New("it ends within an engine's part")
		}
		s, err := e.Program.Restore(bytes.NewReader(data[size:size+int(n)]), o)
		if err != nil {
			return nil, err
		}
		all, data = append(all, running{Era: e, stream: s}), data[size+int(n):]
	}
	return all, nil
}

// stray notes that a gateway hands events out by other properties than hold: of
// those that it does not know, this shard may lack events. It returns what is to be
// told, the first time.
func (s *state) stray(gateway string) (alarm string) {
	name, mark, marked := strings.Cut(gateway, "@")
	if !marked || mark == s.plan.Mark() {
		return ""
	}
	var names []string
	for _, u := range s.plan.unknownTo(mark) {
		i := slices.IndexFunc(s.eras, func(e running) bool { return e.Program == u.Program })
		s.eras[i].stream.Lose()
		names = append(names, u.names...)
	}
	if len(names) == 0 || slices.Contains(s.strays, name) {
		return ""
	}
	s.strays = append(s.strays, name)
	return fmt.Sprintf("a process that was not restarted since the properties changed still takes events in: what these could undo of %s is inconclusive (block %d)",
		strings.Join(names, ", "), s.offset)
}
