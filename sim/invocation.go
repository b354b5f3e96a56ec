package sim

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
)

// start begins a task's invocation, on a function instance that has room or
// on a new one.
func (w *world) start(c candidate, s *Step) {
	t := c.task
	warm := t.fn.warm()
	o := w.fault(c, startFaults(t, warm))
	s.Kind, s.What, s.Outcome = KindStart, "starts", o.String()
	if t.message != nil {
		s.What = fmt.Sprintf("gets %s", t.message.people())
	} else {
		s.What = t.request.people()
	}
	inst := warm
	if inst == nil || o.Do == ColdStart {
		inst = w.newInstance(t)
		s.Cold = true
	}
	t.fn.started++
	t.number, t.inst, t.stage = t.fn.started, inst, live
	if o.Do != "" {
		w.remark(startNote(t, o))
	}
	if o.Do == Duplicate {
		w.deliver(t.message, t.name+"~dup", t.attempt, time.Time{})
	}
	w.invoke(t, s.Cold)
	if o.Do == Crash {
		w.kill(inst)
		s.Status = "(crashed)"
		return
	}
	bubble.Wait()
}

func (f *function) warm() *instance {
	for _, i := range f.instances {
		if i.room() {
			return i
		}
	}
	return nil
}

func startFaults(t *task, warm *instance) []scheduler.Option {
	var out []scheduler.Option
	if warm != nil {
		out = append(out, scheduler.Option{Do: ColdStart})
	}
	if t.message != nil {
		out = append(out, scheduler.Option{Do: Duplicate})
	}
	return append(out, scheduler.Option{Do: Crash, With: crashAtStart})
}

func startNote(t *task, o scheduler.Option) string {
	switch o.Do {
	case ColdStart:
		return fmt.Sprintf("%s, attempt %d: starts on a new instance", t.who(), t.attempt)
	case Duplicate:
		return fmt.Sprintf("%s: the message is delivered twice", t.who())
	}
	return fmt.Sprintf("%s, attempt %d: the instance crashes at its start", t.who(), t.attempt)
}

// invoke starts the goroutine of an invocation, constructor first where the
// instance is new.
func (w *world) invoke(t *task, cold bool) {
	now := time.Now() //wtsim:clock the bubble's clock
	t.timeout = now.Add(t.fn.Timeout)
	ctx, cancel := context.WithDeadline(t.inst.ctx, t.timeout)
	t.cancel = cancel
	t.inst.serving = append(t.inst.serving, t)
	w.agenda.add(t.timeout, "timeout "+t.name, func() { w.expire(t) })
	if cold {
		w.own(w.label("new "+t.name), &owner{task: t, inst: t.inst, building: true})
	}
	w.own(w.label(t.name), &owner{task: t, inst: t.inst})
	go func() { //wtsim:go an invocation is a goroutine of its own
		defer w.ended(t)
		w.seed("new " + t.name)
		if cold && !w.build(t) {
			return
		}
		w.seed("start " + t.name)
		t.call(probe.Label(ctx, t.inst.tap, w.label(t.name)))
	}()
}

func (w *world) own(label string, o *owner) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.owners[label] = o
}

// build runs the constructor.
func (w *world) build(t *task) (ok bool) {
	i := t.inst
	defer func() {
		if p := recover(); p != nil {
			t.ending.panic = &handlerPanic{fmt.Sprint(p), string(debug.Stack())}
		}
	}()
	probe.Label(i.ctx, i.tap, w.label("new "+t.name))
	h, err := i.fn.New(&Env{world: w, inst: i})
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && h.http == nil && h.message == nil {
		err = fmt.Errorf("New returned an empty Handler")
	}
	i.handler, i.buildErr, i.built = h, err, true
	if err != nil {
		t.ending = ending{status: "constructor: " + err.Error(), resp: Response{Status: 503}}
	}
	return err == nil
}

// call runs the handler and notes how it returned.
func (t *task) call(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			t.ending = ending{panic: &handlerPanic{fmt.Sprint(p), string(debug.Stack())}}
		}
	}()
	h := t.inst.handler
	switch {
	case t.message != nil && h.message != nil:
		t.ending = messageEnding(h.message(ctx, t.message.delivery(t.attempt)))
	case t.message != nil:
		t.ending = t.message.push(ctx, h.http, t.attempt)
	case h.http != nil:
		t.ending = t.request.serve(ctx, h.http)
	default:
		t.ending = ending{status: "the function takes messages, not requests", resp: Response{Status: 500}}
	}
}

func messageEnding(err error) ending {
	if err != nil {
		return ending{status: "error: " + err.Error()}
	}
	return ending{status: "ok", success: true}
}

