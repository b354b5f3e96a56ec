package formula

import (
	"fmt"
	"slices"
	"strings"
)

// letter is an event type in a role, with the predicates of the formula that
// an event of it may fit.
type letter struct {
	Letter
	atoms []*node
	of    *letter // of one that begins what is due from its event on: the letter that the event is otherwise
}

// bound returns the parameter that binds a variable; empty if none does.
func (l *letter) bound(v string) string {
	for _, b := range l.Binds {
		if b.Variable == v {
			return b.Param
		}
	}
	return ""
}

// values returns the parameters that a quantified variable may be.
func (l *letter) values(v string, s Signature) (params []string) {
	for _, a := range l.atoms {
		for i, t := range a.terms {
			if p := s[a.name].Params[i]; t.variable == v && !slices.Contains(params, p) {
				params = append(params, p)
			}
		}
	}
	return params
}

// parts are the formulas of a normal one.
func (n normal) parts() []*node {
	all := []*node{n.always}
	for _, d := range n.due {
		all = append(all, d.trigger, d.keep, d.done)
	}
	return all
}

// freeVariables returns the variables that nothing quantifies, in the order in
// which they stand.
func (n normal) freeVariables() (all []string) {
	for _, p := range n.parts() {
		all = p.freeVariables(all, nil)
	}
	return all
}

func (n *node) freeVariables(all, quantified []string) []string {
	if n.op == isExists {
		quantified = append(quantified[:len(quantified):len(quantified)], n.name)
	}
	for _, t := range n.terms {
		if t.variable != "" && !slices.Contains(quantified, t.variable) && !slices.Contains(all, t.variable) {
			all = append(all, t.variable)
		}
	}
	for _, a := range n.args {
		all = a.freeVariables(all, quantified)
	}
	return all
}

// alphabet finds the letters: the predicates of one event type that bind alike
// are one.
func (c *compiler) alphabet() error {
	for _, p := range c.normal.parts() {
		if err := c.enter(p); err != nil {
			return err
		}
	}
	for i, l := range c.letters {
		for _, m := range c.letters[:i] {
			if l.Type == m.Type && !c.exclude(l, m) {
				at := l.atoms[0].at
				return at.fail("%q stands with other variables at %d:%d, so that one event could be both; wanted the same, or different constants", l.atoms[0].name, m.atoms[0].at.line, m.atoms[0].at.column)
			}
		}
	}
	if len(c.variables) > 0 {
		return nil
	}
	for _, name := range sortedNames(c.signature) { // every time point is seen
		t := c.signature[name].Type
		if !slices.ContainsFunc(c.letters, func(l *letter) bool { return l.Type == t }) {
			c.letters = append(c.letters, &letter{Letter: Letter{Type: t}})
		}
	}
	return nil
}

// own adds letters for the events from which something may be due that may not
// come before a time, or several things. One event need not answer all of these that wait, so each
// has an instance of its own. They come first: what holds there is what held
// before the event.
func (c *compiler) own() {
	var all []*letter
	for _, l := range c.letters {
		e := evaluation{compiler: c, letter: l, assume: map[Guard]bool{}, values: map[string]string{}}
		if slices.ContainsFunc(c.normal.due, func(d *due) bool { return e.truth(d.trigger) != false3 }) {
			own := &letter{Letter: l.Letter, atoms: l.atoms, of: l}
			own.Own = true
			all = append(all, own)
		}
	}
	c.letters = append(all, c.letters...)
	c.machine.Own = true
	c.machine.Variables = append(slices.Clip(c.variables), c.nameOfEvent())
}

// nameOfEvent is a name for the variable that says which event something is due
// from.
func (c *compiler) nameOfEvent() string {
	name := "event"
	for slices.Contains(c.variables, name) {
		name = "the " + name
	}
	return name
}

