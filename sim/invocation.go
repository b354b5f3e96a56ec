package sim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
)

// start begins a task's invocation, on a function instance that has room or
// on a new one.
func (w *world) start(c candidate, s *Step) {
	t := c.task
	warm := t.fn.warm()
	o := w.fault(c, startFaults(t, warm))
	s.Kind, s.What, s.Outcome = KindStart, t.received(), o.String()
	inst := warm
	if inst == nil || o.Do == ColdStart {
		inst = w.newInstance(t)
		s.Cold = true
	}
	t.begin(inst)
	if o.Do != "" {
		w.remark(startNote(t, o))
	}
	if o.Do == Duplicate {
		w.deliver(t, "~dup", t.attempt, time.Time{})
	}
	ctx := w.enter(t, s.Cold)
	if o.Do == Crash {
		w.kill(inst)
		return
	}
	w.random.reseed(w.label("new "+t.name), s.Identity)
	w.random.reseed(w.label(t.name), s.Identity)
	if !s.Cold {
		w.beside(candidate{task: t, started: true})
	}
	w.invoke(ctx, t, s.Cold)
	w.together()
}

// received says what an invocation is given.
func (t *task) received() string {
	if t.message == nil {
		return t.request.people()
	}
	what := fmt.Sprintf("gets %s", t.message.people())
	if t.attempt > 1 {
		what += fmt.Sprintf(", attempt %d", t.attempt)
	}
	return what
}

// begin makes the task a live one of an instance.
func (t *task) begin(inst *instance) {
	t.fn.started++
	t.number, t.inst, t.stage = t.fn.started, inst, live
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
	out := make([]scheduler.Option, 1, 4)
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

// enter makes an invocation one of its instance's.
func (w *world) enter(t *task, cold bool) context.Context {
	now := time.Now() //wtsim:clock the bubble's clock
	t.timeout = now.Add(t.fn.Timeout)
	ctx, cancel := context.WithDeadline(t.inst.ctx, t.timeout)
	t.cancel = cancel
	ctx = &handlerContext{ctx, t.inst}
	t.inst.serving = append(t.inst.serving, t)
	t.timeoutName = "timeout " + t.name
	w.agenda.add(t.timeout, t.timeoutName, func() { w.expire(t) })
	if cold {
		w.own(w.label("new "+t.name), &owner{task: t, inst: t.inst, building: true})
	}
	w.own(w.label(t.name), &owner{task: t, inst: t.inst})
	return ctx
}

// invoke starts the goroutine of an invocation, constructor first where the
// instance is new.
func (w *world) invoke(ctx context.Context, t *task, cold bool) {
	name := t.name
	if cold {
		name = "new " + name
	}
	w.call(name, seeded.Heir)
	go func() { //wtsim:go an invocation is a goroutine of its own
		defer w.ended(t)
		w.seed("new " + t.name)
		if cold && !w.build(t) {
			return
		}
		w.seed("start " + t.name)
		if cold {
			w.call(t.name, seeded.Call)
		}
		t.call(probe.Label(ctx, t.inst.tap, w.label(t.name)))
	}()
}

func (w *world) own(label string, o *owner) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.owners[label] = o
}

// build runs the constructor.
func (w *world) build(t *task) bool {
	i := t.inst
	h, err := Handler{}, errors.New("it ended its goroutine")
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if p := recover(); p != nil {
			err, t.ending.panic = fmt.Errorf("panic: %v", p), &handlerPanic{p, string(debug.Stack())}
		}
		i.handler, i.buildErr, i.built = h, err, true
		if err != nil {
			t.ending.status, t.ending.resp.Status = "constructor: "+err.Error(), http.StatusServiceUnavailable
		}
	}()
	probe.Label(i.ctx, i.tap, w.label("new "+t.name))
	h, err = i.fn.New(&Env{world: w, inst: i})
	if err == nil && h.http == nil && h.message == nil {
		err = errors.New("it returned an empty Handler")
	}
	return err == nil
}

// call runs the handler and notes how it returned.
func (t *task) call(ctx context.Context) {
	defer func() {
		switch p := recover(); {
		case p == http.ErrAbortHandler && t.request != nil: // net/http's way to give no answer
			t.ending = ending{status: "aborted", aborted: true}
		case p != nil:
			t.ending = ending{status: fmt.Sprintf("panic: %v", p), panic: &handlerPanic{p, string(debug.Stack())}}
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
	seeded.Quiet(true)
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.ending.status == "" {
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
	case t.request != nil && (o.Do == LoseResponse || t.ending.aborted):
		w.unanswered(t)
	case t.request != nil:
		w.answered(t, t.ending.resp)
	}
}

func endFaults(t *task) []scheduler.Option {
	crash := scheduler.Option{Do: Crash, With: crashBeforeAck}
	switch {
	case t.request != nil:
		return []scheduler.Option{{}, {Do: LoseResponse}, crash}
	case t.ending.success:
		return []scheduler.Option{{}, {Do: Redeliver}, crash}
	}
	return []scheduler.Option{{}, crash}
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
	w.forget(t)
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

// newInstance starts a function instance for a task.
func (w *world) newInstance(t *task) *instance {
	i := &instance{id: fmt.Sprintf("i-%d", len(w.instances)+1), fn: t.fn, world: w, cause: t.name, root: t.root}
	i.ctx, i.cancel = context.WithCancel(context.Background())
	i.tap = &instanceTap{i}
	i.router = &router{inst: i}
	w.instances = append(w.instances, i)
	t.fn.instances = append(t.fn.instances, i)
	return i
}

func (w *world) findPanic(t *task) {
	if m, ok := t.ending.panic.value.(mistake); ok {
		w.stop(Inconclusive, string(m))
		return
	}
	w.find("handlers do not panic", t, fmt.Sprintf("panic: %v\n\n%s", t.ending.panic.value, t.ending.panic.stack))
}

// find ends the run with a violation of what holds for every application.
func (w *world) find(property string, t *task, stack string) {
	w.violated(*finding(property, t), stack)
}
