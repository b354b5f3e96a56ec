package formula

import (
	"slices"
	"time"
)

// inwards moves the existential quantifiers of a formula inwards as far as they
// go.
func (n *node) inwards() *node {
	var args []*node
	for _, a := range n.args {
		if a != yes {
			a = a.inwards()
		}
		args = append(args, a)
	}
	switch n.op {
	case isExists:
		return exists(n, args[0])
	case isAnd, isOr:
		return joined(n.op, args)
	case isNot:
		return not(args[0])
	}
	return n.with(args...)
}

// exists is the formula with a quantifier moved into it; q says which, and
// where it stood.
func exists(q, n *node) *node {
	if !n.mentions(q.name) {
		return n
	}
	within := func(a *node) *node { return exists(q, a) }
	switch n.op {
	case isOr:
		return joined(isOr, mapped(n.args, within))
	case isAnd:
		var with, without []*node
		for _, a := range n.args {
			if a.mentions(q.name) {
				with = append(with, a)
			} else {
				without = append(without, a)
			}
		}
		if len(with) == 1 || len(without) > 0 {
			return and(append(without, within(and(with...)))...)
		}
	case isNot:
		if x := n.args[0]; x.op == isAnd || x.op == isOr {
			return within(joined(map[op]op{isAnd: isOr, isOr: isAnd}[x.op], mapped(x.args, not)))
		}
	case isExists:
		return exists(n, within(n.args[0]))
	case isPrevious, isNext:
		return n.with(within(n.args[0]))
	case isSince, isUntil:
		if !n.args[0].mentions(q.name) {
			return n.with(n.args[0], within(n.args[1]))
		}
	}
	return q.with(n)
}

func mapped(ns []*node, f func(*node) *node) (all []*node) {
	for _, n := range ns {
		all = append(all, f(n))
	}
	return all
}

// clause is a disjunction: of formulas over the past, and of future ones, each
// an isUntil or isNext, or the negation of one.
type clause struct{ past, future []*node }

// maxClauses bounds what distributing may make of a formula.
const maxClauses = 64

// clauses returns the conjunction of clauses that a formula is, or its
// negation.
func (n *node) clauses(positive bool) ([]clause, error) {
	literal := n
	if !positive {
		literal = not(n)
	}
	switch {
	case n.op == isNot:
		return n.args[0].clauses(!positive)
	case n.op == isExists && !positive && (hasFuture(n) || n.stuck() != nil):
		return n.args[0].clauses(false) // its variable is a free one
	case n.op == isExists && hasFuture(n):
		return nil, n.at.fail("EXISTS %s stands around an operator of the future, wanted it inside of that", n.name)
	case n.future():
		return []clause{{future: []*node{literal}}}, n.onlyOutside()
	case (n.op == isAnd || n.op == isOr) && (n.op == isAnd) == positive:
		var all []clause
		for _, a := range n.args {
			cs, err := a.clauses(positive)
			if err != nil {
				return nil, err
			}
			all = append(all, cs...)
		}
		return all, nil
	case (n.op == isAnd || n.op == isOr) && n.distributes(positive):
		return n.distributed(positive)
	}
	return []clause{{past: []*node{literal}}}, n.onlyOutside()
}

// distributes tells whether a disjunction must be taken apart: for the future,
// or for a quantifier that must move out.
func (n *node) distributes(positive bool) bool {
	switch n.op {
	case isNot:
		return n.args[0].distributes(!positive)
	case isAnd, isOr:
		for _, a := range n.args {
			if a.distributes(positive) {
				return true
			}
		}
	case isExists:
		return hasFuture(n) || !positive && n.stuck() != nil
	}
	return n.future()
}

// distributed is a disjunction as a conjunction of clauses.
func (n *node) distributed(positive bool) ([]clause, error) {
	all := []clause{{}}
	for _, a := range n.args {
		cs, err := a.clauses(positive)
		if err != nil {
			return nil, err
		}
		var next []clause
		for _, c := range all {
			for _, d := range cs {
				next = append(next, clause{append(c.past[:len(c.past):len(c.past)], d.past...), append(c.future[:len(c.future):len(c.future)], d.future...)})
			}
		}
		if all = next; len(all) > maxClauses {
			return nil, n.at.fail("the formula has more than %d clauses, wanted several properties", maxClauses)
		}
	}
	return all, nil
}

// onlyOutside refuses the future inside of other temporal operators.
func (n *node) onlyOutside() error {
	for _, a := range n.args {
		if inner := a.first((*node).future); inner != nil {
			return inner.at.fail("an operator of the future stands inside of another temporal one, wanted it outside; ONCE, ALWAYS and the like reach to the end of their brackets")
		}
	}
	return nil
}

// first returns the first part of the formula that is of the kind; nil if none
// is.
func (n *node) first(kind func(*node) bool) *node {
	if kind(n) {
		return n
	}
	for _, a := range n.args {
		if f := a.first(kind); f != nil {
			return f
		}
	}
	return nil
}

