package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/scheduler"
)

// StepKind tells what a step was.
type StepKind string

// The kinds of step.
const (
	KindStart     StepKind = "start"     // an invocation starts
	KindOperation StepKind = "operation" // an operation happens, or not
	KindEnd       StepKind = "end"       // the platform notices an invocation's end
	KindTime      StepKind = "time"      // something happened because time passed
)

// Step is one thing that happened, as a story tells it and the trace hash
// sees it.
// Its fields are what a trace tells, a column each.
type Step struct {
	Time       time.Time
	Identity   string // of the step; decisions are named after it
	Kind       StepKind
	Task       cloud.Label // that it belongs to; the zero value for none
	From       cloud.Part  // of a start: what it comes from, if that is known by a name
	Function   string
	Instance   string           // function instance
	Number     int              // of the function's invocations, from 1
	Cold       bool             // on a new function instance
	What       string           // in words
	Trigger    Trigger          // of a start
	Outcome    Outcome          // what was decided, if it is not benign
	Held       *Past            // past what an operation is held, if it is
	Lacks      string           // of an operation: what of its service is not simulated, for which it was refused
	Status     string           // the result, in words
	Operation  *event.Operation // of an operation
	Events     []event.Event
	Deviations []string // decided just before or in this step, in words
	Named      []string // identities of other steps that these name: what was overtaken
	Output     string   // what handlers printed
	Changes    []Change // what it has changed in stores, of a run that is watched for it, see [WatchStores]

	Answer string // of an operation that has waited: what it was delivered later, in words

	open bool // the operation has no result yet: it waits, or its result comes later and is lost
}

// Outcome is the deviation that a step was decided for: its kind and its
// parameter. The zero value is the benign one.
type Outcome struct {
	Do   string // one of [cloud.Kinds]
	With string
}

// String is e.g. "lose-response reset"; empty if benign.
func (o Outcome) String() string { return scheduler.Option{Do: o.Do, With: o.With}.String() }

func outcome(o scheduler.Option) Outcome { return Outcome{o.Do, o.With} }

// trace is the hash over the lines of a run.
type trace struct {
	sum       hash.Hash
	line      []byte
	arguments [sha256.Size]byte // digest of the newest operation's
}

func newTrace() *trace { return &trace{sum: sha256.New()} }

// add hashes one line: virtual time, identity with its tokens as they are,
// outcome, status, digest of the arguments, events.
func (t *trace) add(s *Step) {
	b := strconv.AppendInt(t.line[:0], s.Time.UnixNano(), 10)
	for _, part := range []string{s.Identity, s.Outcome.String(), s.Status} {
		b = strconv.AppendQuote(append(b, ' '), part)
	}
	if s.Operation != nil {
		b = strconv.AppendQuote(append(b, ' '), opLabel(s.Operation))
		b = append(b, ' ')
		t.arguments = digest(s.Operation)
		b = hex.AppendEncode(b, t.arguments[:])
	}
	for i := range s.Events {
		b = s.Events[i].AppendJSON(append(b, ' '))
	}
	t.line = append(b, '\n')
	t.sum.Write(t.line)
}

func (t *trace) hash() string { return hex.EncodeToString(t.sum.Sum(nil)) }

// digest is the SHA-256 of an operation's canonical arguments.
func digest(op *event.Operation) [sha256.Size]byte {
	b := make([]byte, 0, 256)
	part := func(s string) {
		b = strconv.AppendInt(b, int64(len(s)), 10)
		b = append(append(b, ':'), s...)
	}
	for _, w := range op.Request.Words {
		part(w)
	}
	part(op.Request.Target)
	for _, name := range slices.Sorted(maps.Keys(op.Request.Header)) {
		part(name)
		part(op.Request.Header[name])
	}
	part(string(op.Request.Body))
	return sha256.Sum256(b)
}

// follower is a source that is told of each step when it begins to go on in a
// handler, which may not let it end, and when it is done.
type follower interface{ Follow(s *Step, done bool) }

