package scheduler

import "slices"

// locks says which steps of a run were within critical sections, and which
// could change places if these did.
type locks struct {
	clocks *clocks
	forced [][]int    // clock of the step before it in its task, of what holds in every schedule
	held   [][]string // the locks that each step's task held at it
}

func newLocks(c *clocks) *locks {
	l := &locks{clocks: c, forced: make([][]int, len(c.steps)), held: make([][]string, len(c.steps))}
	l.force()
	for _, name := range c.names {
		if uses := c.uses[name]; c.isLock(uses) {
			for i := 0; i+1 < len(uses); i += 2 {
				l.hold(name, uses[i].step, uses[i+1].step)
			}
		}
	}
	return l
}

// force computes the clocks that know tasks, their starts and ends alone:
// resources that nobody reads.
func (l *locks) force() {
	c := l.clocks
	order := map[string][]int{}
	for _, name := range c.names {
		if !slices.ContainsFunc(c.uses[name], func(u use) bool { return u.touch.Read }) {
			order[name] = make([]int, c.tasks)
		}
	}
	last := make([][]int, c.tasks)
	for i := range last {
		last[i] = make([]int, c.tasks)
	}
	for i := range c.steps {
		now := last[c.task[i]]
		l.forced[i] = slices.Clone(now)
		now[c.task[i]] = c.count[i]
		for _, t := range c.steps[i].Touches {
			if o := order[t.Resource]; o != nil {
				merge(now, o)
				merge(o, now)
			}
		}
	}
}

// isLock reports whether uses are those of a lock: it is taken, which reads
// and writes it, and given back by the same task, which only writes, over and
// over.
func (c *clocks) isLock(uses []use) bool {
	for i, u := range uses {
		takes := i%2 == 0
		if !u.touch.Write || u.touch.Read != takes || !takes && c.task[u.step] != c.task[uses[i-1].step] {
			return false
		}
	}
	return true
}

// hold notes a critical section.
func (l *locks) hold(lock string, from, to int) {
	for i := from + 1; i < to; i++ {
		if l.clocks.task[i] == l.clocks.task[from] {
			l.held[i] = append(l.held[i], lock)
		}
	}
}

// dirty reports whether the i-th use of a resource is a write that a critical
// section replaces, before anybody has looked, and that a reader might see
// nevertheless: he holds none of the locks, and comes later only because
// critical sections came in this order.
func (l *locks) dirty(uses []use, i, reader int) bool {
	c, w := l.clocks, uses[i]
	if w.touch.Read || len(l.held[w.step]) == 0 || !c.replaced(uses, i) {
		return false
	}
	if l.forced[w.step][c.task[reader]] >= c.count[reader] {
		return false
	}
	return !slices.ContainsFunc(l.held[w.step], func(lock string) bool { return slices.Contains(l.held[reader], lock) })
}

// replaced reports whether the next write of a resource is the same task's, and
// nobody else has looked in between.
func (c *clocks) replaced(uses []use, i int) bool {
	for _, u := range uses[i+1:] {
		if c.task[u.step] != c.task[uses[i].step] || u.touch.Write {
			return c.task[u.step] == c.task[uses[i].step]
		}
	}
	return false
}
