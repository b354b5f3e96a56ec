package monitor

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// rich is a property with guards, registers and deadlines in a form that the
// reference understands without the packages under test. States are numbered
// as in model. Each type binds the variables of binds; each event has x, a
// form, and flag.
type rich struct {
	model
	steps    [][][]richStep // by state, by type: the first that fits
	after    []int          // by state: milliseconds, 0 for no deadline
	timeout  []int          // by state: where the deadline leads
	passing  []int          // by state: one of the updates below, by the deadline
	cases    []richStep     // by state: instead of that, what the deadline does if a guard holds; without one never
	of       []int          // by type: whose events it is a role of; its own, mostly
	other    int            // the type that stands for all that are not named; -1 if none does
	plain    bool           // there are neither guards over registers, updates nor deadlines
	windowed bool           // guards and updates are of windows
	stacked  bool           // guards and updates are of stacks
	aged     bool           // guards are over the age of a state
	lengths  [4]int         // of the windows, in milliseconds: one counts, one sums up n, one holds what led into a state, one different x
	ended    bool           // nothing comes after the events
	some     someValue      // the last variables are such that some value must do for the first
	every    []bool         // of these: all values must do, not some
}

type richStep struct {
	flag   bool // wanted of the event
	guard  int  // one of the guards below
	update int  // one of the updates below
	to     int  // -1 stays
}

const (
	noGuard = iota
	inSet
	notInSet
	counted // the counter is at least 2
	isLast
	crowded // the first window holds 2 or more
	quiet   // it holds none
	heavy   // the second comes to 2 or more
	wealthy // the amount is 1 or more
	younger // what led into the state is less than that long ago
	older   // it is not
	topIsX
	isSource   // the last source is the event's
	topIsCount // of the stack of counts
	bare       // no x is on the stack
	varied     // the fourth window holds 2 or more different x
	familiar   // it holds x
	bareSet    // the set holds nothing
)

const (
	noUpdate = iota
	addX
	removeX
	clearSet
	countUp
	countDown
	storeX
	clearLast
	clearCount // by deadlines alone
	occur
	addN
	clearWindow
	plusN
	minusN
	clearAmount
	storeSource
	pushX
	popX
	pushCount
	popCount
	seeX
)

// richArrival is an event as it comes in, with x and n.
type richArrival struct {
	arrival
	x    int
	n    int
	name string // its type, if that is not the usual one
}

// memoryModel is what an instance is in.
type memoryModel struct {
	state  int
	set    map[int]bool
	count  int
	last   int // class, -1 for none
	from   int // source, -1 for none
	amount int
	in     [4][]inWindow
	stacks [2][]int      // classes of x, and counts
	each   []memoryModel // by combination of the values of such variables: what it is in
	// The deadline: armed by an event at a time, since when it is after.
	armed      bool
	deadline   int
	source, by int
	after      int
}

// inWindow is an occurrence in a window.
type inWindow struct{ by, source, at, n int }

func (c memoryModel) clone() memoryModel {
	c.set = maps.Clone(c.set)
	for i := range c.in {
		c.in[i] = slices.Clone(c.in[i])
	}
	c.each = slices.Clone(c.each)
	c.stacks = [2][]int{slices.Clone(c.stacks[0]), slices.Clone(c.stacks[1])}
	return c
}

// top is what is on top of a stack; -1 if nothing.
func (c memoryModel) top(stack int) int {
	if n := len(c.stacks[stack]); n > 0 {
		return c.stacks[stack][n-1]
	}
	return -1
}

// deepest is how much a stack holds.
const deepest = 2

// name is how a deadline, or an event, is called.
func (c memoryModel) name() string { return fmt.Sprintf("%d+%dms", c.by, c.after) }

