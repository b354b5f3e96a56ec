package sim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
)

// fleet is the functions and their instances. It belongs to the run's
// goroutine.
type fleet struct {
	functions []*function
	instances []*instance // all that there were, in order of start
	idleFor   time.Duration
	idleSince time.Time         // when the last task that is no instance's own did something
	absent    []string          // hosts of the platform's that clients look for in vain
	domain    string            // of the platform's services
	shared    map[string]string // where folders that programs share are in this run
}

func newFleet(s *Scenario) fleet {
	f := fleet{idleFor: s.Platform.IdleFor, absent: s.Platform.Absent, domain: s.Platform.Domain, shared: map[string]string{}}
	for _, x := range s.Functions {
		f.functions = append(f.functions, &function{Function: x})
	}
	return f
}

// function is a deployed function during a run.
type function struct {
	Function
	started   int // invocations
	instances []*instance
}

// full reports whether no further instance may be started.
func (f *function) full() bool { return len(f.instances) >= f.MaxInstances }

// warm is an instance, of the revision before or of this one, that has room.
func (f *function) warm(old bool) *instance {
	for _, i := range f.instances {
		if i.old == old && i.room() {
			return i
		}
	}
	return nil
}

// instance is a function instance. Its handlers' goroutines reach it by its
// tap; what they and the run both touch is guarded by the gate's lock.
type instance struct {
	cloud.Instance // its ID is "i-7", in order of start
	fn             *function
	world          *world
	tap            *instanceTap
	router         http.RoundTripper
	ctx            context.Context
	cancel         context.CancelFunc
	handler        cloud.Handler
	serving        []*task
	errors         int       // answers of 5xx in a row
	idle           time.Time // when it will be taken away, while it has nothing to do
	own            *task     // its background task
	sequence       uint64    // events
	birth
	death
	container
}

// birth is how an instance has come to be.
type birth struct {
	cause    cloud.Label   // the task that it was started for
	root     string        // the client's request that this follows from
	since    time.Time     // when it was started
	old      bool          // of the revision before
	skew     time.Duration // of its clock, as events show it
	built    bool          // its constructor has returned
	buildErr error         // its constructor has failed
}

// death is how it ends; whether it has is told by cloud.Instance.
type death struct {
	leaving  bool         // it has got SIGTERM
	survived bool         // it was alive when the run ended
	late     int          // calls after death
	looks    atomic.Int32 // at its contexts after death
}

// container is what it has of the machine.
type container struct {
	onTerminate []func(context.Context)
	signals     []asked
	tempDir     string
	process     *process // of a program; nil of any other function
}

// name tells the instance by its cause.
func (i *instance) name() cloud.Label {
	l := i.cause.Within("instance(", ")")
	l.Reason = i.cause.Reason
	return l
}

// room reports whether it can serve one more invocation.
func (i *instance) room() bool {
	return !i.Dead() && !i.leaving && i.built && i.buildErr == nil && len(i.serving) < i.fn.Concurrency
}

// spare reports whether the platform may take the instance away when the only
// invocation that it serves has ended.
func (i *instance) spare() bool {
	return len(i.serving) == 1 && !i.Dead() && !i.leaving && !i.needed()
}

// needed reports whether it is one of those that the function has at least.
// They are of the new revision: what a rollout leaves behind is always taken away.
func (i *instance) needed() bool {
	there := 0
	for _, o := range i.fn.instances {
		if !o.old {
			there++
		}
	}
	return !i.old && there <= i.fn.MinInstances
}

// busy reports whether it has CPU: what it does by itself goes on.
func (i *instance) busy() bool { return len(i.serving) > 0 || i.fn.AlwaysOn || i.leaving }

// newInstance starts a function instance for a task.
func (w *world) newInstance(t *task, old bool) *instance {
	i := &instance{Instance: cloud.Instance{ID: fmt.Sprintf("i-%d", len(w.fleet.instances)+1), Function: t.fn.Name}, fn: t.fn, world: w,
		birth: birth{cause: t.Name.Label, root: t.Root, old: old, since: time.Now()}} //wtsim:clock the bubble's clock
	i.ctx, i.cancel = context.WithCancel(context.Background())
	i.tap = &instanceTap{i}
	i.router = &router{inst: i}
	w.fleet.instances = append(w.fleet.instances, i)
	t.fn.instances = append(t.fn.instances, i)
	return i
}

// build runs the constructor.
func (t *task) build() bool {
	i := t.inst
	h, err := cloud.Handler{}, errors.New("it ended its goroutine")
	began := time.Now() //wtsim:clock the bubble's clock
	defer func() {
		t.inst.world.gate.mu.Lock()
		defer t.inst.world.gate.mu.Unlock()
		if p := recover(); p != nil {
			err, t.ending.Panic = fmt.Errorf("panic: %v", p), &cloud.Panic{Value: p, Stack: string(debug.Stack())}
		}
		i.handler, i.buildErr, i.built = h, err, true
		if err == nil && !i.Dead() {
			t.behindFront(began)
			t.inst.world.gate.signal() // the agenda has changed
		}
		if err != nil {
			t.ending.Status, t.ending.Response.Status = "constructor: "+err.Error(), http.StatusServiceUnavailable
		}
	}()
	if i.fn.ColdStart > 0 {
		time.Sleep(i.fn.ColdStart)
	}
	probe.Label(i.ctx, i.tap, t.inst.world.entropy.label("new "+t.Name.Text))
	h, err = i.fn.construct(&env{world: t.inst.world, inst: i})
	if err == nil && h.Empty() {
		err = errors.New("it returned an empty Handler")
	}
	return err == nil
}

