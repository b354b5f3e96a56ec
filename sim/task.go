package sim

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/cloud"
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

// task is what wants to go on. Its name tells its cause; see identity.go. It
// belongs to the run's goroutine, but for what its own goroutines do between
// two quiescent points, by way of the gate.
type task struct {
	*cloud.Task
	fn     *function
	inst   *instance // once it has one
	stage  stage
	refuse time.Time // when it is refused, while it finds no instance
	calls  []*call   // parked at the tap, in order of identity
	memory
	pace
	invocation
}

// memory is what a task has named so far.
type memory struct {
	counts  map[string]int // of what has one label
	touched []touch        // resources of its operations, for stall
}

// pace is when a task did something, and when it may.
type pace struct {
	readySince int       // when it became ready; 0 if it is not
	lastStep   time.Time // when it did something
	row        int       // operations in a row
	same       int       // of these, how often the last one had the same result
	lastRun    string    // that
}

// invocation is the handler's call of a task that has started.
type invocation struct {
	number      int // of the function's invocations, in order of start; for people
	cancel      context.CancelFunc
	timeout     time.Time // its time limit
	timeoutName string    // of the agenda's entry
	ending      cloud.Ending
	slow        bool  // its end comes after its time limit
	overdue     bool  // its time limit has passed: what it does has no answer
	lastLook    entry // of the agenda, when it is overdue
	patience    entry // of the agenda: until then who invokes waits, where the function may take longer
}

type touch struct{ service, resource string }

// handed reports whether it is no invocation, but something that an instance
// waits for.
func (t *task) handed() bool {
	_, ok := t.Cause.(cloud.Handed)
	return ok
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

// call is an operation that waits at the tap.
type call struct {
	*probe.Call
	task      *task
	inst      *instance
	building  bool        // made by the constructor
	full      string      // service, method and resource
	label     string      // the same with generated tokens masked
	id        string      // identity, once given
	owner     cloud.Label // its first part: the task, or its constructor
	k         int         // its number
	caller    string      // the goroutine's label
	goroutine int         // its id, once asked for
	release   chan probe.Fate
	stops     int         // the step, if a debugger stops there
	held      *hold       // by a stall
	late      *hold       // it is held so when its caller has gone
	dies      bool        // the instance dies when it has had its effect
	left      bool        // it had its effect
	withdrawn atomic.Bool // the caller gave up; its goroutine says so at any time
	from      *cloud.Origin
}

// origin is who makes it, to services.
func (c *call) origin() *cloud.Origin {
	if c.from == nil {
		c.from = cloud.NewOrigin(c.owner, c.k, c.task.Root, &c.inst.Instance, c.task.count)
	}
	return c.from
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
		return "start " + c.task.Name.Text
	case c.task.slow:
		return "late end " + c.task.Name.Text
	}
	return "end " + c.task.Name.Text
}
