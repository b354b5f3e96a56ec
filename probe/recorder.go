package probe

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/wtsim/wtsim/event"
)

// Sink takes the events of a [Recorder] out of the process. Its methods are
// called from many goroutines; package sink has some.
type Sink interface {
	// Put takes an event, in order, and does not block for long: it drops and
	// counts what it has no room for.
	Put(event.Event)
	// Flush returns when what was put before has left, or when the sink does
	// not want its caller to wait any longer: then with an error.
	Flush(context.Context) error
}

// SinkFunc is a [Sink] that an event leaves by as it is put.
type SinkFunc func(event.Event)

// Put calls f.
func (f SinkFunc) Put(e event.Event) { f(e) }

// Flush has nothing to do.
func (f SinkFunc) Flush(context.Context) error { return nil }

// Recorder is the tap of production: it lets every call through and turns
// it into events by rules.
type Recorder struct {
	rules    *Rules
	instance string
	source   string // of all events
	sink     Sink
	keeper   Sink // of operations; nil if nobody keeps them

	mu          sync.Mutex
	events      numbers
	kept        numbers // of the keeper
	invocations uint64
}

// NewRecorder returns the recorder of one function instance. instance must
// be unique among instances of the function, such as what crypto/rand.Text returns at start.
func NewRecorder(function, instance string, rules *Rules, sink Sink) *Recorder {
	return &Recorder{rules: rules, instance: instance, source: "/functions/" + function + "/" + instance, sink: sink}
}

// Keep has every operation go to another sink as well, as it is, and what the
// application emits: a recording, of which other rules can make other events
// later (see [Recorded]). It is called before the first call. Bodies are kept as
// they are, up to [MostRecorded].
func (r *Recorder) Keep(to Sink) { r.keeper = to }

// Keeping reports whether operations are kept: a probe then gives an answer as it
// was sent too, where an operation has it in another form.
func (r *Recorder) Keeping() bool { return r.keeper != nil }

// Bodies tells whether anybody looks into the body of an operation's request, and of its
// answer, by what is known before it is made: its service, method and resource.
// What nobody looks into need not be read by a probe, nor waited for.
func (r *Recorder) Bodies(op *event.Operation) (request, response bool) {
	if r.keeper != nil {
		return true, true
	}
	return r.rules.bodies(op)
}

// Wants tells whether anybody asks for an operation, by its service, method and
// resource. What nobody asks for a probe need not tell.
func (r *Recorder) Wants(op *event.Operation) bool {
	return r.keeper != nil || r.rules.wants(op)
}

// Enter lets the call through.
func (r *Recorder) Enter(*Call) Fate { return Fate{} }

// Leave records the events that the operation stands for.
func (r *Recorder) Leave(c *Call) error {
	if r.keeper != nil {
		r.keepOperation(&c.Op)
	}
	r.rules.each(&c.Op, r.record)
	return nil
}

func (r *Recorder) keepOperation(op *event.Operation) {
	data, err := recordingOf(op)
	if err != nil {
		data = event.Data{{Name: "error", Value: event.Str(err.Error())}} // no operation, which whoever reads it says
	}
	r.keep(Emitted{Type: OperationType, Data: data})
}

// Note puts into the recording alone, if one is kept, what no operation shows and
// no rule asks for: its type begins with [NotePrefix].
func (r *Recorder) Note(what string, data event.Data) {
	if r.keeper != nil {
		r.keep(Emitted{Type: NotePrefix + what, Data: data})
	}
}

// Emit records an event that no operation shows.
func (r *Recorder) Emit(eventType string, params map[string]any) {
	data, err := event.DataOf(params)
	if err != nil {
		data = event.Data{{Name: "error", Value: event.Str(err.Error())}}
	}
	if r.keeper != nil {
		r.keep(Emitted{Type: eventType, Data: data})
	}
	r.record(Emitted{Type: eventType, Data: data})
}

// Lose tells that operations which some rule is about are not told, for want of room:
// the numbers of the events have a gap of as many, and a sink that is a [Loser] counts
// them.
func (r *Recorder) Lose(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events.skip(n)
	lost(r.sink, n)
	if r.keeper != nil {
		r.kept.skip(n)
		lost(r.keeper, n)
	}
}

// Loser is a [Sink] that counts events which were lost before they came to it.
type Loser interface{ Lost(n int) }

func lost(s Sink, n int) {
	if l, ok := s.(Loser); ok {
		l.Lost(n)
	}
}

// Passive is true: a Recorder only looks on.
func (r *Recorder) Passive() bool { return true }

func (r *Recorder) record(e Emitted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(r.sink, &r.events, e)
}

func (r *Recorder) keep(e Emitted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(r.keeper, &r.kept, e)
}

func (r *Recorder) put(to Sink, of *numbers, e Emitted) {
	id, sequence := of.take(r.instance)
	to.Put(event.Event{
		ID: id, Source: r.source,
		Type: e.Type, Time: time.Now().UTC(), //wtsim:clock production's clock
		Sequence: sequence, Invocation: Caller(), TraceParent: label(traceKey), Data: e.Data,
	})
}

// numbers are the ids of a recorder's events. They are written some at once, into
// one text.
type numbers struct {
	last uint64
	text string // those of the next ones
}

const numbersAtOnce = 16

// skip leaves numbers out.
func (n *numbers) skip(many int) { n.last, n.text = n.last+uint64(max(many, 0)), "" }

// take returns an event's id, and the number that it ends with.
func (n *numbers) take(instance string) (id, sequence string) {
	if n.text == "" {
		var text []byte
		for next := range uint64(numbersAtOnce) {
			text = strconv.AppendUint(append(append(text, instance...), '/'), n.last+1+next, 10)
		}
		n.text = string(text)
	}
	n.last++
	digits := 1
	for m := n.last; m > 9; m /= 10 {
		digits++
	}
	id, n.text = n.text[:len(instance)+1+digits], n.text[len(instance)+1+digits:]
	return id, id[len(instance)+1:]
}
