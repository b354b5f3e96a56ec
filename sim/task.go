package sim

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/probe"
)

// stage is where a task stands.
type stage uint8

const (
	waiting stage = iota // for the agenda, or for its client's earlier request
	pending              // may start
	live                 // its goroutine runs
	ended                // its handler has returned; the platform has not noticed yet
	over                 // the platform is done with it
)

// task is what wants to go on. Its name tells its cause; see identity.go.
type task struct {
	name    string
	root    string // the client's request that it follows from
	fn      *function
	attempt int // 1 for the first
	stage   stage

	cause  cause       // nil for a background task
	copy   bool        // a duplicate, whose end concerns nobody
	stream *pullStream // that a pull subscription's delivery is for
	refuse time.Time   // when it is refused, while it finds no instance
	slow   bool        // its end comes after its time limit
	// background is a function instance's own task: calls that belong to
	// none of its invocations.
	background bool

	number  int // of the function's invocations, in order of start; for people
	inst    *instance
	cancel  context.CancelFunc
	timeout time.Time
	// timeoutName is that of the agenda's entry.
	timeoutName string
	ending      ending

	calls      []*call // parked at the tap, in order of identity
	readySince int     // when it became ready; 0 if it is not
	overdue    bool    // its time limit has passed: what it does has no answer
	lastLook   entry   // of the agenda, when it is overdue
	counts     map[string]int
	touched    []touch // resources that its operations named, for stall

	lastStep time.Time // when it did something

	row     int // operations in a row
	same    int // of these, how often the last one had the same result
	lastRun string
}

type touch struct{ service, resource string }

// ending is how a handler returned.
type ending struct {
	status  string // "200", "ok", "error: ..."
	success bool
	resp    Response
	aborted bool // the client gets no answer
	panic   *handlerPanic
}

type handlerPanic struct {
	value any
	stack string
}

// count numbers what has one label within this attempt, from 1.
func (t *task) count(label string) int {
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	t.counts[label]++
	return t.counts[label]
}

func (t *task) touch(service, resource string) {
	for _, key := range strings.Fields(resource) {
		if x := (touch{service, key}); !slices.Contains(t.touched, x) {
			t.touched = append(t.touched, x)
		}
	}
}

// people's name of the task: its function and the request it follows from; of
// several messages, events or queued tasks that are alike, also which it is.
func (t *task) who() string {
	if t.background {
		return t.inst.id + " of " + t.fn.Name + " (background)"
	}
	_, cause, _ := strings.Cut(t.name, "(")
	cause = cause[:max(0, strings.LastIndexByte(cause, ')'))]
	if k := strings.TrimPrefix(cause[strings.LastIndexByte(cause, '/')+1:], "1."); cause != t.root && k != "" && k != "1" {
		return t.fn.Name + "(" + t.root + ", no. " + k + ")"
	}
	return t.fn.Name + "(" + t.root + ")"
}

// call is an operation that waits at the tap.
type call struct {
	*probe.Call
	task      *task
	inst      *instance
	building  bool   // made by the constructor
	full      string // service, method and resource
	label     string // the same with generated tokens masked
	id        string // identity, once given
	owner     string // its first part: the task, or its constructor
	k         int    // its number
	published int    // messages, so far
	caller    string // the goroutine's label
	goroutine int    // its id, once asked for
	release   chan probe.Fate
	held      *hold       // by a stall
	dies      bool        // the instance dies when it has had its effect
	left      bool        // it had its effect
	withdrawn atomic.Bool // the caller gave up; its goroutine says so at any time
}

// candidate is one thing that may happen next: a call, or the start or the
// end of a task.
type candidate struct {
	task    *task
	call    *call
	started bool // the start of the task, which is live by now
}

// step is the identity of what would happen.
func (c candidate) step() string {
	switch {
	case c.call != nil:
		return c.call.id
	case c.task.stage == pending || c.started:
		return "start " + c.task.name
	case c.task.slow:
		return "late end " + c.task.name
	}
	return "end " + c.task.name
}
