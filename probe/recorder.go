package probe

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/wtsim/wtsim/event"
)

// Recorder is the tap of production: it lets every call through and turns
// it into events by rules.
type Recorder struct {
	rules    *Rules
	function string
	instance string
	sink     func(event.Event)

	mu          sync.Mutex
	sequence    uint64
	invocations uint64
}

// NewRecorder returns the recorder of one function instance. instance must
// be unique among instances of the function, such as a UUID made at start.
// sink is called with each event, in order, and must not block for long.
func NewRecorder(function, instance string, rules *Rules, sink func(event.Event)) *Recorder {
	return &Recorder{rules: rules, function: function, instance: instance, sink: sink}
}

// Invocation marks the calling goroutine as working for a new invocation, as
// [Label] does, so that the events of its operations name it, until end is
// called on the same goroutine.
func (r *Recorder) Invocation(ctx context.Context) (labelled context.Context, end func()) {
	r.mu.Lock()
	r.invocations++
	id := fmt.Sprintf("%s/inv-%d", r.instance, r.invocations)
	r.mu.Unlock()
	return Label(ctx, r, id), func() { unlabel(ctx) }
}

// Enter lets the call through.
func (r *Recorder) Enter(*Call) Fate { return Fate{} }

// Leave records the events that the operation stands for.
func (r *Recorder) Leave(c *Call) error {
	for _, e := range r.rules.Apply(&c.Op) {
		r.record(e)
	}
	return nil
}

// Emit records an event that no operation shows.
func (r *Recorder) Emit(eventType string, params map[string]any) {
	data, err := event.DataOf(params)
	if err != nil {
		data = event.Data{{Name: "error", Value: event.Str(err.Error())}}
	}
	r.record(Emitted{Type: eventType, Data: data})
}

// Passive is true: a Recorder only looks on.
func (r *Recorder) Passive() bool { return true }

func (r *Recorder) record(e Emitted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sequence++
	n := strconv.FormatUint(r.sequence, 10)
	r.sink(event.Event{
		ID: r.instance + "/" + n, Source: "/functions/" + r.function + "/" + r.instance,
		Type: e.Type, Time: time.Now().UTC(), //wtsim:clock production's clock
		Sequence: n, Invocation: Caller(), Data: e.Data,
	})
}
