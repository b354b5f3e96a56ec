package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
)

// shortLabel is an operation for people: "POST payments.example/charges",
// "store GET cart:1".
func shortLabel(op *event.Operation) string {
	if strings.HasPrefix(op.Resource, "/") {
		return op.Method + " " + op.Service + op.Resource
	}
	return strings.TrimSpace(op.Service + " " + op.Method + " " + op.Resource)
}

// perform lets one thing happen, and tells it as a step.
func (w *world) perform(c candidate) {
	if h, ok := c.task.Cause.(cloud.Handed); ok && c.call == nil {
		c.task = w.services.kernel.own(h.Arrange(c.task.Task, c.step()))
	}
	w.entropy.seed(c.step())
	w.entropy.step = c.step()
	w.roster.turn(c)
	w.insight.site = site(c)
	n := len(w.story.steps) + 1
	if w.sim.stopAt > 0 {
		debuggedStep = n
	}
	s := Step{Identity: c.step(), Task: c.task.Name.Label, Function: c.task.fn.Name}
	switch {
	case c.call != nil:
		w.entropy.random.reseed(c.call.caller, s.Identity)
		if n == w.sim.stopAt {
			c.call.stops = n
		}
		w.operate(c, &s)
	case c.task.handed():
		w.handOver(c, &s)
	case c.task.stage == pending:
		w.start(c, &s)
	default:
		w.conclude(c, &s)
	}
	if s.Number = c.task.number; c.task.inst != nil {
		s.Instance = c.task.inst.ID
	}
	w.story.named(s.Identity)
	w.tell(s)
	c.task.lastStep = time.Now() //wtsim:clock the bubble's clock
	if !c.task.Own && !(c.task.restarts() && w.fleet.idleSince.After(w.sim.scenario.Epoch)) {
		w.fleet.idleSince = c.task.lastStep
	}
	fair(c.task, &s)
	w.stalls.takesAdvantage(c)
	w.threads.tellCompanion()
}

func instanceID(t *task) string {
	if t.inst == nil {
		return ""
	}
	return t.inst.ID
}

// handOver gives a task to the instance that waits for it: a step.
func (w *world) handOver(c candidate, s *Step) {
	t := c.task
	h := t.Cause.(cloud.Handed)
	s.Kind, s.What, s.Trigger, s.Instance = KindStart, h.Words(t.Attempt), triggerOf(t.Task), h.To().ID
	options := []scheduler.Option{{}}
	if h.MayDouble() {
		options = append(options, scheduler.Option{Do: cloud.Duplicate})
	}
	o := w.chance.fault(c, options)
	s.Outcome = outcome(o)
	if o.Do == cloud.Duplicate {
		w.chance.remark(t.who() + ": " + twice(h))
	}
	w.gate.mu.Lock()
	t.stage = over
	deliver := h.HandOver(t.Task, o.Do == cloud.Duplicate)
	w.gate.mu.Unlock()
	deliver()
	w.beat.Wait()
}

