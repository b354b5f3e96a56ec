package props

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A pattern is named by the key that only it has. Others of its keys stand
// here; those in brackets may be left out.
var patternParts = []struct {
	key   string
	parts []string
	build func(*patternYAML) (*Property, error)
}{
	{"at most once", nil, (*patternYAML).atMostOnce},
	{"never", scopeParts, (*patternYAML).never},
	{"exists", scopeParts, (*patternYAML).exists},
	{"precedes", []string{"at least", "within"}, (*patternYAML).precedes},
	{"responds", []string{"at least", "within"}, (*patternYAML).responds},
	{"monotone", []string{"parameter", "direction"}, (*patternYAML).monotone},
	{"balanced", nil, (*patternYAML).balanced},
	{"formula", []string{"signature"}, (*patternYAML).formula},
	{"at most", []string{"of", "within", "sum", "distinct"}, (*patternYAML).atMost},
	{"at least", []string{"of", "within", "sum", "distinct", "after", "before"}, (*patternYAML).atLeast}, // behind those that have such a part
}

// scopeParts say where a pattern speaks of; at most one, but that "within"
// goes with "of", and "until" with "after".
var scopeParts = []string{"after", "before", "between", "within", "of", "until", "ended before", "ended between"}

type patternYAML struct {
	yamlParser
	name string
	tree *tree
	key  *tree // the value of the pattern's own key
}

func patternKeys() []string {
	var keys []string
	for _, p := range patternParts {
		keys = append(keys, p.key)
	}
	return keys
}

func (y yamlParser) pattern(name string, t *tree) (*Property, error) {
	for _, p := range patternParts {
		key := t.get(p.key)
		if key == nil {
			continue
		}
		if err := y.known(t, "a property with \""+p.key+"\"", append([]string{"name", "doc", p.key}, p.parts...)); err != nil {
			return nil, err
		}
		return p.build(&patternYAML{y, name, t, key})
	}
	if key := t.get("as if once"); key != nil {
		return nil, y.fail(key, "\"as if once\" compares stores, which a recording does not have; wanted props.AsIfOnce, in a scenario's Properties")
	}
	if err := y.known(t, "a property", with(append([]string{"name", "doc"}, machineParts...), patternKeys())); err != nil {
		return nil, err
	}
	return nil, y.fail(t, "the property says nothing, wanted \"states\", or a pattern: %s", oneOf(patternKeys()))
}

func (p *patternYAML) atMostOnce() (*Property, error) {
	l, err := p.guardedLetter(p.key)
	return AtMostOnce(p.name, l), err
}

func (p *patternYAML) never() (*Property, error) {
	l, s, err := p.scoped()
	return Absent(p.name, l, s), err
}

func (p *patternYAML) exists() (*Property, error) {
	l, s, err := p.scoped()
	return Exists(p.name, l, s), err
}

func (p *patternYAML) precedes() (*Property, error) {
	ls, ages, err := p.twoAged("precedes")
	if err != nil || ages == [2]time.Duration{} {
		return Precedes(p.name, ls[0], ls[1]), err
	}
	return PrecedesAged(p.name, ls[0], ls[1], ages[0], ages[1]), nil
}

// twoAged reads two letters, and how far apart they are.
func (p *patternYAML) twoAged(what string) (ls [2]Letter, ages [2]time.Duration, err error) {
	ls, err = p.two(p.key, what)
	for i, part := range []string{"at least", "within"} {
		if t := p.tree.get(part); t != nil && err == nil {
			ages[i], err = p.duration(t)
		}
	}
	return ls, ages, err
}

func (p *patternYAML) responds() (*Property, error) {
	ls, ages, err := p.twoAged("responds")
	switch {
	case err != nil || ages == [2]time.Duration{}:
		return Eventually(p.name, ls[0], ls[1]), err
	case ages[0] == 0:
		return Responds(p.name, ls[0], ls[1], ages[1]), nil
	}
	return RespondsAged(p.name, ls[0], ls[1], ages[0], ages[1]), nil
}

func (p *patternYAML) monotone() (*Property, error) {
	l, err := p.guardedLetter(p.key)
	if err != nil {
		return nil, err
	}
	at := p.tree.get("parameter")
	if at == nil {
		return nil, p.fail(p.tree, "the pattern has no \"parameter\", wanted the name of one")
	}
	param, err := p.str(at, "parameter")
	if err != nil {
		return nil, err
	}
	way := Rising
	if at := p.tree.get("direction"); at != nil {
		way = Direction(at.text)
		if ways := []string{string(Rising), string(Falling)}; !slices.Contains(ways, at.text) {
			return nil, p.fail(at, "direction is %q, wanted %s", at.text, oneOf(ways))
		}
	}
	return Monotone(p.name, l, param, way), nil
}

func (p *patternYAML) balanced() (*Property, error) {
	ls, err := p.two(p.key, "balanced")
	return Balanced(p.name, ls[0], ls[1]), err
}

func (p *patternYAML) two(t *tree, what string) (ls [2]Letter, err error) {
	if t.kind != '[' || len(t.items) != 2 {
		return ls, p.fail(t, "%s is no list of two letters, such as [PLACED(order), SHIPPED(order)]; in brackets, quote a letter that has a comma", what)
	}
	for i := range ls {
		if ls[i], err = p.guardedLetter(t.items[i]); err != nil {
			return ls, err
		}
	}
	return ls, nil
}

