package props_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
)

var (
	letterA = props.On("A", "x")
	letterB = props.On("B", "x")
	letterC = props.On("C", "x")
)

// patterns are all of them, in Go and in YAML, with runs. A run is events by
// type, a second apart, or further apart by as many dots; + after the one
// that violates; at its end | for quiescence, or ! if that violates.
var patterns = []struct {
	goForm *props.Property
	yaml   string
	runs   string
}{
	{props.AtMostOnce("p", letterA), "at most once: A(x)", "A|  A B|  A A+  A B A+ A"},
	{props.Never("p", letterA), "never: A(x)", "B|  A+ A  B A+"},
	{props.NeverAfter("p", letterA, letterB), "{never: A(x), after: B(x)}", "A A|  A B|  B A+  A B B A+ A"},
	{props.Absent("p", letterA, props.After(letterB)), "{never: A(x), after: B(x)}", "A A B|  B A+"},
	{props.NeverBefore("p", letterA, letterB), "{never: A(x), before: B(x)}", "B A A|  A+ B"},
	{props.Absent("p", letterA, props.Before(letterB)), "{never: A(x), before: B(x)}", "B A|  A+ A  C A+"},
	{props.NeverBetween("p", letterA, letterB, letterC), "{never: A(x), between: [B(x), C(x)]}", "A B C A|  B A+ C  B C B B C A B A+"},
	{props.Absent("p", letterA, props.For(2*time.Second, letterB)), "{never: A(x), within: 2s, of: B(x)}", "A B...A|  B A+  B.A+  B B.A+ A  B B..A|  B..A B A+"},
	{props.Absent("p", letterA, props.For(2*time.Second, letterA)), "{never: A(x), within: 2s, of: A(x)}", "A..A..A|  A..A.A+"},
	{props.Exists("p", letterA, props.Always()), "exists: A(x)", ""}, // invalid: for no value of x would it be missing
	{props.Exists("p", letterA, props.After(letterB)), "{exists: A(x), after: B(x)}", "A|  B A|  A B!  B A B|"},
	{props.Exists("p", letterA, props.Before(letterB)), "{exists: A(x), before: B(x)}", "A B|  C|  B+ A  C B+"},
	{props.Exists("p", letterA, props.Between(letterB, letterC)), "{exists: A(x), between: [B(x), C(x)]}", "C A|  B A A C|  B A B C|  B B A B C C|  B A C B A C|  B|  A B C+  B A C B B C+"},
	{props.Exists("p", letterA, props.For(2*time.Second, letterB)), "{exists: A(x), within: 2s, of: B(x)}", "B A|  B.A|  B..A+  B!  B B A|  B A B...C+"},
	{props.Precedes("p", letterA, letterB), "precedes: [A(x), B(x)]", "A B B|  B+ A"},
	{props.Absent("p", letterA, props.EndedBefore(letterB)), "{never: A(x), ended before: B(x)}", "A A|  B A|  A C A B+  C|"},
	{props.Absent("p", letterA, props.EndedBetween(letterB, letterC)), "{never: A(x), ended between: [B(x), C(x)]}", "A B A A|  A B C A|  B A B C+  B C B A C+"},
	{props.Absent("p", letterA, props.Until(letterB, letterC)), "{never: A(x), after: B(x), until: C(x)}", "A B|  B A+  B C A|"},
	{props.Exists("p", letterA, props.EndedBefore(letterB)), "{exists: A(x), ended before: B(x)}", "C|  A B|  C B+"},
	{props.Exists("p", letterA, props.EndedBetween(letterB, letterC)), "{exists: A(x), ended between: [B(x), C(x)]}", "B|  B A C|  A B C+"},
	{props.Exists("p", letterA, props.Until(letterB, letterC)), "{exists: A(x), after: B(x), until: C(x)}", "A|  A B!  B A C B!  B A|  B C+"},
	{props.PrecedesAged("p", letterA, letterB, 0, 2*time.Second), "{precedes: [A(x), B(x)], within: 2s}", "A.B|  A B B B+  A..B+  B+  A..A.B|"},
	{props.PrecedesAged("p", letterA, letterB, 2*time.Second, 0), "{precedes: [A(x), B(x)], at least: 2s}", "A.B|  A.........B B|  A B+  B+  A.A B B|"},
	{props.PrecedesAged("p", letterA, letterB, 2*time.Second, 3*time.Second), "{precedes: [A(x), B(x)], at least: 2s, within: 3s}", "A.B B|  A B+  A.B B B+  A...B+  A...A B+  A...A.B|  B+"},
	{props.PrecedesAged("p", letterA, letterB, 4*time.Second, 3*time.Second), "{precedes: [A(x), B(x)], at least: 4s, within: 3s}", ""}, // invalid: no age is such
	{props.Eventually("p", letterA, letterB), "responds: [A(x), B(x)]", "B|  A B|  A B A!  A A B|"},
	{props.Responds("p", letterA, letterB, 2*time.Second), "{responds: [A(x), B(x)], within: 2s}", "B|  A.B|  A A B|  A..B+  A..C+  A!  A B A.....C+"},
	{props.RespondsAged("p", letterA, letterB, 2*time.Second, 0), "{responds: [A(x), B(x)], at least: 2s}", "B|  A.B|  A.....B|  A B+  A.A B+  B A.A.B B|  A.A!"},
	{props.RespondsAged("p", letterA, letterB, 2*time.Second, 3*time.Second), "{responds: [A(x), B(x)], at least: 2s, within: 3s}", "A.B B|  A..B|  A B+  A...C+  A.A B+  A..A C+  A!"},
	{props.RespondsAged("p", letterA, letterA, 2*time.Second, 3*time.Second), "{responds: [A(x), A(x)], at least: 2s, within: 3s}", "A.A A.A|  A A+"},
	{props.RespondsAged("p", letterA, letterB, 4*time.Second, 3*time.Second), "{responds: [A(x), B(x)], at least: 4s, within: 3s}", ""}, // invalid: no time is such
	{props.Monotone("p", letterA, "n", props.Rising), "{monotone: A(x), parameter: n}", "A1 A1 A2 A10|  A1 A1.5 A1.25+  A2 A10 A9+  A2 B1 A2|"},
	{props.Monotone("p", letterA, "n", props.Falling), "{monotone: A(x), parameter: n, direction: falling}", "A3 A2 A2|  A-1 A-2 A-1.5+"},
	{props.AtMost("p", event.Int(2), props.Occurrences(letterA, 3*time.Second)), "{at most: 2, of: A(x), within: 3s}", "A A B A.A A.|  A A A+ A  A.A.A A A+  A B A..A A|"},
	{props.AtMost("p", event.Int(0), props.Occurrences(letterA, time.Second)), "{at most: 0, of: A(x), within: 1s}", "B|  A+"},
	{props.AtMost("p", num("2.5"), props.SumOf("n", letterA, 3*time.Second)), "{at most: 2.5, of: A(x), within: 3s, sum: n}", "A1 A1.5 B1.A1.5 A1|  A1 A1.5 A0.5+  A5+  A-3 A5.5 A0.5+"},
	{props.AtLeast("p", event.Int(2), props.Occurrences(letterA, 3*time.Second), props.After(letterB)), "{at least: 2, of: A(x), within: 3s, after: B(x)}", "A C|  B A A|  B.A A C|  B A B A...C|  B A..C+  B!  A A B...C+  B A A B A!"},
	{props.AtLeast("p", event.Int(2), props.Occurrences(letterA, 3*time.Second), props.Before(letterB)), "{at least: 2, of: A(x), within: 3s, before: B(x)}", "A A B|  A A.B+  B+  A B+ A  A A B A A B|"},
	{props.AtLeast("p", num("0.3"), props.SumOf("n", letterA, 3*time.Second), props.Before(letterB)), "{at least: 0.3, of: A(x), within: 3s, sum: n, before: B(x)}", "A0.1 A0.2 B|  A0.1 A0.2.B+  A0.3 A-0.1 B+"},
	{props.AtLeast("p", event.Int(2), props.Occurrences(letterA, time.Second), props.Always()), "{at least: 2, of: A(x), within: 3s}", ""},                         // invalid: counted from nothing
	{props.AtLeast("p", event.Int(2), props.Occurrences(letterA, time.Second), props.Before(props.On("B"))), "{at least: 2, of: A(x), within: 3s, before: B}", ""}, // invalid: for no value of x
	{props.AtMost("p", event.Int(2), props.DistinctOf("n", letterA, 3*time.Second)), "{at most: 2, of: A(x), within: 3s, distinct: n}", "A1 A1 A2 A1 A2|  A1 A2 A3+ A4  A1 A2.A1.A3|  A1 A2 A1 A3+  A1 A2..A1 A3 A1|"},
	{props.AtLeast("p", event.Int(2), props.DistinctOf("n", letterA, 3*time.Second), props.Before(letterB)), "{at least: 2, of: A(x), within: 3s, distinct: n, before: B(x)}", "A1 A2 B|  A1 A1 B+  A1.A2.B+  A1 A2 A1 B|"},
	{props.AtLeast("p", event.Int(2), props.DistinctOf("n", letterA, 3*time.Second), props.After(letterB)), "{at least: 2, of: A(x), within: 3s, distinct: n, after: B(x)}", "A1 B A1 A2|  B A1 A1..C+  B A1 A1!"},
	{props.AtMost("p", event.Str("2"), props.Occurrences(letterA, time.Second)), "{at most: two, of: A(x), within: 3s}", ""}, // invalid: no number
	{props.AtLeast("p", num("2.5"), props.SumOf("n", letterA, 3*time.Second), props.After(letterB)), "{at least: 2.5, of: A(x), within: 3s, sum: n, after: B(x)}", "B A1 A1.5...C|  B A1 A1.25.C+  A9 B!  B A-1 A3.5...C|"},
	{props.Balanced("p", letterA, letterB), "balanced: [A(x), B(x)]", "A B|  A A B!  A A B B|  B A A!  B A B A|  B!  |"},
}

