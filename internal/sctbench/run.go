// Package sctbench has the programs that the field compares its schedulers
// with, as tasks over shared variables.
//
// Every load, store, lock, unlock, wait, signal, start and join of a task is a
// step, and what goes on after each is a decision: so every program has the
// threads, loops and points of the one it is written after. They are written
// afresh from their published descriptions (SCTBench: Thomson, Donaldson,
// Betts: Concurrency Testing Using Controlled Schedulers, TOPC 2016).
//
// A run ends with the first thing that is wrong: an assertion that does not
// hold, or a deadlock.
package sctbench

import (
	"hash/fnv"
	"iter"
	"strconv"

	"github.com/wtsim/wtsim/scheduler"
)

// Program is a program with a bug, and its twin without.
type Program struct {
	Name  string
	Doc   string               // what goes wrong, in a sentence
	Main  func(t *Task)        // the main task
	Fixed func(t *Task)        // the same, repaired
	Field map[string]Published // what others need
}

// Published is a column of a published table: the mean number of schedules
// to the first bug, and in how many of 20 trials it was found.
type Published struct {
	Mean  float64 `json:"mean,omitempty"`
	Found int     `json:"found"`
}

// Result is what a run has shown.
type Result struct {
	Bug    string // empty if nothing was wrong
	Record *scheduler.Record
}

// mostSteps ends a run that spins.
const mostSteps = 20000

// Run runs a program once, under the source's decisions.
func Run(main func(*Task), source scheduler.Source) Result {
	return newRunner(main).run(source, everything)
}

// runner runs one program again and again. What its steps are called is the
// same in every run, and is put together once.
type runner struct {
	main  func(*Task)
	runs  int
	names map[string]*steps // of tasks, by name
}

func newRunner(main func(*Task)) *runner { return &runner{main: main, names: map[string]*steps{}} }

// kept is what a run keeps for its record: runs that keep less are cheaper.
type kept int

const (
	nothing    kept = iota // only whether something is wrong
	learned                // what strategies learn from: all but the decisions
	everything             // what strategies search in
)

func (r *runner) run(source scheduler.Source, keep kept) Result {
	r.runs++
	w := &world{runner: r, keep: keep, source: source, after: "after begin"}
	w.watch, _ = source.(interface{ Did(*scheduler.Transition) })
	if keep > nothing {
		w.record = scheduler.NewDecider(source)
	}
	if keep == learned {
		w.record.Brief()
	}
	w.spawn("main", "main", r.main)
	for n := 0; w.bug == "" && n < mostSteps && w.step(); n++ {
	}
	for _, t := range w.tasks {
		t.stop()
	}
	if keep == nothing {
		return Result{Bug: w.bug}
	}
	end := "held"
	if w.bug != "" {
		end = w.bug
	}
	w.record.Reached(end)
	return Result{Bug: w.bug, Record: w.record.Record()}
}

// world is one run.
type world struct {
	runner   *runner
	keep     kept
	source   scheduler.Source
	watch    interface{ Did(*scheduler.Transition) } // the source, if it wants to know the steps
	record   *scheduler.Decider                      // nil if nothing is kept
	tasks    []*Task
	current  *Task
	after    string // the identity of the next decision
	bug      string
	decision scheduler.Decision
	options  []scheduler.Option
	ready    []*Task
	yielding int // tasks that yield
}

// step lets one task do its next step; false if there is none that can.
func (w *world) step() bool {
	w.candidates()
	if len(w.ready) == 0 {
		w.deadlock()
		return false
	}
	t := w.ready[0]
	if len(w.ready) > 1 {
		t = w.ready[w.choose()]
	}
	done := t.next
	w.after, w.current = done.after, t
	t.steps++
	t.resume()
	switch {
	case w.record != nil:
		w.record.Did(done.Transition)
	case w.watch != nil:
		w.watch.Did(&done.Transition)
	}
	return true
}

// choose asks which of the tasks that are ready goes on.
func (w *world) choose() int {
	w.options = w.options[:0]
	for i, t := range w.ready {
		o := scheduler.Option{Next: &t.next.Transition}
		if i > 0 {
			o.Do, o.With = "run-other", t.name
		}
		w.options = append(w.options, o)
	}
	w.decision = scheduler.Decision{At: w.after, Options: w.options}
	if w.keep == nothing {
		return w.source.Choose(&w.decision)
	}
	w.decision.State = w.state()
	if w.keep == everything {
		w.options = nil
	}
	return w.record.Choose(w.decision)
}

// state is what has happened, and which task has gone on last: nothing else
// decides how the run goes on, unless a task yields.
func (w *world) state() uint64 {
	if w.yielding > 0 {
		return 0
	}
	h := fnv.New64a()
	if w.current != nil {
		_, _ = h.Write([]byte(w.current.name))
	}
	return h.Sum64() ^ w.record.Hash()
}

// candidates lists the tasks that can do their next step: the one that went
// on last comes first while it can, then the others in order of creation.
func (w *world) candidates() {
	w.ready = w.ready[:0]
	if t := w.current; t != nil && t.ready() {
		w.ready = append(w.ready, t)
	}
	for _, t := range w.tasks {
		if t != w.current && t.ready() {
			w.ready = append(w.ready, t)
		}
	}
}

func (w *world) deadlock() {
	for _, t := range w.tasks {
		if !t.over {
			w.bug = "deadlock"
		}
	}
}

// Task is one thread of a program.
type Task struct {
	world  *world
	name   string // its identity
	role   string // the code that it runs: the same for tasks that run the same
	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	next   *named
	able   func() bool // whether the next step can be done; nil if always
	over   bool
	yields bool
	steps  int
	names  *steps
}

// aborted unwinds a task whose run is at its end.
type aborted struct{}

func (w *world) spawn(name, role string, body func(*Task)) *Task {
	t := &Task{world: w, name: name, role: role, names: w.runner.steps(name)}
	t.resume, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			t.over = true
			if r := recover(); r != nil && r != any(aborted{}) {
				panic(r)
			}
		}()
		t.yield = yield
		if name != "main" {
			t.point("begin", nil, orders(name))
		}
		body(t)
		t.point("end", nil, orders(name))
	})
	w.tasks = append(w.tasks, t)
	t.resume() // up to its first step
	return t
}

func (t *Task) ready() bool { return !t.over && (t.able == nil || t.able()) }

// point is where a task waits until its next step is chosen.
func (t *Task) point(label string, able func() bool, touches ...scheduler.Touch) {
	t.next, t.able = t.names.next(t, label, touches), able
	if !t.yield(struct{}{}) {
		panic(aborted{})
	}
}

// fail ends the run with a bug.
func (t *Task) fail(what string) {
	t.world.bug = what
	t.point("failed", func() bool { return false })
}

// Assert ends the run if the condition does not hold.
func (t *Task) Assert(holds bool, what string) {
	if !holds {
		t.fail(what)
	}
}

// Go starts a task. Its number tells it apart from others of the same role.
func (t *Task) Go(role string, number int, body func(*Task)) *Task {
	name := role + "/" + strconv.Itoa(number)
	t.point("go "+role, nil, orders(name))
	return t.world.spawn(name, role, body)
}

// Join waits for tasks to end.
func (t *Task) Join(others ...*Task) {
	for _, o := range others {
		t.point("join "+o.role, func() bool { return o.over }, orders(o.name))
	}
}

// orders is what the start, the beginning, the end and the joins of a task
// have in common. None of them reads it.
func orders(task string) scheduler.Touch { return writes("task " + task) }
