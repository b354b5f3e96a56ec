package cloud

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/probe"
)

// Kernel is a run as services see it: the time, who calls, what falls due, and
// how functions are invoked.
//
// Its lock guards what effects of operations and the run itself both touch, a
// backend's own fields too: an effect holds it while it changes something. The
// kernel's other methods do not take it.
type Kernel interface {
	sync.Locker

	// Now is the virtual time.
	Now() time.Time
	// Span is when the run began, and after when nothing begins by itself.
	Span() (epoch, horizon time.Time)
	// Deployment is what the scenario deploys.
	Deployment() *Deployment
	// Backends are those of the run, in the order in which they are declared.
	Backends() []Backend

	// Origin tells who makes a call, for the names of what follows from it.
	Origin(*probe.Call) *Origin

	// At calls do when an instant has come. The name says what falls due, and
	// is unique at its instant.
	At(at time.Time, name string, do func())
	// NotAt takes an entry back, if it is there.
	NotAt(at time.Time, name string)

	// Invoke makes a task that may start, now, or when an instant has come if
	// it is not zero.
	Invoke(t *Task, at time.Time)
	// Hand makes a task ready whose cause is [Handed], for its instance.
	Hand(*Task)
	// Recall takes a task back that has not started.
	Recall(*Task)
	// Replace puts a task in the place of another that has not started.
	Replace(t, by *Task)
	// Waiting returns the tasks that have not started, in their order.
	Waiting() []*Task
	// First decides which of the tasks that wait is taken first with a step,
	// and returns its place. function is who takes it.
	First(step string, waiting []*Task, function string) int

	// Happens tells what has happened to a task without being decided: name is
	// the beginning of the step's identity, what and status are for people.
	Happens(t *Task, name, what, status string)

	// Lacks tells that a service has refused a call because it is not simulated
	// (a command, a method, a route), by its name. The run is then inconclusive,
	// unless the scenario says that it is meant. It may be called with the lock
	// and without.
	Lacks(what string)
}

// Origin is who makes a call: what follows from the call is named after it.
type Origin struct {
	Task     Label  // the task, or its constructor
	Number   int    // of the call among those of its label
	Root     string // the client's request that it follows from
	Instance *Instance

	things int
	count  func(label string) int
}

// NewOrigin returns the origin of a call; count numbers what has one label
// within the caller's attempt.
func NewOrigin(task Label, number int, root string, i *Instance, count func(label string) int) *Origin {
	return &Origin{Task: task, Number: number, Root: root, Instance: i, count: count}
}

// Next numbers the things that follow from the call, from 1.
func (o *Origin) Next() int {
	o.things++
	return o.things
}

// Count numbers what has one label within the caller's attempt, from 1.
func (o *Origin) Count(label string) int { return o.count(label) }

// Instance is a function instance as services see it.
type Instance struct {
	ID       string // "i-7"
	Function string
	dead     atomic.Bool
}

// Dead reports whether it has died: nothing that it does counts any more.
func (i *Instance) Dead() bool { return i.dead.Load() }

// Die says that it has.
func (i *Instance) Die() { i.dead.Store(true) }

// Digest collects what a state is made of.
type Digest []byte

// Number adds a number.
func (d *Digest) Number(n int64) { *d = binary.AppendVarint(*d, n) }

// Time adds an instant.
func (d *Digest) Time(t time.Time) { d.Number(t.UnixNano()) }

// Text adds a text.
func (d *Digest) Text(s string) {
	d.Number(int64(len(s)))
	*d = append(*d, s...)
}

// Flags adds conditions.
func (d *Digest) Flags(on ...bool) {
	n := int64(0)
	for i, f := range on {
		if f {
			n |= 1 << i
		}
	}
	d.Number(n)
}

// Tasks adds the names of tasks.
func (d *Digest) Tasks(tasks []*Task) {
	d.Number(int64(len(tasks)))
	for _, t := range tasks {
		d.Text(t.Name.String())
	}
}