func (ri *rich) fits(s richStep, c memoryModel, a richArrival) bool {
	x := class(a.x)
	sum := 0
	for _, h := range c.in[1] {
		sum += h.n
	}
	ok := map[int]bool{noGuard: true, inSet: c.set[x], notInSet: !c.set[x], counted: c.count >= 2, isLast: c.last == x, isSource: c.from == a.source,
		crowded: len(c.in[0]) >= 2, quiet: len(c.in[0]) == 0, heavy: sum >= 2, wealthy: c.amount >= 1,
		varied: len(c.different()) >= 2, familiar: c.different()[x], bareSet: len(c.set) == 0,
		younger: len(c.in[2]) > 0, older: len(c.in[2]) == 0,
		topIsX: c.top(0) == x, topIsCount: len(c.stacks[1]) > 0 && c.top(1) == c.count, bare: len(c.stacks[0]) == 0}[s.guard]
	return ok && (!s.flag || a.flag)
}

// take is the automaton: what event e does in a role.
func (ri *rich) take(c memoryModel, a richArrival, e, at, role int) memoryModel {
	if c.state < 2 {
		return c
	}
	for _, s := range ri.steps[c.state][role] {
		if !ri.fits(s, c, a) {
			continue
		}
		if s.update == pushX && len(c.stacks[0]) == deepest || s.update == pushCount && len(c.stacks[1]) == deepest {
			return end(c)
		}
		c = c.clone()
		switch x := class(a.x); s.update {
		case pushX:
			c.stacks[0] = append(c.stacks[0], x)
		case popX:
			c.stacks[0] = c.stacks[0][:max(0, len(c.stacks[0])-1)]
		case pushCount:
			c.stacks[1] = append(c.stacks[1], c.count)
		case popCount:
			c.stacks[1] = c.stacks[1][:max(0, len(c.stacks[1])-1)]
		case addX:
			c.set[x] = true
		case removeX:
			delete(c.set, x)
		case clearSet:
			c.set = map[int]bool{}
		case countUp:
			c.count++
		case countDown:
			c.count--
		case storeSource:
			c.from = a.source
		case storeX:
			c.last = x
		case clearLast:
			c.last = -1
		case occur:
			c.in[0] = append(c.in[0], inWindow{e, a.source, at, 1})
		case addN:
			c.in[1] = append(c.in[1], inWindow{e, a.source, at, a.n})
		case seeX:
			c.in[3] = append(c.in[3], inWindow{e, a.source, at, x})
		case clearWindow:
			c.in[0] = nil
		case plusN:
			c.amount += a.n
		case minusN:
			c.amount -= a.n
		case clearAmount:
			c.amount = 0
		}
		if s.to >= 0 {
			c.state, c.armed = s.to, false
			if ri.aged && s.to > 1 {
				c.in[2] = []inWindow{{e, a.source, at, 1}}
			}
			if d := ri.after[s.to]; d > 0 {
				c.armed, c.deadline, c.source, c.by, c.after = true, at+d, a.source, e, d
			}
		}
		return c
	}
	return c
}

// richSpread is what an instance comes to, over all orders.
type richSpread struct {
	in            bound
	certain, some bool
	byTime        []string // the steps of the order by time, if it violates
	at            map[string]bool
	slice         []int
}

// richRun is one trace under one reading of semantics.md.
type richRun struct {
	*rich
	as    []richArrival
	p     placed
	skew  int
	trace []int // exact order
	flaw  flaw
	used  map[richUse]bool // if not nil: what orders use
	in    bound            // the instance that is looked at
}

// Flaws of the reading with registers and deadlines.
const (
	deadlinesFirst   flaw = 100 + iota // at one time, the deadline comes before others
	deadlinesOfAll                     // a deadline is of no source
	neverExpired                       // time does not move after the last event of the slice
	writtenBefore                      // guards see what the event writes: the counter counts twice
	stayingBeginsNew                   // an event that stays begins the deadline anew
	sliceAlone                         // deadlines look at the slice, and at what they certainly precede
	endForgotten                       // states may be the last that must not
	neverLeft                          // what is in a window stays there
	endIncluded                        // what is exactly its length ago is in a window
	firstRoleAlone                     // an event has one role
	firstOut                           // of a stack, the oldest is taken first
	sourcesForgotten                   // a source that was stored is not there
	agedByStaying                      // an event that stays makes the state young
	firstSeen                          // a value that is seen again leaves as if it were not
	namedAlone                         // types that are not named do not count
	oneRound                           // deadlines in a circle pass once
	nothingPassing                     // deadlines write nothing
	distancesOfNone                    // with skew, also the distance of two events of one source is not known
)

