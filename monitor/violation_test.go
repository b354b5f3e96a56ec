package monitor

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/wtsim/wtsim/props"
)

// stores is a map-backed Run that has neither calls nor a benign end.
type stores map[string]map[string]string

func (s stores) Services() []string { return sorted(s) }

func (s stores) Keys(service string) []string { return sorted(s[service]) }

func (s stores) Get(service, key string) (string, bool) {
	v, ok := s[service][key]
	return v, ok
}

func (s stores) Benign() (props.State, error) { return nil, props.ErrUndecided }

func (s stores) Calls() []props.Call { return nil }

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// A check at quiescence sees the stores; its error is the detail.
func TestAtQuiescence(t *testing.T) {
	prog, err := Compile(props.AtQuiescence("no orphan", func(s props.State) error {
		for _, k := range s.Keys("gcs") {
			if _, ok := s.Get("redis", k); !ok {
				return errors.New(k + " has no index entry")
			}
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	m := prog.Monitor(Options{})
	if vs := m.Quiesce(stores{"gcs": {"a": "1"}, "redis": {"a": "1"}}).Violations(); len(vs) > 0 {
		t.Errorf("got %v", vs)
	}
	vs := m.Quiesce(stores{"gcs": {"a": "1"}}).Violations()
	if len(vs) != 1 || vs[0].String() != `property "no orphan" violated: a has no index entry` {
		t.Fatalf("got %v", vs)
	}
	checkJSON(t, vs[0], `{"kind":"violation","property":"no orphan","binding":{},"certainty":"certain","detail":"a has no index entry"}`)
}

// A check that cannot say is neither held nor violated.
func TestUndecidedCheck(t *testing.T) {
	prog, err := Compile(props.AsIfOnce("as if once"), props.AtQuiescence("b", func(props.State) error { return errors.New("bad") }))
	if err != nil {
		t.Fatal(err)
	}
	m := prog.Monitor(Options{})
	all := m.Quiesce(stores{}).Findings
	if len(all) != 2 || all[0].Kind != FoundViolation || all[0].Violation.Property != "b" {
		t.Fatalf("got %v", all)
	}
	if x := all[1]; x.Kind != FoundUndecided || x.Violation.Property != "as if once" || x.Why != "undecided" {
		t.Errorf("got %+v", x)
	}
}

func checkJSON(t *testing.T, v Violation, want string) {
	t.Helper()
	if got, err := json.Marshal(v); err != nil || string(got) != want {
		t.Errorf("got  %s %v\nwant %s", got, err, want)
	}
}

// A violation has the JSON form of the contract, to the byte.
func TestViolationJSON(t *testing.T) {
	p := props.ForAll("user", "article").Machine("gdpr",
		props.From("start").On(props.On("A", "user", "article")).To("next"),
		props.From("next").On(props.On("A", "user", "article")).To(props.Violated),
	)
	prog, err := Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	m := prog.Monitor(Options{})
	m.Observe(parse(t, 1, "A user=u article=1.0"))
	vs := m.Observe(parse(t, 2, "A user=u article=1")).Violations()
	if len(vs) != 1 || vs[0].String() != `property "gdpr" violated for article=1.0, user="u"` {
		t.Fatalf("got %v", vs)
	}
	checkJSON(t, vs[0], `{"kind":"violation","property":"gdpr","binding":{"article":1.0,"user":"u"},"certainty":"certain",`+
		`"source":"/f/1","event":"2","time":"2026-01-01T00:00:00.002Z","witness":[`+
		`{"source":"/f/1","id":"1","type":"A","to":"next"},{"source":"/f/1","id":"2","type":"A","to":"violated"}]}`)
}

// Violations of one event come by property name, then by binding as JSON.
func TestOrderOfViolations(t *testing.T) {
	stop, work := props.On("STOP"), props.On("WORK", "x")
	busy := func(name string) *props.Property {
		return props.ForAll("x").Machine(name,
			props.From("idle").On(work).To("busy"), props.From("busy").On(stop).To(props.Violated))
	}
	prog, err := Compile(busy("b"), busy("a"))
	if err != nil {
		t.Fatal(err)
	}
	m := prog.Monitor(Options{})
	for i, x := range []string{"b", "10", "9", "a"} {
		m.Observe(parse(t, i+1, "WORK x="+x))
	}
	var got []string
	for _, v := range m.Observe(parse(t, 5, "STOP")).Violations() {
		got = append(got, v.Property+" "+v.Binding.String())
	}
	want := []string{`a x="a"`, `a x="b"`, "a x=10", "a x=9", `b x="a"`, `b x="b"`, "b x=10", "b x=9"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
