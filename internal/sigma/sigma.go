// Package sigma converts correlation rules of Sigma to properties in wtsim's
// YAML: event_count, value_count, temporal and temporal_ordered, over rules of the same
// file. What has no exact counterpart is refused with its place.
//
// An event type is a log source, its product, category and service with dots
// between; a rule's detection becomes a guard. A correlation that matches is a
// violation, told once for each group. A timespan is a window: what is exactly
// that old is outside, as everywhere in wtsim.
//
// Not supported: conditions that
// something happens rarely; temporal_ordered of three rules and more, unless
// their order can be told from one window each, which it cannot; keywords;
// filters; field modifiers beyond those in modifiers.
package sigma

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Convert returns a file of properties, one for each correlation that no other
// refers to.
func Convert(file string, content []byte) ([]byte, error) {
	docs, err := read(file, string(content))
	if err != nil {
		return nil, err
	}
	f := rules{file: file, of: map[string]*value{}}
	referred := map[string]bool{}
	for _, d := range docs {
		for _, key := range []string{"id", "name"} {
			if v := d.get(key); v != nil {
				f.of[v.text] = d
			}
		}
		if rs := d.get("correlation", "rules"); rs != nil {
			for _, r := range rs.items {
				referred[r.text] = true
			}
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "# Converted from Sigma's correlation rules. An event type is a log source; each event of it must have what the letters bind.\nproperties:\n")
	any := false
	for _, d := range docs {
		if d.get("correlation") == nil || referred[d.textOf("id")] || referred[d.textOf("name")] {
			continue
		}
		any = true
		if err := f.property(&out, d); err != nil {
			return nil, err
		}
	}
	if !any {
		return nil, fmt.Errorf("%s: no correlation rule, wanted one with \"correlation\"; a rule for single events is no property", file)
	}
	return []byte(out.String()), nil
}

// rules are those of a file, by name and id.
type rules struct {
	file string
	of   map[string]*value
}

func (r rules) fail(at *value, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: "+format, append([]any{r.file, at.line, at.column}, args...)...)
}

// correlation is a correlation rule as it is read.
type correlation struct {
	rules
	at       *value
	kind     string
	parts    []part
	groups   []string
	aliases  *value
	timespan time.Duration
}

// part is a rule that a correlation refers to: events, or so many of them.
type part struct {
	at     *value
	name   string // as a register's
	key    string // as the correlation calls it
	event  string
	guard  string
	fixed  map[string][]string
	least  int           // how many there must be; 1 if it is no correlation
	within time.Duration // of so many
}

var correlationKeys = []string{"type", "rules", "group-by", "timespan", "condition", "aliases", "generate"}

// correlation reads all but the condition.
func (r rules) correlation(d *value) (*correlation, error) {
	t := d.get("correlation")
	c := &correlation{rules: r, at: t, kind: t.textOf("type"), aliases: t.get("aliases")}
	for _, m := range t.members {
		if !slices.Contains(correlationKeys, m.name.text) {
			return nil, r.fail(m.name, "correlation has unknown key %q, wanted one of %s", m.name.text, strings.Join(correlationKeys, ", "))
		}
	}
	if kinds := []string{"event_count", valueCount, "temporal", "temporal_ordered"}; !slices.Contains(kinds, c.kind) {
		return nil, r.fail(t.or("type"), "correlation of type %q; wanted %s", c.kind, strings.Join(kinds, ", "))
	}
	if g := t.get("generate"); g != nil && g.text != "false" {
		return nil, r.fail(g, "generate is %q: a rule for single events is no property; wanted false", g.text)
	}
	var err error
	if c.timespan, err = r.timespan(t); err != nil {
		return nil, err
	}
	if g := t.get("group-by"); g != nil {
		for _, item := range g.list() {
			if !field.MatchString(item.text) {
				return nil, r.fail(item, "group-by %q, wanted a name of letters, digits, _ and dots", item.text)
			}
			c.groups = append(c.groups, item.text)
		}
	}
	return c, c.readParts(t)
}

func (c *correlation) readParts(t *value) error {
	list := t.get("rules")
	if list == nil || len(list.list()) == 0 {
		return c.fail(t, "the correlation has no rules, wanted a list of names or ids")
	}
	for i, item := range list.list() {
		d := c.of[item.text]
		if d == nil {
			return c.fail(item, "rule %q is not in the file, wanted it beside, as a further document", item.text)
		}
		p := part{at: item, key: item.text, name: "rule_" + strconv.Itoa(i+1), least: 1}
		if d.get("correlation") != nil {
			if err := c.chained(&p, d); err != nil {
				return err
			}
			d = c.of[p.key]
		}
		var err error
		if p.event, err = c.eventType(d); err != nil {
			return err
		}
		if p.guard, err = c.detection(d); err != nil {
			return err
		}
		p.fixed = c.fixed(d)
		c.parts = append(c.parts, p)
	}
	return nil
}

// chained reads a part that is a correlation itself: so many of one rule, by
// the same groups.
func (c *correlation) chained(p *part, d *value) error {
	inner, err := c.rules.correlation(d)
	switch {
	case err != nil:
		return err
	case c.kind == "event_count" || inner.kind != "event_count" || len(inner.parts) != 1 || inner.parts[0].least > 1 || !slices.Equal(inner.groups, c.groups):
		return c.fail(p.at, "rule %q is a correlation that is no event_count of one rule by the same group-by; wanted that, in temporal or temporal_ordered", p.key)
	}
	p.within = inner.timespan
	if p.least, err = inner.least(); err == nil {
		p.key = inner.parts[0].key
	}
	return err
}

var field = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)

