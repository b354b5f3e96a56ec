package monitor

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// Variables that some value must do for, as the reference knows them: the
// machine runs for every combination of values that there are in the test, and
// for those that no event has. Which of them may be left is asked anew after
// each event.

// someValue says whether the last variables of a model are such ones.
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
	othersForSome                      // of the variables after the first, some value must do
	inward                             // the quantifiers are read from the last to the first
	registersOfAll                     // what registers hold is that of all values
	oneValueAlone                      // a deadline passes for one value, not for all that began it
)

// universals are the variables that instances bind.
func (ri *rich) universals() int { return ri.vars - len(ri.every) }

// radix is how many values a variable has: those in the test, and one of no
// event.
func (r *richRun) radix() int {
	most := 0
	for _, a := range r.as {
		for _, v := range a.values {
			most = max(most, class(v))
		}
	}
	return most + 2
}

// combinations is how many of values there are.
func (r *richRun) combinations() int {
	n := 1
	for range r.every {
		n *= r.radix()
	}
	return n
}

// valueOf is the value that a combination has for a variable.
func (r *richRun) valueOf(combination, variable int) int {
	for range len(r.every) - 1 - variable {
		combination /= r.radix()
	}
	return combination % r.radix()
}

// concerns: the event has the values of the combination, where it has any.
func (r *richRun) concerns(e, role, combination int) bool {
	for i := range r.every {
		at := slices.Index(r.types[role].binds, r.universals()+i)
		if at >= 0 && class(r.as[e].values[at]) != r.valueOf(combination, i) {
			return false
		}
	}
	return true
}

// takeSome lets each combination of values take an event, in a role.
func (r *richRun) takeSome(c memoryModel, e, role int) memoryModel {
	if c.each == nil {
		c.each = slices.Repeat([]memoryModel{newMemoryModel()}, r.combinations())
	}
	moved, before := slices.Clone(c.each), c.each
	for v, was := range before {
		if r.concerns(e, role, v) {
			moved[v] = r.take(was, r.as[e], e, r.p.effective[e], role)
			if r.flaw == agedByStaying && moved[v].state == was.state {
				moved[v].in[2] = []inWindow{{e, r.as[e].source, r.p.effective[e], 1}}
			}
			if to := &moved[v]; r.flaw == stayingBeginsNew && to.armed && was.armed && to.by == was.by {
				to.deadline = r.p.effective[e] + to.after
			}
		}
	}
	if r.flaw == registersOfAll {
		changed := max(0, slices.IndexFunc(moved, func(c memoryModel) bool { return c.count+c.amount != 0 || len(c.set) > 0 || c.last >= 0 }))
		for v := range moved {
			state := moved[v].state
			moved[v] = moved[changed]
			moved[v].state = state
		}
	}
	c.each = moved
	if r.lost(moved) {
		return end(c)
	}
	for v := range moved {
		if r.some == eachTime && r.flaw != sameEachTime && moved[v].state == 0 {
			moved[v] = before[v]
		}
	}
	return c
}

func (r *richRun) lost(each []memoryModel) bool {
	return !r.does(each, func(c memoryModel) bool { return c.state != 0 })
}

// does tells whether values do, given whether a combination does: some of the
// first variable, and of those after it all or some.
func (r *richRun) does(each []memoryModel, ok func(memoryModel) bool) bool {
	every := slices.Clone(r.every)
	for i := range every {
		every[i] = every[i] && r.flaw != othersForSome || r.flaw == someForAll
	}
	did := make([]bool, len(each))
	for v := range each {
		did[v] = ok(each[v])
		for i := range every {
			if r.flaw == unnamedForgotten && !r.named(r.valueOf(v, i)) {
				did[v] = every[i]
			}
		}
	}
	radix := r.radix()
	if r.flaw == inward && len(every) > 1 { // of two
		turned := slices.Clone(did)
		for v := range did {
			turned[v] = did[v%radix*radix+v/radix]
		}
		did, every = turned, []bool{every[1], every[0]}
	}
	for i := range slices.Backward(every) {
		var next []bool
		for part := range slices.Chunk(did, radix) {
			next = append(next, slices.Contains(part, !every[i]) != every[i])
		}
		did = next
	}
	return did[0]
}

