package sim

import (
	varint "encoding/binary"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/scheduler"
)

// What strategies know of a run: what each step touches, and what state the
// platform is in at a decision.
//
//	redis cart:1     a resource of a service
//	redis *          all of a service: written by what names no resource, or lists
//	time             moved by what happens because time has passed
//
// Every operation touches "<service> *" and "time" without reading or writing
// them: so it conflicts with who does. What starts and ends do to function
// instances, and in which order properties see events, is part of the state
// instead: as conflicts they would order whole requests, which could change
// places all the same.

// next is what a candidate would do, for a scheduling decision's option.
func (w *world) nextStep(c candidate) *scheduler.Step {
	if !w.watched {
		return nil
	}
	return &scheduler.Step{Name: c.step(), Task: c.task.name, Site: site(c), Touches: w.touches(c)}
}

// site is the place in the program that a step comes from: what the steps of
// other requests have in common with it.
func site(c candidate) string {
	switch {
	case c.call == nil && c.task.stage == pending:
		return "start " + c.task.fn.Name
	case c.call == nil:
		return "end " + c.task.fn.Name
	}
	k := c.call
	return c.task.fn.Name + ":" + k.Op.Service + "." + k.Op.Method + " " + firstWord(k.label) + "/" + strconv.Itoa(k.k)
}

// firstWord is the part of a label's resource before its first number: the
// kind of resource, rather than the one.
func firstWord(label string) string {
	return strings.TrimRight(label, "0123456789*")
}

func (w *world) touches(c candidate) []scheduler.Touch {
	if c.call == nil {
		return []scheduler.Touch{{Resource: "time"}}
	}
	return operationTouches(&c.call.Op)
}

func operationTouches(op *event.Operation) []scheduler.Touch {
	out := []scheduler.Touch{{Resource: "time"}}
	all := scheduler.Touch{Resource: op.Service + " *"}
	names := []string{op.Resource}
	if op.Service == "redis" {
		names = strings.Fields(op.Resource)
	}
	if op.Resource == "" || strings.Contains(op.Method, "list") || strings.Contains(op.Resource, "*") {
		all.Write, names = true, nil
	}
	for _, name := range names {
		t := scheduler.Touch{Resource: op.Service + " " + name, Read: op.Access&event.Reads != 0, Write: op.Access&event.Writes != 0}
		if op.Access == 0 {
			t.Read, t.Write = true, true // not known
		}
		out = append(out, t)
	}
	return append(out, all)
}

// did tells the recorder of a step that was told, with all that it has shown
// as its outcome: runs are alike only where that is.
func (w *world) did(s *Step) {
	if !w.watched {
		return
	}
	step := scheduler.Step{Name: s.Identity, Task: s.Task, Site: s.What}
	outcome := fnv.New64a()
	for _, part := range []string{s.Outcome, s.Status, s.Instance} {
		_, _ = outcome.Write([]byte(part + "\x00"))
	}
	switch {
	case s.Kind == KindTime:
		step.Touches = []scheduler.Touch{{Resource: "time", Write: true}}
	case s.Operation != nil:
		step.Touches = operationTouches(s.Operation)
		_, _ = outcome.Write(w.trace.arguments[:])
	default:
		step.Touches = []scheduler.Touch{{Resource: "time"}}
	}
	for _, e := range s.Events {
		e.Time = time.Time{}
		line := e.AppendJSON(nil)
		_, _ = outcome.Write(line)
		h := fnv.New64a()
		_, _ = h.Write(varint.AppendVarint(line, int64(w.history)))
		w.history = h.Sum64()
	}
	w.reached(s.Events)
	if w.site != "" {
		step.Site, w.site = w.site, ""
	}
	step.Outcome = strconv.FormatUint(outcome.Sum64(), 36)
	w.record.Did(step)
}

// reached tells which events properties have seen, each counted to two: what
// tells most automata's states apart.
func (w *world) reached(events []event.Event) {
	for _, e := range events {
		if w.seen == nil {
			w.seen = map[string]int{}
		}
		if w.seen[e.Type] < 2 {
			w.seen[e.Type]++
			var parts []string
			for name, n := range w.seen { //wtsim:order sorted below
				parts = append(parts, name+"="+strconv.Itoa(n))
			}
			slices.Sort(parts)
			w.record.Reached(strings.Join(parts, " "))
		}
	}
}

// state is a hash of what decides how the run goes on: what has happened, as
// a partial order; the instant; what is ready, waits or falls due, in order;
// and what the benign order counts.
func (w *world) state() uint64 {
	if !w.watched {
		return 0
	}
	h := fnv.New64a()
	var b []byte
	number := func(n int64) { b = varint.AppendVarint(b, n) }
	text := func(s string) { number(int64(len(s))); b = append(b, s...) }
	now := time.Now() //wtsim:clock the bubble's clock
	number(int64(w.record.Hash()))
	number(int64(w.history))
	number(now.UnixNano())
	number(int64(w.faults))
	if text(w.lastNamed); w.current != nil {
		text(w.current.name)
	}
	number(int64(w.wakings))
	ranks := make([]int, 0, len(w.tasks))
	for _, t := range w.tasks {
		ranks = append(ranks, t.readySince)
	}
	slices.Sort(ranks)
	for _, t := range w.tasks {
		text(t.name)
		rank, _ := slices.BinarySearch(ranks, t.readySince)
		for _, n := range []int{int(t.stage), rank, min(t.readySince, 1), t.row, t.same, t.attempt, len(t.calls)} {
			number(int64(n))
		}
		if text(t.lastRun); t.inst != nil {
			text(t.inst.id)
		}
		for _, c := range t.calls {
			text(c.id)
		}
	}
	for _, e := range w.agenda.entries {
		if text(e.name); !e.idle { // of those that no run waits for only the order counts
			number(e.at.UnixNano())
		}
	}
	for _, i := range w.instances {
		text(i.id)
		flags := int64(len(i.serving))
		for n, on := range []bool{i.dead, i.leaving, i.built} {
			if on {
				flags |= 1 << (8 + n)
			}
		}
		number(flags)
		number(int64(i.errors))
	}
	_, _ = h.Write(b)
	return h.Sum64()
}
