package sigma

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// detection is the guard in CEL that a rule's detection says.
func (r rules) detection(d *value) (string, error) {
	t := d.get("detection")
	if t == nil || t.textOf("condition") == "" {
		return "", r.fail(d, "the rule has no detection with one condition, wanted that")
	}
	p := &condition{rules: r, at: t.get("condition"), detection: t}
	p.words = strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(p.at.text))
	guard, err := p.either()
	if err == nil && len(p.words) > 0 {
		err = r.fail(p.at, "the condition goes on with %q, wanted and, or, or its end", p.words[0])
	}
	return guard, err
}

// condition reads a rule's condition.
type condition struct {
	rules
	at        *value
	detection *value
	words     []string
}

func (p *condition) take(word string) bool {
	if len(p.words) == 0 || !strings.EqualFold(p.words[0], word) {
		return false
	}
	p.words = p.words[1:]
	return true
}

func (p *condition) either() (string, error) { return p.joined("or", " || ", p.both) }

func (p *condition) both() (string, error) { return p.joined("and", " && ", p.one) }

func (p *condition) joined(word, sign string, inner func() (string, error)) (string, error) {
	var all []string
	for first := true; first || p.take(word); first = false {
		x, err := inner()
		if err != nil {
			return "", err
		}
		all = append(all, x)
	}
	return bracketed(all, sign), nil
}

// bracketed joins parts, each in brackets where that matters.
func bracketed(all []string, sign string) string {
	if len(all) == 1 {
		return all[0]
	}
	return "(" + strings.Join(all, sign) + ")"
}

func (p *condition) one() (string, error) {
	if len(p.words) == 0 {
		return "", p.fail(p.at, "the condition ends too early, wanted a selection")
	}
	switch word := p.words[0]; {
	case p.take("not"):
		x, err := p.one()
		return "!(" + x + ")", err
	case p.take("("):
		x, err := p.either()
		if err == nil && !p.take(")") {
			err = p.fail(p.at, "the condition has no ), wanted one")
		}
		return x, err
	case len(p.words) > 2 && strings.EqualFold(p.words[1], "of"):
		return p.several()
	default:
		p.words = p.words[1:]
		s := p.detection.get(word)
		if s == nil || word == "condition" {
			return "", p.fail(p.at, "the condition names %q, wanted a selection of the rule", word)
		}
		return p.selection(s)
	}
}

// several reads "1 of selection*", "all of them" and the like.
func (p *condition) several() (string, error) {
	count, pattern := p.words[0], p.words[2]
	p.words = p.words[3:]
	sign := map[string]string{"1": " || ", "any": " || ", "all": " && "}[strings.ToLower(count)]
	if sign == "" {
		return "", p.fail(p.at, "the condition has %q of %s, wanted 1 of or all of", count, pattern)
	}
	var all []string
	for _, m := range p.detection.members {
		prefix, open := strings.CutSuffix(pattern, "*")
		fits := strings.EqualFold(pattern, "them") && m.name.text[0] != '_' || open && strings.HasPrefix(m.name.text, prefix) || m.name.text == pattern
		if m.name.text == "condition" || !fits {
			continue
		}
		x, err := p.selection(m.value)
		if err != nil {
			return "", err
		}
		all = append(all, x)
	}
	if len(all) == 0 {
		return "", p.fail(p.at, "the condition has %s of %s, which are none, wanted selections of the rule", count, pattern)
	}
	return bracketed(all, sign), nil
}

// selection is a mapping, all of which must hold, or a list of them.
func (p *condition) selection(s *value) (string, error) {
	var all []string
	for _, item := range s.items {
		x, err := p.selection(item)
		if err != nil {
			return "", err
		}
		all = append(all, x)
	}
	if len(all) > 0 {
		return bracketed(all, " || "), nil
	}
	if len(s.members) == 0 {
		return "", p.fail(s, "keywords, which look at whole events, wanted fields with values")
	}
	for _, m := range s.members {
		x, err := p.field(m)
		if err != nil {
			return "", err
		}
		all = append(all, x)
	}
	return bracketed(all, " && "), nil
}

// modifiers are those that are converted.
var modifiers = []string{"contains", "startswith", "endswith", "all", "cased", "re", "exists", "lt", "lte", "gt", "gte"}

