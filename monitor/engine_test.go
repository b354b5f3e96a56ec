package monitor

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// experiment is a property and a trace.
type experiment struct {
	model model
	trace []happening
}

func experiments() *rapid.Generator[experiment] {
	return rapid.Custom(func(t *rapid.T) experiment {
		x := experiment{model: drawModel(t)}
		length := rapid.IntRange(0, 20).Draw(t, "events")
		classes := rapid.IntRange(1, 10).Draw(t, "forms")
		for range length {
			x.trace = append(x.trace, x.model.draw(t, classes))
		}
		return x
	})
}

// drawProduct draws a property whose joins need not be stored: letters of two
// parts change one half of the state each, those of the whole do as they
// like.
func drawProduct(t *rapid.T) model {
	mo := model{vars: 2, types: []modelType{{binds: []int{0}}, {binds: []int{1}}, {binds: []int{0, 1}}, {binds: []int{1}}}, atEnd: make([]bool, 6)}
	if rapid.Bool().Draw(t, "third variable") {
		mo.vars = 3
		mo.types = []modelType{{binds: []int{0}}, {binds: []int{1, 2}}, {binds: []int{0, 1, 2}}, {binds: []int{1, 2}}}
	}
	var half [4][2][2]int // by type, flag and half of the state
	for i := range half {
		for f := range 2 {
			half[i][f] = [2]int{rapid.IntRange(0, 1).Draw(t, "from 0"), rapid.IntRange(0, 1).Draw(t, "from 1")}
		}
	}
	mo.next = [][][2]int{make([][2]int, 4), {{1, 1}, {1, 1}, {1, 1}, {1, 1}}}
	for s := range 4 {
		row := make([][2]int, 4)
		for f := range 2 {
			row[0][f] = 2 + half[0][f][s&1] + s&2
			row[1][f] = 2 + s&1 + half[1][f][s>>1]<<1
			row[3][f] = row[1][f] // so that the letters of one part commute with each other's
			row[2][f] = mo.drawTarget(t, 2, 6)
		}
		mo.next = append(mo.next, row)
	}
	return mo
}

func drawModel(t *rapid.T) model {
	if rapid.IntRange(0, 3).Draw(t, "product") == 0 {
		return drawProduct(t)
	}
	mo := model{vars: rapid.IntRange(1, 4).Draw(t, "vars")}
	for range rapid.IntRange(1, 6).Draw(t, "types") {
		var binds []int
		for v := range mo.vars {
			if rapid.Bool().Draw(t, "binds") {
				binds = append(binds, v)
			}
		}
		mo.types = append(mo.types, modelType{binds: binds})
	}
	states := rapid.IntRange(3, 6).Draw(t, "states")
	for s := range states {
		row := make([][2]int, len(mo.types))
		for i := range row {
			row[i] = [2]int{mo.drawTarget(t, s, states), mo.drawTarget(t, s, states)}
		}
		mo.next = append(mo.next, row)
		mo.atEnd = append(mo.atEnd, s > 1 && rapid.IntRange(0, 3).Draw(t, "at end") == 0)
	}
	return mo
}

// drawTarget prefers ordinary states: what is absorbed soon tells little.
func (mo *model) drawTarget(t *rapid.T, from, states int) int {
	if from < 2 {
		return from
	}
	if rapid.IntRange(0, 3).Draw(t, "absorbed") == 0 {
		return rapid.IntRange(0, 1).Draw(t, "absorbing")
	}
	return rapid.IntRange(2, states-1).Draw(t, "to")
}

func (mo *model) draw(t *rapid.T, some int) happening {
	o := happening{kind: rapid.IntRange(0, len(mo.types)-1).Draw(t, "type"), flag: rapid.Bool().Draw(t, "flag")}
	for range mo.types[o.kind].binds {
		form := rapid.IntRange(0, some-1).Draw(t, "value")
		if rapid.IntRange(0, 20).Draw(t, "malformed") == 0 {
			form = rapid.SampledFrom([]int{missing, 10, 11, 12}).Draw(t, "unfit")
		}
		o.values = append(o.values, form)
	}
	return o
}

// differs compares the engine on one property with the reference on another;
// the first difference is returned.
func (x experiment) differs(reference model, f flaw) (string, error) {
	got, gotMalformed, err := x.model.observe(x.trace)
	if err != nil {
		return "", err
	}
	want, wantMalformed := reference.verdicts(x.trace, f)
	if gotMalformed != wantMalformed {
		return fmt.Sprintf("malformed: got %d, want %d", gotMalformed, wantMalformed), nil
	}
	for i := range want {
		if got[i] != want[i] {
			return fmt.Sprintf("at event %d:\ngot  %s\nwant %s", i, got[i], want[i]), nil
		}
	}
	return "", nil
}

