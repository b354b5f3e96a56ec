package props_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// signature is that of the predicates, whose arguments are x0, x1.
func signature() props.Signature {
	s := props.Signature{}
	for name, n := range predicates {
		var params []string
		for i := range n {
			params = append(params, fmt.Sprint("x", i))
		}
		s[name] = props.On(name, params...)
	}
	return s
}

// draw draws a formula over some variables. Most are of the kind that is
// translated: what an event implies, with predicates that mostly have the same
// arguments wherever they stand.
type draw struct {
	*rapid.T
	usual map[string][]string
	order bool // formulas over the order of events alone
}

func (d draw) oneOf(label string, words ...string) string {
	return rapid.SampledFrom(words).Draw(d.T, label)
}

func (d draw) formula() *logic {
	if rapid.IntRange(0, 9).Draw(d.T, "any") == 0 {
		return d.part(3, []string{"x", "y"}, !d.order)
	}
	shapes := []string{"set", "free", "free", "free", "free", "free", "due", "late", "several", "old", "not until"}
	if d.order {
		shapes = shapes[:4]
	}
	switch d.oneOf("shape", shapes...) {
	case "set":
		return d.ofSet()
	case "due":
		return d.dueAmongPast()
	case "late":
		return d.late()
	case "several":
		return d.several()
	case "not until":
		return d.notUntil()
	case "old":
		old := &logic{op: d.oneOf("op", "ONCE", "SINCE"), from: 1 + rapid.IntRange(0, 3).Draw(d.T, "from"), to: -1}
		if old.op == "SINCE" {
			old.parts = []*logic{negation(atom("e"))}
		}
		old.parts = append(old.parts, atom("a", "x"))
		return &logic{op: "IMPLIES", parts: []*logic{atom("b", "x"), old}}
	}
	trigger := d.predicate([]string{"x", "y"})
	switch d.oneOf("trigger", "alone", "compared", "past", "past") {
	case "compared":
		trigger = &logic{op: "AND", parts: []*logic{trigger, d.comparison([]string{"x", "y"})}}
	case "past":
		trigger = &logic{op: "AND", parts: []*logic{trigger, d.part(2, []string{"x", "y"}, false)}}
	}
	then := d.part(3, []string{"x", "y"}, !d.order)
	l := &logic{op: "IMPLIES", parts: []*logic{trigger, then}}
	if rapid.IntRange(0, 4).Draw(d.T, "several") == 0 {
		l = &logic{op: "AND", parts: []*logic{l, {op: "IMPLIES", parts: []*logic{d.predicate([]string{"x"}), d.part(2, []string{"x"}, false)}}}}
	}
	return l
}

func atom(name string, terms ...string) *logic { return &logic{op: "p", name: name, terms: terms} }

func negation(l *logic) *logic { return &logic{op: "NOT", parts: []*logic{l}} }

// ofSet is a formula whose quantified variable must be remembered.
func (d draw) ofSet() *logic {
	since := &logic{op: "SINCE", to: -1, parts: []*logic{negation(atom("d", "q", "x")), atom("c", "x", "q")}}
	if rapid.Bool().Draw(d.T, "once") {
		since = &logic{op: "ONCE", to: -1, parts: since.parts[1:]}
	}
	if rapid.Bool().Draw(d.T, "any") {
		since.parts[len(since.parts)-1] = atom("c", d.oneOf("first", "x", "q"), d.oneOf("second", "q", "_"))
	}
	if rapid.Bool().Draw(d.T, "negated") {
		since = negation(since)
	}
	trigger := &logic{op: "AND", parts: []*logic{atom(d.oneOf("set", "a", "b"), "q"), since}}
	some := &logic{op: "EXISTS", name: "q", parts: []*logic{trigger}}
	switch d.oneOf("where", "then", "trigger", "past") {
	case "trigger":
		return negation(&logic{op: "AND", parts: []*logic{some, &logic{op: "ONCE", to: -1, parts: []*logic{atom("c", "x", "_")}}}})
	case "past":
		some = &logic{op: "ONCE", to: -1, parts: []*logic{some}}
		if !d.order {
			some.to = rapid.IntRange(-1, 3).Draw(d.T, "to")
		}
	}
	return &logic{op: "IMPLIES", parts: []*logic{atom("d", "_", "x"), some}}
}

