package formula

import (
	"slices"
	"strings"
)

// compiler translates a formula in normal form.
type compiler struct {
	normal      normal
	signature   Signature
	variables   []string // the free ones
	letters     []*letter
	letterOf    map[*node]*letter
	ops         []operator
	operatorOf  map[*node]int
	inRegisters bool  // the bits are in registers, so that states differ by what is due alone
	came        []int // of several things that are due: the bits that say that they have come
	states      []state
	work        int // evaluations so far
	machine     *Machine
}

// maxWork bounds the evaluations that a translation takes.
const maxWork = 100_000

// maxStates bounds the machine.
const maxStates = 256

// Compile translates a formula, or says why there is no machine that says the
// same.
func Compile(f *Formula, s Signature) (*Machine, error) {
	n, err := normalise(f.root)
	if err != nil {
		return nil, err
	}
	c, err := compile(n, s, n.late())
	if err == nil && c.beginsAnew() {
		c, err = compile(n, s, true)
	}
	if err != nil {
		return nil, err
	}
	for _, v := range c.variables {
		if c.violatedWithout(v) {
			return nil, c.mention(v).fail("it may be false whatever %s is: no event that violates has it, and none before; leave it out, or quantify it where it stands", v)
		}
	}
	c.prune()
	return c.machine, nil
}

func compile(n normal, s Signature, inRegisters bool) (*compiler, error) {
	c := &compiler{normal: n, signature: s, variables: n.freeVariables(), letterOf: map[*node]*letter{}, operatorOf: map[*node]int{}, inRegisters: inRegisters, machine: &Machine{}}
	c.machine.Variables = c.variables
	if err := c.alphabet(); err != nil {
		return nil, err
	}
	for _, p := range n.parts() {
		if err := c.operators(p, nil); err != nil {
			return nil, err
		}
	}
	if n.late() {
		c.own()
	}
	for _, l := range c.letters {
		c.machine.Letters = append(c.machine.Letters, l.Letter)
	}
	for _, d := range n.due {
		if d.until.in.to <= 0 {
			return nil, d.until.at.fail("what is due at once is no deadline, wanted some time, or the formula itself")
		}
		if len(n.due) > 1 {
			c.came = append(c.came, c.declare(Register{Name: d.until.text(2) + " has come", Kind: Bit}))
		}
	}
	if c.machine.Ends = n.ends(); len(c.machine.Ends) > 1 {
		if i := slices.IndexFunc(c.ops, func(o operator) bool { return o.recent >= 0 || o.young >= 0 }); i >= 0 {
			return nil, c.ops[i].at.fail("the interval of %s stands beside deadlines at different times: where clocks differ nothing says which comes first, such a deadline or the end of the interval; wanted deadlines at one time, or a property for each", c.ops[i].node)
		}
	}
	return c, c.explore()
}

