package props

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props/internal/formula"
)

// Signature says which event each predicate of a formula is: a letter whose
// variables are the predicate's arguments, in order. On("PUBLISHED", "report")
// is a predicate of one argument, the parameter report. The letter may be
// guarded.
type Signature map[string]Letter

// Formula returns the property that a formula of metric first-order temporal
// logic holds at every event, for all values of its free variables. The syntax
// is MonPoly's:
//
//	publish(r) IMPLIES ONCE[0,7d] approve(r)
//
// An event is a time point of its own, also if another has the same time. What
// has no exact translation is a mistake, with its place: package
// props/internal/formula says which, and docs/properties.md for users.
func Formula(name, text string, s Signature) *Property {
	m, sentence, err := s.compile(text)
	if err != nil {
		p := build(name, spec{violated: Violated, satisfied: Satisfied, rules: []Rule{From("start")}}, text)
		if p.err == nil {
			p.err = fmt.Errorf("formula: %w", err)
		}
		return p
	}
	t := translation{m, s, map[formula.Guard]*guard{}}
	return build(name, t.spec(), t.forEvery()+sentence+s.where())
}

// forEvery is the quantifier as the beginning of a sentence, without the event
// that something is due from: it stands in the formula.
func (t *translation) forEvery() string {
	variables := t.Variables
	if t.Own {
		variables = variables[:len(variables)-1]
	}
	return forEvery(variables)
}

// where says the signature, which is a part of what the formula means.
func (s Signature) where() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		all = append(all, name+" is "+s[name].String())
	}
	return ", where " + strings.Join(all, ", ")
}

// compile reads and translates a formula, and returns it as it is understood.
func (s Signature) compile(text string) (*formula.Machine, string, error) {
	for _, name := range slices.Sorted(maps.Keys(s)) {
		for _, g := range s[name].guards {
			if g.pass == nil {
				return nil, "", fmt.Errorf("predicate %q has the guard %q, wanted one over the event alone", name, g.desc)
			}
		}
	}
	f, err := formula.Parse(text)
	if err != nil {
		return nil, "", err
	}
	m, err := formula.Compile(f, s.predicates())
	return m, f.String(), err
}

// predicates is the signature as the translation sees it.
func (s Signature) predicates() formula.Signature {
	all := formula.Signature{}
	for name, l := range s { //wtsim:order into a map
		p := formula.Predicate{Type: l.event, Guarded: len(l.guards) > 0}
		for _, b := range l.binds {
			p.Params = append(p.Params, b.key())
		}
		all[name] = p
	}
	return all
}

// key is a name of the parameter that is its own in the event.
func (b bind) key() string {
	if b.nested {
		return formula.Nested + b.param
	}
	return b.param
}

// paramOfKey is the parameter with a key.
func paramOfKey(key string) Bind {
	if nested := len(key) > 0 && key[:1] == formula.Nested; nested {
		return Bind{Param: key[1:], Nested: true}
	}
	return Bind{Param: key}
}

// translation makes a state machine of the formula's.
type translation struct {
	*formula.Machine
	signature Signature
	guards    map[formula.Guard]*guard // one for each condition
}

func (t *translation) spec() spec {
	s := spec{variables: t.Variables, violated: Violated, satisfied: Satisfied}
	for i := range t.Registers {
		s.registers = append(s.registers, t.register(i))
	}
	var letters []Letter
	for _, l := range t.Letters {
		x := Letter{event: l.Type}
		for _, p := range t.signature { //wtsim:order into a set
			if p.event == l.Type {
				x.wants = with(x.wants, p.wants)
			}
		}
		slices.Sort(x.wants)
		for _, b := range l.Binds {
			p := paramOfKey(b.Param)
			x.binds = append(x.binds, bind{b.Variable, p.Param, p.Nested})
		}
		if l.Own {
			x.binds = append(x.binds, bind{t.Variables[len(t.Variables)-1], contextEvent, false})
		}
		letters = append(letters, x)
	}
	for _, from := range t.States {
		r := From(from.Name)
		for i, d := range from.Moves {
			steps := t.steps(letters[i], d)
			for len(steps) > 0 && steps[len(steps)-1].idle() {
				steps = steps[:len(steps)-1] // as what is not written
			}
			r.steps = append(r.steps, steps...)
		}
		r = t.due(r, &from)
		s.rules = append(s.rules, r)
	}
	s.letters = letters
	return s
}

// due adds the deadline of a state to its rule.
func (t *translation) due(r Rule, from *formula.State) Rule {
	if from.Due == 0 {
		return r
	}
	after := t.Ends[from.Due-1]
	if from.Due > 1 {
		after -= t.Ends[from.Due-2]
	}
	if len(from.Unless) == 0 {
		return r.After(after).To(Violated)
	}
	lacks := func(m Memory) bool {
		return slices.ContainsFunc(from.Unless, func(i int) bool { return m.Count(t.Registers[i].Name) == 0 })
	}
	return r.After(after).Given("not all has come by then", lacks).To(Violated).After(after).To(t.States[from.Next].Name)
}