func (ri *rich) run(as []richArrival, p placed, skew int, f flaw) *richRun {
	plain := make([]arrival, len(as))
	for i, a := range as {
		plain[i] = a.arrival
	}
	return &richRun{ri, as, p, skew, exactOrder(plain, p), f, nil, nil}
}

// precedes is the certain order of two events.
func (r *richRun) precedes(a, b int) bool {
	if r.as[a].source == r.as[b].source {
		return slices.Index(r.trace, a) < slices.Index(r.trace, b)
	}
	return r.p.effective[a]+r.skew < r.p.effective[b]
}

// deadlinePrecedes: the deadline is an event of its source.
func (r *richRun) deadlinePrecedes(c memoryModel, e int) bool {
	at := r.p.effective[e]
	own := c.source == r.as[e].source && r.flaw != deadlinesOfAll
	return c.deadline+r.skew < at || own && c.deadline < at || r.flaw == deadlinesFirst && c.deadline+r.skew <= at
}

func (r *richRun) precedesDeadline(e int, c memoryModel) bool {
	at := r.p.effective[e]
	own := c.source == r.as[e].source && r.flaw != deadlinesOfAll
	return at+r.skew < c.deadline || own && at <= c.deadline
}

// passed: the deadline certainly precedes something that was seen, also what
// came too late to be judged.
func (r *richRun) passed(c memoryModel) bool {
	seen := c.deadline+r.skew < r.p.newest || slices.ContainsFunc(r.trace, func(e int) bool { return r.deadlinePrecedes(c, e) })
	return r.flaw != neverExpired && (seen || r.ended && r.roundOf(c) == 0)
}

// passedInTime: in the order by time, something that was seen comes after it.
func (r *richRun) passedInTime(c memoryModel) bool {
	if r.skew == 0 {
		return r.passed(c)
	}
	return r.flaw != neverExpired && (c.deadline < r.p.newest || r.ended && r.roundOf(c) == 0)
}

// mayPass: after all events of the slice, the deadline may come before an event
// that was seen, in whatever other slice.
func (r *richRun) mayPass(c memoryModel, slice []int) bool {
	return r.skew > 0 && r.flaw != sliceAlone && slices.ContainsFunc(r.trace, func(e int) bool {
		return !slices.Contains(slice, e) && !r.precedesDeadline(e, c) && !slices.ContainsFunc(slice, func(o int) bool { return r.precedes(e, o) })
	})
}

// owing: the end violates.
func (r *richRun) owing(c memoryModel) bool {
	if r.some != noneSuch {
		return r.ended && r.owingSome(c) && r.flaw != endForgotten
	}
	return r.ended && r.atEnd[c.state] && r.flaw != endForgotten
}

func end(c memoryModel) memoryModel {
	c.state, c.armed = 0, false
	return c
}

// expire is the deadline as a step of an order.
func (r *richRun) expire(c memoryModel) memoryModel {
	to := r.rich.expire(c)
	if round := r.roundOf(c); r.flaw == oneRound && round > 0 && to.after >= 2*round {
		to.armed = false
	}
	if r.flaw == nothingPassing {
		to.set, to.count, to.last, to.amount = c.set, c.count, c.last, c.amount
	}
	if r.used != nil {
		r.used[richUse{c.state, fmt.Sprintf("after %dms", r.after[c.state]), to.state}] = true
	}
	return to
}

func (r *richRun) step(c memoryModel, e int) memoryModel {
	if r.skew == 0 {
		c = r.aged(c, r.p.effective[e])
	}
	for _, role := range r.rolesIn(e, r.in) {
		c = r.stepIn(c, e, role)
	}
	return c
}

