package props_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
)

// What is no formula, or has no exact translation, is told with its place and
// the reason, on one line.
func TestFormulaMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 `1:1: the end, wanted a formula`,
		"a(x) IMPLIES":                     `1:13: the end, wanted a formula`,
		"a(x) IMPLIES\n  b(x) c(x,y)":      `2:8: "c" after the formula, wanted an operator or the end`,
		"a(x) b":                           `1:6: "b" after the formula`,
		"a(x":                              `1:4: the end, wanted ")"`,
		"a(?x)":                            `1:3: ? is not supported: a variable is written without ?`,
		"x":                                `1:1: x alone, wanted a predicate such as x(x), or a comparison`,
		"z(x) IMPLIES b(x)":                `1:1: "z" is not in the signature, wanted one of a, b, c, d, e`,
		"a(x,y) IMPLIES b(x)":              `1:1: "a" has 2 arguments, wanted 1, as in the signature`,
		"a(x) IMPLIES ONCE[5,2] b(x)":      `1:18: the interval [5,2] is empty`,
		"a(x) IMPLIES ONCE[0,2y] b(x)":     `1:21: "2y" is no time, wanted one such as 0, 5s, 10m, 24h or 7d`,
		"a(x) IMPLIES ONCE[0 b(x)":         `1:21: "b", wanted "," and when the interval ends`,
		"a(x) AND x + 1 < 3":               `1:12: + is not supported: guard the event in the signature`,
		"LET p(x) = a(x) IN p(x)":          `1:1: LET is not supported: write out what it stands for`,
		"(n <- CNT x; y c(x,y)) AND n > 5": `1:4: <- is not supported: wanted "at most" or "at least"`,
		"a(x) IMPLIES b(\"x":               `1:16: a text that does not end`,
		"(* a":                             `1:1: a comment that does not end, wanted *)`,

		"a(x)":                                   `1:1: the formula may be false where no event has a value of x, so that there is no end`,
		"a(x) IMPLIES ONCE c(x,y)":               `1:19: it may be false whatever y is`,
		"a(x) IMPLIES PREVIOUS b(x)":             `1:14: PREVIOUS b(x) hangs on every time point, also on events that have no x`,
		"a(x) IMPLIES (b(x) SINCE c(x,_))":       `1:20: b(x) SINCE c(x, _) hangs on every time point`,
		"a(x) IMPLIES EVENTUALLY b(x)":           `1:14: the future has no bound`,
		"a(x) IMPLIES ONCE EVENTUALLY[0,5] b(x)": `1:19: an operator of the future stands inside of another temporal one`,
		"a(x) IMPLIES EVENTUALLY[0,5] b(x) AND EVENTUALLY[0,5] b(x)":                            `1:39: an operator of the future stands inside of another`,
		"a(x) IMPLIES (EVENTUALLY[0,5] b(x)) AND (c(x,y) IMPLIES EVENTUALLY[0,6] d(x,y))":       `it may be false whatever y is`,
		"a(x) IMPLIES (EVENTUALLY[0,5] b(x) AND ONCE[0,9] c(x,_)) AND (EVENTUALLY[0,6] c(x,_))": `1:40: the interval of ONCE[0,9] c(x, _) stands beside deadlines at different times`,
		"a(x) IMPLIES (EVENTUALLY[0,5] b(x)) OR (EVENTUALLY[0,6] c(x,_))":                       `1:41: one of two operators of the future must hold`,
		"a(x) IMPLIES NOT (b(x) UNTIL[1,5] c(x,_))":                                             `1:24: UP TO HERE b(x) SINCE[1,5] a(x) AND b(x) hangs on every time point`,
		"c(x,y) IMPLIES ONCE c(y,x)":                                                            "",
		"c(x,y) IMPLIES ONCE c(y,_)":                                                            `1:21: "c" stands with other variables at 1:1, so that one event could be both`,
		"(a(x) AND ONCE (b(y) AND NOT x = y)) IMPLIES FALSE":                                    `compares what no one event has`,
		"a(x) IMPLIES NOT ONCE (b(x) AND x < y)":                                                `x < y compares what no one event has, wanted both sides in a predicate beside it`,
		"a(x) IMPLIES ((NOT b(x)) SINCE[0,5] b(x))":                                             `1:26: NOT b(x) SINCE[0,5] b(x) may end and begin anew with one event`,
		"d(_,x) IMPLIES EXISTS m. (ONCE c(m,x)) AND (ONCE[0,5] d(m,x))":                         `1:45: ONCE[0,5] d(m, x) hangs on m, which is quantified around more than it`,
		"c(_,x) IMPLIES EXISTS m. (ONCE c(m,x)) AND (ONCE d(m,x))":                              `is asked for values that no event has at that point, wanted it beside a predicate with them`,
		"a(x) IMPLIES EXISTS m. c(x,m) AND EVENTUALLY[0,5] d(x,m)":                              `1:14: EXISTS m stands around an operator of the future`,
	} {
		p := props.Formula("p", text, signature())
		err := p.Validate()
		if want == "" {
			want = "stands with other variables"
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s:\ngot  %v\nwant %s", text, err, want)
		}
	}
	guarded := props.Signature{"a": props.On("A", "x").Given("some", func(props.Memory) bool { return true })}
	if err := props.Formula("p", "a(x) IMPLIES FALSE", guarded).Validate(); err == nil || !strings.Contains(err.Error(), `wanted one over the event alone`) {
		t.Errorf("a guard over registers in a signature: %v", err)
	}
}