// explore finds the states that can be reached, and what each letter does
// there.
func (c *compiler) explore() error {
	c.states = []state{{}}
	for i := 0; i < len(c.states); i++ {
		at := State{Name: c.name(c.states[i]), Due: c.states[i].due}
		if at.Due > 0 && at.Due < len(c.machine.Ends) {
			at.Unless, at.Next = c.cameBy(at.Due), c.number(state{c.states[i].bits, at.Due + 1})
		}
		for _, l := range c.letters {
			e := evaluation{compiler: c, at: c.states[i], letter: l, assume: map[Guard]bool{}}
			d, err := e.decide()
			if err != nil {
				return err
			}
			at.Moves = append(at.Moves, d)
		}
		if len(c.states) > maxStates {
			return c.normal.always.at.fail("the formula needs more than %d states, wanted several properties", maxStates)
		}
		c.machine.States = append(c.machine.States, at)
		if len(c.variables) > 0 {
			if err := c.unseen(c.states[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// cameBy are the bits of what must have come by a deadline.
func (c *compiler) cameBy(end int) (all []int) {
	for i, d := range c.normal.due {
		if d.until.in.to == c.machine.Ends[end-1] {
			all = append(all, c.came[i])
		}
	}
	return all
}

func (c *compiler) number(s state) int {
	i := slices.Index(c.states, s)
	if i < 0 {
		i = len(c.states)
		c.states = append(c.states, s)
	}
	return i
}

// unseen checks that the time points that an instance does not see change
// nothing.
func (c *compiler) unseen(s state) error {
	e := evaluation{compiler: c, at: s, assume: map[Guard]bool{}}
	for i := range c.ops {
		o := &c.ops[i]
		e.values = map[string]string{}
		changes := o.op == isPrevious
		if o.op == isSince {
			nothing := o.register < 0 && o.in.whole() && s.bits&(1<<i) == 0 // that could end
			changes = !nothing && e.quietly(o.args[0]) != true3 || e.quietly(o.args[1]) != false3
		}
		if changes {
			return o.at.fail("%s hangs on every time point, also on events that have no %s: no instance sees them all; wanted what they leave as it is", o.node, strings.Join(c.variables, ", "))
		}
	}
	for _, d := range c.normal.due {
		if s.due > 0 && (e.quietly(d.keep) != true3 || e.quietly(d.done) != false3) || e.quietly(d.trigger) != false3 {
			return d.until.at.fail("%s hangs on every time point, also on events that have no %s: no instance sees them all; wanted what they leave as it is", d.until, strings.Join(c.variables, ", "))
		}
	}
	if e.quietly(c.normal.always) != true3 {
		at := c.normal.always.at
		return at.fail("the formula may be false where no event has a value of %s, so that there is no end of values that violate it (it is not monitorable); wanted a predicate that implies the rest", strings.Join(c.variables, ", "))
	}
	return nil
}

// quietly evaluates a formula where no event is seen, for whatever values and
// registers.
func (e *evaluation) quietly(n *node) truth {
	e.values = map[string]string{}
	return e.truth(n)
}

// name says a state by what holds in it.
func (c *compiler) name(s state) string {
	var parts []string
	for i := range c.ops {
		if s.bits&(1<<i) != 0 {
			parts = append(parts, c.ops[i].remembered())
		}
	}
	for _, d := range c.normal.due {
		if s.due > 0 && d.until.in.to >= c.machine.Ends[s.due-1] {
			parts = append(parts, d.until.text(2)+" is due")
		}
	}
	if len(parts) == 0 {
		return "start"
	}
	return strings.Join(parts, ", ")
}

// remembered says what the bit of an operator means: it holds, whatever its
// interval.
func (o *operator) remembered() string {
	n := *o.node
	n.in = interval{endless: true}
	return n.String()
}

// each visits the moves of a decision.
func (d *Decision) each(f func(*Decision)) {
	if d.Guard == nil {
		f(d)
		return
	}
	d.Yes.each(f)
	d.No.each(f)
}

// beginsAnew tells whether the state changes while something is due, which
// would begin the deadline anew.
func (c *compiler) beginsAnew() bool {
	found := false
	for _, s := range c.machine.States {
		for _, d := range s.Moves {
			d.each(func(m *Decision) {
				found = found || s.Due > 0 && m.To >= 0 && c.machine.States[m.To].Due > 0
			})
		}
	}
	return found
}

// violatedWithout tells whether events that do not bind a variable can violate
// the formula.
func (c *compiler) violatedWithout(v string) bool {
	reached := []int{0}
	violated := false
	for i := 0; i < len(reached); i++ {
		s := c.machine.States[reached[i]]
		violated = violated || s.Due > 0
		for j, d := range s.Moves {
			if c.letters[j].bound(v) != "" {
				continue
			}
			d.each(func(m *Decision) {
				violated = violated || m.To == Violated
				if m.To >= 0 && !slices.Contains(reached, m.To) {
					reached = append(reached, m.To)
				}
			})
		}
	}
	return violated
}

// mention is where a variable stands first.
func (c *compiler) mention(v string) place {
	for _, p := range c.normal.parts() {
		if n := p.first(func(n *node) bool { return len(n.terms) > 0 && n.mentions(v) }); n != nil {
			return n.at
		}
	}
	return place{1, 1}
}

// prune makes states from which nothing can be violated any more one: the
// property is satisfied there.
func (c *compiler) prune() {
	states := c.machine.States
	open := make([]bool, len(states))
	for changed := true; changed; {
		changed = false
		for i, s := range states {
			can := s.Due > 0
			for _, d := range s.Moves {
				d.each(func(m *Decision) { can = can || m.To == Violated || m.To >= 0 && open[m.To] })
			}
			changed = changed || can != open[i]
			open[i] = can
		}
	}
	open[0] = true // the start is a state, whatever can be
	number, kept := make([]int, len(states)), []State{}
	for i, s := range states {
		if number[i] = Satisfied; open[i] {
			number[i] = len(kept)
			kept = append(kept, s)
		}
	}
	for i, s := range kept {
		kept[i].Next = number[s.Next]
		for _, d := range s.Moves {
			d.each(func(m *Decision) {
				if m.To >= 0 {
					m.To = number[m.To]
				}
				if m.To == Satisfied {
					m.Writes = nil
				}
			})
		}
	}
	c.machine.States = kept
}
