package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
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
	past     time.Time
	until    time.Time // at most
	resource touch     // the key, or
	root     string    // what is tried again
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
	return &hold{name: "expiry " + key.service + " " + cloud.Mask(key.resource), past: past, until: until, resource: key}
}

// stall holds a call past an entry.
func (sl *stalls) stall(k *call, name string) {
	for _, h := range sl.holds(k) {
		if h.name == name {
			k.held = h
			break
		}
	}
	sl.calls = append(sl.calls, k)
	sl.agenda.add(k.held.until, "resume "+k.id, func() { sl.resume(k) })
}

func (sl *stalls) resume(k *call) {
	sl.letGo(k)
	k.id += " resumed"
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

func stallPeople(name string) string {
	if strings.HasPrefix(name, "timeout ") {
		return "invocation's time limit"
	}
	return "expiry of " + strings.TrimPrefix(name, "expiry ")
}