// On random properties and traces the engine reports what semantics rules 1
// to 5 say, with their witnesses, and nothing else. The first experiments are
// the same every time.
func TestEngineAgreesWithReference(t *testing.T) {
	for seed := range 2000 {
		x := experiments().Example(seed)
		if diff, err := x.differs(x.model, sound); err != nil || diff != "" {
			t.Fatal(seed, diff, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		x := experiments().Draw(t, "experiment")
		if diff, err := x.differs(x.model, sound); err != nil || diff != "" {
			t.Fatal(diff, err)
		}
	})
}

// Among the random properties are some whose joins are not stored.
func TestSomeAreLazy(t *testing.T) {
	lazy := 0
	for seed := range 200 {
		x := experiments().Example(seed)
		p, err := Compile(x.model.property())
		if err != nil {
			t.Fatal(err)
		}
		if p.plans[0].lazy {
			lazy++
		}
	}
	if lazy < 5 {
		t.Errorf("%d of 200", lazy)
	}
}

// The comparison above is able to fail: it notices every kind of mistake, in
// the rules as in the automaton, within a few hundred experiments.
func TestComparisonNoticesMistakes(t *testing.T) {
	const enough = 2000
	flaws := map[string]flaw{"all reported": allReported, "no joins": noJoins,
		"since own birth": sinceOwnBirth, "not absorbing": notAbsorbing}
	for name, f := range flaws {
		noticed(t, name, enough, func(x experiment) (string, error) { return x.differs(x.model, f) })
	}
	noticed(t, "one transition changed", enough, func(x experiment) (string, error) {
		return x.differs(x.model.mutated(), sound)
	})
}

func noticed(t *testing.T, name string, enough int, try func(experiment) (string, error)) {
	t.Helper()
	for seed := range enough {
		diff, err := try(experiments().Example(seed))
		if err != nil {
			t.Fatal(err)
		}
		if diff != "" {
			t.Logf("%s: noticed by experiment %d", name, seed)
			return
		}
	}
	t.Errorf("%s: not noticed in %d experiments", name, enough)
}

// mutated returns the model with one transition from the start changed.
func (mo *model) mutated() model {
	m := *mo
	m.next = slices.Clone(mo.next)
	m.next[2] = slices.Clone(mo.next[2])
	m.next[2][0][0] = (m.next[2][0][0] + 1) % len(m.next)
	return m
}

// property translates the model for the packages under test.
func (mo *model) property() *props.Property {
	var vars []string
	for v := range mo.vars {
		vars = append(vars, fmt.Sprintf("v%d", v))
	}
	flagged := func(d event.Data) bool {
		v, _ := d.Get("flag")
		return v.Equal(event.Boolean(true))
	}
	var rules []props.Rule
	for s := 2; s < len(mo.next); s++ {
		r := props.From(stateName(s))
		for i, t := range mo.types {
			l := props.On(fmt.Sprintf("T%d", i))
			for n, v := range t.binds {
				l = l.Binding(vars[v], fmt.Sprintf("p%d", n))
			}
			r = r.On(l.When("flagged", flagged)).To(stateName(mo.next[s][i][1]))
			r = r.On(l).To(stateName(mo.next[s][i][0]))
		}
		if mo.atEnd[s] {
			r = r.ViolatedAtEnd()
		}
		rules = append(rules, r)
	}
	var sure []string
	for i, t := range mo.types {
		if t.sure {
			sure = append(sure, fmt.Sprintf("T%d", i))
		}
	}
	return props.ForAll(vars...).Machine("model", rules...).WithComplete(sure...)
}

// event translates the i-th event of a trace.
func (o happening) event(i int) event.Event {
	e := event.Event{ID: fmt.Sprint(i), Source: "s", Type: fmt.Sprintf("T%d", o.kind)}
	e.Data = e.Data.With("flag", event.Boolean(o.flag))
	for n, form := range o.values {
		if form != missing {
			e.Data = e.Data.With(fmt.Sprintf("p%d", n), forms[form].value)
		}
	}
	return e
}

// observe runs the engine over a trace and renders it as the reference does.
func (mo *model) observe(trace []happening) (lines []string, malformed int, err error) {
	p, err := Compile(mo.property())
	if err != nil {
		return nil, 0, err
	}
	m := p.Monitor(Options{})
	for i, o := range trace {
		lines = append(lines, mo.renderAll(m.Observe(o.event(i)).Violations()))
	}
	return append(lines, mo.renderAll(m.Quiesce(nil).Violations())), m.Stats().Malformed, nil
}

func (mo *model) renderAll(vs []Violation) string {
	var out []string
	for _, v := range vs {
		in := slices.Repeat(bound{-1}, mo.vars)
		for _, f := range v.Binding {
			for _, form := range forms {
				if form.value.Equal(f.Value) {
					in[f.Name[1]-'0'] = form.class
				}
			}
		}
		witness := ""
		for _, s := range v.Witness {
			witness += " " + s.ID + ":" + s.To
		}
		out = append(out, fmt.Sprintf("%v by%s", in, witness))
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}