func sortedNames(s Signature) (all []string) {
	for name := range s { //wtsim:order sorted below
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// enter adds the predicates of a formula to the alphabet.
func (c *compiler) enter(n *node) error {
	for _, a := range n.args {
		if err := c.enter(a); err != nil {
			return err
		}
	}
	if n.op != isPredicate {
		return nil
	}
	p, known := c.signature[n.name]
	switch {
	case !known:
		return n.at.fail("%q is not in the signature, wanted one of %s", n.name, strings.Join(sortedNames(c.signature), ", "))
	case len(p.Params) != len(n.terms):
		return n.at.fail("%q has %d arguments, wanted %d, as in the signature", n.name, len(n.terms), len(p.Params))
	}
	at := Letter{Type: p.Type}
	for i, t := range n.terms {
		if slices.Contains(c.variables, t.variable) && !slices.ContainsFunc(at.Binds, func(b Bind) bool { return b.Variable == t.variable }) {
			at.Binds = append(at.Binds, Bind{t.variable, p.Params[i]})
		}
	}
	slices.SortFunc(at.Binds, func(a, b Bind) int {
		return slices.Index(c.variables, a.Variable) - slices.Index(c.variables, b.Variable)
	})
	for _, l := range c.letters {
		if l.Type == at.Type && slices.Equal(l.Binds, at.Binds) {
			l.atoms = append(l.atoms, n)
			c.letterOf[n] = l
			return nil
		}
	}
	l := &letter{Letter: at, atoms: []*node{n}}
	c.letters, c.letterOf[n] = append(c.letters, l), l
	return nil
}

// exclude tells whether no event fits predicates of both letters, since they
// want different constants.
func (c *compiler) exclude(l, m *letter) bool {
	for _, a := range l.atoms {
		for _, b := range m.atoms {
			if !c.differ(a, b) {
				return false
			}
		}
	}
	return true
}

func (c *compiler) differ(a, b *node) bool {
	for i, t := range a.terms {
		for j, u := range b.terms {
			same := c.signature[a.name].Params[i] == c.signature[b.name].Params[j]
			if same && t.constant.CanBind() && u.constant.CanBind() && !t.constant.Equal(u.constant) {
				return true
			}
		}
	}
	return false
}

// operator is a temporal operator of the past, and where what it remembers is.
type operator struct {
	*node
	text          string // as it is written; there is one operator of a text
	number        int
	quantified    string // the variable for whose values it remembers something, if there is one
	register      int    // the bit or the set; -1 if it is a bit of the state
	recent, young int    // windows; -1 if there is none
}

// operators finds them, inner ones first, and declares their registers.
func (c *compiler) operators(n *node, quantified []string) error {
	inner := quantified
	if n.op == isExists {
		inner = append(quantified[:len(quantified):len(quantified)], n.name)
		if s := n.stuck(); s != nil {
			return s.at.fail("%s hangs on %s, which is quantified around more than it: no set of values says it", s, n.name)
		}
	}
	for _, a := range n.args {
		if err := c.operators(a, inner); err != nil {
			return err
		}
	}
	if !n.temporal() {
		return nil
	}
	text := n.String()
	for i := range c.ops {
		if c.ops[i].text == text {
			c.operatorOf[n] = i
			return nil
		}
	}
	o := operator{node: n, text: text, number: len(c.ops), register: -1, recent: -1, young: -1}
	for _, v := range quantified {
		if n.mentions(v) {
			o.quantified = v
		}
	}
	switch {
	case o.quantified != "":
		o.register = c.declare(Register{Name: o.quantified + " of " + text, Kind: Set})
	case c.inRegisters:
		o.register = c.declare(Register{Name: text, Kind: Bit})
	}
	if n.in.from > 0 {
		o.young = c.declare(Register{Name: "younger " + text, Kind: Window, Length: n.in.from})
	}
	if !n.in.endless {
		o.recent = c.declare(Register{Name: "recent " + text, Kind: Window, Length: n.in.to + 1})
	}
	c.operatorOf[n] = len(c.ops)
	c.ops = append(c.ops, o)
	if len(c.ops) > 64 {
		return n.at.fail("the formula has more than 64 operators of the past, wanted several properties")
	}
	return nil
}

func (c *compiler) declare(r Register) int {
	for i := range c.machine.Registers {
		if c.machine.Registers[i].Name == r.Name {
			r.Name += fmt.Sprintf(" (%d)", len(c.machine.Registers))
		}
	}
	c.machine.Registers = append(c.machine.Registers, r)
	return len(c.machine.Registers) - 1
}
