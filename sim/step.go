package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
)

// shortLabel is an operation for people: "POST payments.example/charges",
// "redis GET cart:1".
func shortLabel(op *event.Operation) string {
	if strings.HasPrefix(op.Resource, "/") {
		return op.Method + " " + op.Service + op.Resource
	}
	return strings.TrimSpace(op.Service + " " + op.Method + " " + op.Resource)
}

// remark puts the newest deviation into words, for the plan and the step.
func (w *world) remark(note string) {
	w.record.Note(note)
	w.note = append(w.note, note)
}

// fault asks for a step's outcome among options, which it takes over: the
// benign one, then deviations that are faults. It returns the zero option for
// the benign one.
func (w *world) fault(c candidate, options []scheduler.Option) scheduler.Option {
	if w.faults >= w.sim.scenario.Faults.Most || !w.exposed(c) {
		return scheduler.Option{}
	}
	d := scheduler.Decision{At: c.step(), Options: options[:1], State: w.state()}
	for _, o := range options[1:] {
		if o.Fault = true; w.allowed(o.Do) {
			d.Options = append(d.Options, o)
		}
	}
	picked := d.Options[w.record.Choose(d)]
	if picked.Do != "" {
		w.faults++
	}
	return picked
}

func (w *world) allowed(kind string) bool {
	if w.sim.scenario.Isolated && (kind == cloud.Crash || kind == cloud.Reap) {
		return false // package-level variables would survive it
	}
	kinds := w.sim.scenario.Faults.Kinds
	return kinds == nil || contains(kinds, kind)
}

