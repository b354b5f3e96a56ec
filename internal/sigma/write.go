package sigma

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// property writes the property that a correlation is.
func (r rules) property(out *strings.Builder, d *value) error {
	title := d.textOf("title")
	if title == "" {
		return r.fail(d, "the correlation has no title, wanted one")
	}
	c, err := r.correlation(d)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "  - name: %s\n", quote(title))
	if text := strings.Join(strings.Fields(d.textOf("description")+" "+d.textOf("id")), " "); text != "" {
		fmt.Fprintf(out, "    doc: %s\n", quote(text))
	}
	if c.kind == "event_count" || c.kind == valueCount {
		return c.count(out)
	}
	if err := c.all(); err != nil {
		return err
	}
	if c.kind == "temporal_ordered" && len(c.parts) > 2 {
		return r.fail(c.at, "temporal_ordered of %d rules, wanted two: that the first two came in order, and when, is more than a window says", len(c.parts))
	}
	return c.proximity(out)
}

// count writes an event_count or a value_count: a pattern if its events are of
// one type, else one window over all.
func (c *correlation) count(out *strings.Builder) error {
	least, err := c.least()
	if err != nil {
		return err
	}
	counted, err := c.counted()
	if err != nil {
		return err
	}
	var types []string
	guards, letters := map[string][]string{}, map[string]string{}
	for i := range c.parts {
		p := &c.parts[i]
		l, err := c.letter(p)
		if err != nil {
			return err
		}
		if known, ok := letters[p.event]; ok && known != l {
			return c.fail(p.at, "two rules take their groups from different fields of %q, wanted the same", p.event)
		}
		if !slices.Contains(types, p.event) {
			types = append(types, p.event)
		}
		letters[p.event] = l
		guards[p.event] = append(guards[p.event], p.guard)
	}
	if len(types) == 1 {
		fmt.Fprintf(out, "    at most: %d\n    of: {on: %s, when: %s}\n    within: %s\n", least-1, quote(letters[types[0]]), quote(bracketed(guards[types[0]], " || ")), spelt(c.timespan))
		if counted != "" {
			fmt.Fprintf(out, "    distinct: %s\n", quote(counted))
		}
		return nil
	}
	window, full, add := "window", fmt.Sprintf("size(recent) >= %d", least-1), "add"
	if counted != "" {
		window, add = "distinct", "add event."+counted
		full += fmt.Sprintf(" && !(event.%s in recent)", counted)
	}
	fmt.Fprintf(out, "    registers: {recent: {%s: %s}}\n    states:\n      watching:\n", window, spelt(c.timespan))
	for _, t := range types {
		g := bracketed(guards[t], " || ")
		step(out, letters[t], []string{g, full}, "")
		step(out, letters[t], []string{g}, "recent: "+add)
	}
	return nil
}

// maxSame bounds the rules of one log source: a transition is written for each
// set of them that an event may fit.
const maxSame = 4

// proximity writes temporal and temporal_ordered: a window for each rule that
// another waits for.
func (c *correlation) proximity(out *strings.Builder) error {
	var registers, types []string
	of := map[string][]*part{}
	for i := range c.parts {
		p := &c.parts[i]
		if c.waited(p) {
			registers = append(registers, fmt.Sprintf("%s: {window: %s}", p.name, spelt(c.timespan)))
		}
		if p.least > 1 {
			registers = append(registers, fmt.Sprintf("%s_count: {window: %s}", p.name, spelt(p.within)))
		}
		if of[p.event] = append(of[p.event], p); len(of[p.event]) == 1 {
			types = append(types, p.event)
		}
	}
	fmt.Fprintf(out, "    registers: {%s}\n    states:\n      watching:\n", strings.Join(registers, ", "))
	for _, t := range types {
		if err := c.steps(out, of[t]); err != nil {
			return err
		}
	}
	return nil
}

