package formula

import "strings"

// truth is yes, no, or unknown: in the strong logic of Kleene.
type truth int8

const (
	unknown truth = iota
	false3
	true3
)

func truthOf(b bool) truth {
	if b {
		return true3
	}
	return false3
}

func (t truth) not() truth { return [...]truth{unknown, true3, false3}[t] }

func (t truth) and(u truth) truth {
	switch {
	case t == false3 || u == false3:
		return false3
	case t == true3 && u == true3:
		return true3
	}
	return unknown
}

func (t truth) or(u truth) truth { return t.not().and(u.not()).not() }

// state is what an instance remembers outside of registers: a bit for each
// operator, and by which of the deadlines something is due next, from 1 on; 0 if
// nothing is.
type state struct {
	bits uint64
	due  int
}

// evaluation is that of the formula at an event: in a state, of a letter, with
// some guards assumed to hold or not. Without a letter the event is none that
// the instance sees.
type evaluation struct {
	*compiler
	at     state
	letter *letter
	assume map[Guard]bool
	need   *Guard            // the first guard that was asked for and is not assumed
	lacks  *node             // the first comparison that no event of the letter can tell
	values map[string]string // of quantified variables: a parameter, or empty for any other value
}

// ask is whether a guard holds.
func (e *evaluation) ask(g Guard) truth {
	holds, ok := e.assume[g]
	if ok {
		return truthOf(holds)
	}
	for known, holds := range e.assume { //wtsim:order whether there is one
		if holds && g.excluded(known) {
			return false3
		}
	}
	if e.need == nil {
		e.need = &g
	}
	return unknown
}

// truth evaluates a formula at the event.
func (e *evaluation) truth(n *node) truth {
	switch n.op {
	case isTrue:
		return true3
	case isPredicate:
		return e.fits(n)
	case isComparison:
		return e.compares(n)
	case isNot:
		return e.truth(n.args[0]).not()
	case isAnd:
		all := true3
		for _, a := range n.args {
			all = all.and(e.truth(a))
		}
		return all
	case isOr:
		some := false3
		for _, a := range n.args {
			some = some.or(e.truth(a))
		}
		return some
	case isExists:
		some := false3
		e.forValues(n.name, func(string) { some = some.or(e.truth(n.args[0])) })
		return some
	}
	o := &e.ops[e.operatorOf[n]]
	if n.op == isPrevious {
		return e.before(o).and(e.inTime(o))
	}
	past := true3
	if !n.until {
		past = e.truth(n.args[0])
	}
	if past != false3 {
		if !o.in.endless {
			past = past.and(e.inTime(o))
		} else {
			past = past.and(e.before(o)).and(e.inTime(o))
		}
	}
	if o.in.from > 0 {
		return past
	}
	return e.truth(n.args[1]).or(past)
}

// forValues takes a quantified variable for each value that the event has, and
// for any other.
func (e *evaluation) forValues(v string, f func(param string)) {
	was, had := e.values[v]
	if e.letter != nil {
		for _, p := range e.letter.values(v, e.signature) {
			e.values[v] = p
			f(p)
		}
	}
	e.values[v] = ""
	f("")
	if delete(e.values, v); had {
		e.values[v] = was
	}
}

// fits tells whether the event is in a predicate.
func (e *evaluation) fits(n *node) truth {
	if e.letter == nil || e.letterOf[n] != e.letter && e.letterOf[n] != e.letter.of {
		return false3
	}
	p := e.signature[n.name]
	all := true3
	for i, t := range n.terms {
		want := Operand{Constant: t.constant}
		value, quantified := e.values[t.variable]
		switch {
		case t.any:
			continue
		case quantified && value == "":
			return false3
		case quantified:
			want.Param = value
		case t.variable != "":
			want.Param = e.letter.bound(t.variable)
		}
		if want.Param != p.Params[i] {
			all = all.and(e.ask(comparison("=", Operand{Param: p.Params[i]}, want)))
		}
	}
	if p.Guarded {
		all = all.and(e.ask(Guard{Kind: OfPredicate, Predicate: n.name, Text: "it is " + n.name, Other: -1}))
	}
	return all
}

// excluded tells whether a guard cannot hold where another does: a parameter
// has one value.
func (g Guard) excluded(by Guard) bool {
	constant := func(g Guard) bool {
		return g.Kind == Comparison && g.Order == "=" && g.Left.Param != "" && g.Right.Param == ""
	}
	return constant(g) && constant(by) && g.Left == by.Left && !g.Right.Constant.Equal(by.Right.Constant)
}

func comparison(order string, left, right Operand) Guard {
	return Guard{Kind: Comparison, Order: order, Left: left, Right: right, Other: -1, Text: left.String() + " " + order + " " + right.String()}
}

// String returns the operand for people.
func (o Operand) String() string {
	if o.Param != "" {
		return strings.TrimPrefix(o.Param, Nested)
	}
	return term{constant: o.Constant}.String()
}

// Nested marks the name of a parameter that is a way into one, for people.
const Nested = "\x00"

// compares tells how a comparison comes out, where the event has its sides.
func (e *evaluation) compares(n *node) truth {
	var sides [2]Operand
	for i, t := range n.terms {
		value, quantified := e.values[t.variable]
		switch {
		case t.variable == "":
			sides[i].Constant = t.constant
			continue
		case quantified:
			sides[i].Param = value
		case e.letter != nil:
			sides[i].Param = e.letter.bound(t.variable)
		}
		if sides[i].Param == "" {
			if e.lacks == nil {
				e.lacks = n
			}
			return unknown
		}
	}
	if n.order == "=" && sides[0].Param == "" {
		sides[0], sides[1] = sides[1], sides[0]
	}
	return e.ask(comparison(n.order, sides[0], sides[1]))
}

// before is the bit of an operator, as it was before the event.
func (e *evaluation) before(o *operator) truth {
	switch {
	case o.quantified != "" && e.values[o.quantified] == "":
		if e.lacks == nil {
			e.lacks = o.node
		}
		return unknown
	case o.quantified != "":
		param := e.values[o.quantified]
		return e.ask(Guard{Kind: Member, Register: o.register, Other: -1, Param: param, Text: strings.TrimPrefix(param, Nested) + " is in " + e.machine.Registers[o.register].Name})
	case o.register >= 0:
		return e.ask(Guard{Kind: IsSet, Register: o.register, Other: -1, Text: o.node.text(8)})
	}
	return truthOf(e.at.bits&(1<<o.number) != 0)
}

// inTime tells whether what an operator remembers is in its interval.
func (e *evaluation) inTime(o *operator) truth {
	switch {
	case o.recent >= 0 && o.op == isPrevious && o.young >= 0:
		empty := e.ask(Guard{Kind: Empty, Register: o.young, Other: -1, Text: "the event before is not younger than " + o.in.from.String()})
		return e.ask(Guard{Kind: Occupied, Register: o.recent, Other: -1, Text: "the event before is in " + o.in.text}).and(empty)
	case o.recent >= 0:
		return e.ask(Guard{Kind: Occupied, Register: o.recent, Other: o.young, Text: o.node.text(8)})
	case o.young >= 0:
		return e.ask(Guard{Kind: Empty, Register: o.young, Other: -1, Text: o.node.text(8)})
	}
	return true3
}