// operate lets an operation happen, or not.
func (w *world) operate(c candidate, s *Step) {
	k := c.call
	s.Kind, s.What = KindOperation, shortLabel(&k.Op)
	s.Operation = &k.Op
	if a, ok := w.services.backend(k.Op.Service).(cloud.Arranger); ok {
		a.Arrange(k.Call, k.id)
	}
	if len(k.Op.Fails) > 0 && w.offers.isDown(k.Op.Service) {
		w.refuse(k, s)
		return
	}
	o := w.chance.fault(c, w.offers.operationFaults(k))
	s.Outcome = outcome(o)
	if k.After != nil {
		s.What += " (late)"
	}
	h := w.stalls.chosen(k, o)
	if h != nil {
		s.Held = &h.is
	}
	if o.Do != "" {
		w.chance.remark(operationNote(c, o, s.Held))
	}
	if o.Do == cloud.Outage {
		w.offers.begin(k.Op.Service)
		w.refuse(k, s)
		return
	}
	if o.Do == cloud.Stall {
		w.stalls.stall(k, h)
		s.Status = "held"
		return
	}
	if k.endsBefore(o) {
		s.Status = "not sent"
		return
	}
	c.task.calls = remove(c.task.calls, k)
	w.begins(c.task, s)
	switch {
	case o.Do == cloud.Crash:
		k.dies = true
		w.let(k, probe.Fate{})
		k.inst.kill()
	case o.Do == cloud.Fail:
		w.let(k, probe.Fate{Action: probe.Refuse, With: o.With})
	case o.Do == cloud.LoseResponse:
		w.let(k, probe.Fate{Action: probe.Lose, With: o.With})
	case o.Do == cloud.LateEffect:
		w.let(k, k.leave(h))
		s.Status = "late"
		return
	case o.Do == cloud.StaleRead:
		w.let(k, probe.Fate{Action: probe.Stale, With: o.With})
	case o.Do == cloud.LoseWrites:
		w.offers.failOver(k, o.With)
		w.let(k, probe.Fate{})
	case o.Do == cloud.Redeliver || o.Do == cloud.Duplicate || o.Do == cloud.Partial || o.Do == cloud.Conflict || o.Do == cloud.Disconnect:
		w.services.backend(k.Op.Service).(cloud.Deviant).Deviate(k.Call, o.Do)
		w.beat.Wait()
		w.let(k, probe.Fate{})
	default:
		w.threads.beside(c)
		w.let(k, passes)
	}
	s.Status, s.open = operationStatus(k, o)
}

// endsBefore lets what is to befall a call's instance before the call do so, and
// reports whether the call is over by that.
func (k *call) endsBefore(o scheduler.Option) bool {
	switch {
	case o.Do == cloud.Crash && o.With == cloud.Before:
		k.inst.kill()
		return true
	case o.Do == cloud.Reap:
		k.inst.terminate("")
		return k.inst.Dead() || k.withdrawn.Load()
	}
	return false
}

// let releases a call and waits until all is quiet again.
func (w *world) let(k *call, v probe.Fate) {
	k.release <- v
	w.threads.together()
}

// passes lets a call happen.
var passes = probe.Fate{}

// waits is the status of a call that others have to answer.
const waits = "(waits)"

// operationStatus is the status of an operation, in words, and whether it has
// no result yet: it waits, or its result comes later and is lost.
func operationStatus(k *call, o scheduler.Option) (status string, open bool) {
	switch {
	case o.Do == cloud.Fail:
		return o.With, false
	case o.Do == cloud.LoseResponse && k.Op.Result.Status == "": // it will be
		return "(response lost)", true
	case o.Do == cloud.LoseResponse:
		return "(response lost: " + k.Op.Result.Status + ")", false
	case !k.left && k.withdrawn.Load(): // a failover has ended its connection
		return "not sent", false
	case !k.left:
		return waits, true
	}
	return k.Op.Result.Status, false
}

// operationFaults lists what may become of a call. What only reads has no
// effect: to lose its answer is to fail, to die after it is to die before
// the next, so these are not offered apart.
func (of *offers) operationFaults(k *call) []scheduler.Option {
	out := make([]scheduler.Option, 1, 8)
	if k.After != nil { // nobody is there to see one
		return out
	}
	for _, status := range k.Op.Fails {
		out = append(out, scheduler.Option{Do: cloud.Fail, With: status})
	}
	out = append(out, of.outageFault(k)...)
	if k.Op.Access&event.Writes != 0 {
		out = append(out, scheduler.Option{Do: cloud.LoseResponse, With: "reset"})
		if k.Timed {
			out = append(out, scheduler.Option{Do: cloud.LoseResponse, With: "timeout"})
		}
		out = append(out, scheduler.Option{Do: cloud.Crash, With: cloud.After})
	}
	out = append(out, scheduler.Option{Do: cloud.Crash, With: cloud.Before})
	if k.inst.works() && !k.inst.leaving {
		out = append(out, scheduler.Option{Do: cloud.Reap})
	}
	out = append(out, of.storeFaults(k)...)
	return append(out, of.holdFaults(k)...)
}

// holdFaults lists past what a call may be held, and what may happen late.
func (of *offers) holdFaults(k *call) []scheduler.Option {
	var stalls, late []scheduler.Option
	for _, h := range of.stalls.holds(k) {
		o := scheduler.Option{Do: cloud.Stall, With: h.name}
		if slices.Contains(stalls, o) { // tokens are masked
			continue
		}
		stalls = append(stalls, o)
		if k.leaves(h) {
			late = append(late, scheduler.Option{Do: cloud.LateEffect, With: h.name})
		}
	}
	return append(stalls, late...)
}

