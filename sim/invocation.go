package sim

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
)

// start begins a task's invocation, on a function instance that has room or
// on a new one.
func (w *world) start(c candidate, s *Step) {
	t := c.task
	warm := t.fn.warm(false)
	o := w.fault(c, w.startFaults(t, warm))
	s.Kind, s.What, s.Outcome = KindStart, t.Cause.Words(t.Attempt), o.String()
	if c, ok := t.Cause.(cloud.Comes); ok {
		s.From = c.From()
	}
	w.seated(t)
	if o.Do == cloud.Drop || o.Do == cloud.Coalesce {
		w.remark(startNote(t, o))
		t.stage = over
		t.Cause.(cloud.Dropper).Dropped()
		return
	}
	w.seat(t, warm, o, s)
	if o.Do != "" {
		w.remark(startNote(t, o))
	}
	if o.Do == cloud.Duplicate {
		w.repeat(t)
	}
	ctx := w.enter(t, s.Cold)
	if o.Do == cloud.Crash {
		w.kill(t.inst)
		return
	}
	w.random.reseed(w.label("new "+t.Name.Text), s.Identity)
	w.random.reseed(w.label(t.Name.Text), s.Identity)
	if !s.Cold {
		w.beside(candidate{task: t, started: true})
	}
	w.invoke(ctx, t, s.Cold)
	w.together()
}

// begin makes the task a live one of an instance.
func (w *world) begin(t *task, inst *instance) {
	t.fn.started++
	t.number, t.inst, t.stage = t.fn.started, inst, live
	if r, ok := t.Cause.(*pendingRequest); ok {
		w.called(r)
	}
	if c, ok := t.Cause.(cloud.Throttled); ok {
		c.Began()
	}
	w.seated(t)
	w.wake(inst)
}

// seat gives a task its instance.
func (w *world) seat(t *task, warm *instance, o scheduler.Option, s *Step) {
	inst := warm
	if o.Do == cloud.OldRevision {
		inst = t.fn.warm(true)
	}
	if inst == nil || o.Do == cloud.ColdStart {
		inst = w.newInstance(t, o.Do == cloud.OldRevision)
		s.Cold = true
	}
	if o.Do == cloud.Skew {
		d, err := time.ParseDuration(o.With)
		if err != nil {
			panic(err) // it was made by Duration.String
		}
		inst.skew = d
	}
	w.begin(t, inst)
}

func startNote(t *task, o scheduler.Option) string {
	switch o.Do {
	case cloud.ColdStart:
		return fmt.Sprintf("%s, attempt %d: starts on a new instance", t.who(), t.Attempt)
	case cloud.OldRevision:
		return fmt.Sprintf("%s, attempt %d: is served by the old revision", t.who(), t.Attempt)
	case cloud.Skew:
		return fmt.Sprintf("%s, attempt %d: starts on an instance whose clock is off by %s", t.who(), t.Attempt, o.With)
	case cloud.Drop:
		return fmt.Sprintf("%s: is dropped by the platform", t.who())
	case cloud.Coalesce:
		return fmt.Sprintf("%s: the event is merged with a later one", t.who())
	case cloud.Duplicate:
		return fmt.Sprintf("%s: %s", t.who(), twice(t.Cause))
	}
	return fmt.Sprintf("%s, attempt %d: the instance crashes at its start", t.who(), t.Attempt)
}

func twice(c cloud.Cause) string {
	if d, ok := c.(cloud.Doubled); ok {
		return d.Twice()
	}
	return "the platform runs it twice"
}

// enter makes an invocation one of its instance's.
func (w *world) enter(t *task, cold bool) context.Context {
	now := time.Now() //wtsim:clock the bubble's clock
	limit := t.fn.Timeout
	if d := t.Cause.Limit(); d > 0 {
		limit = min(limit, d)
	}
	t.timeout = now.Add(limit)
	ctx, cancel := context.WithDeadline(t.inst.ctx, t.timeout)
	t.cancel = cancel
	ctx = &handlerContext{ctx, t.inst}
	t.inst.serving = append(t.inst.serving, t)
	t.timeoutName = "timeout " + t.Name.Text
	w.agenda.add(t.timeout, t.timeoutName, func() { w.expire(t) })
	if cold {
		w.own(w.label("new "+t.Name.Text), &owner{task: t, inst: t.inst, building: true})
	}
	w.own(w.label(t.Name.Text), &owner{task: t, inst: t.inst})
	return ctx
}

// invoke starts the goroutine of an invocation, constructor first where the
// instance is new.
func (w *world) invoke(ctx context.Context, t *task, cold bool) {
	name := t.Name.Text
	if cold {
		name = "new " + name
	}
	w.call(name, seeded.Heir)
	go func() { //wtsim:go an invocation is a goroutine of its own
		defer w.ended(t)
		w.seed("new " + t.Name.Text)
		if cold && !w.build(t) {
			return
		}
		w.seed("start " + t.Name.Text)
		if cold {
			w.call(t.Name.Text, seeded.Call)
		}
		t.call(probe.Label(ctx, t.inst.tap, w.label(t.Name.Text)))
	}()
}

