package props_test

import (
	"fmt"
	"strconv"
	"strings"
)

// The reference evaluates formulas by the definition of metric first-order
// temporal logic, at each time point and for each valuation, and shares nothing
// with the translation: not even the tree.

// logic is a formula: an operator, and its parts.
type logic struct {
	op       string // p, =, <, <=, NOT, AND, OR, IMPLIES, EXISTS, PREVIOUS, NEXT, ONCE, HISTORICALLY, EVENTUALLY, ALWAYS, SINCE, UNTIL
	parts    []*logic
	name     string   // of a predicate, or a variable
	terms    []string // variables, numbers, or _
	from, to int      // seconds; to is -1 for no end
}

// point is a time point: one predicate holds of one tuple.
type point struct {
	at   int
	name string
	args []int
}

// predicates are those of the tests, with how many arguments they have.
var predicates = map[string]int{"a": 1, "b": 1, "c": 2, "d": 2, "e": 0}

// text writes the formula in MonPoly's syntax, with all brackets.
func (l *logic) text() string {
	interval := ""
	if to := strconv.Itoa(l.to); l.to < 0 && l.from > 0 {
		interval = fmt.Sprintf("[%d,*)", l.from)
	} else if l.to >= 0 {
		interval = fmt.Sprintf("[%d,%s]", l.from, to)
	}
	switch l.op {
	case "p":
		return l.name + "(" + strings.Join(l.terms, ", ") + ")"
	case "=", "<", "<=":
		return l.terms[0] + " " + l.op + " " + l.terms[1]
	case "NOT":
		return "(NOT " + l.parts[0].text() + ")"
	case "EXISTS":
		return "(EXISTS " + l.name + ". " + l.parts[0].text() + ")"
	case "AND", "OR", "IMPLIES":
		return "(" + l.parts[0].text() + " " + l.op + " " + l.parts[1].text() + ")"
	case "SINCE", "UNTIL":
		return "(" + l.parts[0].text() + " " + l.op + interval + " " + l.parts[1].text() + ")"
	}
	return "(" + l.op + interval + " " + l.parts[0].text() + ")"
}

// Truth is 0 for false, 2 for true, and 1 where the trace is too short to say.
const (
	isFalse = iota
	isOpen
	isTrue
)

func truthOf(b bool) int { return map[bool]int{false: isFalse, true: isTrue}[b] }

// reading is a trace with values of variables. Time has passed at its end
// further than any interval reaches.
type reading struct {
	trace  []point
	values map[string]int
	domain []int // for quantifiers: the values of the trace, and one that is not in it
}

func (r *reading) value(term string) int {
	if n, err := strconv.Atoi(term); err == nil {
		return n
	}
	return r.values[term]
}

// holds evaluates a formula at a time point.
func (r *reading) holds(l *logic, i int) int {
	switch l.op {
	case "p":
		return truthOf(r.fits(l, r.trace[i]))
	case "=":
		return truthOf(r.value(l.terms[0]) == r.value(l.terms[1]))
	case "<":
		return truthOf(r.value(l.terms[0]) < r.value(l.terms[1]))
	case "<=":
		return truthOf(r.value(l.terms[0]) <= r.value(l.terms[1]))
	case "NOT":
		return isTrue - r.holds(l.parts[0], i)
	case "AND":
		return min(r.holds(l.parts[0], i), r.holds(l.parts[1], i))
	case "OR":
		return max(r.holds(l.parts[0], i), r.holds(l.parts[1], i))
	case "IMPLIES":
		return max(isTrue-r.holds(l.parts[0], i), r.holds(l.parts[1], i))
	case "EXISTS":
		some := isFalse
		was, had := r.values[l.name]
		for _, v := range r.domain {
			r.values[l.name] = v
			some = max(some, r.holds(l.parts[0], i))
		}
		if delete(r.values, l.name); had {
			r.values[l.name] = was
		}
		return some
	case "PREVIOUS":
		if i == 0 || !l.within(r.trace[i].at-r.trace[i-1].at) {
			return isFalse
		}
		return r.holds(l.parts[0], i-1)
	case "NEXT":
		if i+1 == len(r.trace) {
			return isOpen
		}
		return min(truthOf(l.within(r.trace[i+1].at-r.trace[i].at)), r.holds(l.parts[0], i+1))
	}
	return r.overTime(l, i)
}

// overTime evaluates an operator that looks at more than one other time point.
func (r *reading) overTime(l *logic, i int) int {
	step, last := -1, -1
	if l.op == "EVENTUALLY" || l.op == "ALWAYS" || l.op == "UNTIL" {
		step, last = 1, len(r.trace)
	}
	value := isFalse // of there is one
	all := isTrue    // of all so far
	for j := i; j != last; j += step {
		in := truthOf(l.within((r.trace[j].at - r.trace[i].at) * step))
		switch l.op {
		case "ONCE", "EVENTUALLY":
			value = max(value, min(in, r.holds(l.parts[0], j)))
		case "HISTORICALLY", "ALWAYS":
			all = min(all, max(isTrue-in, r.holds(l.parts[0], j)))
		default:
			value = max(value, min(in, all, r.holds(l.parts[1], j)))
			all = min(all, r.holds(l.parts[0], j))
		}
	}
	if l.op == "HISTORICALLY" || l.op == "ALWAYS" {
		return all
	}
	return value
}

func (l *logic) within(distance int) bool {
	return distance >= l.from && (l.to < 0 || distance <= l.to)
}

func (r *reading) fits(l *logic, p point) bool {
	if l.name != p.name {
		return false
	}
	for i, t := range l.terms {
		if t != "_" && r.value(t) != p.args[i] {
			return false
		}
	}
	return true
}

// violations are the valuations of variables for which the formula is false
// somewhere, with the first time point at which it is.
func (r *reading) violations(l *logic, variables []string) map[string]int {
	all := map[string]int{}
	var each func(vs []string, key string)
	each = func(vs []string, key string) {
		if len(vs) == 0 {
			for i := range r.trace {
				if r.holds(l, i) == isFalse {
					all[key] = i
					return
				}
			}
			return
		}
		for _, v := range r.domain {
			r.values[vs[0]] = v
			each(vs[1:], key+fmt.Sprintf("%s=%d ", vs[0], v))
		}
		delete(r.values, vs[0])
	}
	each(variables, "")
	return all
}
