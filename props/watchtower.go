package props

import (
	"slices"
)

// The names that Watchtower gives to states.
const (
	wtInitial = "INITIAL" // the start
	wtFailure = "FAILURE" // absorbs: violated
	wtSuccess = "SUCCESS" // absorbs: satisfied
	wtAny     = "ANY"     // as a source: every state that has no transition of its own
	wtSame    = "SAME"    // as a target: the state that it is in
)

// watchtower translates Watchtower's JSON: a property, or a list of them.
type watchtower struct{ *source }

func parseWatchtower(file string, content []byte) ([]*Property, error) {
	w := watchtower{newSource(file, string(content))}
	root, err := readJSON(w.source)
	if err != nil {
		if i := script(w.text); i >= 0 {
			line, column := w.position(i)
			return nil, w.at(line, column, "a JavaScript function, wanted JSON without guards, filters and updates; say it in YAML, with a guard in CEL")
		}
		return nil, err
	}
	items := root.items
	switch {
	case root.kind == '{':
		items = []*tree{root}
	case len(items) == 0:
		return nil, w.fail(root, "no property, wanted at least one")
	}
	var all []*Property
	for _, item := range items {
		p, err := w.property(item)
		if err != nil {
			return nil, err
		}
		for _, earlier := range all {
			if earlier.Name() == p.Name() {
				return nil, w.fail(item.get("name"), "a second property %q, wanted each name once", p.Name())
			}
		}
		all = append(all, p)
	}
	return all, nil
}

var propertyParts = []string{"name", "quantifiedVariables", "projections", "stateMachine"}

func (w *watchtower) property(t *tree) (*Property, error) {
	if t.kind != '{' {
		return nil, w.fail(t, "a property is no object, wanted one with %s", listed(propertyParts))
	}
	if err := w.known(t, "a property", propertyParts); err != nil {
		return nil, err
	}
	for _, part := range propertyParts {
		if t.get(part) == nil && part != "projections" {
			return nil, w.fail(t, "the property has no %q, wanted %s", part, listed(propertyParts))
		}
	}
	name, ok := t.get("name").str()
	if !ok || name == "" {
		return nil, w.fail(t.get("name"), "the property's name is not a string, or empty")
	}
	s := spec{violated: wtFailure, satisfied: wtSuccess}
	var err error
	if s.variables, err = w.strings(t.get("quantifiedVariables"), "quantifiedVariables"); err != nil {
		return nil, err
	}
	if err := w.projections(t.get("projections"), s.variables); err != nil {
		return nil, err
	}
	if err := w.machine(&s, t.get("stateMachine")); err != nil {
		return nil, err
	}
	p := build(name, s, s.sentence())
	if p.err != nil {
		return nil, w.fail(t, "property %q: %v", name, p.err)
	}
	return p, nil
}

// known refuses members that mean nothing here: a guard that was ignored
// would be another property.
func (w *watchtower) known(t *tree, what string, names []string) error {
	for _, m := range t.members {
		if !slices.Contains(names, m.name.text) {
			return w.fail(m.name, "%s has unknown part %q, wanted %s", what, m.name.text, listed(names))
		}
	}
	return nil
}

// strings reads a list of strings, each once.
func (w *watchtower) strings(t *tree, what string) ([]string, error) {
	if t.kind != '[' {
		return nil, w.fail(t, "%s is no list, wanted a list of strings", what)
	}
	out := []string{}
	for _, item := range t.items {
		s, ok := item.str()
		switch {
		case !ok || s == "":
			return nil, w.fail(item, "%s holds something else than a string, or an empty one", what)
		case slices.Contains(out, s):
			return nil, w.fail(item, "%s holds %q twice", what, s)
		}
		out = append(out, s)
	}
	return out, nil
}

// projections have no meaning of their own: bindings define the instances.
func (w *watchtower) projections(t *tree, variables []string) error {
	if t == nil {
		return nil
	}
	if t.kind != '[' {
		return w.fail(t, "projections is no list, wanted a list of lists of variables")
	}
	for _, item := range t.items {
		names, err := w.strings(item, "a projection")
		if err != nil {
			return err
		}
		for i, name := range names {
			if !slices.Contains(variables, name) {
				return w.fail(item.items[i], "unknown variable %q, wanted %s", name, oneOf(variables))
			}
		}
	}
	return nil
}

func (w *watchtower) machine(s *spec, t *tree) error {
	if t.kind != '{' {
		return w.fail(t, "stateMachine is no object, wanted an event type's transitions under its name")
	}
	s.rules = []Rule{From(wtInitial)}
	for _, m := range t.members {
		if m.name.text == "" {
			return w.fail(m.name, "an event type has no name")
		}
		if err := w.eventType(s, m); err != nil {
			return err
		}
	}
	return nil
}

func (w *watchtower) eventType(s *spec, m member) error {
	if m.value.kind != '{' {
		return w.fail(m.value, "event type %q is no object, wanted its params and transitions", m.name.text)
	}
	params := m.value.get("params")
	if params == nil {
		return w.fail(m.value, "event type %q has no \"params\", wanted a list of strings", m.name.text)
	}
	names, err := w.strings(params, "params")
	if err != nil {
		return err
	}
	letter := On(m.name.text)
	for _, name := range names {
		if slices.Contains(s.variables, name) {
			letter = letter.Binding(name, name)
		} else {
			letter = letter.Wanting(name)
		}
	}
	s.letters = append(s.letters, letter)
	for _, from := range m.value.members {
		if from.name.text == "params" {
			continue
		}
		if err := w.transition(s, letter, from); err != nil {
			return err
		}
	}
	return nil
}

func (w *watchtower) transition(s *spec, letter Letter, from member) error {
	t := from.value
	if t.kind != '{' {
		return w.fail(t, "state %q of %q is no object, wanted {\"to\": state}", from.name.text, letter.event)
	}
	if err := w.known(t, "a transition", []string{"to"}); err != nil {
		return err
	}
	if t.get("to") == nil {
		return w.fail(t, "the transition from %q on %q has no \"to\"", from.name.text, letter.event)
	}
	to, ok := t.get("to").str()
	switch {
	case !ok || to == "" || to == wtAny:
		return w.fail(t.get("to"), "the transition from %q on %q leads to no state, wanted a state's name", from.name.text, letter.event)
	case from.name.text == wtSame || from.name.text == "":
		return w.fail(from.name, "a transition from %q, wanted a state's name", from.name.text)
	case from.name.text == wtFailure || from.name.text == wtSuccess:
		return nil // absorbing: nothing leads out, whatever is written
	}
	s.step(from.name.text, letter, to)
	return nil
}

// step adds a transition, and rules for the states that it names.
func (s *spec) step(from string, letter Letter, to string) {
	rule := FromAny()
	if from != wtAny {
		rule = From(from)
	}
	if to == wtSame {
		s.rules = append(s.rules, rule.On(letter).Stay())
		return
	}
	s.rules = append(s.rules, rule.On(letter).To(to))
	if to != wtFailure && to != wtSuccess {
		s.rules = append(s.rules, From(to))
	}
}

func listed(names []string) string { return oneOf(names)[len("one of "):] }
