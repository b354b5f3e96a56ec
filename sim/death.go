package sim

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/probe"
)

// expire is a function's time limit: the caller is told so (504), the trigger
// tries again, and the invocation's context is cancelled (by its own timer). Its
// instance is not ended on most platforms, so the handler may still go on.
func (t *task) expire() {
	platform := &t.inst.world.sim.scenario.Platform
	if t.stage == over || t.overdue && !platform.EndsLate {
		return
	}
	heard := !t.overdue
	t.overdue = true
	status, told := fmt.Sprint(platform.Late()), "reaches its time limit"
	if t.Cause.Platform() {
		status = "not acknowledged"
	}
	if platform.EndsLate {
		told += ", and its instance ends"
	}
	t.inst.world.story.happens(t.Task, "timeout", told, status)
	if heard {
		t.Cause.Answered(t.Task, cloud.Ending{Status: status, Late: true, Response: cloud.Response{Status: platform.Late()}})
	}
	if platform.EndsLate {
		t.inst.kill()
		return
	}
	t.lookAgain(max(t.fn.Timeout, 10*time.Second))
}

// waited notes until when an answer is waited for: by who invokes, or by what stands
// before the function, which then gives one of its own. The invocation goes on, with
// what it has of its time, and its instance is busy.
func (t *task) waited(until time.Time, answer cloud.Response) {
	cloud.SetDefault(&answer.Status, t.inst.world.sim.scenario.Platform.Late())
	t.patience = entry{at: until, name: "patience " + t.Name.Text}
	t.inst.world.agenda.add(until, t.patience.name, func() {
		if t.stage == over || t.overdue {
			return
		}
		t.overdue = true
		status := fmt.Sprint(answer.Status)
		if t.Cause.Platform() {
			status = "not acknowledged"
		}
		t.inst.world.story.happens(t.Task, "patience", "is waited for no longer, and goes on", status)
		t.Cause.Answered(t.Task, cloud.Ending{Status: status, Late: true, Response: answer})
	})
}

// patience is how long an invocation may go on after its time limit while
// something may still wake it.
const patience = time.Hour

func (t *task) lookAgain(after time.Duration) {
	t.lastLook = entry{at: time.Now().Add(after), name: "overdue " + t.Name.Text} //wtsim:clock the bubble's clock
	t.inst.world.agenda.add(t.lastLook.at, t.lastLook.name, func() { t.neverEnds() })
}

// neverEnds looks at an invocation that has not returned long after its time
// limit. If nothing can wake it, or its patience is over, it never ends.
func (t *task) neverEnds() {
	all := bubble.Labelled(probe.LabelKey)
	goroutines := append(all[t.inst.world.entropy.label(t.Name.Text)], all[t.inst.world.entropy.label("new "+t.Name.Text)]...)
	late := !time.Now().Before(t.timeout.Add(patience)) //wtsim:clock the bubble's clock
	if len(t.calls) > 0 || !late && !deadlocked(goroutines) {
		t.lookAgain(patience)
		return
	}
	var stacks []string
	for _, g := range goroutines {
		stacks = append(stacks, g.String())
	}
	t.inst.world.result.find(allEnd, t, strings.Join(stacks, "\n\n"))
}

// deadlocked reports whether no goroutine can be woken by time: each waits,
// and not where a timer's channel can be what it waits for.
func deadlocked(goroutines []bubble.Goroutine) bool {
	for _, g := range goroutines {
		if g.Sleeping() || strings.HasPrefix(g.State, "chan receive (durable)") || strings.HasPrefix(g.State, "select (durable)") {
			return false
		}
	}
	return true
}

// forget takes an invocation's entries off the agenda.
func (t *task) forget() {
	t.inst.world.agenda.remove(t.timeout, t.timeoutName)
	t.inst.world.agenda.remove(t.lastLook.at, t.lastLook.name)
	t.inst.world.agenda.remove(t.patience.at, t.patience.name)
}

// kill is the death of a function instance: the triggers of its invocations
// see a failure.
func (i *instance) kill() {
	serving := append([]*task{}, i.serving...)
	i.end()
	for _, t := range serving {
		if !t.overdue {
			t.Cause.Unanswered(t.Task)
		}
	}
	i.replace()
	i.world.beat.Wait()
	i.world.story.output.take() // nothing that a dead instance does is seen
}

// end unwinds a function instance: contexts are cancelled, and every parked
// and later call returns a connection error without effect.
func (i *instance) end() {
	i.world.gate.mu.Lock()
	i.Die()
	i.world.gate.mu.Unlock()
	i.cancel()
	i.wake()
	for _, t := range append([]*task{}, i.serving...) {
		t.stage = over
		t.cut()
		t.cancel()
		t.forget()
		if c, ok := t.Cause.(cloud.Throttled); ok {
			c.Finished()
		}
	}
	for _, t := range i.world.roster.tasks { // what finished invocations left behind
		if t.inst == i {
			t.cut()
		}
	}
	i.serving = nil
	if i.own != nil {
		i.own.stage = over
	}
	i.fn.instances = removeInstance(i.fn.instances, i)
	if i.tempDir != "" {
		_ = os.RemoveAll(i.tempDir) // what is left is the system's to clean
	}
}

func (t *task) cut() {
	for _, k := range t.calls {
		t.inst.world.stalls.letGo(k)
		k.release <- probe.Fate{Action: probe.Cut}
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
