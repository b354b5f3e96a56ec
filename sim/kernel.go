package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
)

// kernel is the world as services see it.
type kernel struct {
	*world
	deployed cloud.Deployment
	backends []cloud.Backend
}

// Lock guards what effects and the run both touch.
func (k *kernel) Lock() { k.mu.Lock() }

// Unlock gives it back.
func (k *kernel) Unlock() { k.mu.Unlock() }

// Now is the virtual time.
func (k *kernel) Now() time.Time { return time.Now() } //wtsim:clock the bubble's clock

// Span is when the run began, and after when nothing begins by itself.
func (k *kernel) Span() (epoch, horizon time.Time) {
	s := &k.sim.scenario
	return s.Epoch, s.Epoch.Add(s.Horizon)
}

// Deployment is what the scenario deploys.
func (k *kernel) Deployment() *cloud.Deployment { return &k.deployed }

// Backends are those of the run.
func (k *kernel) Backends() []cloud.Backend { return k.backends }

// Origin tells who makes a call.
func (k *kernel) Origin(c *probe.Call) *cloud.Origin { return c.Ref.(*call).origin() }

// At calls do when an instant has come.
func (k *kernel) At(at time.Time, name string, do func()) { k.agenda.add(at, name, do) }

// NotAt takes an entry back.
func (k *kernel) NotAt(at time.Time, name string) { k.agenda.remove(at, name) }

// Invoke makes a task that may start, now or later.
func (k *kernel) Invoke(t *cloud.Task, at time.Time) { k.schedule(k.taskOf(t), at) }

// Hand makes a task ready for the instance that waits for it.
func (k *kernel) Hand(t *cloud.Task) { k.schedule(k.taskOf(t), time.Time{}) }

// Recall takes a task back that has not started.
func (k *kernel) Recall(t *cloud.Task) {
	mine := k.taskOf(t)
	mine.stage = over
	k.tasks = slices.DeleteFunc(k.tasks, func(x *task) bool { return x == mine })
	t.Ref = nil
}

// Replace puts a task in the place of another that has not started.
func (k *kernel) Replace(t, by *cloud.Task) {
	old, mine := k.taskOf(t), k.taskOf(by)
	mine.stage, mine.readySince = pending, old.readySince
	k.tasks[slices.Index(k.tasks, old)] = mine
	t.Ref = nil
}

// Waiting returns the tasks that have not started.
func (k *kernel) Waiting() []*cloud.Task {
	var out []*cloud.Task
	for _, t := range k.tasks {
		if t.stage == pending {
			out = append(out, t.Task)
		}
	}
	return out
}

// First decides which of the tasks that wait is taken first.
func (k *kernel) First(step string, waiting []*cloud.Task, function string) int {
	if len(waiting) < 2 || !k.allowed(cloud.Reorder) {
		return 0
	}
	d := scheduler.Decision{At: "order " + step, Options: make([]scheduler.Option, 1, len(waiting)), State: k.state()}
	for _, t := range waiting[1:] {
		d.Options = append(d.Options, scheduler.Option{Do: cloud.Reorder, With: t.Name.Text})
	}
	i := k.record.Choose(d)
	if i > 0 {
		k.remark(fmt.Sprintf("%s comes before %s", which(waiting[i], function), which(waiting[0], function)))
	}
	return i
}

// Happens tells what has happened to a task without being decided.
func (k *kernel) Happens(t *cloud.Task, name, what, status string) {
	s := Step{Identity: name + " " + t.Name.Text, Kind: KindTime, Task: t.Name.Text, Function: t.Name.Function, What: what, Status: status}
	if mine, ok := t.Ref.(*task); ok {
		s.Instance, s.Number = instanceID(mine), mine.number
	}
	k.happened = append(k.happened, s)
}

// taskOf is the run's own task of a service's.
func (w *world) taskOf(t *cloud.Task) *task {
	if mine, ok := t.Ref.(*task); ok {
		return mine
	}
	mine := &task{Task: t, fn: w.function(t.Name.Function)}
	t.Ref = mine
	return mine
}

// schedule makes a task pending, now or at a later instant.
func (w *world) schedule(t *task, at time.Time) {
	if at.IsZero() {
		t.stage = pending
		w.tasks = append(w.tasks, t)
		return
	}
	t.stage = waiting
	w.agenda.add(at, "retry "+t.Name.Text, func() {
		if c, ok := t.Cause.(cloud.Cancelled); ok && c.Cancelled() {
			return
		}
		t.stage = pending
		w.tasks = append(w.tasks, t)
	})
}

// repeat makes a second delivery of what a task is about, which nobody waits
// for: a duplicate.
func (w *world) repeat(t *task) {
	if c, ok := t.Cause.(cloud.Doubled); ok {
		c.Double()
	}
	second := t.Second()
	second.Copy = true
	w.schedule(w.taskOf(second), time.Time{})
}