// rest notes that an instance has nothing to do: after a while it is taken
// away.
func (i *instance) rest() {
	if len(i.serving) > 0 || i.Dead() || i.leaving || i.needed() {
		return
	}
	i.idle = time.Now().Add(i.world.sim.scenario.Platform.IdleFor) //wtsim:clock the bubble's clock
	i.world.agenda.insert(entry{at: i.idle, name: "reap " + i.name().Text, idle: !i.warned(), fire: func() {
		i.idle = time.Time{}
		if !i.needed() {
			i.terminate("is taken away, it was idle")
		}
	}})
}

// wake notes that an instance has something to do.
func (i *instance) wake() {
	if !i.idle.IsZero() {
		i.world.agenda.remove(i.idle, "reap "+i.name().Text)
		i.idle = time.Time{}
	}
}

// terminate is SIGTERM: the instance gets no more invocations; what it has
// asked for is called and may take the time of grace; then it ends.
func (i *instance) terminate(why string) {
	i.leaving = true
	if why != "" {
		i.world.story.happened = append(i.world.story.happened, Step{Identity: "reap " + i.name().Text, Kind: KindTime, Task: i.name(), Function: i.fn.Name, Instance: i.ID, What: i.ID + " " + why})
	}
	if !i.warned() {
		i.world.missSignals(func(o *instance) bool { return o == i })
		i.end()
		i.world.beat.Wait()
		return
	}
	own := i.ownTask()
	grace := i.world.sim.scenario.Platform.Grace
	i.world.agenda.add(time.Now().Add(grace), "end "+i.name().Text, func() { i.left() }) //wtsim:clock the bubble's clock
	i.world.gate.own(i.world.entropy.label(own.Name.Text), &owner{task: own, inst: i})
	i.world.entropy.random.reseed(i.world.entropy.label(own.Name.Text), "terminate "+own.Name.Text)
	i.warn()
	go func() { //wtsim:go what handles SIGTERM is a goroutine of its own
		ctx, cancel := context.WithTimeout(i.ctx, grace)
		defer cancel()
		i.world.entropy.seed("terminate " + own.Name.Text)
		ctx = probe.Label(&handlerContext{ctx, i}, i.tap, i.world.entropy.label(own.Name.Text))
		for _, f := range i.onTerminate {
			f(ctx)
		}
	}()
	i.world.beat.Wait()
}

// standby is the cause of an instance that a function has at least.
type standby struct{ world *world }

func (*standby) Words(int) string { return "is started, as a minimum instance" }
func (*standby) InvokedBy() cloud.InvokedBy {
	return cloud.InvokedBy{Kind: "minimum instance", First: true}
}
func (*standby) Limit() time.Duration   { return 0 }
func (*standby) Line() any              { return nil }
func (*standby) Platform() bool         { return false }
func (*standby) Unanswered(*cloud.Task) {}
func (s *standby) Answered(t *cloud.Task, e cloud.Ending) {
	if !e.Success {
		s.world.story.happens(t, "give up", "cannot be started", e.Status)
	}
}

func (*standby) Invoke(context.Context, cloud.Handler, int) cloud.Ending {
	return cloud.Ending{Status: "ready", Success: true}
}

// addStandbys starts the instances that functions have at least.
func (w *world) addStandbys() {
	for _, f := range w.fleet.functions {
		for n := range f.MinInstances {
			root := fmt.Sprintf("min/%d", n+1)
			w.standBy(f, cloud.Named(root), root)
		}
	}
}

func (w *world) standBy(f *function, about cloud.Label, root string) {
	w.services.kernel.Invoke(&cloud.Task{Name: cloud.NameTask(f.Name, cloud.About(about)), Root: root, Attempt: 1, Cause: &standby{w}}, time.Time{})
}

// replace starts a new instance for one that has died, if the function has
// fewer than it must have.
func (i *instance) replace() {
	if len(i.fn.instances) >= i.fn.MinInstances || i.world.gate.over.Load() {
		return
	}
	i.world.standBy(i.fn, i.cause.Within("min after ", ""), i.root)
}

// left is the end of an instance that was told to go: another worker takes its
// place.
func (i *instance) left() {
	i.end()
	if i.works() {
		i.replace()
	}
}

// works reports whether it is an instance of a worker.
func (i *instance) works() bool { return i.fn.Main != nil && i.fn.Main.Worker }

// function finds a function by its name, which is its host name too; nil if
// there is none.
func (fl *fleet) function(name string) *function {
	for _, f := range fl.functions {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// lingers reports whether there are instances that have CPU outside of
// invocations, and may still do something by themselves: they are given as
// long as an idle instance is kept.
func (fl *fleet) lingers() bool {
	now := time.Now() //wtsim:clock the bubble's clock
	return now.Sub(fl.idleSince) < fl.idleFor &&
		slices.ContainsFunc(fl.instances, func(i *instance) bool { return i.fn.AlwaysOn && !i.Dead() })
}
