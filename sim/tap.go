package sim

import (
	"fmt"
	"net/http"
	"runtime"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// instanceTap is a function instance's way to the outside. Its methods run
// on handlers' goroutines.
type instanceTap struct{ inst *instance }

// emission is an event before it has an id and a time.
type emission struct {
	inst       *instance
	invocation string
	probe.Emitted
}

// callsAfterDeath is how many calls a dead instance's goroutine may make
// before it is ended.
const callsAfterDeath = 100

// Enter parks the call until the world decides.
func (t *instanceTap) Enter(c *probe.Call) (verdict probe.Verdict) {
	w := t.inst.world
	defer func() { w.seedAfter(c, verdict) }()
	k, ok := w.park(t.inst, c)
	if !ok {
		return probe.Verdict{Action: probe.Cut}
	}
	if c.GiveUp == nil {
		return <-k.release
	}
	select {
	case v := <-k.release:
		return v
	case <-c.GiveUp:
		return w.withdraw(k)
	}
}

func (w *world) park(i *instance, c *probe.Call) (*call, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i.dead {
		if i.late++; i.late > callsAfterDeath {
			runtime.Goexit()
		}
		return nil, false
	}
	task, building := w.attribute(i)
	c.Op.Caller = event.Caller{Function: i.fn.Name, Instance: i.id, Invocation: task.name}
	k := &call{Call: c, task: task, inst: i, building: building, release: make(chan probe.Verdict, 1)}
	c.Ref = k
	w.arrivals = append(w.arrivals, k)
	w.signal()
	return k, true
}

// attribute finds the task that a call belongs to: that of the goroutine's
// label; where it has none, or that of a finished invocation, the instance's
// only live invocation; else the instance.
func (w *world) attribute(i *instance) (t *task, building bool) {
	if o := w.owners[probe.Caller()]; o != nil && o.inst == i && o.task.stage == live && (!o.building || !i.built) {
		return o.task, o.building
	}
	var only *task
	for _, t := range i.serving {
		if t.stage != live {
			continue
		}
		if only != nil {
			return w.ownTask(i), false
		}
		only = t
	}
	if only != nil {
		return only, false
	}
	return w.ownTask(i), false
}

// withdraw takes back a call whose caller has given up, unless it was
// released in the same moment.
func (w *world) withdraw(k *call) probe.Verdict {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case v := <-k.release:
		return v
	default:
	}
	k.withdrawn = true
	return probe.Verdict{Action: probe.GaveUp}
}

// Leave takes note of an operation's effect.
func (t *instanceTap) Leave(c *probe.Call) error {
	w := t.inst.world
	k := c.Ref.(*call)
	w.mu.Lock()
	defer w.mu.Unlock()
	k.left = true
	for _, e := range w.sim.rules.Apply(&c.Op) {
		w.emitted = append(w.emitted, emission{t.inst, k.task.name, e})
	}
	if k.dies {
		t.inst.dead = true
	}
	if t.inst.dead {
		return probe.ErrReset("read")
	}
	return nil
}

// Emit records an event that no operation shows.
func (t *instanceTap) Emit(eventType string, params map[string]any) {
	data, err := event.DataOf(params)
	if err != nil {
		data = event.Data{{Name: "error", Value: event.Str(err.Error())}}
	}
	w := t.inst.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.inst.dead {
		return
	}
	task, _ := w.attribute(t.inst)
	w.emitted = append(w.emitted, emission{t.inst, task.name, probe.Emitted{Type: eventType, Data: data}})
}

// router sends a function instance's HTTP requests to the service of their
// host.
type router struct{ inst *instance }

// RoundTrip reports a call past the seam if no service has the host.
func (r *router) RoundTrip(req *http.Request) (*http.Response, error) {
	w := r.inst.world
	for _, b := range w.backends {
		if h, ok := b.backend.(probe.Host); ok && h.Serves(req.URL.Host) {
			return h.Transport(r.inst.tap).RoundTrip(req)
		}
	}
	return nil, w.pastSeam(r.inst.fn.Name, req.URL.Host)
}

// pastSeam reports a call to a host that the scenario does not have.
func (w *world) pastSeam(function, host string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.outside == "" {
		w.outside = fmt.Sprintf("%s calls %s past the seam: the scenario has no service of that host, wanted one (see fakes/web)", function, host)
	}
	w.signal()
	return fmt.Errorf("wtsim: %s is not a service of the scenario", host)
}

// defaultTransport stands in for [http.DefaultTransport] during a run.
type defaultTransport struct{ world *world }

// RoundTrip routes the request of the instance that the goroutine's label
// tells.
func (d defaultTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	w := d.world
	w.mu.Lock()
	o := w.owners[probe.Caller()]
	w.mu.Unlock()
	if o == nil {
		return nil, w.pastSeam("a goroutine of no function", req.URL.Host)
	}
	return o.inst.router.RoundTrip(req)
}
