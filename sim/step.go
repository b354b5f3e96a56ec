package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
)

// choose picks what happens next: the decision "after <the last step>".
func (w *world) choose(ready []candidate) candidate {
	if len(ready) == 1 {
		return ready[0]
	}
	d := scheduler.Decision{At: "after " + w.lastStep(), Options: make([]scheduler.Option, 1, len(ready))}
	index := []int{0}
	for i, c := range ready[1:] {
		if o := w.overtake(ready, c); w.allowed(o.Do) {
			d.Options = append(d.Options, o)
			index = append(index, i+1)
		}
	}
	picked := w.record.Choose(d)
	c := ready[index[picked]]
	if picked > 0 {
		w.remark(fmt.Sprintf("%s goes before %s", c.people(), ready[0].people()))
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
		if c.task.stage == pending && c.task.message != nil && other.task.stage == pending &&
			other.task.message != nil && other.task.fn == c.task.fn {
			return scheduler.Option{Do: Reorder, With: c.task.name}
		}
	}
	for _, other := range ready {
		if other == c {
			break
		}
		first = first && other.task != c.task
	}
	if first {
		return scheduler.Option{Do: RunOther, With: c.task.name}
	}
	return scheduler.Option{Do: RunOther, With: c.step()}
}

func (w *world) lastStep() string {
	if len(w.steps) == 0 {
		return "begin"
	}
	return w.steps[len(w.steps)-1].Identity
}

// people's words for a candidate.
func (c candidate) people() string {
	switch {
	case c.call != nil && c.call.building:
		return fmt.Sprintf("%s %s of %s's constructor", c.call.Op.Method, c.call.Op.Resource, c.task.who())
	case c.call != nil:
		return c.task.who() + " " + shortLabel(&c.call.Op)
	case c.task.stage == pending:
		return "the start of " + c.task.who()
	}
	return "the end of " + c.task.who()
}

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

// fault asks for a step's outcome among deviations that are faults. It
// returns the zero option for the benign one.
func (w *world) fault(c candidate, options []scheduler.Option) scheduler.Option {
	d := scheduler.Decision{At: c.step(), Options: []scheduler.Option{{}}}
	for _, o := range options {
		if o.Fault = true; w.allowed(o.Do) {
			d.Options = append(d.Options, o)
		}
	}
	if w.faults >= w.sim.scenario.Faults.Most || !w.exposed(c) {
		return scheduler.Option{}
	}
	picked := d.Options[w.record.Choose(d)]
	if picked.Do != "" {
		w.faults++
	}
	return picked
}

func (w *world) allowed(kind string) bool {
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
	w.seed(c.step())
	w.turn(c)
	w.random.reseed(c.step())
	s := Step{Identity: c.step(), Task: c.task.name, Function: c.task.fn.Name}
	switch {
	case c.call != nil:
		w.operate(c, &s)
	case c.task.stage == pending:
		w.start(c, &s)
	default:
		w.conclude(c, &s)
	}
	s.Instance, s.Number = instanceID(c.task), c.task.number
	w.named(s.Identity)
	w.tell(s)
	w.fair(c.task, &s)
}

func instanceID(t *task) string {
	if t.inst == nil {
		return ""
	}
	return t.inst.id
}

// turn makes the task the one that ran last.
func (w *world) turn(c candidate) {
	if w.current != c.task {
		c.task.row, c.task.same = 0, 0
	}
	w.current = c.task
}

// fair sends a task to the back after 50 operations in a row, or after the
// same one with the same result five times: a spinning lock never yields by
// itself.
func (w *world) fair(t *task, s *Step) {
	run := s.What + " " + s.Status
	if t.row++; run == t.lastRun {
		t.same++
	} else {
		t.same, t.lastRun = 1, run
	}
	if t.row < 50 && t.same < 5 {
		return
	}
	t.row, t.same = 0, 0
	w.clock++
	t.readySince = w.clock
	if w.current == t {
		w.current = nil
	}
}