var span = regexp.MustCompile(`^([0-9]+)([smhd])$`)

func (r rules) timespan(t *value) (time.Duration, error) {
	m := span.FindStringSubmatch(t.textOf("timespan"))
	if m == nil {
		return 0, r.fail(t.or("timespan"), "timespan is %q, wanted a number with s, m, h or d", t.textOf("timespan"))
	}
	n, err := strconv.ParseInt(m[1], 10, 32)
	if err != nil || n == 0 {
		return 0, r.fail(t.or("timespan"), "timespan is %q, wanted some time", m[0])
	}
	return time.Duration(n) * map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]], nil
}

// valueCount counts the different values of a field.
const valueCount = "value_count"

// counted is the field whose values are counted; empty if events are.
func (c *correlation) counted() (string, error) {
	if c.kind != valueCount {
		return "", nil
	}
	t := c.at.get("condition")
	f := t.get("field")
	if f == nil || !field.MatchString(f.text) || strings.Contains(f.text, ".") {
		return "", c.fail(c.at.or("condition"), "value_count has no field, or one that is no name of letters, digits and _; wanted the one whose values are counted")
	}
	return f.text, nil
}

// least is how many events, or values, there must be at least.
func (c *correlation) least() (int, error) {
	t := c.at.get("condition")
	var bounds []member
	if t != nil {
		bounds = slices.DeleteFunc(slices.Clone(t.members), func(m member) bool { return c.kind == valueCount && m.name.text == "field" })
	}
	if len(bounds) != 1 {
		return 0, c.fail(c.at.or("condition"), "the condition is no single one of gt and gte, wanted that: what is rare, equal or in a range is told by no event")
	}
	m := bounds[0]
	n, err := strconv.Atoi(m.value.text)
	if m.name.text == "gt" {
		n++
	}
	if err != nil || n < 1 || m.name.text != "gt" && m.name.text != "gte" {
		return 0, c.fail(m.name, "condition %s: %s, wanted gt or gte and a positive whole number: what is rare or equal is told by no event", m.name.text, m.value.text)
	}
	return n, nil
}

// all checks that a temporal correlation wants all of its rules, as it does
// without a condition.
func (c *correlation) all() error {
	t := c.at.get("condition")
	if t == nil {
		return nil
	}
	if len(t.members) > 0 {
		n, err := c.least()
		if err == nil && n != len(c.parts) {
			err = c.fail(t, "the condition wants %d of %d rules, wanted all", n, len(c.parts))
		}
		return err
	}
	left := c.keys()
	for _, word := range strings.Fields(strings.NewReplacer("(", " ", ")", " ").Replace(t.text)) {
		i := slices.Index(left, word)
		if i < 0 && !strings.EqualFold(word, "and") {
			return c.fail(t, "the condition is %q, wanted all rules with \"and\" between", t.text)
		}
		if i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
	}
	if len(left) > 0 {
		return c.fail(t, "the condition leaves out %q, wanted all rules", left[0])
	}
	return nil
}

func (c *correlation) keys() (all []string) {
	for _, item := range c.at.get("rules").list() {
		all = append(all, item.text)
	}
	return all
}

// eventType is the log source of a rule.
func (r rules) eventType(d *value) (string, error) {
	t := d.get("logsource")
	if t == nil {
		return "", r.fail(d, "the rule has no logsource, wanted a product, category or service, which is the type of its events")
	}
	var parts []string
	for _, key := range []string{"product", "category", "service"} {
		if s := t.textOf(key); s != "" {
			parts = append(parts, s)
		}
	}
	name := strings.Join(parts, ".")
	if name == "" || strings.ContainsAny(name, " \t()") {
		return "", r.fail(t, "the logsource is %q, wanted a product, category or service of one word each", name)
	}
	return name, nil
}

// letter is an event of a part, with what it binds.
func (c *correlation) letter(p *part) (string, error) {
	var binds []string
	for _, g := range c.groups {
		param := g
		if a := c.aliases.get(g); a != nil {
			if param = a.textOf(p.at.text); !field.MatchString(param) {
				return "", c.fail(a, "alias %q has no field for rule %q, wanted one of letters, digits, _ and dots", g, p.at.text)
			}
		}
		if param != g {
			g += "=" + param
		}
		binds = append(binds, g)
	}
	if len(binds) == 0 {
		return p.event, nil
	}
	return p.event + "(" + strings.Join(binds, ", ") + ")", nil
}

// spelt is a duration as people write it: 10m, not 10m0s.
func spelt(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// quote writes a text as YAML and CEL both read it.
func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("sigma: a text that is no JSON: " + err.Error())
	}
	return strings.TrimSpace(b.String())
}
