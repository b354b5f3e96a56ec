package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
)

// hold is what a stalled call is held past: the expiry of a key that its
// invocation has used, or the invocation's time limit.
//
// It is held until another task has taken advantage of it: used the key, or
// tried the same thing again. From then on the two compete, so that every
// order of what they do can be had. If nobody does, it is held as long as the
// platform could take to try again.
type hold struct {
	name     string // of the option
	is       Past
	past     time.Time
	until    time.Time // at most
	resource touch     // the key, or
	root     string    // what is tried again
}

// Past is what an operation is held past: the expiry of a key of a service, or,
// if there is none, its invocation's time limit.
type Past struct{ Service, Key string }

// String is for people.
func (p Past) String() string {
	if p.Service == "" {
		return "invocation's time limit"
	}
	return "expiry of " + p.Service + " " + p.Key
}

// stalls are the calls that are held.
type stalls struct {
	agenda   *agenda
	services *services
	longest  time.Duration // the longest pause before a trigger tries again, and a little more
	horizon  time.Time     // of the run: what ends after it is not offered, the run could not be judged
	calls    []*call
}

// holds are what a call can be held past. Constructors and background work
// are not stalled.
func (sl *stalls) holds(k *call) []*hold {
	t := k.task
	if t.stage != live || t.Own || k.building {
		return nil
	}
	var out []*hold
	if !t.overdue {
		out = append(out, &hold{name: t.timeoutName, past: t.timeout, until: t.timeout.Add(sl.longest), root: t.Root})
	}
	for _, key := range t.touched {
		x, ok := sl.services.backend(key.service).(cloud.Expirer)
		if !ok {
			continue
		}
		if at := x.Expires(key.resource); at > 0 {
			out = append(out, t.pastExpiry(key, time.Unix(0, at), sl.longest))
		}
	}
	return slices.DeleteFunc(out, func(h *hold) bool { return h.until.After(sl.horizon) })
}

// pastExpiry holds a call past a key's expiry; not past the time limit too,
// where that is later.
func (t *task) pastExpiry(key touch, past time.Time, longest time.Duration) *hold {
	until := past.Add(longest)
	if last := t.timeout.Add(-stepTime); !t.overdue && last.After(past) && last.Before(until) {
		until = last
	}
	what := key.service + " " + cloud.Mask(key.resource)
	return &hold{name: "expiry " + what, is: Past{key.service, cloud.Mask(key.resource)}, past: past, until: until, resource: key}
}

// stall holds a call past an entry. A caller with a deadline gives up at that.
func (sl *stalls) stall(k *call, h *hold) {
	sl.hold(k, h)
	if k.Held = true; !k.Op.Deadline.IsZero() {
		k.release <- probe.Fate{Action: heed}
	}
}

// leave lets a call's caller go, at its deadline; the call is held past an entry.
func (k *call) leave(h *hold) probe.Fate {
	k.late, k.Held = h, true
	return probe.Fate{Action: probe.Late}
}

// follow takes in a call whose caller has been let go.
func (sl *stalls) follow(k *call) {
	first := k.After.Ref.(*call)
	k.full, k.label, k.owner, k.k, k.id = first.full, first.label, first.owner, first.k, first.id+" late"
	k.task.calls = append(k.task.calls, k)
	sl.hold(k, first.late)
}

// chosen is the hold that a deviation says, nil for none.
func (sl *stalls) chosen(k *call, o scheduler.Option) *hold {
	if o.Do != cloud.Stall && o.Do != cloud.LateEffect {
		return nil
	}
	all := sl.holds(k)
	return all[slices.IndexFunc(all, func(h *hold) bool { return h.name == o.With })]
}

func (sl *stalls) hold(k *call, h *hold) {
	k.held = h
	sl.calls = append(sl.calls, k)
	sl.agenda.add(h.until, "resume "+k.id, func() { sl.resume(k) })
}

func (sl *stalls) resume(k *call) {
	sl.letGo(k)
	if k.After == nil {
		k.id += " resumed"
	}
}

// leaves reports whether the call's caller gives up before the hold ends, and
// the call can do without.
func (k *call) leaves(h *hold) bool {
	return k.Detached && k.Op.Access&event.Writes != 0 && k.givesUp(h)
}

// givesUp reports whether the caller's own deadline is before what the call is
// held past.
func (k *call) givesUp(h *hold) bool {
	return !k.Op.Deadline.IsZero() && !k.Op.Deadline.After(h.past)
}

// letGo ends a stall, if there is one.
func (sl *stalls) letGo(k *call) {
	if k.held != nil {
		sl.agenda.remove(k.held.until, "resume "+k.id)
		sl.calls = remove(sl.calls, k)
		k.held = nil
	}
}

// takesAdvantage looks whether the step is what stalled calls wait for.
func (sl *stalls) takesAdvantage(c candidate) {
	now := time.Now() //wtsim:clock the bubble's clock
	for _, k := range sl.calls {
		if k.task != c.task && now.After(k.held.past) && k.held.concerns(c) {
			sl.resume(k)
		}
	}
}

func (h *hold) concerns(c candidate) bool {
	if h.root != "" {
		return h.root == c.task.Root
	}
	return c.call != nil && c.call.Op.Service == h.resource.service &&
		strings.Contains(" "+c.call.Op.Resource+" ", " "+h.resource.resource+" ")
}

// heldPeople puts into words how a call is held.
func heldPeople(kind string, past Past) string {
	if kind == cloud.LateEffect {
		return "comes late, past the " + past.String() + ": its caller has given up, at its deadline"
	}
	return "is held past the " + past.String()
}
