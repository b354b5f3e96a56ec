package formula

import (
	"strconv"
	"strings"
	"time"
)

// Formula is a parsed formula.
type Formula struct {
	root *node
	text string
}

// String returns the formula as it was written, on one line and without
// comments.
func (f *Formula) String() string { return f.text }

// Parse reads a formula; its errors are of type [Error].
func Parse(text string) (*Formula, error) {
	p := &parser{lexer: lexer{text: text, at: place{1, 1}}, used: map[string]int{}, renamed: map[string]string{}}
	if err := p.step(); err != nil {
		return nil, err
	}
	n, err := p.formula(0)
	if err == nil && p.now.text != "" {
		err = p.now.at.fail("%v after the formula, wanted an operator or the end", p.now)
	}
	if err == nil && n.size(maxSize) == 0 {
		err = place{1, 1}.fail("the formula has more than %d parts, EQUIV counted twice, wanted several properties", maxSize)
	}
	if err != nil {
		return nil, err
	}
	return &Formula{n.named(n), strings.Join(strings.Fields(p.plain), " ")}, nil
}

// maxSize and maxDepth bound a formula: nobody reads more.
const (
	maxSize  = 1000
	maxDepth = 100
)

// size takes the number of a formula's parts from a budget, and returns what is
// left of that; 0 if it is not enough.
func (n *node) size(budget int) int {
	budget--
	for _, a := range n.args {
		if budget > 0 {
			budget = a.size(budget)
		}
	}
	return max(budget, 0)
}

// named gives quantified variables their own names, where no other variable of
// the whole formula has them.
func (n *node) named(whole *node) *node {
	own := func(name string) string {
		v, number, quantified := strings.Cut(name, "#")
		if quantified && (number != "1" || whole.mentions(v)) {
			return v + "'" + number
		}
		return v
	}
	c := *n
	c.args, c.terms = nil, nil
	if n.op == isExists {
		c.name = own(n.name)
	}
	for _, t := range n.terms {
		t.variable = own(t.variable)
		c.terms = append(c.terms, t)
	}
	for _, a := range n.args {
		if a != yes {
			a = a.named(whole)
		}
		c.args = append(c.args, a)
	}
	return &c
}

// parser reads formulas by precedence, as MonPoly's grammar has it: SINCE and
// UNTIL bind loosest, then PREVIOUS, ONCE and the like, quantifiers, EQUIV,
// IMPLIES, OR, AND, and NOT tightest.
type parser struct {
	lexer
	now     token
	depth   int               // of what is being read
	used    map[string]int    // how many quantifiers have had a name
	renamed map[string]string // what a quantified variable is called, where it stands
}

const (
	looseSince = 1 + iota
	looseUnary
	looseQuantifier
	looseEquiv
	looseImplies
	looseOr
	looseAnd
	looseNot
)

var binary = map[string]int{"SINCE": looseSince, "UNTIL": looseSince, "EQUIV": looseEquiv, "IMPLIES": looseImplies, "OR": looseOr, "AND": looseAnd}

var unary = map[string]op{"PREV": isPrevious, "PREVIOUS": isPrevious, "NEXT": isNext, "ONCE": isSince, "HISTORICALLY": isSince, "PAST_ALWAYS": isSince,
	"EVENTUALLY": isUntil, "SOMETIMES": isUntil, "ALWAYS": isUntil}

// without are operators of MonPoly that are not translated, with what to write
// instead.
var without = map[string]string{
	"LET": "write out what it stands for", "LETPAST": "write a property with states",
	"FORWARD": "write a property with states", "BACKWARD": "write a property with states", "MATCHF": "write a property with states",
	"MATCHP": "write a property with states", "|>": "write a property with states", "<|": "write a property with states",
	"MATCHES": "guard the event in the signature", "SUBSTRING": "guard the event in the signature",
	"<-": "wanted \"at most\" or \"at least\", which count and sum up", "?": "a variable is written without ?",
	"+": "guard the event in the signature", "-": "guard the event in the signature", "*": "guard the event in the signature",
	"/": "guard the event in the signature", "MOD": "guard the event in the signature",
}

func (p *parser) step() (err error) {
	p.now, err = p.next()
	if why, ok := without[p.now.text]; err == nil && ok && !p.now.isConstant() {
		return p.now.at.fail("%s is not supported: %s", p.now.text, why)
	}
	return err
}

// take goes on if the token is the sign or word.
func (p *parser) take(text string) (bool, error) {
	if p.now.text != text || p.now.isConstant() {
		return false, nil
	}
	return true, p.step()
}

