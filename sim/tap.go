package sim

import (
	"bytes"
	"context"
	"runtime"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
)

// instanceTap is a function instance's way to the outside. Its methods run
// on handlers' goroutines.
type instanceTap struct{ inst *instance }

// callsAfterDeath is how many calls a dead instance's goroutines may make, and
// looksAfterDeath how often they may look at their context, before they are
// ended. (A client that looks at the context first never reaches the tap.)
const (
	callsAfterDeath = 100
	looksAfterDeath = 300
)

// handlerContext ends goroutines of a dead instance that never stop.
type handlerContext struct {
	context.Context
	inst *instance
}

// Done is as of any context.
func (c *handlerContext) Done() <-chan struct{} {
	c.inst.looked()
	return c.Context.Done()
}

// Err is as of any context.
func (c *handlerContext) Err() error {
	c.inst.looked()
	return c.Context.Err()
}

func (i *instance) looked() {
	if i.ctx.Err() != nil && i.looks.Add(1) > looksAfterDeath {
		runtime.Goexit()
	}
}

// Enter parks the call until the world decides.
func (t *instanceTap) Enter(c *probe.Call) (fate probe.Fate) {
	w := t.inst.world
	if w.stress != nil {
		return t.inst.takesTime(c)
	}
	seeded.Quiet(true)
	defer func() {
		w.seedAfter(c, fate)
		if fate.Action != probe.Pass && fate.Action != probe.Lose {
			seeded.Quiet(false) // else it goes through the service, until Leave
		}
	}()
	defer w.gate.depart()
	k, ok := t.inst.park(c)
	if !ok {
		return probe.Fate{Action: probe.Cut}
	}
	var deadline <-chan time.Time
	for {
		select {
		case v := <-k.release:
			switch v.Action {
			case identify:
				k.goroutine = goroutineID()
			case heed:
				timer := time.NewTimer(time.Until(c.Op.Deadline)) //wtsim:clock the bubble's clock
				defer timer.Stop()
				deadline = timer.C
			default:
				if k.stops > 0 {
					k.stopped()
				}
				return v
			}
		case <-deadline: // never, if nil
			return w.gate.withdraw(k, "timeout")
		case <-c.GiveUp:
			return w.gate.withdraw(k, "")
		}
	}
}

// What a parked call's goroutine is asked, beside what becomes of the call.
const (
	identify = probe.Late + 1 + iota // for its id
	heed                             // to give up at its deadline
)

// goroutineID is the calling goroutine's. On one thread, ids rise in order of
// creation.
func goroutineID() (id int) {
	text := make([]byte, 32)
	text = bytes.TrimPrefix(text[:runtime.Stack(text, false)], []byte("goroutine "))
	for _, digit := range text {
		if digit < '0' || digit > '9' {
			break
		}
		id = 10*id + int(digit-'0')
	}
	return id
}

func (i *instance) park(c *probe.Call) (*call, bool) {
	i.world.gate.mu.Lock()
	defer i.world.gate.mu.Unlock()
	if i.Dead() {
		if i.late++; i.late > callsAfterDeath {
			runtime.Goexit()
		}
		return nil, false
	}
	caller := probe.Caller()
	task, building := i.attribute(caller)
	if c.After != nil {
		first := c.After.Ref.(*call)
		task, building = first.task, first.building
	}
	c.Op.Caller = event.Caller{Function: i.fn.Name, Instance: i.ID, Invocation: task.Name.Text}
	k := &call{Call: c, task: task, inst: i, building: building, caller: caller, release: make(chan probe.Fate, 1)}
	c.Ref = k
	i.world.gate.arrivals = append(i.world.gate.arrivals, k)
	i.world.gate.signal()
	return k, true
}

// attribute finds the task that a call belongs to: that of the goroutine's
// label; where it has none, or that of a finished invocation, the instance's
// only live invocation; else the instance.
func (i *instance) attribute(caller string) (t *task, building bool) {
	if o := i.world.gate.owners[caller]; o != nil && o.inst == i && o.task.stage == live && (!o.building || !i.built) {
		return o.task, o.building
	}
	var only *task
	for _, t := range i.serving {
		if t.stage != live {
			continue
		}
		if only != nil {
			return i.ownTask(), false
		}
		only = t
	}
	if only != nil {
		return only, false
	}
	return i.ownTask(), false
}

// withdraw takes back a call whose caller has given up, unless it was
// released in the same moment.
func (g *gate) withdraw(k *call, why string) probe.Fate {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case v := <-k.release:
		return v
	default:
	}
	k.withdrawn.Store(true)
	return probe.Fate{Action: probe.GaveUp, With: why}
}

// Leave takes note of an operation's effect.
func (t *instanceTap) Leave(c *probe.Call) error {
	seeded.Quiet(true)
	defer seeded.Quiet(false)
	w := t.inst.world
	k := c.Ref.(*call)
	defer w.gate.depart()
	w.gate.mu.Lock()
	defer w.gate.mu.Unlock()
	k.left = true
	w.gate.answered[k.task] = k.Op.Service
	for _, e := range w.sim.rules.Apply(&c.Op) { // also where the instance has died while the service was at it
		w.gate.emitted = append(w.gate.emitted, emission{inst: t.inst, invocation: k.task.Name.Text, Emitted: e, call: k, service: k.Op.Service})
	}
	if k.dies || t.inst.Dead() {
		t.inst.Die()
		return probe.ErrReset("read")
	}
	return nil
}

// Emit records an event that no operation shows.
func (t *instanceTap) Emit(eventType string, params map[string]any) {
	defer seeded.Quiet(seeded.Quiet(true))
	data, err := event.DataOf(params)
	if err != nil {
		data = event.Data{{Name: "error", Value: event.Str(err.Error())}}
	}
	w := t.inst.world
	w.gate.mu.Lock()
	defer w.gate.mu.Unlock()
	if t.inst.Dead() {
		return
	}
	task, _ := t.inst.attribute(probe.Caller())
	w.gate.emitted = append(w.gate.emitted, emission{inst: t.inst, invocation: task.Name.Text, Emitted: probe.Emitted{Type: eventType, Data: data}, service: w.gate.answered[task]})
}

// Passive is false: the world decides about every call.
func (t *instanceTap) Passive() bool { return false }

// Depart ends the calling goroutine if the run is over.
func (t *instanceTap) Depart() { t.inst.world.gate.depart() }