// stepIn is step in one of the event's roles.
func (r *richRun) stepIn(c memoryModel, e, role int) memoryModel {
	if r.some != noneSuch {
		if c.state == 0 {
			return c
		}
		return r.takeSome(c, e, role)
	}
	to := r.take(c, r.as[e], e, r.p.effective[e], role)
	if n := len(c.stacks[0]); r.flaw == firstOut && len(to.stacks[0]) < n {
		to.stacks[0] = c.stacks[0][1:]
	}
	if r.flaw == firstSeen && c.different()[class(r.as[e].x)] {
		to.in[3] = c.in[3]
	}
	if r.flaw == sourcesForgotten {
		to.from = -1
	}
	if r.flaw == agedByStaying && to.state == c.state {
		to.in[2] = []inWindow{{e, r.as[e].source, r.p.effective[e], 1}}
	}
	if r.flaw == writtenBefore {
		to.count += to.count - c.count
	}
	if r.flaw == stayingBeginsNew && to.armed && c.armed && to.by == c.by {
		to.deadline = r.p.effective[e] + to.after
	}
	if r.used != nil && c.state > 1 {
		r.used[richUse{c.state, r.roleName(role), to.state}] = true
	}
	return to
}

// spreads finds all instances, and what all orders of each come to.
func (r *richRun) spreads() []richSpread {
	instances := map[string]bound{}
	root := slices.Repeat(bound{-1}, r.vars)
	instances[fmt.Sprint(root)] = root
	for _, e := range r.trace {
		_, bindings := r.bindings(e)
		for _, b := range bindings {
			for _, in := range sortedBounds(instances) {
				if u, ok := in.join(b); ok {
					instances[fmt.Sprint(u)] = u
				}
			}
		}
	}
	var out []richSpread
	for _, in := range sortedBounds(instances) {
		s := richSpread{in: in, certain: true, at: map[string]bool{}}
		for _, e := range r.trace {
			if len(r.rolesIn(e, in)) > 0 {
				s.slice = append(s.slice, e)
			}
		}
		r.in = in
		s.byTime = r.orderByTime(s.slice)
		if r.skew == 0 {
			s.some = s.byTime != nil
			if s.some {
				s.at[s.byTime[len(s.byTime)-1]] = true
			}
		} else {
			r.orders(&s, map[int]bool{}, newMemoryModel(), map[string]bool{})
		}
		if s.some {
			out = append(out, s)
		}
	}
	return out
}

// orderByTime is exact order: events as they stand in the trace, a deadline
// before what is later.
func (r *richRun) orderByTime(slice []int) (steps []string) {
	c := newMemoryModel()
	for _, e := range slice {
		for d := r.first(c); d.armed && c.state > 1 && (d.deadline < r.p.effective[e] || r.flaw == deadlinesFirst && d.deadline == r.p.effective[e]); d = r.first(c) {
			if round := r.roundOf(d); round > 0 && d.deadline+round < r.p.effective[e] {
				c = r.around(c)
				continue
			}
			steps = append(steps, d.name())
			c = r.expireOf(c, d)
		}
		if c.state == 0 {
			return steps
		}
		c = r.step(r.aged(c, r.p.effective[e]), e)
		steps = append(steps, strconv.Itoa(e))
		if c.state == 0 {
			return steps
		}
	}
	for d := r.first(c); d.armed && r.passedInTime(d); d = r.first(c) {
		if r.roundOf(d) > 0 && (r.used == nil || r.skew > 0) {
			return nil // it leads nowhere; with skew, orders say what is used
		}
		steps = append(steps, d.name())
		if c = r.expireOf(c, d); c.state == 0 {
			return steps
		}
	}
	if r.owing(c) {
		return append(steps, theEnd)
	}
	return nil
}