func (p *parser) want(text string) error {
	at, found := p.now.at, p.now
	ok, err := p.take(text)
	if err == nil && !ok {
		err = at.fail("%v, wanted %q", found, text)
	}
	return err
}

// formula reads one whose operators bind at least as tight.
func (p *parser) formula(tight int) (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.now.at.fail("nested deeper than %d, wanted less", maxDepth)
	}
	defer func() { p.depth-- }()
	left, err := p.prefix()
	for err == nil {
		word, how := p.now, binary[p.now.text]
		if how == 0 || how < tight {
			return left, nil
		}
		if err = p.step(); err != nil {
			return nil, err
		}
		var in interval
		if how == looseSince {
			if in, err = p.interval(); err != nil {
				return nil, err
			}
		}
		inner := how + 1
		if how == looseSince || how == looseImplies {
			inner = how // to the right
		}
		var right *node
		if right, err = p.formula(inner); err == nil {
			left = combine(word, in, left, right)
		}
	}
	return nil, err
}

func combine(word token, in interval, a, b *node) *node {
	switch word.text {
	case "SINCE", "UNTIL":
		return &node{op: unary[map[string]string{"SINCE": "ONCE", "UNTIL": "EVENTUALLY"}[word.text]], at: word.at, args: []*node{a, b}, in: in}
	case "EQUIV":
		return and(or(not(a), b), or(not(b), a))
	case "IMPLIES":
		return or(not(a), b)
	case "OR":
		return or(a, b)
	}
	return and(a, b)
}

// prefix reads what begins with an operator, a bracket or a predicate.
func (p *parser) prefix() (*node, error) {
	t := p.now
	_, isUnary := unary[t.text]
	if t.isConstant() {
		return p.comparison()
	}
	switch {
	case t.text == "NOT":
		if err := p.step(); err != nil {
			return nil, err
		}
		n, err := p.formula(looseNot)
		if err != nil {
			return nil, err
		}
		return not(n), nil
	case isUnary:
		return p.unary()
	case t.text == "EXISTS" || t.text == "FORALL":
		return p.quantified()
	case t.text == "TRUE" || t.text == "FALSE":
		return map[string]*node{"TRUE": yes, "FALSE": not(yes)}[t.text], p.step()
	case t.text == "(":
		if err := p.step(); err != nil {
			return nil, err
		}
		n, err := p.formula(0)
		if err != nil {
			return nil, err
		}
		return n, p.want(")")
	case !t.word || binary[t.text] > 0:
		return nil, t.at.fail("%v, wanted a formula such as publish(r) IMPLIES ONCE[0,7d] approve(r)", t)
	}
	return p.atom()
}

func (p *parser) unary() (*node, error) {
	word := p.now
	if err := p.step(); err != nil {
		return nil, err
	}
	in, err := p.interval()
	if err != nil {
		return nil, err
	}
	x, err := p.formula(looseUnary)
	if err != nil {
		return nil, err
	}
	n := &node{op: unary[word.text], at: word.at, in: in, args: []*node{yes, x}}
	switch word.text {
	case "PREV", "PREVIOUS", "NEXT":
		return n.with(x), nil
	case "HISTORICALLY", "PAST_ALWAYS", "ALWAYS":
		return not(n.with(yes, not(x))), nil
	}
	return n, nil
}

// quantified reads variables and their scope. Each variable gets a name of its
// own.
func (p *parser) quantified() (*node, error) {
	word := p.now
	var names []string
	outside := map[string]string{}
	for first := true; first || p.now.text == ","; first = false {
		if err := p.step(); err != nil {
			return nil, err
		}
		v := p.now.text
		if !p.now.word || v == "_" {
			return nil, p.now.at.fail("%v, wanted a variable after %s", p.now, word.text)
		}
		outside[v] = p.renamed[v]
		p.used[v]++
		name := v + "#" + strconv.Itoa(p.used[v])
		p.renamed[v] = name
		names = append(names, name)
		if err := p.step(); err != nil {
			return nil, err
		}
	}
	if err := p.want("."); err != nil {
		return nil, err
	}
	n, err := p.formula(looseQuantifier)
	if err != nil {
		return nil, err
	}
	for v, name := range outside { //wtsim:order each is its own
		p.renamed[v] = name
	}
	all := word.text == "FORALL"
	if all {
		n = not(n)
	}
	for i := len(names) - 1; i >= 0; i-- {
		n = &node{op: isExists, at: word.at, name: names[i], args: []*node{n}}
	}
	if all {
		n = not(n)
	}
	return n, nil
}