// scoped reads the pattern's letter, and its scope.
func (p *patternYAML) scoped() (l Letter, s Scope, err error) {
	if l, err = p.guardedLetter(p.key); err != nil {
		return l, s, err
	}
	var given []string
	for _, m := range p.tree.members {
		if slices.Contains(scopeParts, m.name.text) {
			given = append(given, m.name.text)
		}
	}
	slices.Sort(given)
	switch strings.Join(given, " ") {
	case "":
	case "after":
		s.kind = inAfter
		s.from, err = p.guardedLetter(p.tree.get("after"))
	case "before":
		s.kind = inBefore
		s.to, err = p.guardedLetter(p.tree.get("before"))
	case "between":
		var ls [2]Letter
		ls, err = p.two(p.tree.get("between"), "between")
		s = Between(ls[0], ls[1])
	case "ended between":
		var ls [2]Letter
		ls, err = p.two(p.tree.get("ended between"), "ended between")
		s = EndedBetween(ls[0], ls[1])
	case "ended before":
		s.kind = inEndedBefore
		s.to, err = p.guardedLetter(p.tree.get("ended before"))
	case "after until":
		s.kind = inUntil
		if s.from, err = p.guardedLetter(p.tree.get("after")); err == nil {
			s.to, err = p.guardedLetter(p.tree.get("until"))
		}
	case "of within":
		var d time.Duration
		if d, err = p.duration(p.tree.get("within")); err == nil {
			s = For(d, Letter{})
			s.from, err = p.guardedLetter(p.tree.get("of"))
		}
	default:
		err = p.fail(p.tree, "the pattern has the scope %s, wanted one of \"after\", \"before\", \"between\", \"ended before\", \"ended between\", \"after\" with \"until\", or \"within\" with \"of\"", listed(given))
	}
	return l, s, err
}

// guardedLetter reads a letter, or a mapping of "on" and "when".
func (y yamlParser) guardedLetter(t *tree) (Letter, error) {
	if t.kind != '{' {
		return y.letter(t)
	}
	if err := y.known(t, "a letter", []string{"on", "when"}); err != nil {
		return Letter{}, err
	}
	if t.get("on") == nil {
		return Letter{}, y.fail(t, "the letter has no \"on\", wanted an event such as CHARGED(order)")
	}
	l, err := y.letter(t.get("on"))
	if err != nil {
		return l, err
	}
	return y.guarded(l, t.get("when"), nil)
}

// guarded adds a guard in CEL to a letter.
func (y yamlParser) guarded(l Letter, when *tree, registers []Register) (Letter, error) {
	if when == nil {
		return l, nil
	}
	text, err := y.str(when, "the guard")
	if err != nil {
		return l, err
	}
	g, problem := compileCEL(text, registers)
	if problem != nil {
		line, column := y.within(when, problem.line, problem.column)
		what := problem.Error()
		if !strings.Contains(what, ", wanted ") {
			what += ", wanted a condition in CEL over event and the registers"
		}
		return l, y.at(line, column, "guard %q: %s", text, what)
	}
	return l.guarded(g), nil
}

// letter reads TYPE(variable, variable=parameter, variable="parameter",
// variable=parameter.field).
func (y yamlParser) letter(t *tree) (Letter, error) {
	const example = "wanted an event such as CHARGED(order) or CHARGED(order=order_id)"
	if t.kind != '"' || t.text == "" {
		return Letter{}, y.fail(t, "an event is no text, %s", example)
	}
	name, rest, bound := strings.Cut(t.text, "(")
	name = strings.TrimSpace(name)
	if strings.Trim(name, "*?") == "" && name != "" {
		return Letter{}, y.fail(t, "%q is no event type, and stands for none: write a letter for each type", name)
	}
	if name == "" || strings.ContainsAny(name, " \t)") || bound != strings.HasSuffix(rest, ")") {
		return Letter{}, y.fail(t, "%q is no event, %s", t.text, example)
	}
	l := On(name)
	l.other = name == otherEvents
	inside := strings.TrimSuffix(rest, ")")
	if strings.TrimSpace(inside) == "" {
		return l, nil
	}
	for _, part := range unquoted(inside, ',') {
		variable, param, ok := bindingOf(part)
		if !ok {
			return Letter{}, y.fail(t, "%q binds no variable in %q, %s", t.text, strings.TrimSpace(part), example)
		}
		if name, err := strconv.Unquote(param); err == nil {
			l = l.Binding(variable, name)
		} else {
			l = l.BindingField(variable, strings.Split(param, ".")...)
		}
	}
	return l, nil
}

// bindingOf reads a variable, and how its parameter is written.
func bindingOf(part string) (variable, param string, ok bool) {
	sides := unquoted(part, '=')
	variable = strings.TrimSpace(sides[0])
	param = strings.TrimSpace(sides[len(sides)-1])
	if len(sides) == 2 && strings.HasPrefix(param, `"`) {
		_, err := strconv.Unquote(param)
		return variable, param, err == nil && isName(variable)
	}
	return variable, param, len(sides) < 3 && isName(variable) && isName(param)
}

func isName(s string) bool { return s != "" && !strings.ContainsAny(s, "() \t=\"") }

// unquoted cuts a text at a character, where that is in no quotes.
func unquoted(text string, at byte) (parts []string) {
	from := 0
	for i := 0; i < len(text); {
		switch text[i] {
		case '"':
			i = afterQuote(text, i)
			continue
		case at:
			parts = append(parts, text[from:i])
			from = i + 1
		}
		i++
	}
	return append(parts, text[min(from, len(text)):])
}
