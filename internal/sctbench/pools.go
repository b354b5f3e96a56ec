package sctbench

// Programs of many threads that run the same code.

// pool starts threads in a loop whose bound is a shared variable, as the
// originals do, and appends them.
func pool(t *Task, role string, bound *Int, body func(*Task), tasks []*Task) []*Task {
	t.Local(1) // i = 0
	for i := 0; ; i++ {
		t.Local(1) // i <
		if i >= t.Load(bound) {
			return tasks
		}
		t.Local(2) // &pool[i]
		tasks = append(tasks, t.Go(role, i+1, func(t *Task) {
			t.Local(1) // the argument
			body(t)
		}))
		t.Local(4) // err = and its test, i++
	}
}

// reorder: n-1 threads set two variables in order, one looks at both.
func reorder(threads int) func(bool) func(*Task) {
	return func(fixed bool) func(*Task) {
		return func(t *Task) {
			setters, checkers := NewInt("iSet", threads-1), NewInt("iCheck", 1)
			a, b, m := NewInt("a", 0), NewInt("b", 0), NewMutex("m")
			guard := func(body func(*Task)) func(*Task) {
				if !fixed {
					return body
				}
				return func(t *Task) {
					t.Lock(m)
					body(t)
					t.Unlock(m)
				}
			}
			tasks := pool(t, "set", setters, guard(func(t *Task) {
				t.Store(a, 1)
				t.Store(b, -1)
			}), nil)
			tasks = pool(t, "check", checkers, guard(func(t *Task) {
				none := t.Load(a) == 0 && t.Load(b) == 0
				t.Assert(none || t.Load(a) == 1 && t.Load(b) == -1, "one is set and the other is not")
			}), tasks)
			t.Join(tasks...)
		}
	}
}

// twostage: n-1 threads write two variables under a lock each, one reads both
// under a lock each.
func twostage(threads int) func(bool) func(*Task) {
	return func(fixed bool) func(*Task) {
		return func(t *Task) {
			writers, readers := NewInt("iTThreads", threads-1), NewInt("iRThreads", 1)
			one, two := NewMutex("data1Lock"), NewMutex("data2Lock")
			data1, data2 := NewInt("data1Value", 0), NewInt("data2Value", 0)
			between := func(t *Task) {
				if !fixed {
					t.Unlock(one)
				}
				t.Lock(two)
			}
			after := func(t *Task) {
				t.Unlock(two)
				if fixed {
					t.Unlock(one)
				}
			}
			tasks := pool(t, "write", writers, func(t *Task) {
				t.Lock(one)
				t.Store(data1, 1)
				between(t)
				t.Store(data2, t.Load(data1)+1)
				after(t)
			}, nil)
			tasks = pool(t, "read", readers, func(t *Task) {
				t.Lock(one)
				if t.Load(data1) == 0 {
					t.Unlock(one)
					return
				}
				x := t.Load(data1)
				between(t)
				y := t.Load(data2)
				after(t)
				t.Assert(y == x+1, "the second stage is missing")
			}, tasks)
			t.Join(tasks...)
		}
	}
}

// wronglock: one thread guards a variable with one lock, the others with
// another.
func wronglock(others int) func(bool) func(*Task) {
	return func(fixed bool) func(*Task) {
		return func(t *Task) {
			num1, num2 := NewInt("iNum1", 1), NewInt("iNum2", others)
			data, this, value := NewMutex("dataLock"), NewMutex("thisLock"), NewInt("dataValue", 0)
			if fixed {
				this = data
			}
			tasks := pool(t, "a", num1, func(t *Task) {
				t.Lock(data)
				x := t.Load(value)
				t.Add(value, 1)
				t.Assert(t.Load(value) == x+1, "somebody else has written")
				t.Unlock(data)
			}, nil)
			tasks = pool(t, "b", num2, func(t *Task) {
				t.Lock(this)
				t.Add(value, 1)
				t.Unlock(this)
			}, tasks)
			t.Join(tasks...)
		}
	}
}