// dueAmongPast is a formula with a deadline, and with a past that goes on while
// it runs.
func (d draw) dueAmongPast() *logic {
	past := d.part(2, []string{"x"}, false)
	trigger := &logic{op: "AND", parts: []*logic{atom("a", "x"), {op: "ONCE", to: -1, parts: []*logic{atom("b", "x")}}}}
	due := &logic{op: d.oneOf("op", "EVENTUALLY", "UNTIL"), from: rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(d.T, "due from"), to: 3 + rapid.IntRange(0, 4).Draw(d.T, "to"), parts: []*logic{d.predicate([]string{"x"})}}
	if due.op == "UNTIL" {
		due.parts = []*logic{negation(d.predicate([]string{"x"})), due.parts[0]}
	}
	l := &logic{op: "IMPLIES", parts: []*logic{trigger, due}}
	return &logic{op: "AND", parts: []*logic{l, {op: "IMPLIES", parts: []*logic{atom("c", "x", "_"), past}}}}
}

// late is a formula by which something may not come before a time, from events of
// which several wait at once.
func (d draw) late() *logic {
	trigger := d.predicate([]string{"x"})
	if rapid.Bool().Draw(d.T, "past") {
		trigger = &logic{op: "AND", parts: []*logic{trigger, d.part(2, []string{"x"}, false)}}
	}
	due := &logic{op: d.oneOf("op", "EVENTUALLY", "UNTIL"), from: rapid.IntRange(1, 3).Draw(d.T, "from"), parts: []*logic{d.predicate([]string{"x"})}}
	due.to = due.from + rapid.IntRange(0, 4).Draw(d.T, "length")
	if due.op == "UNTIL" {
		due.parts = []*logic{negation(d.predicate([]string{"x"})), due.parts[0]}
	}
	return &logic{op: "IMPLIES", parts: []*logic{trigger, due}}
}

// several is a formula with several deadlines, from the same events or others.
func (d draw) several() *logic {
	l := d.late()
	for range rapid.IntRange(1, 2).Draw(d.T, "more") {
		more := d.late()
		for _, due := range []*logic{l.parts[1], more.parts[1]} {
			if rapid.Bool().Draw(d.T, "at once") {
				due.from = 0
			}
		}
		if l.op == "IMPLIES" && rapid.Bool().Draw(d.T, "of the same") {
			l = &logic{op: "IMPLIES", parts: []*logic{l.parts[0], {op: "AND", parts: []*logic{l.parts[1], more.parts[1]}}}}
		} else {
			l = &logic{op: "AND", parts: []*logic{l, more}}
		}
	}
	return l
}

// notUntil is a formula that forbids what comes at last, as long as something is
// kept.
func (d draw) notUntil() *logic {
	until := &logic{op: "UNTIL", to: rapid.IntRange(-1, 4).Draw(d.T, "to"), parts: []*logic{negation(d.predicate([]string{"x"})), d.predicate([]string{"x"})}}
	if !d.order && rapid.Bool().Draw(d.T, "later") {
		if until.from = rapid.IntRange(1, 3).Draw(d.T, "from"); until.to >= 0 {
			until.to += until.from
		}
	}
	if rapid.IntRange(0, 3).Draw(d.T, "old") == 0 {
		until.parts[0] = d.part(2, []string{"x"}, false)
	}
	trigger := d.predicate([]string{"x"})
	if rapid.Bool().Draw(d.T, "past") {
		trigger = &logic{op: "AND", parts: []*logic{trigger, {op: "ONCE", to: -1, parts: []*logic{d.predicate([]string{"x"})}}}}
	}
	return &logic{op: "IMPLIES", parts: []*logic{trigger, negation(until)}}
}

