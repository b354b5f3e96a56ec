package props

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// yamlParser translates wtsim's YAML; docs/properties.md describes it, and
// schema.json for editors.
type yamlParser struct{ *source }

func parseYAML(file string, content []byte) ([]*Property, error) {
	y := yamlParser{newSource(file, strings.ReplaceAll(string(content), "\r\n", "\n"))}
	root, err := readYAML(y.source)
	if err != nil {
		return nil, err
	}
	if root.kind != '{' {
		return nil, y.fail(root, "not a file of properties, wanted \"properties:\" with a list of them")
	}
	if err := y.known(root, "the file", []string{"properties", "complete"}); err != nil {
		return nil, err
	}
	list := root.get("properties")
	if list == nil || list.kind != '[' || len(list.items) == 0 {
		return nil, y.fail(root, "no properties, wanted \"properties:\" with a list of them")
	}
	var all []*Property
	for _, item := range list.items {
		p, err := y.property(item)
		if err != nil {
			return nil, err
		}
		for _, earlier := range all {
			if earlier.Name() == p.Name() {
				return nil, y.fail(item.get("name"), "a second property %q, wanted each name once", p.Name())
			}
		}
		all = append(all, p)
	}
	return y.complete(root.get("complete"), all)
}

// complete declares of which event types none is ever missing.
func (y yamlParser) complete(t *tree, all []*Property) ([]*Property, error) {
	if t == nil {
		return all, nil
	}
	types, err := y.strings(t, "complete")
	if err != nil {
		return nil, err
	}
	named := func(p *Property, name string) bool {
		return p.automaton != nil && slices.ContainsFunc(p.automaton.Events, func(e EventType) bool { return e.Type == name && !e.Other })
	}
	for i, name := range types {
		if !slices.ContainsFunc(all, func(p *Property) bool { return named(p, name) }) {
			return nil, y.fail(t.items[i], "complete holds %q, which no property here names, wanted event types of theirs", name)
		}
	}
	for i, p := range all {
		if own := slices.DeleteFunc(slices.Clone(types), func(name string) bool { return !named(p, name) }); len(own) > 0 {
			all[i] = p.WithComplete(own...)
		}
	}
	return all, nil
}

// machineParts are the keys of a property that is a state machine.
var machineParts = []string{forallKey, existsKey, existsEachTime, quantifiersKey, "registers", "events", "start", "states"}