// orders goes through all possible orders of a slice and its deadlines.
func (r *richRun) orders(s *richSpread, done map[int]bool, c memoryModel, visited map[string]bool) {
	key := fmt.Sprint(done, c)
	if visited[key] {
		return
	}
	visited[key] = true
	reach := func(to memoryModel, name string, next map[int]bool) {
		if to.state == 0 {
			s.some, s.at[name] = true, true
			return
		}
		r.orders(s, next, to, visited)
	}
	left := slices.DeleteFunc(slices.Clone(s.slice), func(e int) bool { return done[e] })
	if len(left) == 0 {
		must := false
		for _, d := range r.running(c) {
			must = must || r.passed(d)
			if (r.passed(d) || r.mayPass(d, s.slice)) && !r.comesAfterOne(c, d) {
				reach(r.expireOf(c, d), d.name(), done)
			}
		}
		switch {
		case must:
		case r.owing(c):
			s.some, s.at[theEnd] = true, true
		default:
			s.certain = false
		}
		return
	}
	for _, e := range left {
		if slices.ContainsFunc(left, func(o int) bool { return o != e && r.precedes(o, e) }) || r.anyPrecedes(c, e) || r.holdsTooOld(c, e) {
			continue
		}
		next := maps.Clone(done)
		next[e] = true
		reach(r.step(c, e), strconv.Itoa(e), next)
	}
	for _, d := range r.running(c) {
		if !r.comesAfterOne(c, d) && !slices.ContainsFunc(left, func(e int) bool { return r.precedesDeadline(e, d) }) {
			reach(r.expireOf(c, d), d.name(), done)
		}
	}
	for _, to := range r.withoutOne(c, left) {
		r.orders(s, done, to, visited)
	}
}

// richJudged is a report, as the reference reads it.
type richJudged struct {
	in      bound
	certain bool
	event   string
	witness []string // events and deadlines, by name
	states  []string
}

// compare checks reports against the reference; the first difference is
// returned.
func (r *richRun) compare(want []richSpread, got []richJudged) string {
	for _, s := range want {
		hides := func(at func(string) bool, certain bool) bool {
			return slices.ContainsFunc(got, func(j richJudged) bool {
				return j.in.within(s.in) && !slices.Equal(j.in, s.in) && (j.certain || !certain) && at(j.event)
			})
		}
		var all []richJudged
		for _, j := range got {
			if slices.Equal(j.in, s.in) {
				all = append(all, j)
			}
		}
		last := ""
		if s.byTime != nil {
			last = s.byTime[len(s.byTime)-1]
		}
		switch {
		case len(all) > 1:
			return fmt.Sprintf("%v is reported %d times", s.in, len(all))
		case len(all) == 0 && s.byTime != nil && !hides(func(e string) bool { return e == last }, s.certain):
			return fmt.Sprintf("%v is not reported, certain is %v, by %v", s.in, s.certain, s.byTime)
		case len(all) == 0 && !hides(func(e string) bool { return s.at[e] }, s.certain):
			return fmt.Sprintf("%v is not reported, it is possible", s.in)
		case len(all) == 0:
		case all[0].certain != s.certain:
			return fmt.Sprintf("%v: certain is %v, want %v", s.in, all[0].certain, s.certain)
		case hides(func(e string) bool { return e == all[0].event }, s.certain):
			return fmt.Sprintf("%v is reported although a smaller one is", s.in)
		default:
			if why := r.wrongWitness(s, all[0]); why != "" {
				return fmt.Sprintf("%v: %s", s.in, why)
			}
		}
	}
	for _, j := range got {
		if !slices.ContainsFunc(want, func(s richSpread) bool { return slices.Equal(s.in, j.in) }) {
			return fmt.Sprintf("%v is reported, nothing violates it", j.in)
		}
	}
	return ""
}

func (r *richRun) wrongWitness(s richSpread, j richJudged) string {
	r.in = s.in
	if s.byTime != nil && !slices.Equal(j.witness, s.byTime) {
		return fmt.Sprintf("the order by time is %v, got %v", s.byTime, j.witness)
	}
	_, _, why := r.follow(s.slice, j.witness, j.states)
	if why != "" {
		return fmt.Sprintf("witness %v: %s", j.witness, why)
	}
	for i, state := range j.states {
		if (state == stateName(0)) != (i == len(j.witness)-1) {
			return fmt.Sprintf("witness %v is violated at %d", j.witness, i)
		}
	}
	if len(j.witness) == 0 || j.witness[len(j.witness)-1] != j.event {
		return fmt.Sprintf("witness %v does not end with %s", j.witness, j.event)
	}
	return ""
}