func (t transition) idle() bool { return t.stay && len(t.updates) == 0 }

func (t *translation) register(i int) Register {
	r := t.Registers[i]
	switch r.Kind {
	case formula.Window:
		return Window(r.Name, r.Length)
	case formula.Set:
		return Set(r.Name)
	}
	return Counter(r.Name)
}

// steps are the transitions that a decision is, the first that fits to be
// taken. What does nothing comes last.
func (t *translation) steps(l Letter, d *formula.Decision) []transition {
	if d.Guard == nil {
		return []transition{t.move(l, d)}
	}
	first, second, g := d.Yes, d.No, *d.Guard
	negated := first.Guard == nil && first.To == formula.Stay && len(first.Writes) == 0
	if negated {
		first, second = second, first
	}
	guarded := l.guarded(t.guard(g, negated))
	return append(t.steps(guarded, first), t.steps(l, second)...)
}

func (t *translation) move(l Letter, d *formula.Decision) transition {
	x := transition{letter: l, stay: d.To == formula.Stay}
	switch d.To {
	case formula.Violated:
		x.to = Violated
	case formula.Satisfied:
		x.to = Satisfied
	case formula.Stay:
	default:
		x.to = t.States[d.To].Name
	}
	for _, w := range d.Writes {
		r, u := t.register(w.Register), Update{}
		switch {
		case w.Op == formula.Clear:
			u = r.Clear()
		case r.kind == CounterRegister:
			u = r.Count(1)
		case w.Op == formula.Remove:
			u = r.Remove(w.Param)
		default:
			u = r.Add(w.Param)
		}
		x.updates = append(x.updates, u)
	}
	return x
}

// guard returns the one guard that says a condition, or its opposite.
func (t *translation) guard(g formula.Guard, negated bool) *guard {
	key := g
	if negated {
		key.Text = "NOT " + g.Text
	}
	if known := t.guards[key]; known != nil {
		return known
	}
	x := &guard{desc: key.Text}
	switch g.Kind {
	case formula.Comparison:
		x.pass = func(e *event.Event) (bool, error) {
			holds, err := compareOperands(g, e)
			return holds != negated, err
		}
	case formula.OfPredicate:
		x.pass = func(e *event.Event) (bool, error) {
			holds, err := t.signature[g.Predicate].passes(e)
			return holds != negated, err
		}
	case formula.Old:
		name := ageName(g.From)
		x.ages = []time.Duration{g.From}
		x.holds = func(m Memory) bool { return m.Size(name) == 0 != negated }
	default:
		x.holds = func(m Memory) bool { return t.holds(g, m) != negated }
		if g.Kind == formula.Member {
			x.reads, x.wants = []string{g.Param}, []string{g.Param}
		}
	}
	t.guards[key] = x
	return x
}

// holds evaluates a guard over registers.
func (t *translation) holds(g formula.Guard, m Memory) bool {
	name := t.Registers[g.Register].Name
	switch g.Kind {
	case formula.Member:
		v, ok := m.Param(g.Param)
		return ok && m.Has(name, v)
	case formula.IsSet:
		return m.Count(name) > 0
	case formula.Empty:
		return m.Size(name) == 0
	}
	if g.Other >= 0 {
		return m.Size(name) > m.Size(t.Registers[g.Other].Name)
	}
	return m.Size(name) > 0
}

// compareOperands evaluates a comparison. Values that have no order, or are
// none, make the event malformed.
func compareOperands(g formula.Guard, e *event.Event) (bool, error) {
	var sides [2]event.Value
	for i, o := range []formula.Operand{g.Left, g.Right} {
		sides[i] = o.Constant
		if o.Param == "" {
			continue
		}
		p := paramOfKey(o.Param)
		v, ok := p.Of(e)
		if !ok || !v.CanBind() {
			return false, fmt.Errorf("parameter %q is missing or no string, number or boolean", p.Param)
		}
		sides[i] = v
	}
	if g.Order == "=" {
		return sides[0].Equal(sides[1]), nil
	}
	order, ok := Compare(sides[0], sides[1])
	if !ok {
		return false, fmt.Errorf("%s and %s have no order, wanted two numbers or two strings", sides[0].Text(), sides[1].Text())
	}
	return order < 0 || order == 0 && g.Order == "<=", nil
}

// passes tells whether an event passes the letter's guards, which are over the
// event alone.
func (l Letter) passes(e *event.Event) (bool, error) {
	for _, g := range l.guards {
		if ok, err := g.pass(e); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}
