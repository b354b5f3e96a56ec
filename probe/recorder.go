package probe

import (
	"fmt"
	"net/http"
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

// Handler labels every request of an HTTP function as an invocation, so that
// the events of its operations name it.
func (r *Recorder) Handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.invocations++
		id := fmt.Sprintf("%s/inv-%d", r.instance, r.invocations)
		r.mu.Unlock()
		defer unlabel(req.Context())
		h.ServeHTTP(w, req.WithContext(Label(req.Context(), r, id)))
	})
}

// Enter lets the call through.
func (r *Recorder) Enter(*Call) Verdict { return Verdict{} }

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

// passive reports whether a tap only looks on. A monitor observes and cannot
// influence: bytes then take the way that they would take without a probe.
func passive(t Tap) bool {
	_, ok := t.(*Recorder)
	return ok
}