func (y yamlParser) property(t *tree) (*Property, error) {
	if t.kind != '{' {
		return nil, y.fail(t, "a property is no mapping, wanted one with a name, and states or a pattern")
	}
	at := t.get("name")
	if at == nil {
		return nil, y.fail(t, "the property has no \"name\", wanted words that say what must hold")
	}
	name, err := y.str(at, "the property's name")
	if err != nil {
		return nil, err
	}
	var p *Property
	if t.get("states") != nil {
		p, err = y.machine(name, t)
	} else {
		p, err = y.pattern(name, t)
	}
	if err != nil {
		return nil, err
	}
	if p.err != nil {
		return nil, y.fail(t, "property %q: %v", name, p.err)
	}
	if doc := t.get("doc"); doc != nil {
		if _, err = y.str(doc, "doc"); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// known refuses keys that mean nothing here.
func (y yamlParser) known(t *tree, what string, names []string) error {
	for _, m := range t.members {
		if !slices.Contains(names, m.name.text) {
			return y.fail(m.name, "%s has unknown key %q, wanted %s", what, m.name.text, oneOf(names))
		}
	}
	return nil
}

func (y yamlParser) str(t *tree, what string) (string, error) {
	if t.kind != '"' || t.text == "" {
		return "", y.fail(t, "%s is no text, or empty", what)
	}
	return t.text, nil
}

func (y yamlParser) strings(t *tree, what string) ([]string, error) {
	if t.kind != '[' {
		return nil, y.fail(t, "%s is no list, wanted a list of texts", what)
	}
	out := []string{}
	for _, item := range t.items {
		s, err := y.str(item, "an item of "+what)
		if err != nil {
			return nil, err
		}
		if slices.Contains(out, s) {
			return nil, y.fail(item, "%s holds %q twice", what, s)
		}
		out = append(out, s)
	}
	return out, nil
}

func (y yamlParser) duration(t *tree) (time.Duration, error) {
	d, err := time.ParseDuration(t.text)
	if t.kind != '"' || err != nil || d <= 0 {
		return 0, y.fail(t, "%q is no duration, wanted one such as 5s, 1m30s or 24h", t.text)
	}
	return d, nil
}

// machineYAML is a state machine on its way.
type machineYAML struct {
	yamlParser
	spec     spec
	declared []Letter
}

func (y yamlParser) machine(name string, t *tree) (*Property, error) {
	if err := y.known(t, "a property with states", append([]string{"name", "doc"}, machineParts...)); err != nil {
		return nil, err
	}
	m := &machineYAML{yamlParser: y, spec: spec{violated: Violated, satisfied: Satisfied}}
	var err error
	if err = m.quantifiers(t); err != nil {
		return nil, err
	}
	if err = m.registers(t.get("registers"), t.get("states")); err != nil {
		return nil, err
	}
	if err = m.events(t.get("events")); err != nil {
		return nil, err
	}
	if err = m.states(t); err != nil {
		return nil, err
	}
	if t.get(forallKey) == nil && t.get(quantifiersKey) == nil {
		m.spec.variables = slices.DeleteFunc(union(m.spec.allLetters()...), func(v string) bool {
			return slices.ContainsFunc(m.spec.inner, func(x inner) bool { return x.name == v })
		})
	}
	return build(name, m.spec, m.spec.sentence()), nil
}

func (s *spec) allLetters() []Letter {
	all := slices.Clone(s.letters)
	for _, r := range s.rules {
		for _, t := range r.steps {
			all = append(all, t.letter)
		}
	}
	return all
}

func (m *machineYAML) registers(t, states *tree) error {
	if t == nil {
		return nil
	}
	if t.kind != '{' {
		return m.fail(t, "registers is no mapping, wanted the kind of each under its name")
	}
	for _, r := range t.members {
		if !isIdentifier(r.name.text) || r.name.text == eventName {
			return m.fail(r.name, "a register named %q, wanted a name that guards can use: letters, digits and _, and not %q", r.name.text, eventName)
		}
		register, err := m.register(r)
		if err != nil {
			return err
		}
		if register.kind == CounterRegister && addsParameter(states, register.name) {
			register.kind = AmountRegister
		}
		m.spec.registers = append(m.spec.registers, register)
	}
	return nil
}

// addsParameter tells whether some transition adds a parameter to a register.
func addsParameter(states *tree, name string) bool {
	for _, s := range states.members {
		for _, t := range s.value.items {
			if do := t.get("do"); do != nil && do.get(name) != nil {
				if _, _, ok := summand(do.get(name).text); ok {
					return true
				}
			}
		}
	}
	return false
}

// summand reads +event.PARAMETER, or the same with a minus.
func summand(text string) (param string, minus, ok bool) {
	rest, minus := strings.CutPrefix(text, "-")
	if !minus {
		rest, ok = strings.CutPrefix(text, "+")
	}
	param = paramOf(rest)
	return param, minus, (ok || minus) && param != ""
}

// paramOf reads event.PARAMETER; empty if it is something else.
func paramOf(text string) string {
	name, ok := strings.CutPrefix(strings.TrimSpace(text), eventName+".")
	if !ok || strings.ContainsAny(name, " \t") {
		return ""
	}
	return name
}

// register reads a kind, or a window with its length.
func (m *machineYAML) register(r member) (Register, error) {
	if r.value.kind == '{' {
		if err := m.known(r.value, "register "+strconv.Quote(r.name.text), []string{"window", "distinct", "stack"}); err != nil {
			return Register{}, err
		}
		length, depth := r.value.get("window"), r.value.get("stack")
		if different := r.value.get("distinct"); different != nil && length == nil && depth == nil {
			d, err := m.duration(different)
			return Distinct(r.name.text, d), err
		}
		if depth != nil && length == nil {
			n, err := strconv.Atoi(depth.text)
			if err != nil {
				return Register{}, m.fail(depth, "the stack is %q deep, wanted a number", depth.text)
			}
			return Stack(r.name.text, n), nil
		}
		if length == nil {
			return Register{}, m.fail(r.value, "register %q has no kind, wanted %s", r.name.text, wantedKinds)
		}
		d, err := m.duration(length)
		return Window(r.name.text, d), err
	}
	kind := slices.Index(kindNames[:WindowRegister], r.value.text)
	if kind < 0 {
		return Register{}, m.fail(r.value, "register %q is of kind %q, wanted %s", r.name.text, r.value.text, wantedKinds)
	}
	return Register{name: r.name.text, kind: RegisterKind(kind)}, nil
}

var wantedKinds = oneOf(kindNames[:WindowRegister]) + ", a window such as {window: 5m} or {distinct: 5m}, or a stack such as {stack: 16}"

// isIdentifier tells whether CEL can name it.
func isIdentifier(s string) bool {
	for i, c := range []byte(s) {
		if !isWord(c) || c == '$' || i == 0 && c >= '0' && c <= '9' {
			return false
		}
	}
	reserved := []string{"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while"}
	return s != "" && !slices.Contains(reserved, s)
}

// events are letters that belong to the alphabet, also if no state has them;
// elsewhere their type alone stands for them.
func (m *machineYAML) events(t *tree) error {
	if t == nil {
		return nil
	}
	if t.kind != '[' {
		return m.fail(t, "events is no list, wanted a list of letters such as CHARGED(order)")
	}
	for _, item := range t.items {
		l, err := m.yamlParser.letter(item)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(m.declared, func(d Letter) bool { return d.role() == l.role() }) {
			return m.fail(item, "events holds %q twice", l.event)
		}
		m.declared = append(m.declared, l)
		m.spec.letters = append(m.spec.letters, l)
	}
	return nil
}

func (m *machineYAML) states(t *tree) error {
	states := t.get("states")
	if states.kind != '{' || len(states.members) == 0 {
		return m.fail(states, "states is no mapping, or empty, wanted a list of transitions under each state's name")
	}
	if start := t.get("start"); start != nil {
		if states.get(start.text) == nil || start.text == anyState {
			return m.fail(start, "start is unknown state %q, wanted %s", start.text, oneOf(names(states)))
		}
		m.spec.rules = append(m.spec.rules, From(start.text))
	}
	for _, s := range states.members {
		name, err := m.str(s.name, "a state's name")
		switch {
		case err != nil:
			return err
		case name == Violated || name == Satisfied:
			return m.fail(s.name, "state %q absorbs, wanted no transitions of it", name)
		case s.value.kind == '"' || s.value.kind == '{':
			return m.fail(s.value, "state %q is no list, wanted a list of transitions", name)
		}
		r := From(name)
		if name == anyState {
			r = FromAny()
		}
		for _, item := range s.value.items {
			if r, err = m.transition(r, item, states); err != nil {
				return err
			}
		}
		m.spec.rules = append(m.spec.rules, r)
	}
	return nil
}

// anyState holds the transitions of all states that have none of their own.
const anyState = "any"

func names(t *tree) []string {
	var all []string
	for _, m := range t.members {
		if m.name.text != anyState {
			all = append(all, m.name.text)
		}
	}
	return all
}

// transition adds one item of a state: what happens on an event, after a
// time, or at the end.
func (m *machineYAML) transition(r Rule, t *tree, states *tree) (Rule, error) {
	if t.kind != '{' {
		return r, m.fail(t, "a transition is no mapping, wanted one with \"on\", \"after\" or \"at\"")
	}
	target := t.get("to")
	if target != nil {
		if known := append(names(states), Violated, Satisfied); target.kind != '"' || !slices.Contains(known, target.text) {
			return r, m.fail(target, "to unknown state %q, wanted %s", target.text, oneOf(known))
		}
	}
	switch {
	case t.get("on") != nil:
		return m.onEvent(r, t, target)
	case t.get("after") != nil:
		if err := m.known(t, "a deadline", []string{"after", "when", "do", "to"}); err != nil {
			return r, err
		}
		return m.deadline(r, t, target)
	case t.get("at") != nil:
		if err := m.known(t, "the end", []string{"at", "to"}); err != nil {
			return r, err
		}
		if t.get("at").text != "end" || target == nil || target.text != Violated || r.any {
			return r, m.fail(t, "wanted \"at: end\" with \"to: violated\", in some states")
		}
		return r.ViolatedAtEnd(), nil
	}
	return r, m.fail(t, "a transition has none of \"on\", \"after\" and \"at\", wanted one")
}

// deadline adds what happens after a time.
func (m *machineYAML) deadline(r Rule, t, target *tree) (Rule, error) {
	d, err := m.duration(t.get("after"))
	switch {
	case err != nil:
		return r, err
	case target == nil:
		return r, m.fail(t, "the deadline has no \"to\", wanted a state")
	case r.any:
		return r, m.fail(t, "every state has a deadline, wanted some states")
	}
	limit := r.After(d)
	if when := t.get("when"); when != nil {
		l, err := m.guarded(Letter{}, when, m.spec.registers)
		if err != nil {
			return r, err
		}
		g := l.guards[0]
		if g.holds == nil || len(g.reads)+len(g.ages) > 0 {
			return r, m.fail(when, "guard %q of a deadline looks at an event or an age, or at no register, wanted a condition over registers", when.text)
		}
		limit = limit.Given(g.desc, g.holds)
	}
	if do := t.get("do"); do != nil {
		updates, err := m.updates(do)
		if err != nil {
			return r, err
		}
		limit = limit.Do(updates...)
	}
	return limit.To(target.text), nil
}

func (m *machineYAML) onEvent(r Rule, t, target *tree) (Rule, error) {
	if err := m.known(t, "a transition", []string{"on", "when", "do", "to"}); err != nil {
		return r, err
	}
	l, err := m.letter(t.get("on"))
	if err != nil {
		return r, err
	}
	if l, err = m.guarded(l, t.get("when"), m.spec.registers); err != nil {
		return r, err
	}
	step := r.On(l)
	if do := t.get("do"); do != nil {
		updates, err := m.updates(do)
		if err != nil {
			return r, err
		}
		step = step.Do(updates...)
	}
	if target == nil {
		return step.Stay(), nil
	}
	return step.To(target.text), nil
}

// letter reads TYPE(variable, variable=parameter). A type alone that events
// declares stands for what it says there.
func (m *machineYAML) letter(t *tree) (Letter, error) {
	l, err := m.yamlParser.letter(t)
	if err != nil || strings.HasSuffix(t.text, ")") {
		return l, err
	}
	var roles []Letter
	for _, d := range m.declared {
		if d.event == l.event {
			roles = append(roles, d)
		}
	}
	switch len(roles) {
	case 0:
		return l, nil
	case 1:
		return roles[0], nil
	}
	return l, m.fail(t, "%q is declared in several roles, wanted one of them: %v", l.event, roles)
}

func (m *machineYAML) updates(t *tree) ([]Update, error) {
	if t.kind != '{' {
		return nil, m.fail(t, "do is no mapping, wanted what happens to each register under its name")
	}
	var all []Update
	for _, d := range t.members {
		i := registerNamed(m.spec.registers, d.name.text)
		if i < 0 {
			return nil, m.fail(d.name, "unknown register %q, wanted %s", d.name.text, oneOf((&compiler{spec: &m.spec}).registerNames()))
		}
		u, wanted := m.updateOf(m.spec.registers[i], d.value.text)
		if wanted != "" || d.value.kind != '"' {
			return nil, m.fail(d.value, "%q is nothing to do to the %v %q, wanted %s", d.value.text, m.spec.registers[i].kind, d.name.text, wantedOf(m.spec.registers[i]))
		}
		all = append(all, u)
	}
	return all, nil
}

// updateOf reads what is done to a register; wanted is not empty if it is
// something else.
func (m *machineYAML) updateOf(r Register, text string) (u Update, wanted string) {
	added, minus, adds := summand(text)
	add, isAdd := strings.CutPrefix(text, "add ")
	remove, isRemove := strings.CutPrefix(text, "remove ")
	n, err := strconv.ParseInt(text, 10, 64)
	push, isPush := strings.CutPrefix(text, "push ")
	switch {
	case text == "clear":
		return r.Clear(), ""
	case r.kind == StackRegister && isPush && readName(push) != "":
		return r.Push(readName(push)), ""
	case r.kind == StackRegister && isPush && registerNamed(m.spec.registers, push) >= 0:
		return r.PushCount(m.spec.registers[registerNamed(m.spec.registers, push)]), ""
	case r.kind == StackRegister && text == "pop":
		return r.Pop(), ""
	case r.distinct && isAdd && readName(add) != "":
		return r.Add(readName(add)), ""
	case r.kind == WindowRegister && !r.distinct && text == "add":
		return r.Occur(), ""
	case r.kind == WindowRegister && !r.distinct && isAdd && paramOf(add) != "":
		return r.Add(paramOf(add)), ""
	case r.kind == SetRegister && isAdd && readName(add) != "":
		return r.Add(readName(add)), ""
	case r.kind == SetRegister && isRemove && readName(remove) != "":
		return r.Remove(readName(remove)), ""
	case r.kind == LastRegister && readName(text) != "":
		return r.Store(readName(text)), ""
	case r.kind == AmountRegister && adds && minus:
		return r.Minus(added), ""
	case r.kind == AmountRegister && adds:
		return r.Plus(added), ""
	case (r.kind == CounterRegister || r.kind == AmountRegister) && err == nil && (text[0] == '+' || text[0] == '-'):
		return r.Count(n), ""
	}
	return u, wantedOf(r)
}

func wantedOf(r Register) string {
	if r.distinct {
		return `"add event.PARAMETER" (or a part of the context, such as context.source) or "clear"`
	}
	return []string{
		`"add event.PARAMETER", "remove event.PARAMETER" (or a part of the context, such as context.source) or "clear"`,
		`a number with its sign, such as +1, "+event.PARAMETER", "-event.PARAMETER" or "clear"`,
		`"event.PARAMETER", a part of the context, such as "context.source", or "clear"`,
		`"add", "add event.PARAMETER" or "clear"`,
		`a number with its sign, such as +1, "+event.PARAMETER", "-event.PARAMETER" or "clear"`,
		`"push event.PARAMETER", "push" with a counter, "pop" or "clear"`,
	}[r.kind]
}
