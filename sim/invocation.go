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
	o := w.chance.fault(c, w.offers.startFaults(t, warm))
	s.Kind, s.What, s.Trigger, s.Outcome = KindStart, t.Cause.Words(t.Attempt), triggerOf(t.Task), outcome(o)
	if c, ok := t.Cause.(cloud.Comes); ok {
		s.From = c.From()
	}
	w.seated(t)
	if o.Do == cloud.Drop || o.Do == cloud.Coalesce {
		w.chance.remark(startNote(t, o))
		t.stage = over
		t.Cause.(cloud.Dropper).Dropped()
		return
	}
	w.seat(t, warm, o, s)
	if o.Do != "" {
		w.chance.remark(startNote(t, o))
	}
	if o.Do == cloud.Duplicate {
		w.services.kernel.repeat(t)
	}
	ctx := t.enter(s.Cold)
	if o.Do == cloud.Crash {
		t.inst.kill()
		return
	}
	w.entropy.random.reseed(w.entropy.label("new "+t.Name.Text), s.Identity)
	w.entropy.random.reseed(w.entropy.label(t.Name.Text), s.Identity)
	if !s.Cold {
		w.threads.beside(candidate{task: t, started: true})
	}
	w.begins(t, s)
	t.invoke(ctx, s.Cold)
	w.threads.together()
}

// begin makes the task a live one of an instance.
func (w *world) begin(t *task, inst *instance) {
	t.fn.started++
	t.number, t.inst, t.stage = t.fn.started, inst, live
	if r, ok := t.Cause.(*pendingRequest); ok {
		w.workload.called(r)
	}
	if c, ok := t.Cause.(cloud.Throttled); ok {
		c.Began()
	}
	w.seated(t)
	inst.wake()
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
func (t *task) enter(cold bool) context.Context {
	now := time.Now() //wtsim:clock the bubble's clock
	limit := t.fn.Timeout
	if d := t.Cause.Limit(); d > 0 && d < limit {
		if t.inst.world.sim.scenario.Platform.EndsLate {
			t.waited(now.Add(d), cloud.Response{})
		} else {
			limit = d
		}
	}
	t.timeout = now.Add(limit)
	ctx, cancel := context.WithDeadline(t.inst.ctx, t.timeout)
	t.cancel = cancel
	ctx = &handlerContext{cloud.Invocation{Function: t.fn.Name, Task: t.Name.Text}.In(ctx), t.inst}
	t.inst.serving = append(t.inst.serving, t)
	t.timeoutName = "timeout " + t.Name.Text
	t.inst.world.agenda.add(t.timeout, t.timeoutName, func() { t.expire() })
	if cold {
		t.inst.world.gate.own(t.inst.world.entropy.label("new "+t.Name.Text), &owner{task: t, inst: t.inst, building: true})
	}
	t.inst.world.gate.own(t.inst.world.entropy.label(t.Name.Text), &owner{task: t, inst: t.inst})
	if !cold {
		t.behindFront(now)
	}
	return ctx
}

// behindFront sets until when what stands before the function waits for it, where a
// client's request, or another function's, has come through that.
func (t *task) behindFront(since time.Time) {
	switch t.Cause.(type) {
	case *pendingRequest, *functionCall:
		if d, answer := t.inst.handler.Waits(); d > 0 && d < t.fn.Timeout {
			t.waited(since.Add(d), answer)
		}
	}
}

// invoke starts the goroutine of an invocation, constructor first where the
// instance is new.
func (t *task) invoke(ctx context.Context, cold bool) {
	name := t.Name.Text
	if cold {
		name = "new " + name
	}
	t.inst.world.threads.call(name, seeded.Heir)
	go func() { //wtsim:go an invocation is a goroutine of its own
		defer t.ended()
		t.inst.world.entropy.seed("new " + t.Name.Text)
		if cold && !t.build() {
			return
		}
		t.inst.world.entropy.seed("start " + t.Name.Text)
		if cold {
			t.inst.world.threads.call(t.Name.Text, seeded.Call)
		}
		t.call(probe.Label(ctx, t.inst.tap, t.inst.world.entropy.label(t.Name.Text)))
	}()
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
func (t *task) ended() {
	seeded.Quiet(true)
	t.inst.world.gate.mu.Lock()
	defer t.inst.world.gate.mu.Unlock()
	if t.ending.Status == "" {
		t.ending = cloud.Ending{Status: "the handler ended its goroutine", Response: cloud.Response{Status: 500}}
	}
	t.inst.world.gate.endings = append(t.inst.world.gate.endings, t)
	t.inst.world.gate.signal()
}

// conclude is the platform's notice that an invocation has ended: the
// acknowledgement of a message, the response to a client.
func (w *world) conclude(c candidate, s *Step) {
	t := c.task
	s.Kind, s.What, s.Status = KindEnd, "ends", t.ending.Status
	o := scheduler.Option{}
	if !t.overdue {
		o = w.chance.fault(c, endFaults(t))
	}
	s.Outcome = outcome(o)
	if o.Do != "" {
		w.chance.remark(endNote(t, o))
	}
	switch o.Do {
	case cloud.Crash:
		t.ending.Success = false
		t.inst.kill()
		return
	case cloud.Timeout:
		t.slow = true
		s.Status += ", too late"
		return
	}
	t.leave()
	switch {
	case t.overdue: // it was answered when its time was up
	case o.Do == cloud.Redeliver || o.Do == cloud.LoseResponse:
		t.Cause.Unanswered(t.Task)
	default:
		t.Cause.Answered(t.Task, t.ending)
	}
	t.inst.vacate(&t.ending, o.Do == cloud.Reap)
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
func (i *instance) vacate(e *cloud.Ending, reap bool) {
	if i.errors++; e.Response.Status < 500 {
		i.errors = 0
	}
	switch {
	case i.Dead() || i.leaving:
	case reap:
		i.terminate("")
	case i.errors > i.world.sim.scenario.Platform.MostErrors:
		i.terminate(fmt.Sprintf("is ended after %d answers of 5xx", i.errors))
	default:
		i.rest()
	}
}

// leave frees what an invocation held.
func (t *task) leave() {
	t.stage = over
	t.cancel()
	t.forget()
	if c, ok := t.Cause.(cloud.Throttled); ok {
		c.Finished()
	}
	t.inst.serving = removeTask(t.inst.serving, t)
	if t.inst.buildErr != nil {
		t.inst.end()
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