// What is too large is refused before it takes time.
func TestFormulaIsBounded(t *testing.T) {
	deep := strings.Repeat("(", 200) + "a(x)" + strings.Repeat(")", 200)
	equivalences := "a(x)" + strings.Repeat(" EQUIV a(x)", 60)
	distributed := "a(x) IMPLIES FALSE" + strings.Repeat(" OR (a(x) AND EVENTUALLY[0,1] b(x))", 12)
	for text, want := range map[string]string{deep: "nested deeper than 100", equivalences: "more than 1000 parts", distributed: "more than 64 clauses"} {
		if err := props.Formula("p", text, signature()).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// In a file, the place is that of the file.
func TestFormulaMistakesInYAML(t *testing.T) {
	for text, want := range map[string]string{
		"formula: a(x) IMPLIES z(x)\n    signature: {a: A(x)}":                   `p.yaml:3:27: property "p": formula: "z" is not in the signature, wanted one of a`,
		"formula: |\n      a(x) IMPLIES\n        z(x)\n    signature: {a: A(x)}": `p.yaml:5:9: property "p": formula: "z" is not in the signature, wanted one of a`,
		"formula: a(x) IMPLIES FALSE":                                            `p.yaml:2:5: the formula has no "signature"`,
		"formula: a(x) IMPLIES FALSE\n    signature: {a: A(x}":                   `p.yaml:`,
		"formula: a(x) IMPLIES FALSE\n    signature: {a: A(x)}\n    within: 5s":  `p.yaml:5:5: a property with "formula" has unknown key "within"`,
	} {
		_, err := props.Parse("p.yaml", []byte("properties:\n  - name: p\n    "+text+"\n"))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", text, err, want)
		}
	}
	if _, err := props.Parse("p.yaml", []byte("properties:\n  - name: p\n    formula: a(x) IMPLIES FALSE\n    signature: {a: {on: A(x), when: event.n > 1}}\n")); err != nil {
		t.Error(err)
	}
}

// Operators bind as in MonPoly's grammar: SINCE and UNTIL loosest, ONCE and the
// like reach to the end of their brackets, NOT binds tightest.
func TestFormulaPrecedence(t *testing.T) {
	for loose, strict := range map[string]string{
		"a(x) IMPLIES ONCE b(x) AND c(x,_)":                        "a(x) IMPLIES (ONCE (b(x) AND c(x,_)))",
		"a(x) IMPLIES NOT b(x) AND NOT ONCE c(x,_) OR b(x)":        "a(x) IMPLIES ((NOT b(x)) AND (NOT (ONCE (c(x,_) OR b(x)))))",
		"NOT (a(x) AND NOT (NOT b(x) SINCE c(x,_)))":               "NOT (a(x) AND (NOT ((NOT b(x)) SINCE c(x,_))))",
		"a(x) IMPLIES (NOT b(x) AND NOT a(x) SINCE c(x,_) OR e())": "a(x) IMPLIES (((NOT b(x)) AND (NOT a(x))) SINCE (c(x,_) OR e()))",
		"a(x) IMPLIES e() OR b(x) IMPLIES ONCE c(x,_)":             "a(x) IMPLIES ((e() OR b(x)) IMPLIES (ONCE c(x,_)))",
		"a(x) IMPLIES (EXISTS q. c(x,q) AND q = 1) OR ONCE b(x)":   "a(x) IMPLIES ((EXISTS q. (c(x,q) AND q = 1)) OR (ONCE b(x)))",
	} {
		a, b := props.Formula("p", loose, signature()), props.Formula("p", strict, signature())
		if err := errors.Join(a.Validate(), b.Validate()); err != nil {
			t.Errorf("%s: %v", loose, err)
		}
		if a.Text() != b.Text() {
			t.Errorf("%s:\n%swanted\n%s", loose, a.Text(), b.Text())
		}
	}
}

// What a signature says is a part of what the property says: a checkpoint of
// one is none of another.
func TestFormulaSaysItsSignature(t *testing.T) {
	said := map[string]bool{}
	for _, event := range []string{"A(x, n)", "A(x, m)", "B(x, n)", "{on: \"A(x, n)\", when: event.k > 1}", "{on: \"A(x, n)\", when: event.k > 2}"} {
		ps, err := props.Parse("p.yaml", []byte("properties:\n  - name: p\n    formula: a(x, 1) IMPLIES FALSE\n    signature:\n      a: "+event+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		program, err := monitor.Compile(ps[0])
		if err != nil {
			t.Fatal(err)
		}
		said[program.Fingerprint()] = true
	}
	if len(said) != 5 {
		t.Errorf("%d fingerprints, wanted 5", len(said))
	}
}

// A deadline goes on while the past changes: it does not begin anew.
func TestFormulaDeadlineGoesOn(t *testing.T) {
	p := props.Formula("p", "(a(x) IMPLIES EVENTUALLY[0,2] b(x)) AND (c(x,_) IMPLIES ONCE d(_,x))", signature())
	if got := judged(t, p, []string{"x"}, []point{{0, "a", []int{1}}, {1, "d", []int{0, 1}}, {3, "b", []int{1}}}); got["x=1 "] != "0+2s" {
		t.Errorf("got %v, want x=1 at 0+2s", got)
	}
}

// No text ends the process, or takes for ever.
func FuzzFormula(f *testing.F) {
	f.Add("a(x) IMPLIES ONCE[0,7d] b(x)")
	f.Add("FORALL x, y. c(x,y) EQUIV (NOT e() SINCE[0,2) c(x,_)) # and so on")
	f.Add("(* *) (EXISTS m. a(m) AND ONCE d(m,x)) IMPLIES EVENTUALLY(0,5] b(x) OR x >= -1.5 AND NOT y = \"t\"")
	f.Fuzz(func(t *testing.T, text string) {
		p := props.Formula("p", text, signature())
		if err := p.Validate(); err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("more than a line: %v", err)
		}
		p.Warnings()
		p.Text()
	})
}