// waited tells whether it matters that a part has happened before.
func (c *correlation) waited(p *part) bool {
	return len(c.parts) > 1 && (c.kind == "temporal" || p == &c.parts[0])
}

// steps writes what an event of one type does, by the rules that it fits: those
// that fit most first, so that the first that fits is all of them.
func (c *correlation) steps(out *strings.Builder, same []*part) error {
	letter, err := c.letter(same[0])
	if err != nil {
		return err
	}
	for _, p := range same[1:] {
		if l, err := c.letter(p); err != nil || l != letter {
			return c.fail(p.at, "two rules take their groups from different fields of %q, wanted the same", p.event)
		}
	}
	if len(same) > maxSame {
		return c.fail(same[maxSame].at, "more than %d rules of log source %q, wanted at most that", maxSame, same[0].event)
	}
	for n := len(same); n > 0; n-- {
		for set := 1; set < 1<<len(same); set++ {
			if fits := chosen(same, set); bits.OnesCount(uint(set)) == n && possible(fits) {
				c.fitting(out, letter, fits)
			}
		}
	}
	return nil
}

func chosen(same []*part, set int) (all []*part) {
	for i, p := range same {
		if set&(1<<i) != 0 {
			all = append(all, p)
		}
	}
	return all
}

// possible tells whether an event may fit all of some parts.
func possible(fits []*part) bool {
	for i, p := range fits {
		if slices.ContainsFunc(fits[:i], p.excludes) {
			return false
		}
	}
	return true
}

// fitting writes what an event does that fits some rules. Of those that are
// counted, more may be complete with it or fewer.
func (c *correlation) fitting(out *strings.Builder, letter string, fits []*part) {
	var guards, counts []string
	var counted []*part
	for _, p := range fits {
		guards = append(guards, p.guard)
		if p.least > 1 {
			counted, counts = append(counted, p), append(counts, p.name+"_count")
		}
	}
	for open := 0; open < 1<<len(counted); open++ { // those that are not complete
		conditions, adds := slices.Clone(guards), slices.Clone(counts)
		var happened []*part
		for _, p := range fits {
			i := slices.Index(counted, p)
			if i >= 0 && open&(1<<i) != 0 {
				continue
			}
			if i >= 0 {
				conditions = append(conditions, fmt.Sprintf("size(%s_count) >= %d", p.name, p.least-1))
			}
			if happened = append(happened, p); c.waited(p) {
				adds = append(adds, p.name)
			}
		}
		if missing, can := c.missing(happened); can {
			step(out, letter, append(slices.Clone(conditions), missing...), "")
			if len(missing) == 0 {
				continue
			}
		}
		if len(adds) > 0 {
			step(out, letter, conditions, strings.Join(adds, ": add, ")+": add")
		}
	}
}

// missing is what must have happened before, for a match now; can is false if
// none can be.
func (c *correlation) missing(happened []*part) (conditions []string, can bool) {
	if len(happened) == 0 {
		return nil, false
	}
	if c.kind == "temporal_ordered" {
		last := &c.parts[len(c.parts)-1]
		if !slices.Contains(happened, last) {
			return nil, false
		}
		if len(c.parts) == 1 {
			return nil, true
		}
		return []string{"size(" + c.parts[0].name + ") > 0"}, true
	}
	for i := range c.parts {
		if p := &c.parts[i]; !slices.Contains(happened, p) {
			conditions = append(conditions, "size("+p.name+") > 0")
		}
	}
	return conditions, true
}

// step writes a transition: it violates if it adds to no window.
func step(out *strings.Builder, letter string, conditions []string, adds string) {
	fmt.Fprintf(out, "        - on: %s\n          when: %s\n", quote(letter), quote(strings.Join(conditions, " && ")))
	if adds == "" {
		fmt.Fprintf(out, "          to: violated\n")
		return
	}
	fmt.Fprintf(out, "          do: {%s}\n", adds)
}
