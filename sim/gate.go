package sim

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
)

// gate is where handlers' goroutines come in, at any time between two
// quiescent points. Its lock guards what it holds, and what effects of
// operations change elsewhere: tasks, instances, what services hold. The run's
// own goroutine takes it for what may happen beside those.
type gate struct {
	mu       sync.Mutex
	beat     *bubble.Beat
	fences   int
	arrived  chan struct{}     // something reached the tap or ended
	arrivals []*call           // that are to be given identities
	endings  []*task           // that are to be noticed
	emitted  []emission        // that are to be told
	answered map[*task]string  // which service has answered a task last, since the last step was told
	owners   map[string]*owner // by the goroutines' label
	outside  string            // a call past the seam
	over     atomic.Bool       // the run has ended: nothing that handlers do is judged
	departed map[string]bool   // labels of goroutines that were ended because of that
}

func newGate(beat *bubble.Beat) gate {
	return gate{beat: beat, arrived: make(chan struct{}, 1), owners: map[string]*owner{}, answered: map[*task]string{}, departed: map[string]bool{}}
}

// owner is whom a label stands for.
type owner struct {
	task     *task
	inst     *instance
	building bool
}

// who is people's name of the owner.
func (o *owner) who() string {
	if o.building {
		return "the constructor of " + o.task.who()
	}
	return o.task.who()
}

func (g *gate) owner(label string) *owner {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.owners[label]
}

func (g *gate) own(label string, o *owner) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.owners[label] = o
}

// signal says that something reached the tap or ended.
func (g *gate) signal() {
	select {
	case g.arrived <- struct{}{}:
	default:
	}
}

// fence orders what the world has done before what handlers do that wake up by
// themselves. (It is so already, as only one of them runs; the race detector
// cannot know.)
func (g *gate) fence() {
	g.mu.Lock()
	g.fences++
	g.mu.Unlock()
	g.beat.Tick()
}

// taken is what has come since the last time.
type taken struct {
	arrivals []*call
	endings  []*task
	emitted  bool   // there are events, which wait to be told
	outside  string // a call past the seam, since the run began
}

// take takes what has come, but for events.
func (g *gate) take() taken {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := taken{g.arrivals, g.endings, len(g.emitted) > 0, g.outside}
	g.arrivals, g.endings = nil, nil
	return t
}

// events takes the events, for a step of a task.
func (g *gate) events(task string) []emission {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.emitted
	g.emitted = nil
	clear(g.answered)
	inOrder(e, task)
	return e
}

// depart ends the calling goroutine where it would learn at the seam that the
// run is over: no application ever sees that, so what it made of it (a panic on
// an answer that is not there, the end of its process) would be ours.
func (g *gate) depart() {
	if !g.over.Load() {
		return
	}
	g.mu.Lock()
	g.departed[probe.Caller()] = true
	g.mu.Unlock()
	runtime.Goexit()
}

// spares reports whether the calling goroutine is to end alone, in a moment in
// which it would end the process: its run is over, or its instance has died.
func (g *gate) spares() bool {
	defer seeded.Quiet(seeded.Quiet(true))
	if g.over.Load() {
		return true
	}
	o := g.owner(probe.Caller())
	return o != nil && o.inst.Dead()
}
