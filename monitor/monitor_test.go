package monitor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// watch observes a trace, written as "TYPE a=1 b=x" separated by semicolons,
// and returns what is violated and where: "2: ..." or "end: ...".
func watch(t *testing.T, p *props.Property, trace string) []string {
	t.Helper()
	prog, err := Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	m := prog.Monitor(Options{})
	var found []string
	for i, line := range strings.Split(trace, ";") {
		for _, v := range m.Observe(parse(t, i+1, line)).Violations() {
			found = append(found, fmt.Sprintf("%s: %v", v.Event.ID, v.Binding))
		}
	}
	for _, v := range m.Quiesce(nil).Violations() {
		found = append(found, fmt.Sprintf("end: %v", v.Binding))
	}
	return found
}

// parse reads one event; parameters that are no JSON are strings.
func parse(t *testing.T, i int, line string) event.Event {
	t.Helper()
	words := strings.Fields(line)
	params := map[string]any{}
	for _, w := range words[1:] {
		name, text, _ := strings.Cut(w, "=")
		if params[name] = json.RawMessage(text); !json.Valid([]byte(text)) {
			params[name] = text
		}
	}
	d, err := event.DataOf(params)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, i*1e6, time.UTC)
	return event.Event{ID: fmt.Sprint(i), Source: "/f/1", Type: words[0], Time: at, Data: d}
}

// Patterns mean the automata that their comments give.
func TestPatterns(t *testing.T) {
	a, b := props.On("A", "x"), props.On("B", "x")
	pair := props.On("P", "x", "y")
	for _, c := range []struct {
		p     *props.Property
		trace string
		want  string
	}{
		{props.AtMostOnce("once", a), "A x=1; A x=2; B x=1", ""},
		{props.AtMostOnce("once", a), "A x=1; A x=2; A x=1; A x=1", "3: x=1"},
		{props.AtMostOnce("once", a), `A x=1; A x=1.0; A x="1"`, "2: x=1"},
		{props.AtMostOnce("once", props.On("A")), "A x=1; A x=2", "2: "},
		{props.NeverAfter("never", a, b), "A x=1; B x=1; A x=2", ""},
		{props.NeverAfter("never", a, b), "A x=1; B x=1; A x=1; A x=1", "3: x=1"},
		{props.NeverAfter("never", pair, b), "B x=1; P x=1 y=1; P x=2 y=1; P x=1 y=2", "2: x=1, y=1|4: x=1, y=2"},
		{props.NeverAfter("never", b, pair), "P x=1 y=1; P x=1 y=2; B x=1; P x=1 y=3", "3: x=1, y=1|3: x=1, y=2"},
		{props.Precedes("first", a, b), "A x=1; B x=1; B x=1; B x=2", "4: x=2"},
		{props.Precedes("first", a, b), "B x=1; A x=1; B x=1", "1: x=1"},
		{props.Precedes("first", a, pair), "A x=1; P x=1 y=1; P x=2 y=1", "3: x=2, y=1"},
		{props.Eventually("reply", a, b), "A x=1; A x=2; B x=1; A x=1; A x=3; B x=3", "end: x=1|end: x=2"},
		{props.Eventually("reply", a, b), "B x=1; A x=1; A x=1; B x=1", ""},
		{props.Eventually("reply", pair, b), "P x=1 y=1; P x=1 y=2; P x=2 y=1; B x=1", "end: x=2, y=1"},
	} {
		if got := strings.Join(watch(t, c.p, c.trace), "|"); got != c.want {
			t.Errorf("%v\non %s:\ngot  %s\nwant %s", c.p, c.trace, got, c.want)
		}
	}
}

// RealWorld's tests-iv: the letters bind one variable, the other, and both.
// A slice holds the events that came before the join existed.
func TestLettersBindDifferentVariables(t *testing.T) {
	login, publish, fave := props.On("LOGGED_IN", "user"), props.On("PUBLISHED", "slug"), props.On("FAVED", "slug", "user")
	p := props.ForAll("slug", "user").Machine("tests-iv",
		props.From("neither").On(login).To("user").On(publish).To("article").On(fave).To(props.Violated),
		props.From("user").On(publish).To("both").On(fave).To(props.Violated),
		props.From("article").On(login).To("both").On(fave).To(props.Violated),
		props.From("both").On(fave).To(props.Satisfied),
	)
	for trace, want := range map[string]string{
		"LOGGED_IN user=u; PUBLISHED slug=s; FAVED slug=s user=u":                      "",
		"PUBLISHED slug=s; LOGGED_IN user=u; FAVED slug=s user=u; FAVED slug=s user=v": `4: slug="s", user="v"`,
		"LOGGED_IN user=u; FAVED slug=s user=u; PUBLISHED slug=s; FAVED slug=s user=u": `2: slug="s", user="u"`,
		"FAVED slug=s user=u": `1: slug="s", user="u"`,
	} {
		if got := strings.Join(watch(t, p, trace), "|"); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", trace, got, want)
		}
	}
}

