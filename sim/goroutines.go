package sim

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/scheduler"
)

// mostOrders bounds the decisions about goroutines in a run: one that spins
// makes no end of them. Later ones are benign.
const mostOrders = 50_000

// threads decides about goroutines, on the patched runtime: which goes on, and
// which invocations of an instance overlap. The runtime asks it while all
// goroutines of the run stand still.
type threads struct {
	*world
	names     seeded.Names  // of goroutines
	orders    bool          // goroutines are asked about
	ordered   int           // how often they were
	chosen    atomic.Uint32 // orders what the chooser does for the race detector
	companion *companion    // of the step that is being done
}

// orderly starts the bubble's chooser, on the patched runtime: from now on it
// is a decision which goroutine of a function instance goes on.
func (th *threads) orderly() {
	th.orders = seeded.Runtime && (th.chance.allowed(cloud.RunGoroutine) || th.chance.allowed(cloud.SelectCase) || th.chance.allowed(cloud.Overlap))
	if !th.orders {
		return
	}
	go seeded.Chooser(&th.names, th.chooseGoroutine) //wtsim:go decides for the goroutines, one at a time
	th.beat.Wait()
}

// call names the calling goroutine after a step, for what is asked about it
// and about those that it starts.
func (th *threads) call(identity string, name func(uint32)) {
	if !th.orders {
		return
	}
	th.gate.mu.Lock()
	number := th.names.Add(identity)
	th.gate.mu.Unlock()
	name(number)
}

// chooseGoroutine answers the runtime. It runs on the chooser's goroutine, in
// the one order of turns, while all others stand still; it takes no lock that
// one of them may hold.
func (th *threads) chooseGoroutine(c seeded.Choice) int {
	th.chosen.Add(1)
	defer th.chosen.Add(1)
	kind := cloud.RunGoroutine
	at := "goroutine " + c.Goroutine + "#" + c.Point
	if c.Select {
		kind, at = cloud.SelectCase, at+" select"
	}
	if th.ordered++; th.ordered > mostOrders || !th.chance.allowed(kind) {
		return 0
	}
	d := scheduler.Decision{At: at, Options: make([]scheduler.Option, 1, len(c.Others)+1)}
	for _, other := range c.Others {
		d.Options = append(d.Options, scheduler.Option{Do: kind, With: other})
	}
	picked := th.chance.record.Choose(d)
	if picked == 0 {
		return 0
	}
	th.insight.remember(d.At, d.Options[picked])
	if c.Select {
		th.chance.remark(fmt.Sprintf("goroutine %s, at %s: select takes %s, not %s, which is ready too", c.Goroutine, c.Point, c.Others[picked-1], c.Benign))
	} else {
		th.chance.remark(fmt.Sprintf("goroutine %s goes on before %s, at %s", c.Others[picked-1], c.Goroutine, c.Point))
	}
	return picked
}

// remember makes the state of the run depend on a choice that no operation may
// show: what an instance has in memory does.
func (in *insight) remember(at string, o scheduler.Option) {
	in.history = seedOf(strconv.FormatUint(in.history, 36), at, o.String())
}

// companion is what happens at the same time as a step.
type companion struct {
	candidate
	step Step
}

// beside asks whether another invocation of the same function instance goes
// on at the same time as c, which is about to: its next operation happens, or
// it starts, before all is quiet again. In what order the goroutines of both
// go on is a matter of the decisions about these.
func (th *threads) beside(c candidate) {
	if !th.orders || !th.chance.allowed(cloud.Overlap) {
		return
	}
	d := scheduler.Decision{At: "beside " + c.step(), Options: make([]scheduler.Option, 1, 4)}
	var others []candidate
	for _, t := range th.roster.tasks {
		if other, ok := t.joins(c.task); ok {
			d.Options = append(d.Options, scheduler.Option{Do: cloud.Overlap, With: t.Name.Text})
			others = append(others, other)
		}
	}
	if picked := th.chance.record.Choose(d); picked > 0 {
		th.insight.remember(d.At, d.Options[picked])
		th.companion = &companion{candidate: others[picked-1]}
		th.chance.remark(fmt.Sprintf("%s happens at the same time as %s", th.companion.people(), c.people()))
	}
}

// joins returns what t would do at the same time as another task, if it can
// do something on the same function instance.
func (t *task) joins(other *task) (candidate, bool) {
	switch {
	case t == other:
	case t.stage == pending:
		return candidate{task: t}, t.fn == other.fn && !t.handed() && t.placeable() && t.fn.warm(false) == other.inst
	case t.inst == other.inst:
		for _, k := range t.calls {
			if k.free() {
				return candidate{task: t, call: k}, true
			}
		}
	}
	return candidate{}, false
}

// together lets the companion go, if there is one, and waits until all is
// quiet.
func (th *threads) together() {
	if c := th.companion; c != nil {
		c.step = Step{Identity: c.candidate.step(), Task: c.task.Name.Label, Function: c.task.fn.Name}
		if k := c.call; k != nil {
			th.entropy.random.reseed(k.caller, k.id)
			c.task.calls = remove(c.task.calls, k)
			k.release <- passes
		} else {
			t := c.task
			c.step.What = t.Cause.Words(t.Attempt)
			th.begin(t, t.fn.warm(false))
			ctx := t.enter(false)
			th.entropy.random.reseed(th.entropy.label(t.Name.Text), c.step.Identity)
			t.invoke(ctx, false)
		}
	}
	th.beat.Wait()
}

// tellCompanion tells what has happened at the same time as the last step.
func (th *threads) tellCompanion() {
	c := th.companion
	th.companion = nil
	if c == nil || th.result.Verdict != "" {
		return
	}
	th.pass(stepTime)
	s := c.step
	s.Instance, s.Number = instanceID(c.task), c.task.number
	s.Kind = KindStart
	if k := c.call; k != nil {
		s.Kind, s.What, s.Operation = KindOperation, shortLabel(&k.Op), &k.Op
		s.Status, s.open = operationStatus(k, scheduler.Option{})
	}
	th.story.named(s.Identity)
	th.tell(s)
	c.task.lastStep = time.Now() //wtsim:clock the bubble's clock
	th.stalls.takesAdvantage(c.candidate)
}
