package dynamodb

import (
	"cmp"
	"maps"
	"slices"
)

// update is a change of an item.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
type update struct{ actions []action }

// action is a part of an update: "set", "remove", "add" or "delete".
type action struct {
	verb  string
	path  path
	value *node // nil of a removal
}

// update reads an update expression.
//
//	update  = {"SET" set {"," set} | "REMOVE" path {"," path} | "ADD" path value {...} | "DELETE" path value {...}}
//	set     = path "=" operand [("+" | "-") operand]
//	operand = value | path | call | "(" set value ")"
func (p *parser) update() (*update, error) {
	u, seen := &update{}, map[string]bool{}
	for p.next < len(p.tokens) {
		verb := ""
		for _, v := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
			if p.takes(v) {
				verb = v
			}
		}
		if verb == "" {
			return nil, p.unexpected(p.next)
		}
		if seen[verb] {
			p.wrong(rankSection, `The "`+verb+`" section can only be used once in an update expression;`)
		}
		seen[verb] = true
		for {
			a, err := p.action(verb)
			if err != nil {
				return nil, err
			}
			var others []path
			for _, o := range u.actions {
				others = append(others, o.path)
			}
			p.apart(others, a.path)
			u.actions = append(u.actions, a)
			if !p.takes(",") {
				break
			}
		}
	}
	return u, nil
}

func (p *parser) action(verb string) (action, error) {
	path, err := p.path()
	a := action{verb: verb, path: path}
	if err != nil || verb == "REMOVE" {
		return a, err
	}
	if verb == "SET" {
		if err = p.wants("="); err == nil {
			a.value, err = p.sum()
		}
		return a, err
	}
	t := p.peek()
	if t.kind != ':' {
		return a, p.unexpected(p.next)
	}
	p.next++
	a.value = &node{op: "value", name: t.text, val: p.value(t.text)}
	if k := a.value.kind(); k != "" && elements[k] == "" && (verb != "ADD" || k != "N") {
		p.wrong(rankType, "Incorrect operand type for operator or function; operator: "+verb+", operand type: "+longNames[k])
	}
	return a, nil
}

// longNames are kinds as some errors name them.
var longNames = map[string]string{"S": "STRING", "N": "NUMBER", "B": "BINARY", "NULL": "NULL", "BOOL": "BOOLEAN", "L": "LIST", "M": "MAP"}

// sum reads what a SET sets.
func (p *parser) sum() (*node, error) {
	left, err := p.settable()
	if err != nil {
		return nil, err
	}
	for _, op := range []string{"+", "-"} {
		if !p.takes(op) {
			continue
		}
		right, err := p.settable()
		if err != nil {
			return nil, err
		}
		n := &node{op: op, name: op, args: []*node{left, right}}
		for _, a := range n.args {
			if k := a.kind(); k != "" && k != "N" {
				p.wrong(rankType, wrongType(op, k))
			}
		}
		return n, nil
	}
	return left, nil
}

// settable reads an operand of a SET.
func (p *parser) settable() (*node, error) {
	if p.depth++; p.depth > 300 {
		return nil, invalid("The expression contains too many levels of nesting")
	}
	defer func() { p.depth-- }()
	switch t := p.peek(); {
	case t.kind == 'p' && t.text == "(":
		p.next++
		n, err := p.sum()
		if err != nil {
			return nil, err
		}
		return n, p.wants(")")
	case t.kind == ':':
		p.next++
		return &node{op: "value", name: t.text, val: p.value(t.text)}, nil
	case t.kind == 'a' && p.next+1 < len(p.tokens) && p.tokens[p.next+1].text == "(":
		p.next += 2
		n := &node{op: "call", name: t.text}
		for {
			a, err := p.settable()
			if err != nil {
				return nil, err
			}
			n.args = append(n.args, a)
			if !p.takes(",") {
				break
			}
		}
		p.setCall(n)
		return n, p.wants(")")
	}
	path, err := p.path()
	return &node{op: "path", path: path}, err
}

// setCall checks a function of a SET.
func (p *parser) setCall(n *node) {
	if !p.counts(n, map[string]int{"if_not_exists": 2, "list_append": 2}[n.name]) {
		return
	}
	if n.name == "if_not_exists" && n.args[0].op != "path" {
		p.wrong(rankType, "Operator or function requires a document path; operator or function: "+n.name)
	}
	for _, a := range n.args {
		if k := a.kind(); n.name == "list_append" && k != "" && k != "L" {
			p.wrong(rankType, wrongType(n.name, k))
		}
	}
}

var (
	errAbsent      = invalid("The provided expression refers to an attribute that does not exist in the item")
	errOperandType = invalid("An operand in the update expression has an incorrect data type")
	errUpdatePath  = invalid("The document path provided in the update expression is invalid for update")
)