// ended is called on the invocation's goroutine when it returns.
func (w *world) ended(t *task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.ending.panic == nil && t.ending.status == "" {
		t.ending = ending{status: "the handler ended its goroutine", resp: Response{Status: 500}}
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
	s.Kind, s.What, s.Status = KindEnd, "ends", t.ending.status
	o := scheduler.Option{}
	if !t.overdue {
		o = w.fault(c, endFaults(t))
	}
	s.Outcome = o.String()
	if o.Do != "" {
		w.remark(endNote(t, o))
	}
	if o.Do == Crash {
		t.ending.success = false
		w.kill(t.inst)
		return
	}
	w.leave(t)
	switch {
	case t.overdue: // it was answered when its time was up
	case t.message != nil && (o.Do == Redeliver || !t.ending.success):
		w.redeliver(t)
	case t.request != nil && o.Do == LoseResponse:
		w.unanswered(t)
	case t.request != nil:
		w.answered(t, t.ending.resp)
	}
}

func endFaults(t *task) []scheduler.Option {
	crash := scheduler.Option{Do: Crash, With: crashBeforeAck}
	switch {
	case t.request != nil:
		return []scheduler.Option{{Do: LoseResponse}, crash}
	case t.ending.success:
		return []scheduler.Option{{Do: Redeliver}, crash}
	}
	return nil
}

func endNote(t *task, o scheduler.Option) string {
	switch o.Do {
	case Redeliver:
		return fmt.Sprintf("%s, attempt %d: the acknowledgement is lost", t.who(), t.attempt)
	case LoseResponse:
		return fmt.Sprintf("%s, attempt %d: the client does not get the response", t.who(), t.attempt)
	}
	return fmt.Sprintf("%s, attempt %d: the instance crashes after the return, before the acknowledgement", t.who(), t.attempt)
}

// leave frees what an invocation held.
func (w *world) leave(t *task) {
	t.stage = over
	t.cancel()
	w.agenda.remove(t.timeout, "timeout "+t.name)
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

// expire is a function's time limit: the caller gets 504, the trigger tries
// again, and the invocation's context is cancelled (by its own timer). Its
// instance is not ended, so the handler may still go on.
// https://docs.cloud.google.com/run/docs/configuring/request-timeout
func (w *world) expire(t *task) {
	if t.stage == over || t.overdue {
		return
	}
	t.overdue = true
	if t.message != nil {
		w.redeliver(t)
	} else {
		w.answered(t, Response{Status: 504})
	}
	grace := time.Now().Add(max(t.fn.Timeout, 10*time.Second)) //wtsim:clock the bubble's clock
	w.agenda.add(grace, "overdue "+t.name, func() { w.neverEnds(t) })
}

// neverEnds looks at an invocation that has not returned long after its time
// limit: if nothing but an outside force could wake it, it is deadlocked.
func (w *world) neverEnds(t *task) {
	if t.stage == over {
		return
	}
	stacks := bubble.Labelled(probe.LabelKey)[w.label(t.name)]
	if len(t.calls) == 0 && len(stacks) > 0 && !sleeps(stacks) {
		w.find("invocations end", t, strings.Join(stacks, "\n\n"))
		return
	}
	w.end(t.inst)
}

// sleeps reports whether one of the goroutines waits for a timer.
func sleeps(stacks []string) bool {
	for _, s := range stacks {
		if strings.Contains(s, "time.Sleep") {
			return true
		}
	}
	return false
}

// kill is the death of a function instance: the triggers of its invocations
// see a failure.
func (w *world) kill(i *instance) {
	serving := append([]*task{}, i.serving...)
	w.end(i)
	for _, t := range serving {
		if t.overdue {
			continue
		}
		switch {
		case t.message != nil:
			w.redeliver(t)
		default:
			w.unanswered(t)
		}
	}
	bubble.Wait()
}

// end unwinds a function instance: contexts are cancelled, and every parked
// and later call returns a connection error without effect.
func (w *world) end(i *instance) {
	w.mu.Lock()
	i.dead = true
	w.mu.Unlock()
	i.cancel()
	for _, t := range append([]*task{}, i.serving...) {
		t.stage = over
		w.cut(t)
		t.cancel()
		w.agenda.remove(t.timeout, "timeout "+t.name)
	}
	for _, t := range w.tasks { // what finished invocations left behind
		if t.inst == i {
			w.cut(t)
		}
	}
	i.serving = nil
	if i.own != nil {
		i.own.stage = over
	}
	i.fn.instances = removeInstance(i.fn.instances, i)
}

func (w *world) cut(t *task) {
	for _, k := range t.calls {
		k.release <- probe.Verdict{Action: probe.Cut}
	}
	t.calls = nil
}

func removeInstance(list []*instance, i *instance) []*instance {
	for n, x := range list {
		if x == i {
			return append(list[:n:n], list[n+1:]...)
		}
	}
	return list
}

// newInstance starts a function instance for a task.
func (w *world) newInstance(t *task) *instance {
	i := &instance{id: fmt.Sprintf("i-%d", len(w.instances)+1), fn: t.fn, world: w, cause: t.name}
	i.ctx, i.cancel = context.WithCancel(context.Background())
	i.tap = &instanceTap{i}
	i.router = &router{inst: i}
	w.instances = append(w.instances, i)
	t.fn.instances = append(t.fn.instances, i)
	return i
}

func (w *world) findPanic(t *task) {
	w.find("handlers do not panic", t, t.ending.panic.value+"\n\n"+t.ending.panic.stack)
}

// find ends the run with a violation of what holds for every application.
func (w *world) find(property string, t *task, stack string) {
	w.violated(monitor.Violation{
		Property: property, Certainty: monitor.Certain,
		Binding: monitor.Binding{{Name: "function", Value: event.Str(t.fn.Name)}},
	}, stack)
}
