package scheduler

import "slices"

// clocks says, for each step of a run, which steps come before it in the
// run's partial order: of each task the first so many.
type clocks struct {
	steps   []Transition
	tasks   int
	task    []int   // of each step, as a number
	count   []int   // of each step, its place within its task, from 1
	before  [][]int // clock of the step before it in its task, with what that depends on
	of      [][]int
	touched []int            // how many steps of its task before it touch something, the first aside
	uses    map[string][]use // of each resource, in order
	names   []string
}

// use is a step that touches a resource.
type use struct {
	step  int
	touch Touch
}

func newClocks(steps []Transition) *clocks {
	c := &clocks{steps: steps, uses: map[string][]use{}}
	number := map[string]int{}
	for i := range steps {
		if _, ok := number[steps[i].Task]; !ok {
			number[steps[i].Task] = len(number)
		}
	}
	c.tasks = len(number)
	last := make([][]int, c.tasks)
	touching := make([]int, len(number))
	done := make([]int, len(number))
	for i := range last {
		last[i] = make([]int, len(number))
	}
	writes, reads := map[string][]int{}, map[string][][]int{}
	for i := range steps {
		s := &steps[i]
		n := number[s.Task]
		now := slices.Clone(last[n])
		for _, t := range s.Touches {
			merge(now, writes[t.Resource])
			if t.Write {
				for _, r := range reads[t.Resource] {
					merge(now, r)
				}
			}
			if c.uses[t.Resource] == nil {
				c.names = append(c.names, t.Resource)
			}
			c.uses[t.Resource] = append(c.uses[t.Resource], use{i, t})
		}
		c.touched = append(c.touched, touching[n])
		if done[n]++; done[n] > 1 && len(s.Touches) > 0 {
			touching[n]++
		}
		now[n] = done[n]
		c.task, c.count = append(c.task, n), append(c.count, done[n])
		c.before, c.of = append(c.before, last[n]), append(c.of, now)
		last[n] = now
		for _, t := range s.Touches {
			if t.Write {
				writes[t.Resource], reads[t.Resource] = now, nil
			} else {
				reads[t.Resource] = append(reads[t.Resource], now)
			}
		}
	}
	return c
}

func merge(clock, other []int) {
	for i, n := range other {
		clock[i] = max(clock[i], n)
	}
}

// free reports whether a step could come before an earlier one that it
// conflicts with: its task has not seen the other's doing before.
func (c *clocks) free(step, earlier int) bool {
	return c.before[step][c.task[earlier]] < c.count[earlier]
}

// goals lists the pairs that a run has not shown, but might: a read that could
// come before a write that it has seen, and so would see an older one; and a
// write that could come before a read.
//
// First come those that would stop a task in its middle, for what is wrong
// only when whole tasks change places is rare; older writes before newer ones,
// then what a critical section hides from those who take its locks;
// last what aims at a write that no step of the run has seen, as when a lock
// is taken. Pairs of sites come before those of steps: where many tasks run the
// same code, one of them is as good as another. Of a reader and a writer that
// have several resources in common one is enough.
func goals(r *Record) []Pair {
	seen := make(map[Pair]bool, len(r.Pairs))
	visible := map[[2]string]bool{}
	for _, p := range r.Pairs {
		seen[p] = true
		visible[[2]string{p.Resource, p.Writer}] = true
	}
	var classes [2 * classesOf][]Pair
	exact := 0
	add := func(class int, p, steps Pair) {
		if !seen[p] {
			seen[p] = true
			classes[class] = append(classes[class], p)
		} else if exact < mostExact && !seen[steps] {
			exact++
			seen[steps] = true
			classes[classesOf+class] = append(classes[classesOf+class], steps)
		}
	}
	c := newClocks(r.Steps)
	l := newLocks(c)
	for _, name := range c.names {
		l.goalsOf(name, func(site string) bool { return visible[[2]string{name, site}] }, add)
	}
	met := map[[2]string]bool{}
	return slices.DeleteFunc(slices.Concat(classes[:]...), func(p Pair) bool {
		both := [2]string{p.Reader, p.Writer}
		again := p.Writer != "" && met[both]
		met[both] = true
		return again
	})
}

// The classes of goals, in order.
const (
	olderSplit = iota
	newerSplit
	dirty
	olderWhole
	newerWhole
	newerUnseen
	classesOf
)

// mostExact bounds how many pairs of steps one run gives.
const mostExact = 200

// mostUses bounds what is looked at of one resource.
const mostUses = 400

// goalsOf lists the goals of one resource.
func (l *locks) goalsOf(name string, visible func(site string) bool, add func(class int, p, steps Pair)) {
	c := l.clocks
	uses := c.uses[name]
	uses = uses[:min(len(uses), mostUses)]
	for i, r := range uses {
		if !r.touch.Read {
			continue
		}
		reader := &c.steps[r.step]
		found := func(class int, writer *Transition) {
			add(class, Pair{name, reader.Site, writer.Site}, Pair{name, reader.Name, writer.Name})
		}
		for j := i - 1; j >= 0; j-- { // older writes, newest first
			if !c.seenWrite(uses[j], visible) {
				continue
			}
			if !c.free(r.step, uses[j].step) {
				break
			}
			writer, stopped := c.writerBefore(uses, j, visible)
			if c.inMiddle(stopped) {
				found(olderSplit, writer)
			} else {
				found(olderWhole, writer)
			}
		}
		for j, w := range uses[i+1:] { // newer writes
			if !w.touch.Write || c.task[w.step] == c.task[r.step] {
				continue
			}
			switch writer := &c.steps[w.step]; {
			case !c.free(w.step, r.step):
				if l.dirty(uses, i+1+j, r.step) {
					found(dirty, writer)
				}
			case !visible(writer.Site):
				found(newerUnseen, writer)
			case c.inMiddle(r.step):
				found(newerSplit, writer)
			default:
				found(newerWhole, writer)
			}
		}
	}
}

// seenWrite reports whether a use is a write that is worth looking at: one
// that reads too, but is never seen itself, is taken for a lock's.
func (c *clocks) seenWrite(u use, visible func(site string) bool) bool {
	return u.touch.Write && (!u.touch.Read || visible(c.steps[u.step].Site))
}

// writerBefore returns the newest such write before a use, or a step without a
// name, and the step that has to be stopped for it to be seen: the first one after
// it of the use's task that writes.
func (c *clocks) writerBefore(uses []use, j int, visible func(site string) bool) (writer *Transition, stopped int) {
	stopped = uses[j].step
	task := c.task[stopped]
	for j--; j >= 0; j-- {
		if c.seenWrite(uses[j], visible) {
			return &c.steps[uses[j].step], stopped
		}
		if uses[j].touch.Write && c.task[uses[j].step] == task {
			stopped = uses[j].step
		}
	}
	return &Transition{}, stopped
}

// inMiddle reports whether the step's task has touched something before it,
// its first step aside.
func (c *clocks) inMiddle(step int) bool { return c.touched[step] > 0 }
