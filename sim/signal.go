package sim

import (
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/internal/program"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
)

// Signals are a function instance's: who has asked for SIGTERM by os/signal
// gets it when the platform ends that instance. Only the patched runtime can do
// so; plain Go says that it cannot.

// asked is what an instance has asked os/signal for.
type asked struct {
	to chan<- os.Signal
	of []os.Signal // none: all
}

func (a asked) wants(s os.Signal) bool { return len(a.of) == 0 || slices.Contains(a.of, s) }

// notify takes note of what the calling goroutine's instance asks for. What no
// instance asks for is the process's.
func (sm *seam) notify(to chan<- os.Signal, of []os.Signal) bool {
	defer seeded.Quiet(seeded.Quiet(true))
	i := sm.caller()
	if i == nil {
		return false
	}
	sm.gate.mu.Lock()
	defer sm.gate.mu.Unlock()
	i.signals = append(i.signals, asked{to, slices.Clone(of)})
	return true
}

// stop ends what notify has begun.
func (sm *seam) stop(to chan<- os.Signal) bool {
	defer seeded.Quiet(seeded.Quiet(true))
	sm.gate.mu.Lock()
	defer sm.gate.mu.Unlock()
	found := false
	for _, i := range sm.fleet.instances {
		i.signals = slices.DeleteFunc(i.signals, func(a asked) bool {
			found = found || a.to == to
			return a.to == to
		})
	}
	return found
}

// warned reports whether the instance wants to know of its end.
func (i *instance) warned() bool {
	if i.world.sim.scenario.Platform.NoWarning {
		return false
	}
	i.world.gate.mu.Lock()
	defer i.world.gate.mu.Unlock()
	return i.process != nil && i.process.asks || len(i.onTerminate) > 0 || slices.ContainsFunc(i.signals, func(a asked) bool { return a.wants(syscall.SIGTERM) })
}

// warn sends SIGTERM to who has asked for it.
func (i *instance) warn() {
	i.world.gate.mu.Lock()
	defer i.world.gate.mu.Unlock()
	if i.process != nil {
		i.process.tell(program.Record{Kind: program.Signal, ID: uint32(syscall.SIGTERM)})
	}
	for _, a := range i.signals {
		if !a.wants(syscall.SIGTERM) {
			continue
		}
		select {
		case a.to <- syscall.SIGTERM:
		default: // as package signal does
		}
	}
}

// lackSignal is what plain Go cannot do.
const lackSignal = "SIGTERM through os/signal on plain Go (wtsim test has it, and Env.OnTerminate)"

// missSignals tells if one of the instances, which end or will, waits for
// SIGTERM in vain. On plain Go only the goroutine of [signal.NotifyContext]
// shows it.
func (w *world) missSignals(which func(*instance) bool) {
	if seeded.Runtime || w.sim.scenario.Platform.NoWarning || runtime.NumGoroutine() <= w.atStart {
		return
	}
	for label, goroutines := range bubble.Labelled(probe.LabelKey) { //wtsim:order whether there is one
		if o := w.gate.owner(label); o == nil || o.inst == nil || !which(o.inst) {
			continue
		}
		if slices.ContainsFunc(goroutines, func(g bubble.Goroutine) bool { return strings.Contains(g.Stack, "os/signal.NotifyContext.") }) {
			w.services.kernel.Lacks(lackSignal)
		}
	}
}

// watchSignals makes what package signal and the runtime make when they are
// first asked, so that it belongs to no bubble.
var watchSignals = sync.OnceFunc(func() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	signal.Stop(c)
})