// atom reads a predicate, or a comparison that begins with a variable.
func (p *parser) atom() (*node, error) {
	name := p.now
	rest := p.lexer
	if err := rest.skip(); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(rest.text, "(") {
		return p.comparison()
	}
	if err := p.step(); err != nil {
		return nil, err
	}
	n := &node{op: isPredicate, at: name.at, name: name.text}
	for first := true; ; first = false {
		if err := p.step(); err != nil { // the bracket, or a comma
			return nil, err
		}
		if first && p.now.text == ")" && !p.now.isConstant() {
			return n, p.step()
		}
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		n.terms = append(n.terms, t)
		if p.now.text != "," {
			return n, p.want(")")
		}
	}
}

func (p *parser) term() (term, error) {
	t := p.now
	switch {
	case t.isConstant():
		return term{constant: t.constant}, p.step()
	case t.text == "_":
		return term{any: true}, p.step()
	case !t.word:
		return term{}, t.at.fail("%v, wanted a variable, a number or a text in quotes", t)
	}
	name := t.text
	if renamed := p.renamed[name]; renamed != "" {
		name = renamed
	}
	return term{variable: name}, p.step()
}

func (p *parser) comparison() (*node, error) {
	at := p.now.at
	left, err := p.term()
	if err != nil {
		return nil, err
	}
	order := p.now
	switch order.text {
	case "=", "<", "<=", ">", ">=":
	default:
		return nil, at.fail("%v alone, wanted a predicate such as %v(x), or a comparison", left, left)
	}
	if err = p.step(); err != nil {
		return nil, err
	}
	right, err := p.term()
	if err == nil && (left.any || right.any) {
		err = at.fail("_ in a comparison, wanted variables and constants")
	}
	if err != nil {
		return nil, err
	}
	n := &node{op: isComparison, at: at, order: order.text, terms: []term{left, right}}
	if order.text[0] == '>' {
		n.order, n.terms = strings.Replace(order.text, ">", "<", 1), []term{right, left}
	}
	return n, nil
}

// interval reads [0,7d], (0,5], [3,*) and the like; without one it is all of
// time.
func (p *parser) interval() (interval, error) {
	in := interval{endless: true}
	open := p.now
	if open.text != "[" && (open.text != "(" || !p.isBound()) {
		return in, nil
	}
	err := p.step()
	if err != nil {
		return in, err
	}
	from, first, err := p.bound()
	if err != nil {
		return in, err
	}
	in.from = first
	if open.text == "(" {
		in.from++
	}
	if p.now.text != "," {
		return in, p.now.at.fail("%v, wanted \",\" and when the interval ends, or *", p.now)
	}
	star := p.lexer // * is no operator here
	if t, err := star.next(); err == nil && t.text == "*" {
		p.lexer, p.now = star, t
		p.now, err = p.next()
		if err != nil {
			return in, err
		}
		return in.closed(open, p, from, "*")
	}
	if err = p.step(); err != nil {
		return in, err
	}
	to, last, err := p.bound()
	if err != nil {
		return in, err
	}
	in.endless, in.to = false, last
	return in.closed(open, p, from, to)
}

// closed reads the bracket that ends an interval.
func (in interval) closed(open token, p *parser, from, to string) (interval, error) {
	end := p.now
	if end.text != "]" && end.text != ")" {
		return in, end.at.fail("%v, wanted ] or ) behind the interval", end)
	}
	if end.text == ")" && !in.endless {
		in.to--
	}
	in.text = open.text + from + "," + to + end.text
	if in.whole() {
		in.text = ""
	}
	if !in.endless && in.to < in.from {
		return in, open.at.fail("the interval %s is empty, wanted one that begins before it ends", in.text)
	}
	return in, p.step()
}

// isBound tells an interval that begins with ( from a formula in brackets.
func (p *parser) isBound() bool {
	rest := p.lexer
	t, err := rest.next()
	if err != nil || (!t.word && !t.isConstant()) {
		return false
	}
	if _, ok := durationOf(t.text); !ok {
		return false
	}
	t, err = rest.next()
	return err == nil && t.text == ","
}

func (p *parser) bound() (string, time.Duration, error) {
	d, ok := durationOf(p.now.text)
	if !ok {
		return "", 0, p.now.at.fail("%v is no time, wanted one such as 0, 5s, 10m, 24h or 7d", p.now)
	}
	text := p.now.text
	return text, d, p.step()
}

// durationOf reads seconds, days, or a duration of Go's.
func durationOf(text string) (time.Duration, bool) {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		return time.Duration(n) * time.Second, n >= 0
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err == nil
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}
