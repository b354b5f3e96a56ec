package sctbench

import (
	"fmt"

	"github.com/wtsim/wtsim/scheduler"
)

// Int is a shared variable.
type Int struct {
	name  string
	value int
}

// NewInt returns a shared variable with its initial value.
func NewInt(name string, value int) *Int { return &Int{name, value} }

func reads(r string) scheduler.Touch  { return scheduler.Touch{Resource: r, Read: true} }
func writes(r string) scheduler.Touch { return scheduler.Touch{Resource: r, Write: true} }
func both(r string) scheduler.Touch   { return scheduler.Touch{Resource: r, Read: true, Write: true} }

// Load reads the variable.
func (t *Task) Load(v *Int) int {
	t.point("load "+v.name, nil, reads(v.name))
	return v.value
}

// Store writes the variable.
func (t *Task) Store(v *Int, value int) {
	t.point("store "+v.name, nil, writes(v.name))
	v.value = value
}

// Add is a load and a store: x += d.
func (t *Task) Add(v *Int, d int) {
	x := t.Load(v)
	t.Store(v, x+d)
}

// Local is a number of accesses to memory of the task's own: arguments, loop
// counters, pointers on its stack. They are decision points of the originals,
// which are instrumented without optimisation.
func (t *Task) Local(n int) {
	for range n {
		t.point("local", nil)
	}
}

// CAS compares and swaps, in one step.
func (t *Task) CAS(v *Int, old, value int) bool {
	t.point("cas "+v.name, nil, both(v.name))
	if v.value != old {
		return false
	}
	v.value = value
	return true
}

// Swap exchanges the value, in one step, and returns the one before.
func (t *Task) Swap(v *Int, value int) int {
	t.point("swap "+v.name, nil, both(v.name))
	old := v.value
	v.value = value
	return old
}

// FetchAdd adds, in one step, and returns the sum.
func (t *Task) FetchAdd(v *Int, d int) int {
	t.point("add "+v.name, nil, both(v.name))
	v.value += d
	return v.value
}

// Mutex is a lock.
type Mutex struct {
	name   string
	holder *Task
}

// NewMutex returns a lock that is free.
func NewMutex(name string) *Mutex { return &Mutex{name: name} }

// Lock takes the lock once it is free.
func (t *Task) Lock(m *Mutex) {
	t.point("lock "+m.name, func() bool { return m.holder == nil }, both(m.name))
	m.holder = t
}

// Unlock frees the lock.
func (t *Task) Unlock(m *Mutex) {
	t.point("unlock "+m.name, nil, writes(m.name))
	m.holder = nil
}

// Cond is a condition variable.
type Cond struct {
	name    string
	waiters []*Task
}

// NewCond returns a condition variable.
func NewCond(name string) *Cond { return &Cond{name: name} }

// Wait frees the lock and waits for a signal, then takes the lock again.
func (t *Task) Wait(c *Cond, m *Mutex) {
	t.point("wait "+c.name, nil, both(c.name), both(m.name))
	m.holder = nil
	t.sleep(c, m)
}

// sleep waits for a signal, then for the lock.
func (t *Task) sleep(c *Cond, m *Mutex) {
	c.waiters = append(c.waiters, t)
	t.point("woken "+c.name, func() bool { return !waits(c, t) && m.holder == nil }, both(m.name), reads(c.name))
	m.holder = t
}

// WaitLate is Wait where the task goes to sleep in a step of its own: a signal
// that comes in between is lost.
func (t *Task) WaitLate(c *Cond, m *Mutex) {
	t.point("release "+c.name, nil, both(m.name))
	m.holder = nil
	t.point("sleep "+c.name, nil, both(c.name))
	t.sleep(c, m)
}

// Signal wakes the task that has waited longest, if any does.
func (t *Task) Signal(c *Cond) {
	t.point("signal "+c.name, nil, both(c.name))
	if len(c.waiters) > 0 {
		c.waiters = c.waiters[1:]
	}
}

func waits(c *Cond, t *Task) bool {
	for _, w := range c.waiters {
		if w == t {
			return true
		}
	}
	return false
}

// NewArray returns an array of shared variables, all zero.
func NewArray(name string, n int) []*Int {
	out := make([]*Int, n)
	for i := range out {
		out[i] = NewInt(fmt.Sprintf("%s[%d]", name, i), 0)
	}
	return out
}

// Yield lets every other task that can go on do a step first: what spins must
// not keep the others from what it waits for.
func (t *Task) Yield() {
	before := make([]int, len(t.world.tasks))
	for i, o := range t.world.tasks {
		before[i] = o.steps
	}
	t.yields = true
	t.world.yielding++
	t.point("yield", func() bool {
		for i, n := range before {
			if o := t.world.tasks[i]; o != t && o.steps == n && !o.yields && o.ready() {
				return false
			}
		}
		return true
	})
	t.yields = false
	t.world.yielding--
}
