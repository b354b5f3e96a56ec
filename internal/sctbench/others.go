package sctbench

// stringBuffer: append looks at the other buffer's length under its lock, and
// copies under its lock, but lets it go in between (JDK 1.4, after the program
// in C++). Arguments and results are accesses to the stack.
func stringBuffer(fixed bool) func(*Task) {
	return func(t *Task) {
		b := &textBuffer{pointer: NewInt("buffer", 0), lock: NewMutex("buffer"), count: NewInt("count", 3),
			value: NewInt("value", 0), capacity: NewInt("value_length", 19)}
		other := t.Go("change", 1, func(t *Task) {
			t.Local(1)
			b.erase(t)
			b.append(t)
		})
		own, ownCount := NewMutex("sb"), NewInt("sb.count", 0)
		t.Local(9) // new StringBuffer()
		t.Load(b.pointer)
		t.Local(3) // arguments
		t.Lock(own)
		t.Local(4) // sb, and the argument of length
		t.Lock(b.lock)
		length := t.Load(b.count)
		t.Local(1)
		if !fixed {
			t.Unlock(b.lock)
		}
		t.Local(2) // the result, len
		n := t.Load(ownCount) + length
		t.Local(7) // len, newcount, value_length, sb, value
		t.Load(ownCount)
		t.Local(6) // arguments of getChars
		if !fixed {
			t.Lock(b.lock)
		}
		t.Local(3) // srcBegin, srcEnd
		t.Assert(length <= t.Load(b.count), "index out of range")
		t.Local(4)
		t.Load(b.value)
		t.Unlock(b.lock)
		t.Local(1)
		t.Store(ownCount, n)
		t.Unlock(own)
		t.Join(other)
	}
}

// textBuffer is the buffer that two threads share.
type textBuffer struct {
	pointer                *Int
	lock                   *Mutex
	count, value, capacity *Int
}

// erase is erase(0, 3).
func (b *textBuffer) erase(t *Task) {
	t.Load(b.pointer)
	t.Local(4) // arguments
	t.Lock(b.lock)
	t.Local(2) // start, end
	end := min(3, t.Load(b.count))
	t.Local(6) // start, end, len
	if end > 0 {
		t.Load(b.value)
		t.Local(1)
		t.Load(b.value)
		t.Local(2)
		t.Load(b.count)
		t.Local(2)
		t.Store(b.value, 0)
		t.Store(b.count, t.Load(b.count)-end)
	}
	t.Unlock(b.lock)
	t.Local(1) // the result
}

// append is append("abc").
func (b *textBuffer) append(t *Task) {
	t.Load(b.pointer)
	t.Local(3) // arguments
	t.Lock(b.lock)
	t.Local(3) // str, len
	n := t.Load(b.count) + 3
	t.Local(3) // len, newcount
	t.Load(b.capacity)
	t.Load(b.value)
	t.Load(b.count)
	t.Local(2)
	t.Store(b.value, 1)
	t.Local(1)
	t.Store(b.count, n)
	t.Unlock(b.lock)
	t.Local(1) // the result
}

// boundedBuffer: producers and consumers count who waits, to signal only then.
// The published source has no bug where releasing a lock and going to sleep is
// one step, as POSIX has it; those who find one see signals that are lost
// between the two. In the twin it is one step.
func boundedBuffer(fixed bool) func(*Task) {
	return func(t *Task) {
		const size, threads, turns = 3, 5, 10
		m, notFull, notEmpty := NewMutex("mutex"), NewCond("not_full"), NewCond("not_empty")
		head, rear := NewInt("head", 0), NewInt("rear", 0)
		producers, consumers, buf := NewInt("p_wait", 0), NewInt("c_wait", 0), NewArray("buf", size)
		wait := (*Task).WaitLate
		if fixed {
			wait = (*Task).Wait
		}
		block := func(t *Task, waiting *Int, c *Cond, must func() bool) {
			if must() {
				t.Add(waiting, 1)
				for again := true; again; again = must() {
					wait(t, c, m)
				}
				t.Add(waiting, -1)
			}
		}
		signal := func(t *Task, waiting *Int, c *Cond) {
			if t.Load(waiting) > 0 {
				t.Signal(c)
			}
		}
		put := func(t *Task) {
			for i := range turns {
				t.Lock(m)
				block(t, producers, notFull, func() bool { return (t.Load(rear)+1)%size == t.Load(head) })
				t.Store(buf[t.Load(rear)], i)
				t.Store(rear, (t.Load(rear)+1)%size)
				signal(t, consumers, notEmpty)
				t.Unlock(m)
			}
		}
		get := func(t *Task) {
			for range turns {
				t.Lock(m)
				block(t, consumers, notEmpty, func() bool { return t.Load(head) == t.Load(rear) })
				t.Load(buf[t.Load(head)])
				t.Store(head, (t.Load(head)+1)%size)
				signal(t, producers, notFull)
				t.Unlock(m)
			}
		}
		var all []*Task
		for i := range threads {
			all = append(all, t.Go("produce", i+1, put))
		}
		for i := range threads {
			all = append(all, t.Go("consume", i+1, get))
		}
		t.Join(all...)
	}
}

// safeStack is Vyukov's: an array of cells, linked by their indices, with a
// compare-and-swap at the head that suffers from ABA when a cell goes round. (A
// head that counts its changes is no repair: a pop that has failed still puts
// an old link back. The twin has a lock.)
// https://social.msdn.microsoft.com/Forums/en-US/91c1971c-519f-4ad2-816d-149e6b2fd916/bug-with-a-context-switch-bound-5
func safeStack(fixed bool) func(*Task) {
	return func(t *Task) {
		const cells, turns = 3, 3
		head, count := NewInt("head", 0), NewInt("count", cells)
		next, value := NewArray("next", cells), NewArray("value", cells)
		for i := range cells {
			next[i].value = i + 1
		}
		next[cells-1].value = -1
		m := NewMutex("m") // of the twin
		alone := func(t *Task, do func()) {
			if fixed {
				t.Lock(m)
			}
			do()
			if fixed {
				t.Unlock(m)
			}
		}
		pop := func(t *Task) int {
			for t.Load(count) > 1 {
				i := t.Load(head)
				n := t.Swap(next[i], -1)
				if n >= 0 {
					if t.CAS(head, i, n) {
						t.FetchAdd(count, -1)
						return i
					}
					t.Swap(next[i], n)
				}
			}
			return -1
		}
		push := func(t *Task, i int) {
			for {
				h := t.Load(head)
				t.Store(next[i], h)
				if t.CAS(head, h, i) {
					break
				}
			}
			t.FetchAdd(count, 1)
		}
		var all []*Task
		for i := range 3 {
			all = append(all, t.Go("worker", i+1, func(t *Task) {
				for range turns {
					cell := -1
					for cell < 0 {
						if alone(t, func() { cell = pop(t) }); cell < 0 {
							t.Yield()
						}
					}
					t.Store(value[cell], i)
					t.Assert(t.Load(value[cell]) == i, "a cell is in two hands")
					alone(t, func() { push(t, cell) })
				}
			}))
		}
		t.Join(all...)
	}
}
