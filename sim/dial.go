package sim

import (
	"context"
	"net"
	"net/http"
	"slices"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
)

// Under the patched runtime every connection of the process, and every request
// of its HTTP transports, comes here during a run: clients that were made
// without an [Env] reach the scenario's services at their addresses, and
// nothing leaves the process.

func (w *world) hook() { seeded.Route(w.dial, w.roundTrip) }

func unhook() { seeded.Route(nil, nil) }

// dial connects to the service that has an address.
func (w *world) dial(_ context.Context, _, to string) (net.Conn, error) {
	if b, ok := w.at(to).(cloud.Dialed); ok {
		return b.Dial(processTap{w}), nil
	}
	return nil, w.pastSeam(w.caller(), to)
}

func (w *world) roundTrip(r *http.Request) (*http.Response, error) {
	if i := w.callerOrCurrent(); i != nil {
		return i.router.RoundTrip(r)
	}
	return nil, w.pastSeam(nil, r.URL.Host)
}

// at is the backend of the service that has an address; nil if there is none.
func (w *world) at(to string) cloud.Backend {
	host, _, err := net.SplitHostPort(to)
	if err != nil {
		host = to
	}
	for n, b := range w.backends {
		if host == address(n) {
			return b.backend
		}
	}
	return nil
}

// callerOrCurrent is the instance that the calling goroutine works for. One
// that works for none, as those of package-level clients do, counts as that of
// the only live invocation, or where there are several as the one that has
// done something last.
func (w *world) callerOrCurrent() *instance {
	if i := w.caller(); i != nil {
		return i
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var live []*instance
	for _, i := range w.instances {
		if !i.Dead() && len(i.serving) > 0 {
			live = append(live, i)
		}
	}
	switch {
	case w.current != nil && slices.Contains(live, w.current.inst):
		return w.current.inst
	case len(live) > 0:
		return live[0]
	case w.current != nil && w.current.inst != nil && !w.current.inst.Dead():
		return w.current.inst
	}
	return nil
}

// processTap is the way to the outside of clients that belong to the process
// and not to one instance: each call is that of its caller.
type processTap struct{ world *world }

// Enter parks the call until the world decides.
func (p processTap) Enter(c *probe.Call) probe.Fate {
	if i := p.world.callerOrCurrent(); i != nil {
		return i.tap.Enter(c)
	}
	_ = p.world.pastSeam(nil, c.Op.Service)
	return probe.Fate{Action: probe.Cut}
}

// Leave takes note of an operation's effect.
func (p processTap) Leave(c *probe.Call) error { return c.Ref.(*call).inst.tap.Leave(c) }

// Emit records an event that no operation shows.
func (p processTap) Emit(eventType string, params map[string]any) {
	if i := p.world.callerOrCurrent(); i != nil {
		i.tap.Emit(eventType, params)
	}
}

// Passive is false: the world decides about every call.
func (p processTap) Passive() bool { return false }