// A violation on a partial binding suppresses its extensions at that event.
func TestMinimalReports(t *testing.T) {
	p := props.ForAll("x", "y").Machine("stop",
		props.From("go").On(props.On("P", "x", "y")).To("seen").On(props.On("STOP", "x")).To(props.Violated),
		props.From("seen").On(props.On("STOP", "x")).To(props.Violated),
	)
	got := watch(t, p, "P x=1 y=1; P x=1 y=2; P x=2 y=1; STOP x=1; STOP x=1")
	if want := []string{"4: x=1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What is malformed for a property is counted with its reason and is in no
// slice, and other properties see it.
func TestMalformed(t *testing.T) {
	prog, err := Compile(
		props.AtMostOnce("by order", props.On("A", "x").Wanting("amount")),
		props.AtMostOnce("by user", props.On("A", "user")),
	)
	if err != nil {
		t.Fatal(err)
	}
	m := prog.Monitor(Options{})
	lost := 0
	for i, line := range []string{"A x=1 amount=1 user=u", "A x=null amount=1 user=u", "A x=1 user=v", "A x=1 amount=[1]", "B"} {
		j := m.Observe(parse(t, i+1, line))
		lost += j.Lost.Malformed
		for _, v := range j.Violations() {
			if v.Property != "by user" || v.Event.ID != "2" {
				t.Errorf("unexpected: %v at %s", v, v.Event.ID)
			}
		}
	}
	want := []string{
		`event "2" of "/f/1": parameter "x" is null, wanted a string, a number or a boolean, for property "by order"`,
		`event "3" of "/f/1": parameter "amount" is missing, for property "by order"`,
		`event "4" of "/f/1": parameter "amount" is an array or an object, wanted a string, a number or a boolean, for property "by order"`,
		`event "4" of "/f/1": parameter "user" is missing, for property "by user"`,
	}
	st := m.Stats()
	var told []string
	for _, x := range st.Reasons {
		told = append(told, x.String())
	}
	if !slices.Equal(told, want) || lost != 3 {
		t.Errorf("got  %s\nwant %s", strings.Join(told, "\n     "), strings.Join(want, "\n     "))
	}
	if st.Events != 5 || st.Malformed != 3 || len(st.Reasons) != 4 || st.Properties[0] != (PropertyStats{Property: "by order", Events: 1, Malformed: 3, Instances: 1, Created: 1}) {
		t.Errorf("got %+v", st)
	}
}

// What can no longer be violated is let go of, and is not born again.
func TestDeadInstancesAreDropped(t *testing.T) {
	prog, err := Compile(props.Precedes("opened first", props.On("OPEN", "f"), props.On("READ", "f", "u")))
	if err != nil {
		t.Fatal(err)
	}
	m := prog.Monitor(Options{})
	for i := range 100 {
		m.Observe(parse(t, i, fmt.Sprintf("OPEN f=%d", i)))
		if vs := m.Observe(parse(t, i, fmt.Sprintf("READ f=%d u=%d", i, i%7))).Violations(); len(vs) > 0 {
			t.Fatal(vs)
		}
	}
	if n := m.Stats().Properties[0].Instances; n != 0 {
		t.Errorf("%d instances are kept", n)
	}
}

// Without witnesses the verdicts are the same.
func TestNoWitness(t *testing.T) {
	prog, err := Compile(props.AtMostOnce("once", props.On("A", "x")))
	if err != nil {
		t.Fatal(err)
	}
	m := prog.Monitor(Options{NoWitness: true})
	m.Observe(parse(t, 1, "A x=1"))
	vs := m.Observe(parse(t, 2, "A x=1")).Violations()
	if len(vs) != 1 || vs[0].Witness != nil {
		t.Fatalf("got %v", vs)
	}
	checkJSON(t, vs[0], `{"kind":"violation","property":"once","binding":{"x":1},"certainty":"certain",`+
		`"source":"/f/1","event":"2","time":"2026-01-01T00:00:00.002Z"}`)
}

// Compile refuses what it cannot mean.
func TestCompileErrors(t *testing.T) {
	once := props.AtMostOnce("once", props.On("A", "x"))
	var rules []props.Rule
	var vars []string
	for i := range 11 {
		vars = append(vars, fmt.Sprint("v", i))
		rules = append(rules, props.From("s").On(props.On(fmt.Sprint("T", i), vars[i])).To(props.Violated))
	}
	for want, ps := range map[string][]*props.Property{
		`property 2 is nil`:                                                          {once, nil},
		`property "once": a second one of this name`:                                 {once, once},
		`property "": no name, wanted words that say what must hold`:                 {props.AtMostOnce("", props.On("A"))},
		`property "wide": its letters bind variables in more than 1024 combinations`: {props.ForAll(vars...).Machine("wide", rules...)},
	} {
		if _, err := Compile(ps...); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
