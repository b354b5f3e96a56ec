package sim

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/internal/steady"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
)

// Stress runs the scenario as a test without wtsim would: nobody schedules,
// goroutines run on all threads, and each call takes a random time, and fails,
// or loses its response, one time in fifty each. (Time is virtual all the
// same, so that it is done sooner.) It is there to compare with: a run is not
// repeatable and has no plan. Inputs are drawn with the seed too.
func (s *Simulation) Stress(seed uint64) *Result {
	s, err := s.Drawn(seed)
	if err != nil {
		return &Result{Verdict: Inconclusive, Why: err.Error()}
	}
	defer steady.Collect()
	g := borrow(s.scenario.Name)
	defer g.giveBack()
	var w *world
	err = bubble.Run(s.watchdog, func(beat *bubble.Beat) {
		w = newWorld(s, scheduler.Benign{}, WatchNothing, g, beat)
		w.stress = &stress{random: rand.New(rand.NewPCG(seed, 1))}
		g.route(w)
		w.run()
	})
	return w.finish(err)
}

// stress decides about the calls of a run without a scheduler.
type stress struct {
	mu     sync.Mutex
	random *rand.Rand
}

// One in oneIn calls fails, and one loses its response. A call takes at most
// slowest times stressTime: few different times, so that goroutines wake up
// together.
const (
	oneIn      = 50
	slowest    = 8
	stressTime = 100 * time.Microsecond
)

// takesTime is [instanceTap.Enter] without a scheduler.
func (i *instance) takesTime(c *probe.Call) probe.Fate {
	delay, fate := i.world.stress.draw()
	select {
	case <-time.After(delay):
	case <-c.GiveUp:
		return probe.Fate{Action: probe.GaveUp}
	}
	if !i.enters(c) {
		return probe.Fate{Action: probe.Cut}
	}
	switch {
	case fate == 0 && len(c.Op.Fails) > 0:
		return probe.Fate{Action: probe.Refuse, With: c.Op.Fails[0]}
	case fate == 1 && c.Op.Access&event.Writes != 0:
		return probe.Fate{Action: probe.Lose, With: "reset"}
	}
	return passes
}

func (s *stress) draw() (delay time.Duration, fate int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.random.IntN(slowest+1)) * stressTime, s.random.IntN(oneIn)
}

// enters gives a call its task and a name, unless its instance is dead.
func (i *instance) enters(c *probe.Call) bool {
	i.world.gate.mu.Lock()
	defer i.world.gate.mu.Unlock()
	if i.Dead() {
		return false
	}
	t, building := i.attribute(probe.Caller())
	c.Op.Caller = event.Caller{Function: i.fn.Name, Instance: i.ID, Invocation: t.Name.Text}
	k := &call{Call: c, task: t, inst: i, building: building}
	k.label = cloud.Mask(opLabel(&c.Op))
	k.name(t.Name.Label, t.count(k.label))
	c.Ref = k
	return true
}