// paths are what it changes.
func (u *update) paths() []path {
	var out []path
	for _, a := range u.actions {
		out = append(out, a.path)
	}
	return out
}

// apply returns the item after the update. All operands are those of the item
// before it.
func (u *update) apply(before item) (item, error) {
	type change struct {
		path path
		to   *value // nil to remove
	}
	var changes []change
	for _, a := range u.actions {
		to, err := a.result(before)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change{a.path, to})
	}
	// Places of lists are those of before: what is removed goes last, from the
	// end on, and what is set beyond the end is appended in order.
	slices.SortStableFunc(changes, func(a, b change) int {
		if a.to != nil && b.to != nil {
			return compareSteps(a.path, b.path)
		}
		if a.to == nil && b.to == nil {
			return compareSteps(b.path, a.path)
		}
		return map[bool]int{true: 1, false: -1}[a.to == nil]
	})
	whole := &value{kind: "M", m: before}
	for _, c := range changes {
		next, err := whole.with(c.path, c.to)
		if err != nil {
			return nil, err
		}
		whole = next
	}
	return whole.m, nil
}

func compareSteps(a, b path) int {
	return slices.CompareFunc(a, b, func(x, y step) int {
		return cmp.Or(cmp.Compare(x.name, y.name), cmp.Compare(x.index, y.index))
	})
}

// result is what an action makes of its attribute; nil if nothing is left.
func (a *action) result(before item) (*value, error) {
	if a.verb == "REMOVE" {
		return nil, nil
	}
	if a.verb == "SET" {
		return a.value.result(before)
	}
	has, v := before.at(a.path), a.value.val
	switch {
	case has == nil && a.verb == "ADD":
		return v, nil
	case has == nil:
		return nil, nil
	case has.kind != v.kind:
		return nil, errOperandType
	case v.kind == "N":
		sum, err := has.n.plus(v.n)
		return &value{kind: "N", n: sum}, err
	}
	without := slices.DeleteFunc(slices.Clone(has.l), func(e *value) bool { return slices.ContainsFunc(v.l, e.equal) })
	if a.verb == "ADD" {
		without = sortedSet(append(without, v.l...))
	} else if len(without) == 0 {
		return nil, nil
	}
	return &value{kind: v.kind, l: without}, nil
}

// result is the value of an operand of a SET.
func (n *node) result(before item) (*value, error) {
	switch {
	case n.op == "path":
		if v := before.at(n.path); v != nil {
			return v, nil
		}
		return nil, errAbsent
	case n.op == "value":
		return n.val, nil
	case n.op == "call" && n.name == "if_not_exists":
		if v := before.at(n.args[0].path); v != nil {
			return v, nil
		}
		return n.args[1].result(before)
	}
	left, err := n.args[0].result(before)
	if err != nil {
		return nil, err
	}
	right, err := n.args[1].result(before)
	if err != nil {
		return nil, err
	}
	if n.op == "call" { // list_append
		if left.kind != "L" || right.kind != "L" {
			return nil, errOperandType
		}
		return &value{kind: "L", l: append(slices.Clone(left.l), right.l...)}, nil
	}
	if left.kind != "N" || right.kind != "N" {
		return nil, errOperandType
	}
	sum := left.n.plus
	if n.op == "-" {
		sum = left.n.minus
	}
	out, err := sum(right.n)
	return &value{kind: "N", n: out}, err
}

// with is the value with another one at a path; nil removes what is there.
func (v *value) with(p path, to *value) (*value, error) {
	s, last := p[0], len(p) == 1
	switch {
	case s.name != "" && v.kind == "M":
		has := v.m[s.name]
		if !last {
			if has == nil {
				return nil, errUpdatePath
			}
			next, err := has.with(p[1:], to)
			if err != nil {
				return nil, err
			}
			to = next
		}
		out := &value{kind: "M", m: maps.Clone(v.m)}
		if out.m == nil {
			out.m = map[string]*value{}
		}
		if out.m[s.name] = to; to == nil {
			delete(out.m, s.name)
		}
		return out, nil
	case s.name == "" && v.kind == "L":
		return v.withElement(p, to)
	}
	return nil, errUpdatePath
}

func (v *value) withElement(p path, to *value) (*value, error) {
	at, last := p[0].index, len(p) == 1
	out := &value{kind: "L", l: slices.Clone(v.l)}
	switch {
	case !last && at >= len(v.l):
		return nil, errUpdatePath
	case !last:
		next, err := v.l[at].with(p[1:], to)
		if err != nil {
			return nil, err
		}
		out.l[at] = next
	case to == nil && at < len(out.l):
		out.l = slices.Delete(out.l, at, at+1)
	case to != nil && at < len(out.l):
		out.l[at] = to
	case to != nil:
		out.l = append(out.l, to)
	}
	return out, nil
}