// field is what a field of an event must be.
func (p *condition) field(m member) (string, error) {
	parts := strings.Split(m.name.text, "|")
	name, mods := parts[0], parts[1:]
	if !field.MatchString(name) {
		return "", p.fail(m.name, "field %q, wanted a name of letters, digits, _ and dots", name)
	}
	for _, mod := range mods {
		if !slices.Contains(modifiers, mod) {
			return "", p.fail(m.name, "modifier %q is not supported, wanted one of %s", mod, strings.Join(modifiers, ", "))
		}
	}
	there, way := []string{}, "event"
	for _, part := range strings.Split(name, ".") {
		way += "." + part
		there = append(there, "has("+way+")")
	}
	has := strings.Join(there, " && ")
	if slices.Contains(mods, "exists") {
		return map[bool]string{true: "(" + has + ")", false: "!(" + has + ")"}[m.value.text == "true"], nil
	}
	sign := map[bool]string{true: " && ", false: " || "}[slices.Contains(mods, "all")]
	var all, numbers []string
	null := false
	for _, v := range m.value.list() {
		switch {
		case v.null && len(mods) == 0:
			null = true
		case v.isNumber() && len(mods) == 0:
			numbers = append(numbers, v.text, quote(v.text)) // as a number and as a text
		default:
			x, err := p.compared(way, v, mods)
			if err != nil {
				return "", err
			}
			all = append(all, x)
		}
	}
	if len(numbers) > 0 {
		all = append(all, way+" in ["+strings.Join(numbers, ", ")+"]")
	}
	switch {
	case null && len(all) > 0:
		return "(!(" + has + ") || " + way + " == null || " + bracketed(all, sign) + ")", nil
	case null:
		return "(!(" + has + ") || " + way + " == null)", nil
	case len(all) == 0:
		return "", p.fail(m.name, "field %q has no value, wanted one", name)
	}
	return has + " && " + bracketed(all, sign), nil
}

func (v *value) isNumber() bool { return v.plain && number.MatchString(v.text) }

// fixed returns, for the fields of a rule that must have one of some numbers or
// plain words, which: so that rules are told apart that no event can both fit.
func (r rules) fixed(d *value) map[string][]string {
	all := map[string][]string{}
	for _, m := range d.get("detection", d.get("detection").textOf("condition")).fields() {
		var values []string
		for _, v := range m.value.list() {
			if v.text == "" || strings.ContainsAny(v.text, `*?\`) {
				values = nil
				break
			}
			values = append(values, strings.ToLower(v.text))
		}
		if len(values) > 0 && !strings.Contains(m.name.text, "|") {
			all[m.name.text] = values
		}
	}
	return all
}

func (v *value) fields() []member {
	if v == nil {
		return nil
	}
	return v.members
}

// excludes tells whether no event fits both parts.
func (p *part) excludes(q *part) bool {
	for name, values := range p.fixed { //wtsim:order whether there is one
		others, both := q.fixed[name]
		if both && !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(others, v) }) {
			return true
		}
	}
	return false
}

var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// compared compares one value: numbers by value, texts as Sigma does, without
// case and with wildcards.
func (p *condition) compared(way string, v *value, mods []string) (string, error) {
	has := func(mod string) bool { return slices.Contains(mods, mod) }
	for mod, sign := range map[string]string{"lt": "<", "lte": "<=", "gt": ">", "gte": ">="} { //wtsim:order one of them is there
		if has(mod) {
			if !number.MatchString(v.text) {
				return "", p.fail(v, "%q is no number, wanted one after %s", v.text, mod)
			}
			return way + " " + sign + " " + v.text, nil
		}
	}
	switch {
	case v.null || len(v.members) > 0:
		return "", p.fail(v, "a value that is no text, number or boolean, wanted one")
	case has("re"):
		if _, err := regexp.Compile(v.text); err != nil {
			return "", p.fail(v, "%q is no regular expression of RE2: %v", v.text, err)
		}
		return "type(" + way + ") == string && " + way + ".matches(" + quote(v.text) + ")", nil
	case v.plain && len(mods) == 0 && (v.text == "true" || v.text == "false"):
		return way + " == " + strconv.FormatBool(v.text == "true"), nil
	}
	pattern := wildcards(v.text)
	if !has("startswith") && !has("contains") {
		pattern += "$"
	}
	if !has("endswith") && !has("contains") {
		pattern = "^" + pattern
	}
	flags := map[bool]string{true: "(?s)", false: "(?is)"}[has("cased")]
	return "type(" + way + ") == string && " + way + ".matches(" + quote(flags+pattern) + ")", nil
}

// wildcards is a Sigma text as a regular expression: * and ? stand for
// anything, unless a backslash is before them.
func wildcards(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`*?\`, s[i+1]) >= 0:
			i++
			b.WriteString(regexp.QuoteMeta(s[i : i+1]))
		case s[i] == '*':
			b.WriteString(".*")
		case s[i] == '?':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(s[i : i+1]))
		}
	}
	return b.String()
}