func (d draw) predicate(variables []string) *logic {
	l := &logic{op: "p", name: d.oneOf("predicate", "a", "b", "c", "c", "d", "e")}
	if quantified := variables[len(variables)-1]; rapid.IntRange(0, 9).Draw(d.T, "unusual") > 0 {
		if d.usual[l.name] == nil {
			for i := range predicates[l.name] {
				d.usual[l.name] = append(d.usual[l.name], d.oneOf("usual", []string{"x", "y"}[i], []string{"x", "y"}[i], []string{"y", "q"}[i], "q", "1"))
			}
		}
		for _, t := range d.usual[l.name] {
			if t == "q" && quantified[0] != 'q' {
				t = "_"
			} else if t == "q" {
				t = quantified
			}
			l.terms = append(l.terms, t)
		}
		return l
	}
	for i := range predicates[l.name] {
		l.terms = append(l.terms, d.oneOf("term", variables[min(i, len(variables)-1)], variables[min(i, len(variables)-1)], variables[min(i, len(variables)-1)], variables[0], "_", "1"))
	}
	return l
}

func (d draw) comparison(variables []string) *logic {
	return &logic{op: d.oneOf("order", "=", "<", "<="), terms: []string{d.oneOf("left", variables...), d.oneOf("right", append(variables, "1", "0")...)}}
}

func (d draw) part(depth int, variables []string, future bool) *logic {
	if depth == 0 {
		return d.predicate(variables)
	}
	ops := []string{"p", "p", "NOT", "AND", "OR", "EXISTS", "ONCE", "ONCE", "SINCE", "SINCE", "HISTORICALLY", "PREVIOUS", "compare"}
	if future {
		ops = append(ops, "EVENTUALLY", "EVENTUALLY", "ALWAYS", "UNTIL", "NEXT")
	}
	l := &logic{op: d.oneOf("op", ops...), to: -1}
	switch l.op {
	case "p":
		return d.predicate(variables)
	case "compare":
		return d.comparison(variables)
	case "EXISTS":
		l.name = fmt.Sprint("q", depth)
		inner := d.part(depth-1, append(slices.Clone(variables), l.name), future)
		l.parts = []*logic{{op: "AND", parts: []*logic{{op: "p", name: "c", terms: []string{variables[0], l.name}}, inner}}}
		if rapid.Bool().Draw(d.T, "alone") {
			l.parts = []*logic{inner}
		}
		return l
	}
	l.parts = []*logic{d.part(depth-1, variables, future)}
	if slices.Contains([]string{"AND", "OR", "SINCE", "UNTIL"}, l.op) {
		l.parts = append(l.parts, d.part(depth-1, variables, future))
	}
	if slices.Contains([]string{"SINCE", "UNTIL", "HISTORICALLY", "ALWAYS"}, l.op) && rapid.IntRange(0, 3).Draw(d.T, "negated") > 0 {
		l.parts[0] = &logic{op: "NOT", parts: []*logic{l.parts[0]}}
	}
	if !d.order && len(l.op) > 3 && rapid.IntRange(0, 2).Draw(d.T, "metric") > 0 {
		l.from = rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(d.T, "from")
		if l.to = l.from + rapid.IntRange(0, 4).Draw(d.T, "length"); rapid.IntRange(0, 3).Draw(d.T, "endless") == 0 {
			l.to = -1
		}
	}
	return l
}

func (d draw) trace() (all []point) {
	at := 0
	for range rapid.IntRange(0, 12).Draw(d.T, "length") {
		p := point{at: at, name: d.oneOf("name", "a", "a", "b", "b", "c", "c", "d", "e")}
		for range predicates[p.name] {
			p.args = append(p.args, rapid.IntRange(0, 2).Draw(d.T, "value"))
		}
		all = append(all, p)
		at += rapid.SampledFrom([]int{0, 1, 1, 2, 3}).Draw(d.T, "passes")
	}
	return all
}

