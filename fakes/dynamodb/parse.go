package dynamodb

import (
	"strconv"
	"strings"
)

// step is one of a document path: a name, or a place in a list.
type step struct {
	name  string
	index int // if the name is empty
}

// path is a document path.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.Attributes.html
type path []step

// String writes it as errors do: "[a, [1], b]".
func (p path) String() string {
	var parts []string
	for _, s := range p {
		if s.name == "" {
			parts = append(parts, "["+strconv.Itoa(s.index)+"]")
		} else {
			parts = append(parts, s.name)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// node is a part of an expression's tree.
type node struct {
	op   string // "path", "value", "call", "and", "or", "not", "between", "in", "=", "<", "+", ...
	name string // of a call; of a value's placeholder
	path path
	val  *value
	args []*node
}

// operand reports whether the node has a value, and no truth.
func (n *node) operand() bool {
	switch n.op {
	case "path", "value", "+", "-":
		return true
	case "call":
		return n.name == "size" || n.name == "if_not_exists" || n.name == "list_append"
	}
	return false
}

// parser reads an expression. Placeholders are put in as they are met; what is
// wrong besides the syntax is noted by its rank, so that the first that the
// service would tell is told.
type parser struct {
	*lexer
	next  int
	given *placeholders
	fault string
	rank  int // of fault; lower counts more
	depth int
}

// The ranks of what is wrong, as the service looks for it.
const (
	rankParens = iota + 1
	rankUnknownFunction
	rankMisused
	rankReserved
	rankSection
	rankPlaceholder
	rankOverlap
	rankOperands
	rankDistinct
	rankType
)

func (p *parser) wrong(rank int, message string) {
	if p.fault == "" || rank < p.rank {
		p.fault, p.rank = message, rank
	}
}

// ended returns what is wrong, once all is read.
func (p *parser) ended() error {
	switch {
	case p.next < len(p.tokens):
		return p.unexpected(p.next)
	case p.fault != "":
		return invalid(p.fault)
	}
	return nil
}

func (p *parser) peek() token {
	if p.next < len(p.tokens) {
		return p.tokens[p.next]
	}
	return token{}
}

// takes reads a token, if it is next: punctuation, or a word in any case.
func (p *parser) takes(text string) bool {
	t := p.peek()
	if t.kind == 'p' && t.text == text || t.kind == 'a' && strings.EqualFold(t.text, text) {
		p.next++
		return true
	}
	return false
}

func (p *parser) wants(text string) error {
	if p.takes(text) {
		return nil
	}
	return p.unexpected(p.next)
}

// condition reads a condition.
//
//	or    = and {"OR" and}
//	and   = not {"AND" not}
//	not   = ["NOT"] test
//	test  = operand comparator operand | operand "BETWEEN" operand "AND" operand
//	      | operand "IN" "(" operand {"," operand} ")" | call | "(" or ")"
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
func (p *parser) condition() (*node, error) {
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	return n, p.truth(n)
}

func (p *parser) or() (*node, error) { return p.chain("or", p.and) }

func (p *parser) and() (*node, error) { return p.chain("and", p.not) }

// chain reads terms between which a word stands.
func (p *parser) chain(word string, term func() (*node, error)) (*node, error) {
	n, err := term()
	for err == nil && p.takes(word) {
		if err = p.truth(n); err != nil {
			return nil, err
		}
		var right *node
		if right, err = term(); err == nil {
			if err = p.truth(right); err == nil {
				n = &node{op: word, args: []*node{n, right}}
			}
		}
	}
	return n, err
}

// truth refuses what has a value where a condition is wanted.
func (p *parser) truth(n *node) error {
	switch {
	case n.op == "call" && n.operand():
		p.wrong(rankMisused, "The function is not allowed to be used this way in an expression; function: "+n.name)
	case n.operand():
		return p.unexpected(p.next)
	}
	return nil
}

func (p *parser) not() (*node, error) {
	if !p.takes("NOT") {
		return p.test()
	}
	n, err := p.not()
	if err != nil {
		return nil, err
	}
	return &node{op: "not", args: []*node{n}}, p.truth(n)
}

var comparators = []string{"=", "<>", "<=", ">=", "<", ">"}

func (p *parser) test() (*node, error) {
	left, err := p.term()
	if err != nil || !left.operand() && left.op != "call" {
		return left, err
	}
	for _, op := range comparators {
		if p.takes(op) {
			right, err := p.term()
			if err != nil {
				return nil, err
			}
			return p.compared(op, left, right)
		}
	}
	switch {
	case p.takes("BETWEEN"):
		low, err := p.term()
		if err != nil {
			return nil, err
		}
		if err := p.wants("AND"); err != nil {
			return nil, err
		}
		high, err := p.term()
		if err != nil {
			return nil, err
		}
		p.bounds(low, high)
		return p.compared("between", left, low, high)
	case p.takes("IN"):
		args, err := p.list()
		if err != nil {
			return nil, err
		}
		return p.compared("in", append([]*node{left}, args...)...)
	}
	return left, nil
}

// compared is a comparison of operands.
func (p *parser) compared(op string, args ...*node) (*node, error) {
	for _, a := range args {
		switch {
		case a.op == "call" && a.name != "size":
			p.wrong(rankMisused, "The function is not allowed to be used this way in an expression; function: "+a.name)
		case !a.operand():
			return nil, p.unexpected(p.next)
		}
	}
	p.distinct(op, args)
	return &node{op: op, args: args}, nil
}

// distinct refuses a path that is compared with itself.
func (p *parser) distinct(op string, args []*node) {
	if len(args) == 2 && args[0].op == "path" && args[1].op == "path" && args[0].path.String() == args[1].path.String() {
		p.wrong(rankDistinct, "The first operand must be distinct from the remaining operands for this operator or function; operator: "+
			op+", first operand: "+args[0].path.String())
	}
}

// bounds refuses bounds of BETWEEN between which nothing is.
func (p *parser) bounds(low, high *node) {
	if low.op != "value" || high.op != "value" || low.val == nil || high.val == nil {
		return
	}
	tail := "; lower bound operand: AttributeValue: " + low.val.told() + ", upper bound operand: AttributeValue: " + high.val.told()
	switch {
	case low.val.kind != high.val.kind:
		p.wrong(rankType, "The BETWEEN operator requires same data type for lower and upper bounds"+tail)
	case low.val.scalar() && low.val.compare(high.val) > 0:
		p.wrong(rankType, "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"+tail)
	}
}

// told writes a value as errors do: {N:5}.
func (v *value) told() string {
	text := v.s
	if v.kind == "N" {
		text = v.n.String()
	}
	return "{" + v.kind + ":" + text + "}"
}

// list reads operands in parentheses.
func (p *parser) list() ([]*node, error) {
	if err := p.wants("("); err != nil {
		return nil, err
	}
	var args []*node
	for {
		n, err := p.term()
		if err != nil {
			return nil, err
		}
		args = append(args, n)
		if !p.takes(",") {
			return args, p.wants(")")
		}
	}
}

// term reads an operand, a call, or what stands in parentheses.
func (p *parser) term() (*node, error) {
	if p.depth++; p.depth > 300 {
		return nil, invalid("The expression contains too many levels of nesting")
	}
	defer func() { p.depth-- }()
	switch t := p.peek(); {
	case t.kind == 'p' && t.text == "(":
		p.next++
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		if err := p.wants(")"); err != nil {
			return nil, err
		}
		if p.whole() {
			p.wrong(rankParens, "The expression has redundant parentheses;")
		}
		return n, nil
	case t.kind == ':':
		p.next++
		return &node{op: "value", name: t.text, val: p.value(t.text)}, nil
	case t.kind == 'a' && p.next+1 < len(p.tokens) && p.tokens[p.next+1].text == "(" && !keyword(t.text):
		p.next++
		args, err := p.list()
		if err != nil {
			return nil, err
		}
		return p.call(t.text, args), nil
	}
	path, err := p.path()
	return &node{op: "path", path: path}, err
}

// whole reports whether the parentheses that have just been closed hold
// nothing but another pair.
func (p *parser) whole() bool {
	open := 0
	for i := p.next - 2; i >= 0 && (open > 0 || p.tokens[i].text == ")"); i-- {
		switch p.tokens[i].text {
		case ")":
			open++
		case "(":
			if open--; open == 0 {
				return i > 0 && p.tokens[i-1].text == "("
			}
		}
	}
	return false
}

func keyword(s string) bool {
	switch strings.ToUpper(s) {
	case "AND", "OR", "NOT", "IN", "BETWEEN":
		return true
	}
	return false
}

// path reads a document path.
func (p *parser) path() (path, error) {
	var out path
	for {
		t := p.peek()
		switch {
		case t.kind == '#':
			out = append(out, step{name: p.name(t.text)})
		case t.kind == 'a' && !keyword(t.text):
			if isReserved(t.text) {
				p.wrong(rankReserved, "Attribute name is a reserved keyword; reserved keyword: "+t.text)
			}
			out = append(out, step{name: t.text})
		default:
			return nil, p.unexpected(p.next)
		}
		p.next++
		for p.takes("[") {
			t := p.peek()
			n, err := strconv.Atoi(t.text)
			if t.kind != '0' || err != nil {
				return nil, p.unexpected(p.next)
			}
			p.next++
			if err := p.wants("]"); err != nil {
				return nil, err
			}
			out = append(out, step{index: n})
		}
		if !p.takes(".") {
			return out, nil
		}
	}
}

// name is what a placeholder of a name stands for.
func (p *parser) name(placeholder string) string {
	if name, ok := p.given.name(placeholder); ok {
		return name
	}
	p.wrong(rankPlaceholder, "An expression attribute name used in the document path is not defined; attribute name: "+placeholder)
	return placeholder
}

// value is what a placeholder of a value stands for.
func (p *parser) value(placeholder string) *value {
	v := p.given.value(placeholder)
	if v == nil {
		p.wrong(rankPlaceholder, "An expression attribute value used in expression is not defined; attribute value: "+placeholder)
	}
	return v
}
