package sctbench

// The programs of SCTBench's group "concurrent software benchmarks".

// account: two transfers under a lock, and a check that expects the wrong sum
// once both are done.
func account(fixed bool) func(*Task) {
	return func(t *Task) {
		m, balance := NewMutex("m"), NewInt("balance", 1)
		x, y, z := NewInt("x", 1), NewInt("y", 2), NewInt("z", 4)
		deposited, withdrawn := NewInt("deposit_done", 0), NewInt("withdraw_done", 0)
		change := func(by *Int, sign int, done *Int) func(*Task) {
			return func(t *Task) {
				t.Lock(m)
				t.Store(balance, t.Load(balance)+sign*t.Load(by))
				t.Store(done, 1)
				t.Unlock(m)
			}
		}
		a := t.Go("check", 1, func(t *Task) {
			t.Lock(m)
			if t.Load(deposited) == 1 && t.Load(withdrawn) == 1 {
				want := t.Load(x)
				if fixed {
					want += t.Load(y)
				} else {
					want -= t.Load(y)
				}
				t.Assert(t.Load(balance) == want-t.Load(z), "the balance is wrong")
			}
			t.Unlock(m)
		})
		b := t.Go("deposit", 1, change(y, 1, deposited))
		c := t.Go("withdraw", 1, change(z, -1, withdrawn))
		t.Join(a, b, c)
	}
}

// bluetooth: a driver is stopped between the test of the stopping flag and
// the increment of the pending requests.
func bluetooth(fixed bool) func(*Task) {
	return func(t *Task) {
		atomic := NewMutex("atomic")
		pending, flag := NewInt("pendingIo", 1), NewInt("stoppingFlag", 0)
		event, stopped := NewInt("stoppingEvent", 0), NewInt("stopped", 0)
		// Every access to the device goes through a pointer on the stack.
		load := func(t *Task, v *Int) int {
			t.Local(1)
			return t.Load(v)
		}
		store := func(t *Task, v *Int, x int) {
			t.Local(1)
			t.Store(v, x)
		}
		increment := func(t *Task) {
			t.Lock(atomic)
			store(t, pending, load(t, pending)+1)
			t.Unlock(atomic)
		}
		decrement := func(t *Task) {
			t.Local(1) // the argument
			t.Lock(atomic)
			store(t, pending, load(t, pending)-1)
			left := load(t, pending)
			t.Local(1)
			t.Unlock(atomic)
			if t.Local(1); left == 0 {
				store(t, event, 1)
			}
		}
		stop := t.Go("stop", 1, func(t *Task) {
			t.Local(3) // the argument, and e
			store(t, flag, 1)
			t.Local(1)
			decrement(t)
			if load(t, event) == 1 {
				t.Store(stopped, 1)
			}
		})
		t.Local(3) // arguments of PnpAdd and IoIncrement
		if fixed {
			increment(t)
		}
		if load(t, flag) == 0 {
			if !fixed {
				increment(t)
			}
			t.Local(2) // the status
			t.Assert(t.Load(stopped) == 0, "work on a stopped device")
		}
		t.Local(1)
		decrement(t)
		t.Join(stop)
	}
}

// carter: the first of a class takes a lock while it holds another one, which
// it needs again to give the first one back.
func carter(fixed bool) func(*Task) {
	return func(t *Task) {
		m, l := NewMutex("m"), NewMutex("l")
		class := func(n *Int) func(*Task) {
			return func(t *Task) {
				if fixed {
					t.Lock(l)
				}
				t.Lock(m)
				t.Add(n, 1)
				if t.Load(n) == 1 && !fixed {
					t.Lock(l)
				}
				t.Unlock(m)
				t.Lock(m)
				t.Add(n, -1)
				if t.Load(n) == 0 && !fixed {
					t.Unlock(l)
				}
				t.Unlock(m)
				if fixed {
					t.Unlock(l)
				}
			}
		}
		a := t.Go("a", 1, class(NewInt("A", 0)))
		b := t.Go("b", 1, class(NewInt("B", 0)))
		c := t.Go("c", 1, func(*Task) {})
		d := t.Go("d", 1, func(*Task) {})
		t.Join(a, b, c, d)
	}
}

// circularBuffer: the receiver counts its turns, not what it has received.
func circularBuffer(fixed bool) func(*Task) {
	return func(t *Task) {
		const size, turns = 10, 7
		m, first, next := NewMutex("m"), NewInt("first", 0), NewInt("next", 0)
		limit, send, receive := NewInt("buffer_size", size), NewInt("send", 1), NewInt("receive", 0)
		buffer := NewArray("buffer", size)
		a := t.Go("send", 1, func(t *Task) {
			for i := range turns {
				t.Lock(m)
				if t.Load(send) == 1 {
					if t.Load(next) < t.Load(limit) && t.Load(limit) > 0 {
						t.Store(buffer[t.Load(next)], i)
						t.Store(next, (t.Load(next)+1)%t.Load(limit))
						t.Load(next) // an assertion that always holds
					}
					t.Store(send, 0)
					t.Store(receive, 1)
				}
				t.Unlock(m)
			}
		})
		b := t.Go("receive", 1, func(t *Task) {
			last := -1
			for i := range turns {
				t.Lock(m)
				if t.Load(receive) == 1 {
					got := -1
					t.Load(first)
					if t.Load(next) > 0 && t.Load(first) < t.Load(limit) {
						t.Add(first, 1)
						got = t.Load(buffer[t.Load(first)-1])
					}
					t.Assert(fixed && got > last || got == i, "an element out of turn")
					last = got
					t.Store(receive, 0)
					t.Store(send, 1)
				}
				t.Unlock(m)
			}
		})
		t.Join(a, b)
	}
}

