package formula

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
)

// op is the outermost operator of a formula. Others are written with these.
type op uint8

const (
	isTrue op = iota
	isPredicate
	isComparison
	isNot
	isAnd
	isOr
	isExists
	isSince
	isUntil
	isPrevious
	isNext
)

// place is a line and a column of the text, both from 1, in bytes.
type place struct{ line, column int }

// node is a formula. It does not change once built.
type node struct {
	op    op
	at    place
	args  []*node
	name  string // of a predicate, or of the variable of isExists
	terms []term // of a predicate, or the two sides of a comparison
	order string // of a comparison: =, < or <=
	in    interval
	until bool // isSince: the first part need not hold at the event itself
}

// term is a variable, a constant, or anything at all.
type term struct {
	variable string
	constant event.Value
	any      bool
}

// interval is how long before or after something is, its ends included.
type interval struct {
	from, to time.Duration
	endless  bool
	text     string // as written, empty if it is not
}

// whole reports whether all times are in the interval.
func (i interval) whole() bool { return i.from == 0 && i.endless }

func (n *node) temporal() bool { return n.op >= isSince }

func (n *node) future() bool { return n.op == isUntil || n.op == isNext }

// has reports whether some part of the formula is of the kind.
func (n *node) has(kind func(*node) bool) bool {
	return kind(n) || slices.ContainsFunc(n.args, func(a *node) bool { return a.has(kind) })
}

func hasFuture(n *node) bool { return n.has((*node).future) }

// mentions reports whether a variable is free in the formula. Names of
// quantified ones are unique, so that every mention is a free one.
func (n *node) mentions(v string) bool {
	return n.has(func(n *node) bool {
		return slices.ContainsFunc(n.terms, func(t term) bool { return t.variable == v })
	})
}

// with returns the formula with other parts.
func (n *node) with(args ...*node) *node {
	c := *n
	c.args = args
	return &c
}

var yes = &node{op: isTrue}

func not(n *node) *node {
	if n.op == isNot {
		return n.args[0]
	}
	return &node{op: isNot, at: n.at, args: []*node{n}}
}

func and(ns ...*node) *node { return joined(isAnd, ns) }

func or(ns ...*node) *node { return joined(isOr, ns) }

// joined is a conjunction or disjunction, flat; that of nothing is true or
// false.
func joined(o op, ns []*node) *node {
	var flat []*node
	for _, n := range ns {
		if n.op == o {
			flat = append(flat, n.args...)
		} else {
			flat = append(flat, n)
		}
	}
	switch {
	case len(flat) == 1:
		return flat[0]
	case len(flat) == 0 && o == isAnd:
		return yes
	case len(flat) == 0:
		return not(yes)
	}
	return &node{op: o, at: flat[0].at, args: flat}
}

// String returns the formula in MonPoly's syntax.
func (n *node) String() string { return n.text(0) }

// precedence is how tight operators bind, as in the grammar.
var precedence = map[op]int{isSince: 1, isUntil: 1, isExists: 3, isOr: 6, isAnd: 7, isNot: 8}

// text returns the formula in brackets where it binds looser than its
// surroundings.
func (n *node) text(around int) string {
	p, s := precedence[n.op], ""
	switch n.op {
	case isTrue:
		return "TRUE"
	case isPredicate:
		return n.name + "(" + strings.Join(textsOf(n.terms), ", ") + ")"
	case isComparison:
		return strings.Join(textsOf(n.terms), " "+n.order+" ")
	case isNot:
		return n.negated(around)
	case isAnd, isOr:
		var parts []string
		for _, a := range n.args {
			parts = append(parts, a.text(p+1))
		}
		s = strings.Join(parts, map[op]string{isAnd: " AND ", isOr: " OR "}[n.op])
	case isExists:
		s = "EXISTS " + n.name + ". " + n.args[0].text(p)
	case isPrevious, isNext:
		p, s = 8, map[op]string{isPrevious: "PREVIOUS", isNext: "NEXT"}[n.op]+n.in.text+" "+n.args[0].text(8)
	default:
		names := map[op][2]string{isSince: {"SINCE", "ONCE"}, isUntil: {"UNTIL", "EVENTUALLY"}}[n.op]
		if n.args[0] == yes {
			p, s = 8, names[1]+n.in.text+" "+n.args[1].text(8)
		} else {
			if n.until {
				s, p = "UP TO HERE ", 0
			}
			s += n.args[0].text(2) + " " + names[0] + n.in.text + " " + n.args[1].text(2)
		}
	}
	if p < around {
		return "(" + s + ")"
	}
	return s
}

// negated is the text of a negation: that of the operator that was written,
// where it was written as another.
func (n *node) negated(around int) string {
	x := n.args[0]
	if x.op == isTrue {
		return "FALSE"
	}
	if (x.op == isSince || x.op == isUntil) && x.args[0] == yes && x.args[1].op == isNot {
		s := map[op]string{isSince: "HISTORICALLY", isUntil: "ALWAYS"}[x.op] + x.in.text + " " + x.args[1].args[0].text(8)
		if around > 8 {
			return "(" + s + ")"
		}
		return s
	}
	return "NOT " + x.text(8)
}

func textsOf(terms []term) (all []string) {
	for _, t := range terms {
		all = append(all, t.String())
	}
	return all
}

// String returns the term as it is written.
func (t term) String() string {
	switch {
	case t.any:
		return "_"
	case t.variable != "":
		return t.variable
	case t.constant.Kind() == event.String:
		return strconv.Quote(t.constant.Text())
	}
	return t.constant.Text()
}
