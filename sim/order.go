package sim

import (
	"fmt"
	"slices"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/scheduler"
)

// roster is the tasks that may still go on. Effects of operations add to it,
// under the gate's lock; all else belongs to the run's goroutine.
type roster struct {
	tasks   []*task // in order of creation
	clock   int     // counts readiness
	current *task   // that did something last
}

// add makes a task one that may start.
func (ro *roster) add(t *task) {
	t.stage = pending
	ro.tasks = append(ro.tasks, t)
}

// ready reports whether the task has something that may happen.
func (t *task) ready() bool {
	if t.turns() {
		return true
	}
	return slices.ContainsFunc(t.calls, t.lets)
}

// lets reports whether one of the task's calls may happen: not if it is held,
// nor if its CPU is frozen, unless it has left the instance behind.
func (t *task) lets(c *call) bool {
	return c.free() && (c.After != nil || !t.Own || t.inst.busy())
}

// turns reports whether the task may start, or end.
func (t *task) turns() bool {
	return t.stage == pending && t.placeable() || t.stage == ended && (!t.slow || t.overdue)
}

// free reports whether the call is not held by a stall.
func (c *call) free() bool { return c.held == nil }

// candidates lists what may happen next in benign order: the task that ran
// last while it is ready, then the others by when they became ready, and
// clients' requests, in the order listed, when nothing else is. One that was
// at it for 50 operations comes after the others; one that makes the same
// operation with the same result over and over, after the requests too.
func (ro *roster) candidates() []candidate {
	var tasks []*task
	for _, t := range ro.tasks {
		if t.ready() {
			tasks = append(tasks, t)
		}
	}
	slices.SortStableFunc(tasks, func(a, b *task) int {
		rank := ro.rank(a)
		if d := rank - ro.rank(b); d != 0 {
			return d
		}
		if rank == 3 { // by position in the workload
			return a.Cause.(*pendingRequest).order - b.Cause.(*pendingRequest).order
		}
		return a.readySince - b.readySince
	})
	var out []candidate
	for _, t := range tasks {
		for _, c := range t.calls {
			if t.lets(c) {
				out = append(out, candidate{task: t, call: c})
			}
		}
		if t.turns() {
			out = append(out, candidate{task: t})
		}
	}
	return out
}

func (ro *roster) rank(t *task) int {
	switch {
	case t == ro.current && t.spins():
		return 4
	case t == ro.current && t.tired():
		return 2
	case t == ro.current:
		return 0
	case t.stage == pending:
		if _, ok := t.Cause.(*pendingRequest); ok {
			return 3
		}
	}
	return 1
}

// choose picks what happens next: the decision "after <the last step>".
func (w *world) choose(ready []candidate) candidate {
	if len(ready) == 1 {
		return ready[0]
	}
	d := scheduler.Decision{At: "after " + w.story.lastStep(), Options: make([]scheduler.Option, 1, len(ready)), State: w.state()}
	d.Options[0].Next = w.insight.nextStep(ready[0])
	index := []int{0}
	for i, c := range ready[1:] {
		if o := w.overtake(ready, c); w.chance.allowed(o.Do) {
			o.Next = w.insight.nextStep(c)
			d.Options = append(d.Options, o)
			index = append(index, i+1)
		}
	}
	picked := w.chance.record.Choose(d)
	c := ready[index[picked]]
	if picked > 0 {
		w.chance.remark(fmt.Sprintf("%s goes before %s", c.people(), ready[0].people()), ready[0].step())
	}
	return c
}

// overtake names the option to let c happen before the first candidate: the
// delivery of a message overtakes if an earlier one of its subscription
// waits.
func (w *world) overtake(ready []candidate, c candidate) scheduler.Option {
	first := true
	for _, other := range ready {
		if other.task == c.task {
			break
		}
		if c.task.stage == pending && other.task.stage == pending && c.task.Cause.Line() != nil &&
			c.task.Cause.Line() == other.task.Cause.Line() {
			return scheduler.Option{Do: cloud.Reorder, With: c.task.Name.Text}
		}
	}
	for _, other := range ready {
		if other == c {
			break
		}
		first = first && other.task != c.task
	}
	if first {
		return scheduler.Option{Do: cloud.RunOther, With: c.task.Name.Text}
	}
	return scheduler.Option{Do: cloud.RunOther, With: c.step()}
}

// people's words for a candidate.
func (c candidate) people() string {
	switch {
	case c.call != nil && c.call.building:
		return fmt.Sprintf("%s %s of %s's constructor", c.call.Op.Method, c.call.Op.Resource, c.task.who())
	case c.call != nil:
		return shortLabel(&c.call.Op) + " of " + c.task.which()
	case c.task.stage == pending || c.started:
		return "the start of " + c.task.which()
	}
	return "the end of " + c.task.which()
}

// turn makes the task the one that ran last. One that was tired goes to the
// back of those that wait.
func (ro *roster) turn(c candidate) {
	if ro.current == c.task {
		return
	}
	if t := ro.current; t != nil && t.tired() && t.readySince != 0 {
		ro.clock++
		t.readySince = ro.clock
	}
	c.task.row, c.task.same = 0, 0
	ro.current = c.task
}

// fair counts what a task does in a row.
func fair(t *task, s *Step) {
	run := s.What + " " + s.Status
	if t.row++; run == t.lastRun {
		t.same++
	} else {
		t.same, t.lastRun = 1, run
	}
}

// tired reports whether it is another task's turn, if one is ready.
func (t *task) tired() bool { return t.row >= 50 || t.spins() }

// spins reports whether the task seems to wait for another, be it for a
// request that no client has made yet: a spinning lock never yields by itself.
func (t *task) spins() bool { return t.same >= 5 || t.row >= 500 }
