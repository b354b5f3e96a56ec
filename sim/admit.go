package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
)

// settle waits until every goroutine waits, and takes note of what has
// reached the tap or ended since the last time. What happened without a step
// is told under the name given; where there is none, a handler has woken up
// by itself since the last step. It reports whether it has told something.
func (w *world) settle(name string) bool {
	w.beat.Wait()
	came, woken := w.gate.take(), w.gate.woken()
	w.admit(came.arrivals)
	w.admitEndings(came.endings)
	w.services.settle()
	w.updateReadiness()
	told := w.tellHappened()
	switch {
	case told: // with the events
	case came.emitted && name == "":
		w.story.wakings++
		woken.Identity = fmt.Sprintf("%s +%d", w.story.lastNamed, w.story.wakings)
		w.tell(woken)
	case came.emitted:
		w.story.named(name)
		w.tell(Step{Identity: name, Kind: KindTime, What: name})
	case w.story.waited && w.story.output.grown():
		w.story.tellOutput()
	}
	w.story.waited = false
	if came.outside != "" {
		w.result.stop(Inconclusive, came.outside)
	}
	return told || came.emitted
}

// woken is the step of what happened by itself: an operation that had waited
// had its effect, or a handler has emitted an event.
func (g *gate) woken() Step {
	s := Step{Kind: KindTime, What: "goes on by itself"}
	if len(g.emitted) == 0 {
		return s
	}
	k := g.emitted[0].call
	for _, e := range g.emitted {
		if e.call == nil || e.call != k {
			return s
		}
	}
	s.Task, s.Function, s.Number, s.Instance = k.task.Name.Label, k.task.fn.Name, k.task.number, k.inst.ID
	s.What, s.Status = shortLabel(&k.Op)+" (waited)", k.Op.Result.Status
	return s
}

func (w *world) tellHappened() bool {
	steps := w.story.happened
	w.story.happened = nil
	for i, s := range steps {
		if i > 0 {
			w.pass(stepTime)
		}
		w.story.named(s.Identity)
		w.tell(s)
	}
	return len(steps) > 0
}

// admit gives identities to calls: sorted by label, full resource and
// request, never by arrival.
func (w *world) admit(arrivals []*call) {
	arrivals = slices.DeleteFunc(arrivals, func(c *call) bool {
		if c.After != nil {
			w.stalls.follow(c)
		}
		return c.After != nil || c.withdrawn.Load()
	})
	for _, c := range arrivals {
		c.full = opLabel(&c.Op)
		c.label = cloud.Mask(c.full)
	}
	if len(arrivals) > 1 {
		slices.SortFunc(arrivals, compareCalls)
		if w.identify(arrivals) {
			slices.SortFunc(arrivals, compareCalls)
		}
	}
	for _, c := range arrivals {
		owner := c.task.Name.Label
		if c.building {
			owner = owner.Within("new ", "")
		}
		c.name(owner, c.task.count(owner.Text+":"+c.label))
		c.task.calls = append(c.task.calls, c)
		c.task.touch(c.Op.Service, c.Op.Resource)
	}
}

func compareCalls(a, b *call) int {
	if d := strings.Compare(a.task.Name.Text, b.task.Name.Text); d != 0 {
		return d
	}
	if a.building != b.building {
		if a.building {
			return -1
		}
		return 1
	}
	if d := strings.Compare(a.label, b.label); d != 0 {
		return d
	}
	if d := strings.Compare(a.full, b.full); d != 0 {
		return d
	}
	x, y := digest(&a.Op), digest(&b.Op)
	if d := bytes.Compare(x[:], y[:]); d != 0 {
		return d
	}
	return a.goroutine - b.goroutine
}

// identify tells equal calls apart by their goroutines, which it asks.
func (w *world) identify(sorted []*call) bool {
	var equal []*call
	for i, c := range sorted {
		if i > 0 && compareCalls(sorted[i-1], c) == 0 || i+1 < len(sorted) && compareCalls(c, sorted[i+1]) == 0 {
			equal = append(equal, c)
		}
	}
	for _, c := range equal {
		c.release <- probe.Fate{Action: identify}
	}
	if len(equal) > 0 {
		w.beat.Wait()
	}
	return len(equal) > 0
}

// admitEndings takes note of handlers that have returned.
func (w *world) admitEndings(endings []*task) {
	slices.SortStableFunc(endings, func(a, b *task) int { return strings.Compare(a.Name.Text, b.Name.Text) })
	for _, t := range endings {
		if t.stage != live {
			continue
		}
		t.stage = ended
		if t.ending.Panic != nil {
			w.result.findPanic(t)
		}
	}
}

// updateReadiness notes when a task became ready, and hands the calls of
// finished invocations to their instance.
func (w *world) updateReadiness() {
	for i := 0; i < len(w.roster.tasks); i++ { // the list grows: background tasks
		t := w.roster.tasks[i]
		t.calls = w.dropWithdrawn(t.calls)
		if t.stage == over && len(t.calls) > 0 {
			own := t.inst.ownTask()
			own.calls = append(own.calls, t.calls...)
			t.calls = nil
		}
		w.queueUp(t)
		if !t.ready() {
			t.readySince = 0
		} else if t.readySince == 0 {
			w.roster.clock++
			t.readySince = w.roster.clock
		}
	}
	w.roster.tasks = slices.DeleteFunc(w.roster.tasks, func(t *task) bool { return t.stage == over && len(t.calls) == 0 })
}

func (w *world) dropWithdrawn(calls []*call) []*call {
	return slices.DeleteFunc(calls, func(c *call) bool {
		gone := c.withdrawn.Load()
		if gone {
			w.stalls.letGo(c)
		}
		return gone
	})
}