// named: some event has the value.
func (r *richRun) named(value int) bool {
	return slices.ContainsFunc(r.as, func(a richArrival) bool {
		return slices.ContainsFunc(a.values, func(v int) bool { return class(v) == value })
	})
}

// owingSome: no value may be left in the state that it is in.
func (r *richRun) owingSome(c memoryModel) bool {
	if c.each == nil {
		return r.atEnd[2]
	}
	return !r.does(c.each, func(c memoryModel) bool { return c.state != 0 && !r.atEnd[c.state] })
}

// running are the deadlines that run, by time and name: of a property with such
// variables those of all combinations.
func (r *richRun) running(c memoryModel) (all []memoryModel) {
	each := c.each
	if r.some == noneSuch {
		each = []memoryModel{c}
	}
	for _, d := range each {
		if c.state > 1 && d.armed && r.fails(d.state) && !slices.ContainsFunc(all, d.sameDeadline) {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b memoryModel) int {
		return cmp.Or(a.deadline-b.deadline, strings.Compare(strconv.Itoa(a.by), strconv.Itoa(b.by)), a.after-b.after)
	})
	return all
}

// fails tells whether a violation can be reached from a state of one value: a
// value that it cannot be reached for is settled, and its deadlines with it.
func (ri *rich) fails(state int) bool {
	if ri.some == noneSuch {
		return true
	}
	seen, todo := map[int]bool{}, []int{state}
	for len(todo) > 0 {
		s := todo[0]
		if todo = todo[1:]; seen[s] {
			continue
		}
		if seen[s] = true; s == 0 || ri.atEnd[s] {
			return true
		}
		for _, steps := range ri.steps[s] {
			for _, step := range steps {
				if step.to >= 0 {
					todo = append(todo, step.to)
				}
			}
		}
		if ri.after[s] > 0 {
			todo = append(todo, ri.timeout[s])
		}
	}
	return false
}

func (c memoryModel) sameDeadline(d memoryModel) bool {
	return d.armed && c.by == d.by && c.after == d.after
}

// first is the deadline that passes first by time; one that is not armed if none
// does.
func (r *richRun) first(c memoryModel) memoryModel {
	if all := r.running(c); len(all) > 0 {
		return all[0]
	}
	return memoryModel{}
}

func (r *richRun) runningNamed(c memoryModel, name string) (memoryModel, bool) {
	all := r.running(c)
	i := slices.IndexFunc(all, func(d memoryModel) bool { return d.name() == name })
	if i < 0 {
		return memoryModel{}, false
	}
	return all[i], true
}

// anyPrecedes: some deadline that runs precedes the event.
func (r *richRun) anyPrecedes(c memoryModel, e int) bool {
	return slices.ContainsFunc(r.running(c), func(d memoryModel) bool { return r.deadlinePrecedes(d, e) })
}

// comesAfterOne: some other deadline that runs precedes it.
func (r *richRun) comesAfterOne(c, d memoryModel) bool {
	return slices.ContainsFunc(r.running(c), func(o memoryModel) bool {
		return o.deadline+r.skew < d.deadline || o.source == d.source && o.deadline < d.deadline
	})
}

