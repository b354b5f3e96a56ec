package props

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of an automaton; these are the width of a bit set.
const (
	maxVariables = 64
	maxGuards    = 64
)

// maxDepth bounds what each instance keeps of a stack.
const maxDepth = 1000

// compiler turns a machine as written into an automaton. Its methods do one
// part each, in the order in which compile calls them.
type compiler struct {
	*spec
	a *Automaton
}

func compile(s *spec) (*Automaton, error) {
	if len(s.inner) > 0 {
		return someOf(s)
	}
	c := compiler{s, &Automaton{Variables: s.variables, States: []string{s.violated, s.satisfied}}}
	for _, part := range []func() error{c.declare, c.declareRegisters, c.deadlines, c.alphabet, c.own, c.anywhere} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return c.a, nil
}

// declare numbers the states and checks the names that rules declare.
func (c *compiler) declare() error {
	for i, v := range c.variables {
		if v == "" || slices.Contains(c.variables[:i], v) {
			return fmt.Errorf("variable %q is declared twice or has no name", v)
		}
	}
	if len(c.variables) > maxVariables {
		return fmt.Errorf("%d variables, wanted at most %d", len(c.variables), maxVariables)
	}
	for _, r := range c.rules {
		switch {
		case r.any && r.end:
			return errors.New("every state is violated at the end, wanted some states")
		case r.any && len(r.limits) > 0:
			return errors.New("every state has a deadline, wanted some states")
		case r.any:
		case r.from == "":
			return errors.New("a state has no name")
		case r.from == c.violated || r.from == c.satisfied:
			return fmt.Errorf("state %q is absorbing, wanted no rule for it", r.from)
		case c.state(r.from) < 0:
			c.a.States = append(c.a.States, r.from)
		}
	}
	if len(c.a.States) == StartState {
		return errors.New("no states, wanted a rule for the state to start in")
	}
	c.a.AtEnd = make([]bool, len(c.a.States))
	for _, r := range c.rules {
		if r.end {
			c.a.AtEnd[c.state(r.from)] = true
		}
	}
	return nil
}

// state returns a state's number, or -1.
func (c *compiler) state(name string) int { return slices.Index(c.a.States, name) }

// alphabet gathers the event types from all letters.
func (c *compiler) alphabet() error {
	for _, l := range c.letters {
		if err := c.enter(l); err != nil {
			return err
		}
	}
	for _, r := range c.rules {
		for _, t := range r.steps {
			if err := c.enter(t.letter); err != nil {
				return err
			}
			if err := c.updates(t); err != nil {
				return err
			}
			if !t.stay && c.state(t.to) < 0 {
				return fmt.Errorf("%s on %q leads to undefined state %q", r.place(), t.letter.event, t.to)
			}
		}
	}
	slices.SortStableFunc(c.a.Events, func(a, b EventType) int { return strings.Compare(a.Type, b.Type) })
	return nil
}

// enter adds a letter to the alphabet. Letters of one event type that bind
// differently are roles of it.
func (c *compiler) enter(l Letter) error {
	if l.event == "" {
		return errors.New("a letter has no event type")
	}
	binds, err := c.binds(l)
	if err != nil {
		return err
	}
	t := c.event(l)
	if t == nil {
		if slices.ContainsFunc(c.a.Events, func(t EventType) bool { return t.Type == l.event && t.Other != l.other }) {
			return fmt.Errorf("%q is an event type and stands for all others, wanted one of the two", l.event)
		}
		c.a.Events = append(c.a.Events, EventType{Type: l.event, Other: l.other, Binds: binds, next: make([][]branch, len(c.a.States))})
		t = &c.a.Events[len(c.a.Events)-1]
	}
	t.Wants = with(t.Wants, l.wants)
	for _, g := range l.guards {
		if g.pass == nil && g.holds == nil {
			return fmt.Errorf("the guard %q of %q is nil, wanted a function", g.desc, l.event)
		}
		if !slices.Contains(t.guards, g) {
			if g.overRegisters() {
				t.dynamic |= 1 << len(t.guards)
			}
			t.guards = append(t.guards, g)
		}
		if slices.ContainsFunc(g.ages, func(d time.Duration) bool { return d <= 0 }) {
			return fmt.Errorf("the guard %q of %q is over an age that is not positive, wanted a positive duration", g.desc, l.event)
		}
		t.Reads, t.Wants = with(t.Reads, g.reads), with(t.Wants, g.wants)
		if t.Other {
			t.asks = with(t.asks, g.asks)
		}
	}
	if len(t.guards) > maxGuards {
		return fmt.Errorf("%q has %d guards, wanted at most %d", l.event, len(t.guards), maxGuards)
	}
	return nil
}

