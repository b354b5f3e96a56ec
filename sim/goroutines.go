package sim

import (
	"fmt"
	"strconv"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/scheduler"
)

// mostOrders bounds the decisions about goroutines in a run: one that spins
// makes no end of them. Later ones are benign.
const mostOrders = 50_000

// orderly starts the bubble's chooser, on the patched runtime: from now on it
// is a decision which goroutine of a function instance goes on.
func (w *world) orderly() {
	w.orders = seeded.Runtime && (w.allowed(cloud.RunGoroutine) || w.allowed(cloud.SelectCase) || w.allowed(cloud.Overlap))
	if !w.orders {
		return
	}
	go seeded.Chooser(&w.names, w.chooseGoroutine) //wtsim:go decides for the goroutines, one at a time
	w.beat.Wait()
}

// call names the calling goroutine after a step, for what is asked about it
// and about those that it starts.
func (w *world) call(identity string, name func(uint32)) {
	if !w.orders {
		return
	}
	w.mu.Lock()
	number := w.names.Add(identity)
	w.mu.Unlock()
	name(number)
}

// chooseGoroutine answers the runtime. It runs on the chooser's goroutine, in
// the one order of turns, while all others stand still; it takes no lock that
// one of them may hold.
func (w *world) chooseGoroutine(c seeded.Choice) int {
	w.chosen.Add(1)
	defer w.chosen.Add(1)
	kind := cloud.RunGoroutine
	at := "goroutine " + c.Goroutine + "#" + c.Point
	if c.Select {
		kind, at = cloud.SelectCase, at+" select"
	}
	if w.ordered++; w.ordered > mostOrders || !w.allowed(kind) {
		return 0
	}
	d := scheduler.Decision{At: at, Options: make([]scheduler.Option, 1, len(c.Others)+1)}
	for _, other := range c.Others {
		d.Options = append(d.Options, scheduler.Option{Do: kind, With: other})
	}
	picked := w.record.Choose(d)
	if picked == 0 {
		return 0
	}
	w.remember(d.At, d.Options[picked])
	if c.Select {
		w.remark(fmt.Sprintf("goroutine %s, at %s: select takes %s, not %s, which is ready too", c.Goroutine, c.Point, c.Others[picked-1], c.Benign))
	} else {
		w.remark(fmt.Sprintf("goroutine %s goes on before %s, at %s", c.Others[picked-1], c.Goroutine, c.Point))
	}
	return picked
}

// remember makes the state of the run depend on a choice that no operation may
// show: what an instance has in memory does.
func (w *world) remember(at string, o scheduler.Option) {
	w.history = seedOf(strconv.FormatUint(w.history, 36), at, o.String())
}

// companion is what happens at the same time as a step.
type companion struct {
	candidate
	step Step
}

// beside asks whether another invocation of the same function instance goes
// on at the same time as c, which is about to: its next operation happens, or
// it starts, before all is quiet again. In what order the goroutines of both
// go on is a matter of the decisions about these.
func (w *world) beside(c candidate) {
	if !w.orders || !w.allowed(cloud.Overlap) {
		return
	}
	d := scheduler.Decision{At: "beside " + c.step(), Options: make([]scheduler.Option, 1, 4)}
	var others []candidate
	for _, t := range w.tasks {
		if other, ok := t.joins(c.task); ok {
			d.Options = append(d.Options, scheduler.Option{Do: cloud.Overlap, With: t.Name.Text})
			others = append(others, other)
		}
	}
	if picked := w.record.Choose(d); picked > 0 {
		w.remember(d.At, d.Options[picked])
		w.companion = &companion{candidate: others[picked-1]}
		w.remark(fmt.Sprintf("%s happens at the same time as %s", w.companion.people(), c.people()))
	}
}

// joins returns what t would do at the same time as another task, if it can
// do something on the same function instance.
func (t *task) joins(other *task) (candidate, bool) {
	switch {
	case t == other:
	case t.stage == pending:
		return candidate{task: t}, t.fn == other.fn && !t.handed() && t.placeable() && t.fn.warm(false) == other.inst
	case t.inst == other.inst:
		for _, k := range t.calls {
			if k.free() {
				return candidate{task: t, call: k}, true
			}
		}
	}
	return candidate{}, false
}

// together lets the companion go, if there is one, and waits until all is
// quiet.
func (w *world) together() {
	if c := w.companion; c != nil {
		c.step = Step{Identity: c.candidate.step(), Task: c.task.Name.Text, Function: c.task.fn.Name}
		if k := c.call; k != nil {
			w.random.reseed(k.caller, k.id)
			c.task.calls = remove(c.task.calls, k)
			k.release <- passes
		} else {
			t := c.task
			c.step.What = t.Cause.Words(t.Attempt)
			w.begin(t, t.fn.warm(false))
			ctx := w.enter(t, false)
			w.random.reseed(w.label(t.Name.Text), c.step.Identity)
			w.invoke(ctx, t, false)
		}
	}
	w.beat.Wait()
}

// tellCompanion tells what has happened at the same time as the last step.
func (w *world) tellCompanion() {
	c := w.companion
	w.companion = nil
	if c == nil || w.result.Verdict != "" {
		return
	}
	w.pass(stepTime)
	s := c.step
	s.Instance, s.Number = instanceID(c.task), c.task.number
	s.Kind = KindStart
	if k := c.call; k != nil {
		s.Kind, s.What, s.Operation = KindOperation, shortLabel(&k.Op), &k.Op
		s.Status = operationStatus(k, scheduler.Option{})
	}
	w.named(s.Identity)
	w.tell(s)
	c.task.lastStep = time.Now() //wtsim:clock the bubble's clock
	w.takesAdvantage(c.candidate)
}
