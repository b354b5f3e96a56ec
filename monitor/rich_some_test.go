package monitor

import (
	"slices"
	"testing"

	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// Variables that some value must do for, as the reference knows them: the
// machine runs for every value that there is in the test, and for one that no
// event has. Which of them may be left is asked anew after each event.

// someValue says whether the last variable of a model is such a one.
type someValue int

const (
	noneSuch someValue = iota
	throughout
	eachTime
)

// Flaws of the reading of such variables.
const (
	unnamedForgotten flaw = 200 + iota // a value that no event has is none
	sameEachTime                       // who is lost at one event is lost at the next
	someForAll                         // all values must do
)

// universals are the variables that instances bind.
func (ri *rich) universals() int {
	if ri.some != noneSuch {
		return ri.vars - 1
	}
	return ri.vars
}

// values is how many classes of forms bind; one more is that of no event.
const classes = 7

// takeSome lets each value take an event, in a role.
func (r *richRun) takeSome(c memoryModel, e, role int) memoryModel {
	a := r.as[e]
	if c.each == nil {
		c.each = slices.Repeat([]int{2}, classes+1)
	}
	named := -1
	if at := slices.Index(r.types[role].binds, r.vars-1); at >= 0 {
		named = class(a.values[at])
	}
	moved, before := slices.Clone(c.each), c.each
	for v, state := range before {
		if named >= 0 && v != named || state < 2 {
			continue
		}
		for _, s := range r.steps[state][role] {
			if !s.flag || a.flag {
				moved[v] = s.to
				if s.to < 0 {
					moved[v] = state
				}
				break
			}
		}
	}
	each := r.some == eachTime && r.flaw != sameEachTime
	c.each = moved
	if r.lost(moved) {
		return end(c)
	}
	for v := range moved {
		if each && moved[v] == 0 {
			moved[v] = before[v]
		}
	}
	return c
}

func (r *richRun) lost(each []int) bool {
	switch r.flaw {
	case unnamedForgotten:
		each = slices.Clone(each)
		for v := range each {
			if !r.named(v) {
				each[v] = 0
			}
		}
	case someForAll:
		return slices.Contains(each, 0)
	}
	return !slices.ContainsFunc(each, func(state int) bool { return state != 0 })
}

// named: some event names the value.
func (r *richRun) named(value int) bool {
	return slices.ContainsFunc(r.as, func(a richArrival) bool {
		return slices.ContainsFunc(r.roles(a.kind), func(role int) bool {
			at := slices.Index(r.types[role].binds, r.vars-1)
			return at >= 0 && class(a.values[at]) == value
		})
	})
}

// owingSome: no value may be left in the state that it is in.
func (r *richRun) owingSome(c memoryModel) bool {
	if c.each == nil {
		return r.atEnd[2]
	}
	return !slices.ContainsFunc(c.each, func(state int) bool { return state != 0 && !r.atEnd[state] })
}

// nameOf is how the state of an instance is called.
func (r *richRun) nameOf(c memoryModel) string {
	switch {
	case r.some == noneSuch || c.state == 0:
		return stateName(c.state)
	case r.owingSome(c):
		return "none may be the last"
	}
	return "some value does"
}

// quantified begins the property.
func (ri *rich) quantified(vars []string) props.Quantifier {
	q := props.ForAll(vars[:ri.universals()]...)
	switch ri.some {
	case throughout:
		return q.Exists(vars[ri.vars-1])
	case eachTime:
		return q.ExistsEachTime(vars[ri.vars-1])
	}
	return q
}

// someCourses are courses of properties with such a variable.
func someCourses(skewed bool) *rapid.Generator[richCourse] {
	return rapid.Custom(func(t *rapid.T) richCourse {
		c := richCourse{rich: drawSome(t), slideAt: rapid.SampledFrom([]int{4, 64}).Draw(t, "slide at"), collectAt: rapid.SampledFrom([]int{1, 1 << 10}).Draw(t, "collect at"),
			lateness: rapid.SampledFrom([]int{0, 5, 1000}).Draw(t, "lateness")}
		length := 16
		if skewed {
			c.skew, length = rapid.IntRange(1, 6).Draw(t, "skew"), 8
		}
		at, sources := 0, rapid.IntRange(1, 4).Draw(t, "sources")
		for range rapid.IntRange(3, length).Draw(t, "events") {
			at += rapid.SampledFrom([]int{0, 1, 1, 2, 3, 7, -2}).Draw(t, "pass")
			a := richArrival{arrival{happening: c.rich.drawHappening(t, 6), source: rapid.IntRange(0, sources-1).Draw(t, "source"), at: at, seq: -1}, 0, 0, ""}
			a.name = c.rich.drawName(t, a.kind)
			c.arrivals = append(c.arrivals, a)
		}
		return c
	})
}

func drawSome(t *rapid.T) rich {
	ri := rich{model: model{vars: rapid.IntRange(1, 2).Draw(t, "vars")}, plain: true, some: rapid.SampledFrom([]someValue{throughout, eachTime}).Draw(t, "some")}
	for i := range rapid.IntRange(2, 4).Draw(t, "types") {
		var binds []int
		for v := range ri.vars {
			named := i%2 > 0 // of some types, events name a value
			if v < ri.vars-1 {
				named = rapid.IntRange(0, 3).Draw(t, "binds") > 0
			}
			if named {
				binds = append(binds, v)
			}
		}
		ri.types = append(ri.types, modelType{binds: binds})
	}
	ri.drawRoles(t)
	ri.drawOther(t)
	states := rapid.IntRange(4, 5).Draw(t, "states")
	for s := range states {
		var row [][]richStep
		for range ri.types {
			row = append(row, drawRichSteps(t, s, states, ri))
		}
		ri.steps = append(ri.steps, row)
		ri.atEnd = append(ri.atEnd, s > 1 && rapid.IntRange(0, 2).Draw(t, "at end") == 0)
	}
	ri.after, ri.timeout, ri.passing = make([]int, states), make([]int, states), make([]int, states)
	ri.ended = rapid.Bool().Draw(t, "ended")
	return ri
}

// Properties that some value of a variable must do for report what the
// definition says, in exact order and with skew, whole and in two halves.
func TestSomeAgreesWithReference(t *testing.T) {
	for _, skewed := range []bool{false, true} {
		violated := map[someValue]int{}
		check := func(t rapid.TB, c richCourse) {
			diff, err := c.differs(c.rich, sound)
			if err != nil || diff != "" {
				t.Fatal(diff, err)
			}
			if got, _, _ := c.judge(); slices.ContainsFunc(got, func(j richJudged) bool { return len(j.witness) > 2 }) {
				violated[c.rich.some]++
			}
		}
		for seed := range 1500 {
			c := someCourses(skewed).Example(seed)
			c.cut = seed % (2 + len(c.arrivals))
			check(t, c)
		}
		if violated[throughout] < 50 || violated[eachTime] < 50 {
			t.Errorf("skewed %v: violated %v, wanted more", skewed, violated)
		}
		rapid.Check(t, func(t *rapid.T) { check(t, someCourses(skewed).Draw(t, "course")) })
	}
}

// The comparison above is able to fail.
func TestSomeComparisonNoticesMistakes(t *testing.T) {
	for name, f := range map[string]flaw{"unnamed forgotten": unnamedForgotten, "same each time": sameEachTime, "all must do": someForAll, "no end": endForgotten, "first role alone": firstRoleAlone} {
		for _, skewed := range []bool{false, true} {
			noticedIn(t, name, func(seed int) (string, error) {
				c := someCourses(skewed).Example(seed)
				return c.differs(c.rich, f)
			})
		}
	}
}

// In shards, saved and restored, and swept all the time, they are judged alike.
func TestSomePartsChangeNothing(t *testing.T) {
	for _, skewed := range []bool{false, true} {
		for seed := range 1000 {
			c := someCourses(skewed).Example(seed)
			whole, err := c.inParts(1, 1<<13)
			if err != nil {
				t.Fatal(err)
			}
			partsAreWhole(t, c, whole, 1+seed%3, seed%(len(c.arrivals)+1), seed/7%(len(c.arrivals)+1))
		}
	}
}