// stuck returns an operator inside of a quantifier that must remember more of
// the variable's values than a set can; nil if there is none.
func (n *node) stuck() *node { return n.args[0].stuckOn(n.name, nil) }

// stuckOn looks for an operator that speaks of the variable: one with an
// interval, or of the time point before, with a further one inside, or with
// another variable that is quantified on the way to it.
func (n *node) stuckOn(v string, between []string) *node {
	if n.op == isExists {
		between = append(between[:len(between):len(between)], n.name)
	}
	if n.temporal() && n.mentions(v) {
		nested := func(x *node) bool { return x.temporal() && x.mentions(v) }
		bad := n.op != isSince || !n.in.whole() || n.args[0].has(nested) || n.args[1].has(nested)
		for _, w := range between {
			bad = bad || n.mentions(w)
		}
		if bad {
			return n
		}
	}
	for _, a := range n.args {
		if s := a.stuckOn(v, between); s != nil {
			return s
		}
	}
	return nil
}

// normal is what a formula comes to: a formula over the past that must hold at
// every time point, and deadlines.
type normal struct {
	always *node
	due    []*due
}

// due says that from each time point at which trigger holds, keep must hold
// until done does, within a time. All are over the past.
type due struct {
	trigger, keep, done *node
	until               *node // as written
}

// late tells whether what is due may not come before a time, or several things
// are: each event from which something is due then has an instance of its own, in
// which all deadlines count from that event.
func (n normal) late() bool {
	return len(n.due) > 1 || len(n.due) == 1 && n.due[0].until.in.from > 0
}

// ends are the times after which something must have come, ascending.
func (n normal) ends() (all []time.Duration) {
	for _, d := range n.due {
		all = append(all, d.until.in.to)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// normalise translates a whole formula.
func normalise(n *node) (normal, error) {
	n = unquantified(n).inwards()
	cs, err := n.clauses(true)
	if err != nil {
		return normal{}, err
	}
	var r normal
	var all []*node
	for _, c := range cs {
		past, d, err := c.fromTheOtherEnd()
		switch {
		case err != nil:
			return r, err
		case d != nil:
			r.due = append(r.due, d)
		default:
			all = append(all, past)
		}
	}
	r.always = and(all...)
	return r, nil
}

// unquantified strips what every formula says anyway: at all time points, for
// all values.
func unquantified(n *node) *node {
	for n.op == isNot {
		x := n.args[0]
		switch {
		case x.op == isExists:
			n = not(x.args[0])
		case x.op == isUntil && x.args[0] == yes && x.in.whole():
			n = not(x.args[1])
		default:
			return n
		}
	}
	return n
}

// fromTheOtherEnd says a clause over the past, or as what is due.
func (c clause) fromTheOtherEnd() (*node, *due, error) {
	if len(c.future) == 0 {
		return or(c.past...), nil, nil
	}
	trigger := not(or(c.past...))
	f, err := c.oneFuture()
	if err != nil {
		return nil, nil, err
	}
	positive := f.op != isNot
	if !positive {
		f = f.args[0]
	}
	last := f.args[len(f.args)-1]
	since := &node{op: isSince, at: f.at, in: f.in, args: []*node{yes, trigger}}
	previous := &node{op: isPrevious, at: f.at, in: f.in, args: []*node{trigger}}
	before := &node{op: isPrevious, at: f.at, in: interval{endless: true}, args: []*node{trigger}}
	switch {
	case f.op == isNext && positive:
		return or(not(before), and(last, previous)), nil, nil
	case f.op == isNext:
		return or(not(previous), not(last)), nil, nil
	case !positive && f.args[0] != yes && f.in.from > 0:
		// The last comes after the first, at which what is kept must hold then. Between
		// them the last may come too early, so that it is not as if it were kept.
		since.until, since.args = true, []*node{f.args[0], and(trigger, f.args[0])}
		return or(not(last), not(since)), nil, nil
	case !positive && f.args[0] != yes:
		// That what is kept may also be the last itself changes nothing: there it
		// was violated before.
		kept := or(f.args[0], last)
		since.args = []*node{kept, and(trigger, kept)}
		return or(not(last), not(since)), nil, nil
	case !positive:
		return or(not(last), not(since)), nil, nil
	case f.in.endless:
		return nil, nil, f.at.fail("the future has no bound, so that nothing is ever late; wanted an interval such as [0,5s]")
	}
	return nil, &due{trigger: trigger, keep: f.args[0], done: last, until: f}, nil
}

// oneFuture is the clause's future: one literal, or several that can be said as
// one.
func (c clause) oneFuture() (*node, error) {
	f := c.future[0]
	for _, g := range c.future[1:] {
		if f.op != isUntil || g.op != isUntil || f.args[0] != yes || g.args[0] != yes || f.in != g.in {
			return nil, g.at.fail("one of two operators of the future must hold, wanted one of them, or EVENTUALLY with one interval")
		}
		f = f.with(yes, or(f.args[1], g.args[1]))
	}
	return f, nil
}