func (c *compiler) binds(l Letter) ([]Bind, error) {
	var binds []Bind
	for i, b := range l.binds {
		v := slices.Index(c.variables, b.variable)
		if v < 0 {
			return nil, fmt.Errorf("%q binds unknown variable %q, wanted %s", l.event, b.variable, oneOf(c.variables))
		}
		if slices.Contains(l.variables()[:i], b.variable) {
			return nil, fmt.Errorf("%q binds variable %q twice", l.event, b.variable)
		}
		if names := strings.Split(b.param, "."); b.nested && slices.Contains(names, "") {
			return nil, fmt.Errorf("%q binds variable %q by %q, wanted names with a dot between, or one in quotes", l.event, b.variable, b.param)
		}
		binds = append(binds, Bind{v, b.param, b.nested})
	}
	slices.SortFunc(binds, func(a, b Bind) int { return a.Variable - b.Variable })
	return binds, nil
}

// event returns the role that an event has in a letter; nil if there is none yet.
func (c *compiler) event(l Letter) *EventType {
	binds, err := c.binds(l)
	i := slices.IndexFunc(c.a.Events, func(t EventType) bool { return t.Type == l.event && t.Other == l.other && slices.Equal(t.Binds, binds) })
	if i < 0 || err != nil {
		return nil
	}
	return &c.a.Events[i]
}

// own adds the transitions that states have of their own.
func (c *compiler) own() error {
	for _, r := range c.rules {
		if r.any {
			continue
		}
		for _, t := range r.steps {
			if err := c.add(c.state(r.from), t); err != nil {
				return err
			}
		}
	}
	return nil
}

// anywhere adds the transitions of FromAny where a state has none on the
// event type, in that role.
func (c *compiler) anywhere() error {
	own := make([][]*EventType, len(c.a.States))
	for s := range own {
		for i := range c.a.Events {
			if t := &c.a.Events[i]; len(t.next[s]) > 0 {
				own[s] = append(own[s], t)
			}
		}
	}
	for _, r := range c.rules {
		for _, t := range r.steps {
			for s := StartState; r.any && s < len(c.a.States); s++ {
				if slices.Contains(own[s], c.event(t.letter)) {
					continue
				}
				if err := c.add(s, t); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// add appends one transition of a state, unless an earlier one hides it.
func (c *compiler) add(from int, t transition) error {
	et := c.event(t.letter)
	b := branch{Move: Move{To: from, Entered: !t.stay, Writes: c.writes(et, t)}}
	if !t.stay {
		b.To = c.state(t.to)
	}
	if b.Entered && b.To >= StartState {
		b.Writes = append(b.Writes, c.renewals()...)
	}
	for _, g := range t.letter.guards {
		b.guards |= 1 << slices.Index(et.guards, g)
	}
	for _, earlier := range et.next[from] {
		if earlier.guards&b.guards == earlier.guards {
			return fmt.Errorf("state %q has two transitions on %q, and the first is always taken", c.a.States[from], et.Type)
		}
	}
	et.next[from] = append(et.next[from], b)
	return nil
}

func oneOf(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return "one of " + strings.Join(quoted, ", ")
}
