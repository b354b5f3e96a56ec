package sctbench

// stealQueue is the queue of Cilk's THE protocol as CHESS has it: its owner
// pushes and pops at the tail, others steal at the head. Push leaves one cell
// too few free: it may overwrite one that a thief is about to take. In the
// original head and tail are read and written by interlocked instructions, one
// step each, and the lock of the interlocked variants spins; here it blocks.
type stealQueue struct {
	head, tail, mask *Int
	lock             *Mutex
	elems            []*Int
	slack            int           // 1 with the bug
	note             func(t *Task) // of the variants that keep their state for a checker
}

func newStealQueue(fixed bool, note func(*Task)) *stealQueue {
	q := &stealQueue{head: NewInt("head", 0), tail: NewInt("tail", 0), mask: NewInt("mask", 1), lock: NewMutex("lock"),
		elems: NewArray("elems", 2), slack: 1, note: note}
	if fixed {
		q.slack = 0
	}
	return q
}

func (q *stealQueue) cell(t *Task, i int) *Int { return q.elems[i&t.Load(q.mask)] }

func (q *stealQueue) steal(t *Task) (item int, found bool) {
	q.note(t)
	t.Lock(q.lock)
	h := t.Load(q.head)
	t.Store(q.head, h+1)
	if h < t.Load(q.tail) {
		item, found = t.Load(q.cell(t, h)), true
	} else {
		t.Store(q.head, h)
	}
	t.Unlock(q.lock)
	return item, found
}

func (q *stealQueue) pop(t *Task) (int, bool) {
	q.note(t)
	tail := t.Load(q.tail) - 1
	t.Store(q.tail, tail)
	if t.Load(q.head) <= tail {
		return t.Load(q.cell(t, tail)), true
	}
	t.Store(q.tail, tail+1)
	return q.syncPop(t)
}

func (q *stealQueue) syncPop(t *Task) (item int, found bool) {
	t.Lock(q.lock)
	tail := t.Load(q.tail) - 1
	t.Store(q.tail, tail)
	if t.Load(q.head) <= tail {
		item, found = t.Load(q.cell(t, tail)), true
	} else {
		t.Store(q.tail, tail+1)
	}
	if t.Load(q.head) > tail {
		t.Store(q.head, 0)
		t.Store(q.tail, 0)
		found = false
	}
	t.Unlock(q.lock)
	return item, found
}

func (q *stealQueue) push(t *Task, item int) {
	q.note(t)
	tail := t.Load(q.tail)
	if tail < t.Load(q.head)+t.Load(q.mask)+q.slack {
		t.Store(q.cell(t, tail), item)
		t.Store(q.tail, tail+1)
		return
	}
	q.syncPush(t, item)
}

func (q *stealQueue) syncPush(t *Task, item int) {
	t.Lock(q.lock)
	h := t.Load(q.head)
	count := t.Load(q.tail) - h
	h &= t.Load(q.mask)
	t.Store(q.head, h)
	t.Store(q.tail, h+count)
	if mask := t.Load(q.mask); count >= mask {
		elems := NewArray("elems*", 2*(mask+1))
		for i := range count {
			t.Store(elems[i], t.Load(q.cell(t, h+i)))
		}
		q.elems = elems
		t.Store(q.mask, 2*mask+1)
		t.Store(q.head, 0)
		t.Store(q.tail, count)
	}
	tail := t.Load(q.tail)
	t.Store(q.cell(t, tail), item)
	t.Store(q.tail, tail+1)
	t.Unlock(q.lock)
}

// stealVariant is one of the four programs.
type stealVariant struct {
	stealers int
	stateful bool // keeps records of what every thread is at
	all      bool // pushes everything first, then pops
}

// program has an owner that pushes and pops four items, and thieves that try
// twice; every item is to be worked on once.
func (v stealVariant) program(fixed bool) func(*Task) {
	return func(t *Task) {
		const items, attempts = 4, 2
		fields := NewArray("field", items)
		note := func(*Task) {}
		if v.stateful {
			note = func(t *Task) { t.Store(NewInt("state of "+t.name, 0), 0) }
		}
		q := newStealQueue(fixed, note)
		work := func(t *Task, item int, found bool) {
			if found {
				t.Add(fields[item], 1)
			}
		}
		var thieves []*Task
		for i := range v.stealers {
			thieves = append(thieves, t.Go("steal", i+1, func(t *Task) {
				for range attempts {
					item, found := q.steal(t)
					work(t, item, found)
				}
			}))
		}
		own := func() {
			item, found := q.pop(t)
			work(t, item, found)
		}
		for i := range items {
			if q.push(t, i); !v.all && i%2 == 1 {
				own()
			}
		}
		for i := range items {
			if v.all || i < items/2 {
				own()
			}
		}
		t.Join(thieves...)
		for _, f := range fields {
			t.Assert(t.Load(f) == 1, "an item was lost, or worked on twice")
		}
	}
}