// deadlock: two locks in either order.
func deadlock(fixed bool) func(*Task) {
	return func(t *Task) {
		a, b, counter := NewMutex("a"), NewMutex("b"), NewInt("counter", 1)
		with := func(first, second *Mutex, d int) func(*Task) {
			return func(t *Task) {
				t.Lock(first)
				t.Lock(second)
				t.Add(counter, d)
				t.Unlock(second)
				t.Unlock(first)
			}
		}
		x := t.Go("one", 1, with(a, b, 1))
		if !fixed {
			a, b = b, a
		}
		y := t.Go("two", 1, with(a, b, -1))
		t.Join(x, y)
	}
}

// lazy: two additions under a lock, and a check that they are not both done.
func lazy(fixed bool) func(*Task) {
	return func(t *Task) {
		m, data := NewMutex("mutex"), NewInt("data", 0)
		add := func(d int) func(*Task) {
			return func(t *Task) {
				t.Lock(m)
				t.Add(data, d)
				t.Unlock(m)
			}
		}
		limit := 3
		if fixed {
			limit = 4
		}
		a := t.Go("one", 1, add(1))
		b := t.Go("two", 1, add(2))
		c := t.Go("three", 1, func(t *Task) {
			t.Lock(m)
			t.Assert(t.Load(data) < limit, "both have run")
			t.Unlock(m)
		})
		t.Join(a, b, c)
	}
}

// tokenRing: four threads that give the right values in one order only.
func tokenRing(fixed bool) func(*Task) {
	return func(t *Task) {
		atomic, flags := NewMutex("atomic"), NewArray("flag", 3)
		x1, x2, x3 := NewInt("x1", 1), NewInt("x2", 2), NewInt("x3", 1)
		var running []*Task
		start := func(role string, body func(*Task)) {
			running = append(running, t.Go(role, 1, func(t *Task) {
				t.Lock(atomic)
				body(t)
				t.Unlock(atomic)
			}))
			if fixed {
				t.Join(running...)
				running = nil
			}
		}
		start("one", func(t *Task) {
			t.Store(x1, (t.Load(x3)+1)%4)
			t.Store(flags[0], 1)
		})
		start("two", func(t *Task) {
			t.Store(x2, t.Load(x1))
			t.Store(flags[1], 1)
		})
		start("three", func(t *Task) {
			t.Store(x3, t.Load(x2))
			t.Store(flags[2], 1)
		})
		start("four", func(t *Task) {
			if t.Load(flags[0]) == 1 && t.Load(flags[1]) == 1 && t.Load(flags[2]) == 1 {
				t.Assert(t.Load(x1) == t.Load(x2) && t.Load(x2) == t.Load(x3), "the values differ")
			}
		})
		t.Join(running...)
	}
}

// stack: a flag that is never taken back says that there is something to pop.
func stack(fixed bool) func(*Task) {
	return func(t *Task) {
		const size = 10
		m, top, flag, cells := NewMutex("m"), NewInt("top", 0), NewInt("flag", 0), NewArray("arr", size)
		a := t.Go("push", 1, func(t *Task) {
			for i := range size {
				t.Lock(m)
				t.Assert(t.Load(top) != size, "overflow")
				t.Store(cells[t.Load(top)], i)
				t.Add(top, 1)
				t.Store(flag, 1)
				t.Unlock(m)
			}
		})
		b := t.Go("pop", 1, func(t *Task) {
			for range size {
				t.Lock(m)
				if t.Load(flag) == 1 && !(fixed && t.Load(top) == 0) {
					t.Assert(t.Load(top) != 0, "underflow")
					t.Add(top, -1)
					t.Load(cells[t.Load(top)])
				}
				t.Unlock(m)
			}
		})
		t.Join(a, b)
	}
}

// queue: what is stored and what is taken out are counted by turns.
func queue(fixed bool) func(*Task) {
	return func(t *Task) {
		const size = 20
		m, enqueue, dequeue := NewMutex("m"), NewInt("enqueue_flag", 1), NewInt("dequeue_flag", 0)
		elements, stored := NewArray("element", size+1), NewArray("stored_elements", size)
		head, tail, amount := NewInt("head", 0), NewInt("tail", 0), NewInt("amount", 0)
		put := func(t *Task, x int) {
			t.Store(elements[t.Load(tail)], x)
			t.Add(amount, 1)
			t.Add(tail, 1)
		}
		a := t.Go("enqueue", 1, func(t *Task) {
			value := 0
			t.Lock(m)
			put(t, value)
			t.Store(stored[0], value)
			t.Assert(t.Load(head) != t.Load(tail), "the queue is empty")
			t.Unlock(m)
			for i := range size - 1 {
				t.Lock(m)
				if t.Load(enqueue) == 1 {
					value++
					put(t, value)
					at := i + 1
					if fixed {
						at = value
					}
					t.Store(stored[at], value)
					t.Store(enqueue, 0)
					t.Store(dequeue, 1)
				}
				t.Unlock(m)
			}
		})
		b := t.Go("dequeue", 1, func(t *Task) {
			taken := 0
			for i := range size {
				t.Lock(m)
				if t.Load(dequeue) == 1 {
					x := t.Load(elements[t.Load(head)])
					t.Add(amount, -1)
					t.Add(head, 1)
					at := i
					if fixed {
						at = taken
					}
					t.Assert(x == t.Load(stored[at]), "an element out of turn")
					taken++
					t.Store(dequeue, 0)
					t.Store(enqueue, 1)
				}
				t.Unlock(m)
			}
		})
		t.Join(a, b)
	}
}
