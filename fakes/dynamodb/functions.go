package dynamodb

import (
	"fmt"
	"slices"
	"strings"
)

// call is a function of a condition, checked.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html#Expressions.OperatorsAndFunctions.Functions
func (p *parser) call(name string, args []*node) *node {
	n := &node{op: "call", name: name, args: args}
	wanted := map[string]int{"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1}[name]
	for _, a := range args {
		if a.op == "call" && a.name != "size" {
			p.wrong(rankMisused, "The function is not allowed to be used this way in an expression; function: "+a.name)
		}
	}
	if p.counts(n, wanted) {
		p.distinct(name, args)
		p.types(n)
	}
	return n
}

// counts reports whether there is such a function, and it has so many
// operands.
func (p *parser) counts(n *node, wanted int) bool {
	switch {
	case wanted == 0:
		p.wrong(rankUnknownFunction, "Invalid function name; function: "+n.name)
	case len(n.args) != wanted:
		p.wrong(rankOperands, fmt.Sprintf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", n.name, len(n.args)))
	default:
		return true
	}
	return false
}

// types refuses operands that a function cannot have.
func (p *parser) types(n *node) {
	switch n.name {
	case "attribute_exists", "attribute_not_exists":
		if n.args[0].op != "path" {
			p.wrong(rankType, "Operator or function requires a document path; operator or function: "+n.name)
		}
	case "begins_with":
		for _, a := range n.args {
			if k := a.kind(); k != "" && k != "S" && k != "B" {
				p.wrong(rankType, wrongType(n.name, k))
			}
		}
	case "size":
		if k := n.args[0].kind(); k == "N" || k == "BOOL" || k == "NULL" {
			p.wrong(rankType, wrongType(n.name, k))
		}
	case "attribute_type":
		switch v := n.args[1].val; {
		case n.args[1].op == "value" && v == nil: // it is not defined
		case v == nil:
			p.wrong(rankType, wrongType(n.name, "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"))
		case v.kind != "S":
			p.wrong(rankType, wrongType(n.name, v.kind))
		case !slices.Contains([]string{"S", "N", "B", "NULL", "SS", "BOOL", "L", "BS", "NS", "M"}, v.s):
			p.wrong(rankType, "Invalid attribute type name found; type: "+v.s+", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}")
		}
	}
}

func wrongType(function, kind string) string {
	return "Incorrect operand type for operator or function; operator or function: " + function + ", operand type: " + kind
}

// kind is that of a node's value, where it is known; else empty.
func (n *node) kind() string {
	switch {
	case n.op == "value" && n.val != nil:
		return n.val.kind
	case n.op == "call" && n.name == "size":
		return "N"
	}
	return ""
}

// at is what an item has at a path; nil if nothing.
func (it item) at(p path) *value {
	v := it[p[0].name]
	for _, s := range p[1:] {
		switch {
		case v == nil:
			return nil
		case s.name != "":
			v = v.m[s.name] // none, if it is no map
		case v.kind != "L" || s.index >= len(v.l):
			return nil
		default:
			v = v.l[s.index]
		}
	}
	return v
}

// eval is the value of an operand; nil if there is none.
func (n *node) eval(it item) *value {
	switch n.op {
	case "path":
		return it.at(n.path)
	case "call":
		return size(n.args[0].eval(it))
	}
	return n.val
}

// size is what the function of that name says of a value: the bytes of text
// and binary, the elements of the others.
func size(v *value) *value {
	n := 0
	switch {
	case v == nil:
		return nil
	case v.kind == "S" || v.kind == "B":
		n = len(v.s)
	case v.kind == "M":
		n = len(v.m)
	case v.kind == "L" || elements[v.kind] != "":
		n = len(v.l)
	default:
		return nil
	}
	return &value{kind: "N", n: integer(n)}
}

func integer(n int) number {
	return number{digits: fmt.Sprint(n), exp: len(fmt.Sprint(n))}.normal()
}

// holds reports whether a condition is true of an item. What the item does not
// have is equal to nothing, and in no order with anything.
func (n *node) holds(it item) bool {
	switch n.op {
	case "and":
		return n.args[0].holds(it) && n.args[1].holds(it)
	case "or":
		return n.args[0].holds(it) || n.args[1].holds(it)
	case "not":
		return !n.args[0].holds(it)
	case "call":
		return n.answers(it)
	}
	left := n.args[0].eval(it)
	switch n.op {
	case "between":
		return ordered(n.args[1].eval(it), left, "<=") && ordered(left, n.args[2].eval(it), "<=")
	case "in":
		return slices.ContainsFunc(n.args[1:], func(a *node) bool { return left != nil && left.equal(a.eval(it)) })
	}
	right := n.args[1].eval(it)
	switch n.op {
	case "=":
		return left != nil && left.equal(right)
	case "<>":
		return left == nil || !left.equal(right)
	}
	return ordered(left, right, n.op)
}

// ordered reports whether two values of one kind that has an order are so.
func ordered(a, b *value, op string) bool {
	if a == nil || b == nil || a.kind != b.kind || !a.scalar() {
		return false
	}
	switch c := a.compare(b); op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	default:
		return c >= 0
	}
}

// answers is what a function says.
func (n *node) answers(it item) bool {
	v := n.args[0].eval(it)
	switch n.name {
	case "attribute_exists":
		return v != nil
	case "attribute_not_exists":
		return v == nil
	case "attribute_type":
		kind := n.args[1].eval(it)
		return v != nil && v.kind == kind.s
	}
	o := n.args[1].eval(it)
	if v == nil || o == nil {
		return false
	}
	if n.name == "begins_with" {
		return v.kind == o.kind && (v.kind == "S" || v.kind == "B") && strings.HasPrefix(v.s, o.s)
	}
	switch v.kind { // contains
	case "S", "B":
		return o.kind == v.kind && strings.Contains(v.s, o.s)
	case "L", "SS", "NS", "BS":
		return slices.ContainsFunc(v.l, o.equal)
	}
	return false
}
