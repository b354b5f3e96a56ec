package sim

import (
	"crypto/sha256"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/scheduler"
)

// What strategies know of a run: what each step touches, and what state the
// platform is in at a decision.
//
//	store cart:1     a resource of a service
//	store *          all of a service: written by what names no resource, or lists
//	time             moved by what happens because time has passed
//
// Every operation touches "<service> *" and "time" without reading or writing
// them: so it conflicts with who does. What starts and ends do to function
// instances, and in which order properties see events, is part of the state
// instead (see state.go): as conflicts they would order whole requests, which
// could change places all the same.

// insight is what strategies are told of a run. It belongs to the run's
// goroutine.
type insight struct {
	watch    Watch
	sim      *Simulation
	record   *scheduler.Decider
	services *services
	fleet    *fleet

	site     string            // of the step that is being done
	taken    map[string]bool   // what properties have done, see took
	ways     map[string]uint64 // by property: hash of it
	depends  scheduler.Order   // all of what has happened, see past
	history  uint64            // hash of the events in their order
	expiries []expiry          // of keys, sorted
	behind   []lossy           // what services may forget
}

// next is what a candidate would do, for a scheduling decision's option.
func (in *insight) nextStep(c candidate) *scheduler.Transition {
	if in.watch == WatchNothing {
		return nil
	}
	return &scheduler.Transition{Name: c.step(), Task: c.task.Name.Text, Site: site(c), Touches: in.touches(c)}
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

func (in *insight) touches(c candidate) []scheduler.Touch {
	if c.call == nil {
		return []scheduler.Touch{{Resource: "time"}}
	}
	return in.operationTouches(&c.call.Op)
}

// keyed reports whether the resource of a service's operations is a list of
// keys.
func (in *insight) keyed(service string) bool {
	_, ok := in.services.backend(service).(cloud.Expirer)
	return ok
}

func (in *insight) operationTouches(op *event.Operation) []scheduler.Touch {
	out := []scheduler.Touch{{Resource: "time"}}
	all := scheduler.Touch{Resource: op.Service + " *"}
	names := []string{op.Resource}
	if in.keyed(op.Service) {
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
	if b, ok := in.services.backend(op.Service).(cloud.Reaching); ok {
		for _, name := range b.Reaches(op) {
			out = append(out, scheduler.Touch{Resource: name + " *", Write: true})
		}
	}
	return append(out, all)
}

// did tells the decider of a step that was told, with all that it has shown
// as its outcome: runs are alike only where that is.
func (in *insight) did(s *Step, arguments [sha256.Size]byte) {
	if in.watch == WatchNothing {
		return
	}
	step := scheduler.Transition{Name: s.Identity, Task: s.Task.Text, Site: s.What}
	outcome := fnv.New64a()
	for _, part := range []string{s.Outcome.String(), s.Status, s.Instance} {
		_, _ = outcome.Write([]byte(part + "\x00"))
	}
	switch {
	case s.Kind == KindTime:
		step.Touches = []scheduler.Touch{{Resource: "time", Write: true}}
	case s.Operation != nil:
		step.Touches = in.operationTouches(s.Operation)
		_, _ = outcome.Write(arguments[:])
	default:
		step.Touches = []scheduler.Touch{{Resource: "time"}}
	}
	for _, e := range s.Events {
		e.Time = time.Time{}
		_, _ = outcome.Write(e.AppendJSON(nil))
	}
	if in.site != "" {
		step.Site, in.site = in.site, ""
	}
	step.Outcome = strconv.FormatUint(outcome.Sum64(), 36)
	in.record.Did(step)
	if in.watch == WatchStates {
		in.past(s, step)
	}
}

// took notes what the monitor has not seen a property do before in
// this run. A property's state, for strategies, is all that it has done: so
// two that have gone the same ways in another order are in one state.
func (in *insight) took(property string, t monitor.TransitionUse) {
	key := strings.Join([]string{property, t.From, t.Event, t.To}, "\x00")
	if in.taken[key] {
		return // by other guards
	}
	if in.taken == nil {
		in.taken, in.ways = map[string]bool{}, map[string]uint64{}
	}
	in.taken[key] = true
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	in.ways[property] += h.Sum64()
	in.record.Reached(property + " " + strconv.FormatUint(in.ways[property], 36))
}