func (w *world) own(label string, o *owner) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.owners[label] = o
}

// call runs the handler and notes how it returned.
func (t *task) call(ctx context.Context) {
	defer func() {
		switch p := recover(); {
		case p == http.ErrAbortHandler && !t.Cause.Platform(): // net/http's way to give no answer
			t.ending = cloud.Ending{Status: "aborted", Aborted: true}
		case p != nil:
			t.ending = cloud.Ending{Status: fmt.Sprintf("panic: %v", p), Panic: &cloud.Panic{Value: p, Stack: string(debug.Stack())}}
		}
	}()
	t.ending = t.Cause.Invoke(ctx, t.inst.handler, t.Attempt)
}

// ended is called on the invocation's goroutine when it returns.
func (w *world) ended(t *task) {
	seeded.Quiet(true)
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.ending.Status == "" {
		t.ending = cloud.Ending{Status: "the handler ended its goroutine", Response: cloud.Response{Status: 500}}
	}
	w.endings = append(w.endings, t)
	w.signal()
}

// signal says that something reached the tap or ended.
func (w *world) signal() {
	select {
	case w.arrived <- struct{}{}:
	default:
	}
}

// conclude is the platform's notice that an invocation has ended: the
// acknowledgement of a message, the response to a client.
func (w *world) conclude(c candidate, s *Step) {
	t := c.task
	s.Kind, s.What, s.Status = KindEnd, "ends", t.ending.Status
	o := scheduler.Option{}
	if !t.overdue {
		o = w.fault(c, endFaults(t))
	}
	s.Outcome = o.String()
	if o.Do != "" {
		w.remark(endNote(t, o))
	}
	switch o.Do {
	case cloud.Crash:
		t.ending.Success = false
		w.kill(t.inst)
		return
	case cloud.Timeout:
		t.slow = true
		s.Status += ", too late"
		return
	}
	w.leave(t)
	switch {
	case t.overdue: // it was answered when its time was up
	case o.Do == cloud.Redeliver || o.Do == cloud.LoseResponse:
		t.Cause.Unanswered(t.Task)
	default:
		t.Cause.Answered(t.Task, t.ending)
	}
	w.vacate(t.inst, &t.ending, o.Do == cloud.Reap)
}

func endNote(t *task, o scheduler.Option) string {
	switch o.Do {
	case cloud.Redeliver:
		return fmt.Sprintf("%s, attempt %d: the acknowledgement is lost", t.who(), t.Attempt)
	case cloud.LoseResponse:
		return fmt.Sprintf("%s, attempt %d: the client does not get the response", t.who(), t.Attempt)
	case cloud.Timeout:
		return fmt.Sprintf("%s, attempt %d: takes longer than its time limit", t.who(), t.Attempt)
	case cloud.Reap:
		return fmt.Sprintf("%s, attempt %d: its instance is taken away when it has ended", t.who(), t.Attempt)
	}
	return fmt.Sprintf("%s, attempt %d: the instance crashes after the return, before the acknowledgement", t.who(), t.Attempt)
}

// vacate is what becomes of an instance when an invocation has ended.
func (w *world) vacate(i *instance, e *cloud.Ending, reap bool) {
	if i.errors++; e.Response.Status < 500 {
		i.errors = 0
	}
	switch {
	case i.Dead() || i.leaving:
	case reap:
		w.terminate(i, "")
	case i.errors > w.sim.scenario.Platform.MostErrors:
		w.terminate(i, fmt.Sprintf("is ended after %d answers of 5xx", i.errors))
	default:
		w.rest(i)
	}
}

// leave frees what an invocation held.
func (w *world) leave(t *task) {
	t.stage = over
	t.cancel()
	w.forget(t)
	if c, ok := t.Cause.(cloud.Throttled); ok {
		c.Finished()
	}
	t.inst.serving = removeTask(t.inst.serving, t)
	if t.inst.buildErr != nil {
		w.end(t.inst)
	}
}

func removeTask(tasks []*task, t *task) []*task {
	for i, x := range tasks {
		if x == t {
			return append(tasks[:i:i], tasks[i+1:]...)
		}
	}
	return tasks
}

func (w *world) findPanic(t *task) {
	if m, ok := t.ending.Panic.Value.(probe.Mistake); ok {
		w.stop(Inconclusive, string(m))
		return
	}
	w.find(noPanic, t, fmt.Sprintf("panic: %v\n\n%s", t.ending.Panic.Value, t.ending.Panic.Stack))
}

// find ends the run with a violation of what holds for every application.
func (w *world) find(property string, t *task, stack string) {
	w.violated(*finding(property, t), stack)
}
