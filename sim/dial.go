package sim

import (
	"context"
	"net"
	"net/http"
	"slices"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/dialguard"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
)

// Under the patched runtime every connection of the process, and every request
// of its HTTP transports, comes here during a run: clients that were made
// without an [Env] reach the scenario's services at their addresses, and
// nothing leaves the process.

func (sm *seam) hook() {
	seeded.Route(sm.dial, sm.roundTrip)
	seeded.Spare(sm.gate.spares)
	seeded.Signals(sm.notify, sm.stop)
}

func unhook() {
	seeded.Route(nil, nil)
	seeded.Spare(nil)
	seeded.Signals(nil, nil)
}

// dial connects to the service that has an address.
func (sm *seam) dial(_ context.Context, network, to string) (net.Conn, error) {
	if dialguard.LookingUp(network, to) {
		return &nameServer{seam: sm, inst: sm.caller()}, nil
	}
	if b, ok := sm.services.at(to).(cloud.Dialed); ok {
		return b.Dial(processTap{sm}), nil
	}
	return nil, sm.pastSeam(sm.caller(), place(network, to))
}

func (sm *seam) roundTrip(r *http.Request) (*http.Response, error) {
	if i := sm.callerOrCurrent(); i != nil {
		return i.router.RoundTrip(r)
	}
	return nil, sm.pastSeam(nil, r.URL.Host)
}

// callerOrCurrent is the instance that the calling goroutine works for. One
// that works for none, as those of package-level clients do, counts as that of
// the only live invocation, or where there are several as the one that has
// done something last.
func (sm *seam) callerOrCurrent() *instance {
	if i := sm.caller(); i != nil {
		return i
	}
	sm.gate.mu.Lock()
	defer sm.gate.mu.Unlock()
	var live []*instance
	for _, i := range sm.fleet.instances {
		if !i.Dead() && len(i.serving) > 0 {
			live = append(live, i)
		}
	}
	switch {
	case sm.roster.current != nil && slices.Contains(live, sm.roster.current.inst):
		return sm.roster.current.inst
	case len(live) > 0:
		return live[0]
	case sm.roster.current != nil && sm.roster.current.inst != nil && !sm.roster.current.inst.Dead():
		return sm.roster.current.inst
	}
	return nil
}

// processTap is the way to the outside of clients that belong to the process
// and not to one instance: each call is that of its caller.
type processTap struct{ seam *seam }

// Enter parks the call until the world decides.
func (p processTap) Enter(c *probe.Call) probe.Fate {
	if i := p.seam.callerOrCurrent(); i != nil {
		return i.tap.Enter(c)
	}
	_ = p.seam.pastSeam(nil, c.Op.Service)
	return probe.Fate{Action: probe.Cut}
}

// Leave takes note of an operation's effect.
func (p processTap) Leave(c *probe.Call) error { return c.Ref.(*call).inst.tap.Leave(c) }

// Emit records an event that no operation shows.
func (p processTap) Emit(eventType string, params map[string]any) {
	if i := p.seam.callerOrCurrent(); i != nil {
		i.tap.Emit(eventType, params)
	}
}

// Depart ends the calling goroutine if the run is over.
func (p processTap) Depart() { p.seam.gate.depart() }

// Passive is false: the world decides about every call.
func (p processTap) Passive() bool { return false }