// begins notes that a handler goes on, in a step of its task.
func (w *world) begins(t *task, s *Step) {
	st := &w.story
	st.doing, st.does = *s, true
	st.doing.Time = time.Now().UTC() //wtsim:clock the bubble's clock
	st.doing.Number, st.doing.Instance, st.doing.Deviations = t.number, t.inst.ID, slices.Clone(w.chance.notes)
	if w.chance.follower != nil {
		w.chance.follower.Follow(&st.doing, false)
	}
}

// tell adds a step to the trace, with the events since the last one, and
// asks the properties about them.
func (w *world) tell(s Step) {
	w.threads.chosen.Add(1)
	emitted := w.gate.events(s.Task.Text)
	s.Time = time.Now().UTC() //wtsim:clock the bubble's clock
	s.Output = w.story.output.take()
	w.chance.noted(&s)
	s.Lacks = w.services.kernel.limits.newest()
	for _, e := range emitted {
		s.Events = append(s.Events, e.event(s.Time))
	}
	w.story.trace.add(&s)
	w.insight.did(&s, w.story.trace.arguments)
	if w.insight.watch == WatchStores {
		s.Changes = w.changes()
	}
	w.story.steps, w.story.does = append(w.story.steps, s), false
	if w.chance.follower != nil {
		w.chance.follower.Follow(&s, true)
	}
	w.story.last, w.story.counted = s.Identity, w.story.counted+1
	w.beat.Tick()
	w.observe(s.Events)
}

// observe asks the properties about events, until one is violated.
func (w *world) observe(events []event.Event) {
	for _, e := range events {
		j := w.monitor.Observe(e)
		for _, u := range j.Used {
			w.insight.took(u.Property, u.TransitionUse)
		}
		if v := j.Violations(); len(v) > 0 {
			w.result.violated(v[0], "")
			return
		}
	}
}

const prints = "prints"

// tellOutput tells what was printed since the last step, by goroutines that
// woke up by themselves. It is no step of the trace: what a run prints changes
// neither its hash nor its identities.
func (st *chronicle) tellOutput() {
	s := Step{Time: time.Now().UTC(), Kind: KindTime, What: prints} //wtsim:clock the bubble's clock
	s.Identity = fmt.Sprintf("%s, output %d", st.last, len(st.steps))
	s.Output = st.output.take()
	st.steps = append(st.steps, s)
}

// event gives an emission its source, id and time.
func (e emission) event(now time.Time) event.Event {
	now = now.Add(e.inst.skew)
	e.inst.sequence++
	n := strconv.FormatUint(e.inst.sequence, 10)
	source := "/clients/" + e.inst.ID
	if e.inst.fn != nil {
		source = "/functions/" + e.inst.fn.Name + "/" + e.inst.ID
	}
	return event.Event{
		ID: e.inst.ID + "/" + n, Source: source, Type: e.Type, Time: now,
		Sequence: n, Invocation: e.invocation, Data: e.Data,
	}
}

// chronicle is what a run tells, in order. It belongs to the run's goroutine.
type chronicle struct {
	trace  *trace
	output *capture
	steps  []Step
	doing  Step // if it does: what a handler goes on with
	does   bool
	held   map[string][]cloud.Content // by stores, as it was last asked, see changes

	counted   int    // steps that count: those that only print do not
	last      string // identity of the last step that counts
	lastNamed string // identity of the last one that has one of its own
	wakings   int    // steps since then
	waited    bool   // time has passed since the last step
	happened  []Step // at this instant, without being decided: time limits, what is given up
}

// named notes the identity of a step of its own.
func (st *chronicle) named(identity string) { st.lastNamed, st.wakings = identity, 0 }

func (st *chronicle) lastStep() string {
	if st.last == "" {
		return "begin"
	}
	return st.last
}

// happens notes what is to be told of a task although nobody decided it.
func (st *chronicle) happens(t *cloud.Task, name, what, status string) {
	s := Step{Identity: name + " " + t.Name.Text, Kind: KindTime, Task: t.Name.Label, Function: t.Name.Function, What: what, Status: status}
	if mine, ok := t.Ref.(*task); ok {
		s.Instance, s.Number = instanceID(mine), mine.number
	}
	st.happened = append(st.happened, s)
}