// exposed reports whether the scenario allows faults at this place.
func (w *world) exposed(c candidate) bool {
	f := w.sim.scenario.Faults
	if f.Functions != nil && !contains(f.Functions, c.task.fn.Name) {
		return false
	}
	return c.call == nil || f.Services == nil || contains(f.Services, c.call.Op.Service)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// perform lets one thing happen, and tells it as a step.
func (w *world) perform(c candidate) {
	if h, ok := c.task.Cause.(cloud.Handed); ok && c.call == nil {
		c.task = w.taskOf(h.Arrange(c.task.Task, c.step()))
	}
	w.seed(c.step())
	w.turn(c)
	w.site = site(c)
	s := Step{Identity: c.step(), Task: c.task.Name.Text, Function: c.task.fn.Name}
	switch {
	case c.call != nil:
		w.random.reseed(c.call.caller, s.Identity)
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
	w.named(s.Identity)
	w.tell(s)
	c.task.lastStep = time.Now() //wtsim:clock the bubble's clock
	if !c.task.Own {
		w.idleSince = c.task.lastStep
	}
	w.fair(c.task, &s)
	w.takesAdvantage(c)
	w.tellCompanion()
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
	s.Kind, s.What, s.Instance = KindStart, h.Words(t.Attempt), h.To().ID
	options := []scheduler.Option{{}}
	if h.MayDouble() {
		options = append(options, scheduler.Option{Do: cloud.Duplicate})
	}
	o := w.fault(c, options)
	s.Outcome = o.String()
	if o.Do == cloud.Duplicate {
		w.remark(t.who() + ": " + twice(h))
	}
	w.mu.Lock()
	t.stage = over
	deliver := h.HandOver(t.Task, o.Do == cloud.Duplicate)
	w.mu.Unlock()
	deliver()
	w.beat.Wait()
}

// operate lets an operation happen, or not.
func (w *world) operate(c candidate, s *Step) {
	k := c.call
	s.Kind, s.What = KindOperation, shortLabel(&k.Op)
	s.Operation = &k.Op
	if a, ok := w.backend(k.Op.Service).(cloud.Arranger); ok {
		a.Arrange(k.Call, k.id)
	}
	o := w.fault(c, w.operationFaults(k))
	s.Outcome = o.String()
	if o.Do != "" {
		w.remark(operationNote(c, o))
	}
	if o.Do == cloud.Stall {
		w.stall(k, o.With)
		s.Status = "held"
		return
	}
	if o.Do == cloud.Crash && o.With == cloud.Before {
		w.kill(k.inst)
		s.Status = "not sent"
		return
	}
	c.task.calls = remove(c.task.calls, k)
	switch {
	case o.Do == cloud.Crash:
		k.dies = true
		w.let(k, probe.Fate{})
		w.kill(k.inst)
	case o.Do == cloud.Fail:
		w.let(k, probe.Fate{Action: probe.Refuse, With: o.With})
	case o.Do == cloud.LoseResponse:
		w.let(k, probe.Fate{Action: probe.Lose, With: o.With})
	case o.Do == cloud.StaleRead:
		w.let(k, probe.Fate{Action: probe.Stale, With: o.With})
	case o.Do == cloud.LoseWrites:
		w.failOver(k, o.With)
		w.let(k, probe.Fate{})
	case o.Do == cloud.Redeliver || o.Do == cloud.Duplicate:
		w.backend(k.Op.Service).(cloud.Deviant).Deviate(k.Call, o.Do)
		w.let(k, probe.Fate{})
	default:
		w.beside(c)
		w.let(k, passes)
	}
	s.Status = operationStatus(k, o)
}

// let releases a call and waits until all is quiet again.
func (w *world) let(k *call, v probe.Fate) {
	k.release <- v
	w.together()
}

// The status of an operation that has no result yet, and of one whose result
// comes later and is lost.
const (
	waits = "(waits)"
	lost  = "(response lost)"
)

// passes lets a call happen.
var passes = probe.Fate{}

func operationStatus(k *call, o scheduler.Option) string {
	switch {
	case o.Do == cloud.Fail:
		return o.With
	case o.Do == cloud.LoseResponse && k.Op.Result.Status == "": // it will be
		return lost
	case o.Do == cloud.LoseResponse:
		return "(response lost: " + k.Op.Result.Status + ")"
	case !k.left:
		return waits
	}
	return k.Op.Result.Status
}

// operationFaults lists what may become of a call. What only reads has no
// effect: to lose its answer is to fail, to die after it is to die before
// the next, so these are not offered apart.
func (w *world) operationFaults(k *call) []scheduler.Option {
	out := make([]scheduler.Option, 1, 8)
	for _, status := range k.Op.Fails {
		out = append(out, scheduler.Option{Do: cloud.Fail, With: status})
	}
	if k.Op.Access&event.Writes != 0 {
		out = append(out, scheduler.Option{Do: cloud.LoseResponse, With: "reset"})
		if k.Timed {
			out = append(out, scheduler.Option{Do: cloud.LoseResponse, With: "timeout"})
		}
		out = append(out, scheduler.Option{Do: cloud.Crash, With: cloud.After})
	}
	out = append(out, scheduler.Option{Do: cloud.Crash, With: cloud.Before})
	out = append(out, w.storeFaults(k)...)
	for _, h := range w.holds(k) {
		if o := (scheduler.Option{Do: cloud.Stall, With: h.name}); !slices.Contains(out, o) { // tokens are masked
			out = append(out, o)
		}
	}
	return out
}

// storeFaults lists what a call's service may do besides: forget the newest
// writes, read an older state, not see an acknowledgement.
func (w *world) storeFaults(k *call) []scheduler.Option {
	var out []scheduler.Option
	backend := w.backend(k.Op.Service)
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
func (w *world) failOver(k *call, writes string) {
	n, err := strconv.Atoi(writes)
	if err != nil {
		panic(err) // it was made by strconv.Itoa
	}
	w.backend(k.Op.Service).(cloud.FailsOver).FailOver(n)
	w.beat.Wait()
}

// operationNote puts an operation's deviation into words.
func operationNote(c candidate, o scheduler.Option) string {
	k := c.call
	where := fmt.Sprintf("%s, attempt %d", c.task.who(), c.task.Attempt)
	if k.building {
		where += ", constructor"
	}
	op := shortLabel(&k.Op)
	switch o.Do {
	case cloud.Fail:
		if o.With == strings.ToLower(o.With) && strings.ContainsFunc(o.With, unicode.IsLetter) { // no status: "refused"
			return fmt.Sprintf("%s: %s fails: connection %s", where, op, o.With)
		}
		return fmt.Sprintf("%s: %s is refused with %s", where, op, o.With)
	case cloud.LoseResponse:
		if o.With == "timeout" {
			return fmt.Sprintf("%s: the response of %s is lost, the caller times out", where, op)
		}
		return fmt.Sprintf("%s: the response of %s is lost", where, op)
	case cloud.Crash:
		return fmt.Sprintf("%s: the instance crashes %s %s", where, o.With, op)
	case cloud.LoseWrites:
		return fmt.Sprintf("%s fails over before %s of %s: the newest %s lost", k.Op.Service, op, where, lostPeople(o.With))
	case cloud.StaleRead:
		return fmt.Sprintf("%s: %s does not see the newest %s", where, op, writesPeople(o.With))
	case cloud.Redeliver:
		return fmt.Sprintf("%s: the acknowledgement of %s is lost", where, op)
	case cloud.Duplicate:
		return fmt.Sprintf("%s: the first message of %s is delivered twice", where, op)
	}
	return fmt.Sprintf("%s: %s is held past the %s", where, op, stallPeople(o.With))
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
