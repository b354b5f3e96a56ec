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
	scenario *Scenario
	deployed cloud.Deployment
	gate     *gate
	agenda   *agenda
	roster   *roster
	fleet    *fleet
	chance   *chance
	story    *chronicle
	services *services
	limits   limits
}

// Lock guards what effects and the run both touch.
func (k *kernel) Lock() { k.gate.mu.Lock() }

// Unlock gives it back.
func (k *kernel) Unlock() { k.gate.mu.Unlock() }

// Now is the virtual time.
func (k *kernel) Now() time.Time { return time.Now() } //wtsim:clock the bubble's clock

// Span is when the run began, and after when nothing begins by itself.
func (k *kernel) Span() (epoch, horizon time.Time) {
	return k.scenario.Epoch, k.scenario.Epoch.Add(k.scenario.Horizon)
}

// Deployment is what the scenario deploys.
func (k *kernel) Deployment() *cloud.Deployment { return &k.deployed }

// Backends are those of the run.
func (k *kernel) Backends() []cloud.Backend { return k.services.opened }

// Origin tells who makes a call.
func (k *kernel) Origin(c *probe.Call) *cloud.Origin { return c.Ref.(*call).origin() }

// At calls do when an instant has come.
func (k *kernel) At(at time.Time, name string, do func()) { k.agenda.add(at, name, do) }

// NotAt takes an entry back.
func (k *kernel) NotAt(at time.Time, name string) { k.agenda.remove(at, name) }

// Invoke makes a task that may start: now, or if an instant is given then,
// unless it was taken back meanwhile.
func (k *kernel) Invoke(t *cloud.Task, at time.Time) {
	mine := k.own(t)
	if at.IsZero() {
		k.roster.add(mine)
		return
	}
	mine.stage = waiting
	k.agenda.add(at, "retry "+t.Name.Text, func() {
		if c, ok := t.Cause.(cloud.Cancelled); !ok || !c.Cancelled() {
			k.roster.add(mine)
		}
	})
}

// own is the run's own task of a service's.
func (k *kernel) own(t *cloud.Task) *task {
	if mine, ok := t.Ref.(*task); ok {
		return mine
	}
	mine := &task{Task: t, fn: k.fleet.function(t.Name.Function)}
	t.Ref = mine
	return mine
}

// Hand makes a task ready for the instance that waits for it.
func (k *kernel) Hand(t *cloud.Task) {
	mine := k.own(t)
	mine.fn = k.fleet.function(t.Name.Function)
	k.roster.add(mine)
}

// Recall takes a task back that has not started.
func (k *kernel) Recall(t *cloud.Task) {
	mine := k.own(t)
	mine.stage = over
	k.roster.tasks = slices.DeleteFunc(k.roster.tasks, func(x *task) bool { return x == mine })
}

// Replace puts a task in the place of another that has not started.
func (k *kernel) Replace(t, by *cloud.Task) {
	old, mine := k.own(t), k.own(by)
	mine.fn, mine.stage, mine.readySince = k.fleet.function(by.Name.Function), pending, old.readySince
	k.roster.tasks[slices.Index(k.roster.tasks, old)] = mine
	old.stage, old.readySince = waiting, 0
}

// Waiting returns the tasks that have not started.
func (k *kernel) Waiting() []*cloud.Task {
	var out []*cloud.Task
	for _, t := range k.roster.tasks {
		if t.stage == pending {
			out = append(out, t.Task)
		}
	}
	return out
}

// First decides which of the tasks that wait is taken first.
func (k *kernel) First(step string, waiting []*cloud.Task, function string) int {
	if len(waiting) < 2 || !k.chance.allowed(cloud.Reorder) {
		return 0
	}
	d := scheduler.Decision{At: "order " + step, Options: make([]scheduler.Option, 1, len(waiting)), State: k.chance.state()}
	for _, t := range waiting[1:] {
		d.Options = append(d.Options, scheduler.Option{Do: cloud.Reorder, With: t.Name.Text})
	}
	i := k.chance.record.Choose(d)
	if i > 0 {
		k.chance.remark(fmt.Sprintf("%s comes before %s", which(waiting[i], function), which(waiting[0], function)), "start "+waiting[0].Name.Text)
	}
	return i
}

// Happens tells what has happened to a task without being decided.
func (k *kernel) Happens(t *cloud.Task, name, what, status string) {
	k.story.happens(t, name, what, status)
}

// repeat makes a second delivery of what a task is about, which nobody waits
// for: a duplicate.
func (k *kernel) repeat(t *task) {
	if c, ok := t.Cause.(cloud.Doubled); ok {
		c.Double()
	}
	second := t.Second()
	second.Copy = true
	k.Invoke(second, time.Time{})
}
