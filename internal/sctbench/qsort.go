package sctbench

// sorter is a quicksort that hands parts to a pool of threads: one that is
// chosen is marked as working before its lock is taken, so that it may begin
// before it is told what to sort.
type sorter struct {
	fixed       bool
	elems       []*Int
	idle, total *Int
	alloc       *Mutex
	workers     []*sortWorker
}

// sortWorker is a thread of the pool.
type sortWorker struct {
	state, from, n *Int
	lock           *Mutex
	changed        *Cond
}

const (
	sortIdle = iota
	sortWork
	sortStop
	sortFork = 4 // parts above it are handed out
)

// sortInput is what the original draws: rand() % 32 from the C library's
// initial seed.
var sortInput = []int{7, 6, 9, 19, 17, 31, 10, 12, 9, 13, 26, 11, 18, 30, 3, 6, 30, 18, 20, 24, 3, 27, 7, 12, 18, 26, 30, 19, 27, 31, 9, 26}

func quicksort(fixed bool) func(*Task) {
	return func(t *Task) {
		const threads = 2
		s := &sorter{fixed: fixed, elems: NewArray("a", len(sortInput)), idle: NewInt("idlethreads", threads),
			total: NewInt("nthreads", threads), alloc: NewMutex("mtx_al")}
		for i, e := range s.elems {
			e.value = sortInput[i]
		}
		var running []*Task
		for i := range threads {
			suffix := string(rune('0' + i))
			w := &sortWorker{NewInt("st"+suffix, sortIdle), NewInt("a"+suffix, 0), NewInt("n"+suffix, 0), NewMutex("mtx_st" + suffix), NewCond("cond_st" + suffix)}
			s.workers = append(s.workers, w)
		}
		for i, w := range s.workers {
			running = append(running, t.Go("sort", i+1, func(t *Task) { s.work(t, w) }))
		}
		w := s.workers[0]
		t.Lock(w.lock)
		t.Store(w.from, 0)
		t.Store(w.n, len(s.elems))
		t.Store(w.state, sortWork)
		t.Add(s.idle, -1)
		t.Signal(w.changed)
		t.Unlock(w.lock)
		t.Join(running...)
		for i := 1; i < len(s.elems); i++ {
			t.Assert(t.Load(s.elems[i-1]) <= t.Load(s.elems[i]), "the result is not sorted")
		}
	}
}

// work is a thread of the pool: it waits for a part, sorts it, and tells the
// others to stop if it was the last at work.
func (s *sorter) work(t *Task, w *sortWorker) {
	for {
		t.Lock(w.lock)
		for t.Load(w.state) == sortIdle {
			t.Wait(w.changed, w.lock)
		}
		t.Unlock(w.lock)
		if t.Load(w.state) == sortStop {
			return
		}
		t.Load(w.state) // an assertion that always holds
		s.sort(t, t.Load(w.from), t.Load(w.n))
		t.Lock(s.alloc)
		t.Store(w.state, sortIdle)
		t.Add(s.idle, 1)
		if t.Load(s.idle) == t.Load(s.total) {
			s.stopOthers(t, w)
			t.Unlock(s.alloc)
			return
		}
		t.Unlock(s.alloc)
	}
}

func (s *sorter) stopOthers(t *Task, self *sortWorker) {
	for _, w := range s.workers {
		if w == self {
			continue
		}
		t.Lock(w.lock)
		t.Store(w.state, sortStop)
		t.Signal(w.changed)
		t.Unlock(w.lock)
	}
}

// allocate finds an idle thread and returns it with its lock held.
func (s *sorter) allocate(t *Task) *sortWorker {
	t.Lock(s.alloc)
	for _, w := range s.workers[:t.Load(s.total)] {
		if s.fixed {
			t.Lock(w.lock)
		}
		if t.Load(w.state) == sortIdle {
			t.Add(s.idle, -1)
			t.Store(w.state, sortWork)
			if !s.fixed {
				t.Lock(w.lock)
			}
			t.Unlock(s.alloc)
			return w
		}
		if s.fixed {
			t.Unlock(w.lock)
		}
	}
	t.Unlock(s.alloc)
	return nil
}

// sort is Bentley's and McIlroy's quicksort, with insertion for short parts.
func (s *sorter) sort(t *Task, from, n int) {
	for n >= 7 {
		left, right, swapped := s.partition(t, from, n)
		if !swapped {
			break
		}
		w := (*sortWorker)(nil)
		if left > sortFork && right > sortFork {
			w = s.allocate(t)
		}
		switch {
		case w != nil:
			t.Store(w.from, from)
			t.Store(w.n, left)
			t.Signal(w.changed)
			t.Unlock(w.lock)
		case left > 0:
			s.sort(t, from, left)
		}
		from, n = from+n-right, right
	}
	s.insertion(t, from, n)
}

func (s *sorter) insertion(t *Task, from, n int) {
	for i := from + 1; i < from+n; i++ {
		for j := i; j > from && t.Load(s.elems[j-1]) > t.Load(s.elems[j]); j-- {
			s.swap(t, j, j-1)
		}
	}
}

func (s *sorter) swap(t *Task, i, j int) {
	x, y := t.Load(s.elems[i]), t.Load(s.elems[j])
	t.Store(s.elems[i], y)
	t.Store(s.elems[j], x)
}

func (s *sorter) less(t *Task, i, j int) bool { return t.Load(s.elems[i]) < t.Load(s.elems[j]) }

// median is the index of the middle one of three.
func (s *sorter) median(t *Task, a, b, c int) int {
	if s.less(t, a, b) {
		if s.less(t, b, c) {
			return b
		} else if s.less(t, a, c) {
			return c
		}
		return a
	}
	if s.less(t, c, b) {
		return b
	} else if s.less(t, a, c) {
		return a
	}
	return c
}

// partition puts what equals the pivot at both ends, then in the middle, and
// returns how many are below and above it.
func (s *sorter) partition(t *Task, from, n int) (left, right int, swapped bool) {
	middle := from + n/2
	if n > 7 {
		middle = s.median(t, from, middle, from+n-1)
	}
	s.swap(t, from, middle)
	a, b := from+1, from+1
	c, d := from+n-1, from+n-1
	compare := func(i int) int { return t.Load(s.elems[i]) - t.Load(s.elems[from]) }
	for {
		for b <= c {
			r := compare(b)
			if r > 0 {
				break
			}
			if r == 0 {
				s.swap(t, a, b)
				a, swapped = a+1, true
			}
			b++
		}
		for b <= c {
			r := compare(c)
			if r < 0 {
				break
			}
			if r == 0 {
				s.swap(t, c, d)
				d, swapped = d-1, true
			}
			c--
		}
		if b > c {
			break
		}
		s.swap(t, b, c)
		b, c, swapped = b+1, c-1, true
	}
	if !swapped {
		s.insertion(t, from, n)
		return 0, 0, true
	}
	for i := range min(a-from, b-a) {
		s.swap(t, from+i, b-1-i)
	}
	for i := range min(d-c, from+n-1-d) {
		s.swap(t, b+i, from+n-1-i)
	}
	return b - a, d - c, true
}