// operate lets an operation happen, or not.
func (w *world) operate(c candidate, s *Step) {
	k := c.call
	s.Kind, s.What = KindOperation, shortLabel(&k.Op)
	s.Operation = &k.Op
	o := w.fault(c, w.operationFaults(k))
	s.Outcome = o.String()
	if o.Do != "" {
		w.remark(operationNote(c, o))
	}
	if o.Do == Stall {
		w.stall(k, o.With)
		s.Status = "held"
		return
	}
	if o.Do == Crash && o.With == crashBefore {
		w.kill(k.inst)
		s.Status = "(not sent)"
		return
	}
	c.task.calls = remove(c.task.calls, k)
	switch {
	case o.Do == Crash:
		k.dies = true
		w.let(k, probe.Verdict{})
		w.kill(k.inst)
	case o.Do == Fail:
		w.let(k, probe.Verdict{Action: probe.Refuse, With: o.With})
	case o.Do == LoseResponse:
		w.let(k, probe.Verdict{Action: probe.Lose, With: o.With})
	default:
		w.let(k, probe.Verdict{})
	}
	s.Status = operationStatus(k, o)
}

// let releases a call and waits until all is quiet again.
func (w *world) let(k *call, v probe.Verdict) {
	k.release <- v
	bubble.Wait()
}

func operationStatus(k *call, o scheduler.Option) string {
	switch {
	case o.Do == Fail:
		return o.With
	case o.Do == LoseResponse:
		return "(response lost: " + k.Op.Result.Status + ")"
	case !k.left:
		return "(waits)"
	}
	return k.Op.Result.Status
}

// operationFaults lists what may become of a call. What only reads has no
// effect: to lose its answer is to fail, to die after it is to die before
// the next, so these are not offered apart.
func (w *world) operationFaults(k *call) []scheduler.Option {
	var out []scheduler.Option
	for _, status := range k.Op.Fails {
		out = append(out, scheduler.Option{Do: Fail, With: status})
	}
	if k.Op.Access&event.Writes != 0 {
		out = append(out, scheduler.Option{Do: LoseResponse, With: "reset"})
		if k.Timed {
			out = append(out, scheduler.Option{Do: LoseResponse, With: "timeout"})
		}
		out = append(out, scheduler.Option{Do: Crash, With: crashAfter})
	}
	out = append(out, scheduler.Option{Do: Crash, With: crashBefore})
	for _, e := range w.stallEntries(k) {
		out = append(out, scheduler.Option{Do: Stall, With: e.name})
	}
	return out
}

// stallEntries are the entries of the agenda that concern the call: its
// invocation's time limit, and the expiry of keys that the task has used.
func (w *world) stallEntries(k *call) []entry {
	if k.task.background || k.building || !k.heldUntil.IsZero() {
		return nil
	}
	var out []entry
	if !k.task.overdue {
		out = append(out, entry{at: k.task.timeout, name: "timeout " + k.task.name})
	}
	for _, t := range k.task.touched {
		x, ok := w.backend(t.service).(probe.Expirer)
		if !ok {
			continue
		}
		if at := x.Expires(t.resource); at > 0 {
			out = append(out, entry{at: time.Unix(0, at), name: "expiry " + t.service + " " + t.resource})
		}
	}
	return out
}

// stall holds a call until just after an entry.
func (w *world) stall(k *call, name string) {
	for _, e := range w.stallEntries(k) {
		if e.name == name {
			k.heldUntil = e.at.Add(stepTime)
		}
	}
	w.agenda.add(k.heldUntil, "resume "+k.id, func() {
		k.heldUntil = time.Time{}
		k.id += " resumed"
	})
}

func operationNote(c candidate, o scheduler.Option) string {
	k := c.call
	where := fmt.Sprintf("%s, attempt %d", c.task.who(), c.task.attempt)
	if k.building {
		where += ", constructor"
	}
	op := shortLabel(&k.Op)
	switch o.Do {
	case Fail:
		if _, err := fmt.Sscanf(o.With, "%d", new(int)); err != nil {
			return fmt.Sprintf("%s: %s fails: connection %s", where, op, o.With)
		}
		return fmt.Sprintf("%s: %s is refused with %s", where, op, o.With)
	case LoseResponse:
		if o.With == "timeout" {
			return fmt.Sprintf("%s: the response of %s is lost, the caller times out", where, op)
		}
		return fmt.Sprintf("%s: the response of %s is lost", where, op)
	case Crash:
		return fmt.Sprintf("%s: the instance crashes %s %s", where, o.With, op)
	}
	return fmt.Sprintf("%s: %s is held past the %s", where, op, stallPeople(o.With))
}

func stallPeople(entry string) string {
	if strings.HasPrefix(entry, "timeout ") {
		return "invocation's time limit"
	}
	return entry
}

func remove(calls []*call, k *call) []*call {
	for i, c := range calls {
		if c == k {
			return append(calls[:i:i], calls[i+1:]...)
		}
	}
	return calls
}