// storeFaults lists what a call's service may do besides: forget the newest
// writes, read an older state, not see an acknowledgement.
func (of *offers) storeFaults(k *call) []scheduler.Option {
	var out []scheduler.Option
	backend := of.services.backend(k.Op.Service)
	if b, ok := backend.(cloud.FailsOver); ok {
		for n := 1; n <= b.Losable(); n++ {
			out = append(out, scheduler.Option{Do: cloud.LoseWrites, With: strconv.Itoa(n)})
		}
	}
	if b, ok := backend.(cloud.Lags); ok {
		for n := 1; n <= b.Staleness(k.Call); n++ {
			out = append(out, scheduler.Option{Do: cloud.StaleRead, With: strconv.Itoa(n)})
		}
	}
	if b, ok := backend.(cloud.Deviant); ok {
		for _, kind := range b.Deviations(k.Call) {
			out = append(out, scheduler.Option{Do: kind})
		}
	}
	return out
}

// failOver loses the newest writes of a call's service, before the call.
func (of *offers) failOver(k *call, writes string) {
	n, err := strconv.Atoi(writes)
	if err != nil {
		panic(err) // it was made by strconv.Itoa
	}
	of.services.backend(k.Op.Service).(cloud.FailsOver).FailOver(n)
	of.beat.Wait()
}

// operationNote puts an operation's deviation into words; past is what it is
// held past.
func operationNote(c candidate, o scheduler.Option, past *Past) string {
	k := c.call
	where := fmt.Sprintf("%s, attempt %d", c.task.who(), c.task.Attempt)
	if k.building {
		where += ", constructor"
	}
	op := shortLabel(&k.Op)
	switch o.Do {
	case cloud.Fail:
		if o.With == probe.Refused || o.With == probe.Reset {
			return fmt.Sprintf("%s: %s fails: connection %s", where, op, o.With)
		}
		return fmt.Sprintf("%s: %s is refused with %s", where, op, o.With)
	case cloud.Outage:
		return fmt.Sprintf("%s is down for %s, from %s of %s on", k.Op.Service, o.With, op, where)
	case cloud.LoseResponse:
		if o.With == "timeout" {
			return fmt.Sprintf("%s: the response of %s is lost, the caller times out", where, op)
		}
		return fmt.Sprintf("%s: the response of %s is lost", where, op)
	case cloud.Crash:
		return fmt.Sprintf("%s: the instance crashes %s %s", where, o.With, op)
	case cloud.Reap:
		return fmt.Sprintf("%s: the instance is told to end before %s", where, op)
	case cloud.LoseWrites:
		return fmt.Sprintf("%s fails over before %s of %s: the newest %s lost", k.Op.Service, op, where, lostPeople(o.With))
	case cloud.StaleRead:
		return fmt.Sprintf("%s: %s does not see the newest %s", where, op, writesPeople(o.With))
	case cloud.Redeliver:
		return fmt.Sprintf("%s: the acknowledgement of %s is lost", where, op)
	case cloud.Duplicate:
		return fmt.Sprintf("%s: the first message of %s is delivered twice", where, op)
	case cloud.Partial:
		return fmt.Sprintf("%s: %s leaves the last of what it is asked for unprocessed", where, op)
	case cloud.Disconnect:
		return fmt.Sprintf("an idle connection to %s dies before %s of %s", k.Op.Service, op, where)
	case cloud.Conflict:
		return fmt.Sprintf("%s: %s is refused, as another operation on one of its items is under way", where, op)
	}
	return fmt.Sprintf("%s: %s %s", where, op, heldPeople(o.Do, *past))
}

func lostPeople(n string) string {
	if n == "1" {
		return "write is"
	}
	return n + " writes are"
}

func writesPeople(n string) string {
	if n == "1" {
		return "write"
	}
	return n + " writes"
}

func remove(calls []*call, k *call) []*call {
	for i, c := range calls {
		if c == k {
			return append(calls[:i:i], calls[i+1:]...)
		}
	}
	return calls
}