// expireOf lets a deadline pass, for all combinations for which it runs.
func (r *richRun) expireOf(c, d memoryModel) memoryModel {
	if r.some == noneSuch {
		return r.expire(c)
	}
	c = c.clone()
	passed := false
	for v := range c.each {
		if c.each[v].armed && c.each[v].sameDeadline(d) && !(passed && r.flaw == oneValueAlone) {
			c.each[v], passed = r.expire(c.each[v]), true
		}
	}
	if r.lost(c.each) {
		return end(c)
	}
	return c
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
	for i, every := range ri.every {
		switch v := vars[ri.universals()+i]; {
		case every:
			q = q.ForAll(v)
		case ri.some == eachTime:
			q = q.ExistsEachTime(v)
		default:
			q = q.Exists(v)
		}
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
			a := richArrival{arrival{happening: c.rich.drawHappening(t, 6), source: rapid.IntRange(0, sources-1).Draw(t, "source"), at: at, seq: -1}, rapid.IntRange(0, 4).Draw(t, "x"), rapid.IntRange(-1, 2).Draw(t, "n"), ""}
			a.name = c.rich.drawName(t, a.kind)
			c.arrivals = append(c.arrivals, a)
		}
		return c
	})
}

func drawSome(t *rapid.T) rich {
	ri := rich{model: model{vars: rapid.IntRange(1, 3).Draw(t, "vars")}, plain: rapid.Bool().Draw(t, "plain"), some: rapid.SampledFrom([]someValue{throughout, eachTime}).Draw(t, "some")}
	ri.stacked = !ri.plain && rapid.IntRange(0, 3).Draw(t, "stacked") == 0
	ri.windowed = !ri.plain && !ri.stacked && rapid.Bool().Draw(t, "windowed")
	ri.aged = !ri.plain && !ri.stacked && rapid.IntRange(0, 2).Draw(t, "aged") == 0
	ri.lengths = [4]int{rapid.SampledFrom([]int{1, 3, 5, 10}).Draw(t, "window"), rapid.SampledFrom([]int{2, 4, 9}).Draw(t, "window of sums"), rapid.SampledFrom([]int{1, 3, 6}).Draw(t, "age"), rapid.SampledFrom([]int{1, 4, 8}).Draw(t, "window of values")}
	ri.every = make([]bool, rapid.IntRange(1, min(2, ri.vars)).Draw(t, "quantified"))
	if len(ri.every) > 1 && ri.some == throughout {
		ri.every[1] = rapid.Bool().Draw(t, "every")
	}
	for i := range rapid.IntRange(2, 4).Draw(t, "types") {
		var binds []int
		for v := range ri.vars {
			named := i%2 > 0 // of some types, events name a value
			if v != ri.universals() {
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
	for s := 2; s < states && ri.some == throughout && !ri.plain; s++ {
		if rapid.Bool().Draw(t, "deadline") {
			ri.after[s] = rapid.SampledFrom([]int{1, 2, 5, 10}).Draw(t, "after")
			ri.timeout[s] = rapid.SampledFrom([]int{0, 1, min(s+1, states), min(s+2, states)}).Draw(t, "timeout") % states // never in a circle
		}
	}
	ri.drawPassing(t, false)
	if ri.windowed && rapid.IntRange(0, 2).Draw(t, "values") == 0 {
		for s := 2; s < states; s++ {
			for role := range ri.types {
				ri.steps[s][role] = ri.drawValueSteps(t)
			}
		}
	}
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
	for name, f := range map[string]flaw{"never left": neverLeft, "end included": endIncluded, "aged by staying": agedByStaying, "deadlines first": deadlinesFirst,
		"never expired": neverExpired, "staying begins anew": stayingBeginsNew,
		"one value alone": oneValueAlone} {
		noticedIn(t, name, func(seed int) (string, error) {
			c := someCourses(false).Example(seed)
			return c.differs(c.rich, f)
		})
	}
	for name, f := range map[string]flaw{"distances of none": distancesOfNone, "deadlines of all": deadlinesOfAll, "deadlines that look at the slice alone": sliceAlone} {
		noticedIn(t, name, func(seed int) (string, error) {
			c := someCourses(true).Example(seed)
			return c.differs(c.rich, f)
		})
	}
	for name, f := range map[string]flaw{"unnamed forgotten": unnamedForgotten, "same each time": sameEachTime, "all must do": someForAll,
		"others for some": othersForSome, "inward": inward, "registers of all": registersOfAll, "no end": endForgotten, "first role alone": firstRoleAlone} {
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