func num(text string) event.Value {
	v, err := event.Num(text)
	if err != nil {
		panic(err)
	}
	return v
}

// Each pattern is violated where its automaton says, in Go as in YAML.
func TestPatterns(t *testing.T) {
	for _, c := range patterns {
		inYAML, err := props.Parse("p.yaml", fmt.Appendf(nil, "properties:\n  - name: p\n%s", indented(c.yaml)))
		if c.runs == "" {
			if err == nil || c.goForm.Validate() == nil {
				t.Errorf("%s is valid", c.yaml)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(inYAML[0].Edges()), fmt.Sprint(c.goForm.Edges()); got != want {
			t.Errorf("%s:\n%s in YAML\n%s in Go", c.yaml, got, want)
		}
		for _, run := range strings.Split(c.runs, "  ") {
			for _, p := range []*props.Property{c.goForm, inYAML[0]} {
				if got := play(t, p, run); got != run {
					t.Errorf("%v: got %q, want %q", p, got, run)
				}
			}
		}
	}
}

// indented writes a flow mapping, or one key, as keys of a block.
func indented(y string) string {
	keys := strings.Trim(y, "{}")
	for _, key := range []string{"after", "until", "ended before", "ended between", "before", "between", "at least", "within", "of", "sum", "distinct", "parameter", "direction"} {
		keys = strings.ReplaceAll(keys, ", "+key+":", "\n    "+key+":")
	}
	return "    " + keys + "\n"
}

// play runs a property over a run and returns it with the marks where the
// property is violated.
func play(t *testing.T, p *props.Property, run string) string {
	t.Helper()
	program, err := monitor.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	m := program.Monitor(monitor.Options{})
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var out strings.Builder
	first := true
	for i := 0; i < len(run); i++ {
		c := run[i]
		switch {
		case c >= 'A' && c <= 'C':
			end := i + 1
			for end < len(run) && (strings.IndexByte("-0123456789", run[end]) >= 0 || run[end] == '.' && end+1 < len(run) && run[end+1] >= '0' && run[end+1] <= '9') {
				end++
			}
			e := event.Event{ID: strconv.Itoa(i), Source: "s", Type: string(c), Time: at, Data: event.Data{{Name: "x", Value: event.Int(1)}}}
			if end > i+1 {
				n, err := event.Num(run[i+1 : end])
				if err != nil {
					t.Fatal(err)
				}
				e.Data = e.Data.With("n", n)
			}
			out.WriteString(run[i:end])
			if len(m.Observe(e).Violations()) > 0 && first {
				out.WriteByte('+')
				first = false
			}
			i = end - 1
			at = at.Add(time.Second)
		case c == '.':
			at = at.Add(time.Second)
			out.WriteByte(c)
		case c == '|' || c == '!':
			out.WriteByte("|!"[min(1, len(m.Quiesce(nil).Violations()))])
		case c == '+':
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// Compare compares by exact value, whatever the notation and size.
func TestCompare(t *testing.T) {
	ascending := []string{"-1e999999999999999999999", "-1e30", "-12", "-1.5", "-1", "-0.5", "-1e-400", "0", "1e-999999999999999999999", "1e-400", "0.5", "9.99", "10", "10.01",
		"9007199254740992", "9007199254740993", "123e400", "124e400", "1e999999999999999999999"}
	for i, a := range ascending {
		for j, b := range ascending {
			x, _ := event.Num(a)
			y, _ := event.Num(b)
			got, ok := props.Compare(x, y)
			if !ok || got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("%s against %s: %d", a, b, got)
			}
		}
	}
	if _, ok := props.Compare(event.Int(1), event.Str("1")); ok {
		t.Error("a number and a string are compared")
	}
	zero, _ := event.Num("-0.0e5")
	if got, ok := props.Compare(zero, event.Int(0)); got != 0 || !ok {
		t.Error("-0 is not 0")
	}
}

// What is probably not meant is told.
func TestWarnings(t *testing.T) {
	p := props.ForAll("x", "y", "z").Machine("p",
		props.From("a").On(letterA).Stay().On(props.On("D", "y")).To(props.Satisfied),
		props.From("b").On(letterB).To(props.Violated))
	want := []string{
		`the property cannot be violated: no transition that can be taken leads to "violated"`,
		`state "b" is never reached`,
		`event "A" never matters: it changes nothing in any state that is reached`,
		`event "B" never matters: it changes nothing in any state that is reached`,
		`no event binds "x" and "y" together: each value of one is taken with each of the other`,
		`variable "z" is bound by no event`,
	}
	if got := p.Warnings(); !slices.Equal(got, want) {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	roles := props.ForAll("x", "y").Machine("p",
		props.From("a").On(props.On("D", "x")).To("b"), props.From("b").On(props.On("D")).To(props.Violated).On(props.On("E", "x")).Stay().On(props.On("E", "y")).To("a"))
	want = []string{
		`event "E" never matters: it changes nothing in any state that is reached`,
		`event "D" stands with "x" and without it: where it is without, it is taken by all instances`,
	}
	if got := roles.Warnings(); !slices.Equal(got, want) {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	some := props.ForAll("x").Exists("y").Machine("p", props.From("a").On(props.On("D", "x", "y")).To(props.Violated))
	if want := []string{`no event without "y" violates: a value that no event names always does`}; !slices.Equal(some.Warnings(), want) {
		t.Errorf("got %q", some.Warnings())
	}
	for _, c := range patterns {
		if w := c.goForm.Warnings(); len(w) > 0 {
			t.Errorf("%v: %v", c.goForm, w)
		}
	}
}

func ExampleResponds() {
	fmt.Println(props.Responds("shipped in time", props.On("PAID", "order"), props.On("SHIPPED", "order"), 24*time.Hour))
	// Output: shipped in time: for every order: PAID(order) is followed by SHIPPED(order) within 24h
}

func ExampleStep_Do() {
	price := props.Last("price")
	changed := props.On("PURCHASED", "product").Given("the price is another", func(m props.Memory) bool {
		paid, _ := m.Param("price")
		known, ok := m.Last("price")
		return !ok || !paid.Equal(known)
	}, "price")
	p := props.ForAll("product").With(price).Machine("purchased at the price of the catalog",
		props.From("open").
			On(props.On("PRICED", "product")).Do(price.Store("price")).Stay().
			On(changed).To(props.Violated),
	)
	fmt.Print(p.Text())
	// Output:
	//   open (start)
	//     PRICED(product), keeping price as price -> open
	//     PURCHASED(product) when the price is another -> violated
}

func ExampleAbsent() {
	fmt.Println(props.Absent("quiet", props.On("ALARM", "device"), props.For(time.Minute, props.On("MUTED", "device"))))
	// Output: quiet: for every device: ALARM(device) never happens within 1m of MUTED(device)
}