// judged returns what the property is violated by: bindings of the variables
// that are free in the formula, with the first event.
func judged(t interface{ Fatal(...any) }, p *props.Property, free []string, trace []point) map[string]string {
	program, err := monitor.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	m := program.Monitor(monitor.Options{})
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	got := map[string]string{}
	tell := func(j monitor.Judgement) {
		if j.Lost.Malformed > 0 {
			t.Fatal("a malformed event")
		}
		for _, v := range j.Violations() {
			key := ""
			for _, name := range free {
				for _, b := range v.Binding {
					if b.Name == name {
						key += fmt.Sprintf("%s=%s ", name, b.Value.Text())
					}
				}
			}
			if _, known := got[key]; !known {
				got[key] = v.Event.ID
			}
		}
	}
	for i, x := range trace {
		e := event.Event{ID: strconv.Itoa(i), Source: "s", Type: x.name, Time: start.Add(time.Duration(x.at) * time.Second)}
		for k, v := range x.args {
			e.Data = e.Data.With(fmt.Sprint("x", k), event.Int(int64(v)))
		}
		tell(m.Observe(e))
	}
	tell(m.Observe(event.Event{ID: "last", Source: "s", Type: "no time point", Time: start.Add(time.Hour)}))
	return got
}

// An answer that is too early for one event is in time for another, which is said
// by name; nothing about that is warned of.
func TestFormulaSaysWhichEvent(t *testing.T) {
	p := props.Formula("p", "a(x) IMPLIES EVENTUALLY[2,5] b(x)", signature())
	if w := p.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %q", w)
	}
	program, err := monitor.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	m := program.Monitor(monitor.Options{})
	var got []string
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, x := range []struct {
		source, name string
		at           int
	}{{"s", "a", 0}, {"s", "a", 1}, {"s", "b", 2}, {"a clock", "a", 4}, {"s", "b", 5}, {"s", "e", 60}} {
		e := event.Event{ID: strconv.Itoa(i), Source: x.source, Type: x.name, Time: start.Add(time.Duration(x.at) * time.Second)}
		e.Data = e.Data.With("x0", event.Int(7))
		for _, v := range m.Observe(e).Violations() {
			got = append(got, string(event.Data(v.Binding).AppendJSON(nil))+" "+v.Event.ID)
		}
	}
	if want := []string{`{"event":"\"a clock\" 3","x":7} 3+5s`}; !slices.Equal(got, want) {
		t.Errorf("answers after 2, 4 and 1 second: got %q, want %q", got, want)
	}
}

// A formula that is translated means what the definition of the logic says, for
// all valuations; if it speaks of the past alone, also at which event.
func TestFormulaIsExact(t *testing.T) {
	translated, violated, all := 0, 0, 0
	refused := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		d := draw{t, map[string][]string{}, false}
		l := d.formula()
		text := l.text()
		p := props.Formula("p", text, signature())
		all++
		if err := p.Validate(); err != nil {
			why := err.Error()
			refused[why[strings.LastIndexByte(why, ',')+1:]]++
			return
		}
		translated++
		free := slices.DeleteFunc(p.Vars(), func(v string) bool { return v[0] == 'q' || v == "event" })
		for range 4 {
			r := reading{d.trace(), map[string]int{}, []int{0, 1, 2, 9}}
			want, got := r.violations(l, free), judged(t, p, free, r.trace)
			if !slices.Equal(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))) {
				t.Fatalf("%s\n%s%v\nviolated for %v, want %v", text, p.Text(), r.trace, got, want)
			}
			violated += len(want)
			if strings.Contains(text, "EVENTUALLY") || strings.Contains(text, "ALWAYS") || strings.Contains(text, "UNTIL") || strings.Contains(text, "NEXT") {
				continue
			}
			for key, i := range want {
				if got[key] != strconv.Itoa(i) {
					t.Fatalf("%s\n%s%v\n%s is violated at %s, want %d", text, p.Text(), r.trace, key, got[key], i)
				}
			}
		}
	})
	if os.Getenv("WTSIM_SOAK") != "" || testing.Verbose() {
		t.Logf("%d formulas, %d translated, %d violations; refused: %v", all, translated, violated, refused)
	}
	if translated*8 < all || violated == 0 {
		t.Errorf("of %d formulas %d were translated, with %d violations: too few to say anything", all, translated, violated)
	}
}
