package monitor

import (
	"cmp"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// richCourse is a property with guards, registers and deadlines, and events
// as they come in.
type richCourse struct {
	rich           rich
	arrivals       []richArrival
	skew, lateness int
	ttl, cut       int // see course
	slideAt        int
	collectAt      int
}

func (c richCourse) ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// placed is where the events stand.
func (c richCourse) placed() placed {
	plain := make([]arrival, len(c.arrivals))
	for i, a := range c.arrivals {
		plain[i] = a.arrival
	}
	return placeAll(plain, c.skew, c.lateness, c.ttl)
}

func richCourses(skewed bool) *rapid.Generator[richCourse] {
	return rapid.Custom(func(t *rapid.T) richCourse {
		c := richCourse{rich: drawRich(t)}
		length, values := 14, 2
		if skewed {
			c.skew, length = rapid.IntRange(1, 6).Draw(t, "skew"), 8
		}
		c.lateness = rapid.SampledFrom([]int{0, 1, 5, 1000}).Draw(t, "lateness")
		c.slideAt = rapid.SampledFrom([]int{4, 64}).Draw(t, "slide at")
		c.collectAt = rapid.SampledFrom([]int{1, 1 << 10}).Draw(t, "collect at")
		at, sources := 0, rapid.IntRange(1, 4).Draw(t, "sources")
		for range rapid.IntRange(0, length).Draw(t, "events") {
			at += rapid.SampledFrom([]int{0, 0, 1, 1, 2, 3, 7, 12, -2, -5}).Draw(t, "pass")
			a := richArrival{arrival{happening: c.rich.drawHappening(t, values), source: rapid.IntRange(0, sources-1).Draw(t, "source"), at: at, seq: -1}, 0, rapid.IntRange(-1, 2).Draw(t, "n"), ""}
			a.name = c.rich.drawName(t, a.kind)
			if rapid.IntRange(0, 3).Draw(t, "sequenced") == 0 {
				a.seq = rapid.IntRange(0, 5).Draw(t, "seq")
			}
			a.x = rapid.IntRange(0, 4).Draw(t, "x")
			c.arrivals = append(c.arrivals, a)
		}
		c.rich.drawPassing(t, rapid.Bool().Draw(t, "back"))
		return c
	})
}

func drawRich(t *rapid.T) rich {
	ri := rich{model: model{vars: rapid.IntRange(0, 2).Draw(t, "vars")}}
	for range rapid.IntRange(1, 4).Draw(t, "types") {
		var binds []int
		for v := range ri.vars {
			if rapid.IntRange(0, 2).Draw(t, "binds") > 0 {
				binds = append(binds, v)
			}
		}
		ri.types = append(ri.types, modelType{binds: binds})
	}
	ri.drawRoles(t)
	ri.drawOther(t)
	states := rapid.IntRange(3, 6).Draw(t, "states")
	ri.windowed = rapid.Bool().Draw(t, "windowed")
	ri.aged = rapid.IntRange(0, 3).Draw(t, "aged") == 0
	ri.stacked = !ri.windowed && rapid.IntRange(0, 2).Draw(t, "stacked") == 0
	ri.plain = !ri.windowed && !ri.aged && !ri.stacked && rapid.IntRange(0, 3).Draw(t, "plain") == 0
	for s := range states {
		var row [][]richStep
		for range ri.types {
			row = append(row, drawRichSteps(t, s, states, ri))
		}
		ri.steps = append(ri.steps, row)
		after, to := 0, 0
		if s > 1 && !ri.plain && rapid.Bool().Draw(t, "deadline") {
			after = rapid.SampledFrom([]int{1, 2, 5, 10}).Draw(t, "after")
			if to = rapid.IntRange(s-1, states-1).Draw(t, "timeout"); to <= s { // never back, or they would go in a circle
				to = 0
			}
		}
		ri.atEnd = append(ri.atEnd, s > 1 && rapid.IntRange(0, 2).Draw(t, "at end") == 0)
		ri.after, ri.timeout = append(ri.after, after), append(ri.timeout, to)
	}
	ri.passing = make([]int, states)
	ri.ended = rapid.Bool().Draw(t, "ended")
	ri.lengths = [4]int{rapid.SampledFrom([]int{1, 3, 5, 10}).Draw(t, "window"), rapid.SampledFrom([]int{2, 4, 9}).Draw(t, "window of sums"), rapid.SampledFrom([]int{1, 3, 6}).Draw(t, "age"), 1}
	return ri
}

func drawRichSteps(t *rapid.T, from, states int, ri rich) (all []richStep) {
	if from < 2 {
		return nil
	}
	guards := []int{noGuard, inSet, notInSet, counted, isLast, isSource, wealthy}
	updates := []int{noUpdate, addX, removeX, clearSet, countUp, countDown, storeX, storeSource, clearLast, plusN, plusN, minusN, clearAmount}
	if ri.plain {
		guards, updates = []int{noGuard}, []int{noUpdate}
	}
	if ri.windowed {
		guards, updates = []int{crowded, quiet, heavy, noGuard, counted}, []int{occur, addN, occur, addN, clearWindow, noUpdate, countUp}
	}
	if ri.stacked {
		guards, updates = []int{topIsX, topIsX, topIsX, topIsCount, bare, noGuard}, []int{pushX, pushX, pushX, popX, popX, pushCount, pushCount, popCount, countUp, countUp, countDown, noUpdate}
	}
	if ri.aged && !ri.stacked {
		guards = append(guards, younger, older, younger, older)
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "steps") {
		s := richStep{to: rapid.IntRange(2, states-1).Draw(t, "to")}
		switch rapid.IntRange(0, 7).Draw(t, "kind of target") {
		case 0:
			s.to = 0
		case 1, 2:
			s.to = -1
		case 3:
			s.to = 1
		}
		s.update = rapid.SampledFrom(updates).Draw(t, "update")
		if ri.stacked && s.to > 1 && rapid.IntRange(0, 3).Draw(t, "nests") > 0 {
			s.to, s.update = -1, rapid.SampledFrom([]int{pushX, pushX, popX, pushCount, popCount}).Draw(t, "nesting")
		}
		if i < 2 && (!ri.stacked || s.to >= 0) {
			s.flag, s.guard = rapid.Bool().Draw(t, "flagged"), rapid.SampledFrom(guards).Draw(t, "guard")
		}
		all = append(all, s)
		if !s.flag && s.guard == noGuard {
			break // it hides the others
		}
	}
	return all
}

// registers are those of a model.
func (ri *rich) registers() (set, counter, last, amount, window, sums, xs, counts props.Register) {
	window, sums = ri.windows()
	xs, counts = stacks()
	return props.Set("s"), props.Counter("c"), props.Last("l"), props.Amount("a"), window, sums, xs, counts
}

// updates are what steps do to them.
func (ri *rich) updates() map[int]props.Update {
	set, counter, last, amount, window, sums, xs, counts := ri.registers()
	return map[int]props.Update{addX: set.Add("x"), removeX: set.Remove("x"), clearSet: set.Clear(),
		countUp: counter.Count(1), countDown: counter.Count(-1), clearCount: counter.Clear(), storeX: last.Store("x"), storeSource: source().Store(props.ContextSource), clearLast: last.Clear(),
		seeX:  different(ri.lengths[3]).Add("x"),
		occur: window.Occur(), addN: sums.Add("n"), clearWindow: window.Clear(),
		plusN: amount.Plus("n"), minusN: amount.Minus("n"), clearAmount: amount.Clear(),
		pushX: xs.Push("x"), popX: xs.Pop(), pushCount: counts.PushCount(counter), popCount: counts.Pop()}
}

// property translates the model for the packages under test.
func (ri *rich) property() *props.Property {
	set, counter, last, amount, window, sums, xs, counts := ri.registers()
	flagged := func(d event.Data) bool { v, _ := d.Get("flag"); return v.Equal(event.Boolean(true)) }
	var vars []string
	for v := range ri.vars {
		vars = append(vars, fmt.Sprintf("v%d", v))
	}
	var rules []props.Rule
	for s := 2; s < len(ri.steps); s++ {
		r := props.From(stateName(s))
		for i, t := range ri.types {
			l := ri.letter(i)
			for n, v := range t.binds {
				l = l.Binding(vars[v], fmt.Sprintf("p%d", n))
			}
			for _, x := range ri.steps[s][i] {
				g := l
				if x.flag {
					g = g.When("flagged", flagged)
				}
				switch x.guard {
				case inSet:
					g = g.GivenIn(set, "x")
				case notInSet:
					g = g.GivenNotIn(set, "x")
				case counted:
					g = g.GivenCount(counter, "at least 2", func(n int64) bool { return n >= 2 })
				case isSource:
					g = givenSource(g)
				case isLast:
					g = g.Given("x is the last", func(m props.Memory) bool {
						now, _ := m.Param("x")
						was, ok := m.Last("l")
						return ok && now.Equal(was)
					}, "x")
				default:
					g = givenWindow(g, x.guard, time.Duration(ri.lengths[2])*time.Millisecond)
				}
				step := r.On(g)
				if x.update != noUpdate {
					step = step.Do(ri.updates()[x.update])
				}
				if r = step.Stay(); x.to >= 0 {
					r = step.To(stateName(x.to))
				}
			}
			if len(ri.steps[s][i]) == 0 {
				r = r.On(l).Stay()
			}
		}
		if ri.after[s] > 0 {
			r = ri.limited(r, s)
		}
		if ri.atEnd[s] {
			r = r.ViolatedAtEnd()
		}
		rules = append(rules, r)
	}
	quantified := ri.quantified(vars)
	if !ri.plain {
		quantified = quantified.With(set, amount, counter, last, source())
	}
	if ri.windowed {
		quantified = quantified.With(window, sums, different(ri.lengths[3]))
	}
	if ri.stacked {
		quantified = quantified.With(xs, counts)
	}
	return quantified.Machine("model", rules...)
}

func (a richArrival) event(i int) event.Event {
	e := a.arrival.event(i)
	e.Type = cmp.Or(a.name, e.Type)
	e.Data = e.Data.With("x", forms[a.x].value).With("n", event.Int(int64(a.n)))
	return e
}

// judge runs a stream over a course.
func (c richCourse) judge() (all []richJudged, late []bool, err error) {
	late = make([]bool, len(c.arrivals))
	err = c.stream(late, func(v Violation) { all = append(all, c.rich.judged(v)) })
	return all, late, err
}

func (c richCourse) violations() (all []Violation, err error) {
	err = c.stream(make([]bool, len(c.arrivals)), func(v Violation) { all = append(all, v) })
	return all, err
}

func (c richCourse) stream(late []bool, found func(Violation)) (err error) {
	few := usual()
	few.slideAt, few.collectAt = c.slideAt, c.collectAt
	if c.collectAt == 1 { // so that some courses sweep all the time
		few.firstSweep, few.firstLetters = 1, 1
	}
	p, err := Compile(c.rich.property())
	if err != nil {
		return err
	}
	s, err := p.Stream(StreamOptions{Skew: c.ms(c.skew), Lateness: c.ms(c.lateness), limits: &few})
	if err != nil {
		return err
	}
	tell := func(j Judgement) (err error) {
		for _, f := range j.Findings {
			switch f.Kind {
			case FoundLate:
				late[f.Line] = true
			case FoundViolation:
				found(f.Violation)
			case FoundUndecided:
				err = fmt.Errorf("undecided: %s", f.Why)
			}
		}
		return err
	}
	for i, a := range c.arrivals {
		if c.cut == i+1 {
			if s, err = restored(s, p); err != nil {
				return err
			}
		}
		e := a.event(i)
		if err := tell(push(s, &e, i)); err != nil {
			return err
		}
	}
	return tell(closed(s, c.rich.ended))
}

// closed ends a stream.
func closed(s *Stream, ended bool) Judgement {
	if ended {
		return s.End()
	}
	return s.Close()
}

func (ri *rich) judged(v Violation) richJudged {
	j := ri.model.judged(v)
	r := richJudged{in: j.in, certain: j.certain, event: v.Event.ID, states: j.states}
	for _, s := range v.Witness {
		r.witness = append(r.witness, s.ID)
	}
	return r
}

// differs compares a stream with the reference.
func (c richCourse) differs(reference rich, f flaw) (string, error) {
	got, late, err := c.judge()
	if err != nil {
		return "", err
	}
	p := c.placed()
	if !slices.Equal(p.late, late) {
		return "other events are late", nil
	}
	r := reference.run(c.arrivals, p, c.skew, f)
	diff := r.compare(r.spreads(), got)
	for i := 1; i < len(got) && diff == "" && c.skew == 0; i++ {
		if r.timeOfReport(got[i]) < r.timeOfReport(got[i-1]) {
			diff = fmt.Sprintf("%s is told after %s", got[i].event, got[i-1].event)
		}
	}
	if diff != "" {
		diff += r.show() + fmt.Sprintf("%+v", got)
	}
	return diff, nil
}

// timeOfReport is when the violating event was; the end is after all that was
// seen, and after the deadlines of the instance.
func (r *richRun) timeOfReport(j richJudged) int {
	switch n := len(j.witness); {
	case j.event != theEnd:
		return r.timeOf(j.event)
	case n > 1:
		return max(r.p.newest, r.timeOf(j.witness[n-2]))
	}
	return r.p.newest
}

// timeOf is when an event or a deadline was.
func (r *richRun) timeOf(name string) int {
	by, after, _ := strings.Cut(name, "+")
	e, _ := strconv.Atoi(by)
	ms, _ := strconv.Atoi(strings.TrimSuffix(after, "ms"))
	return r.p.effective[e] + ms
}

// Streams of properties with guards, registers and deadlines report what
// semantics.md says, in exact order and with skew. The first courses are the
// same every time.
func TestRichAgreesWithReference(t *testing.T) {
	for _, skewed := range []bool{false, true} {
		violated := 0
		for seed := range 3000 {
			c := richCourses(skewed).Example(seed)
			if diff, err := c.differs(c.rich, sound); err != nil || diff != "" {
				t.Fatal(skewed, seed, diff, err)
			}
			if got, _, _ := c.judge(); slices.ContainsFunc(got, func(j richJudged) bool { _, err := strconv.Atoi(j.event); return err != nil }) {
				violated++
			}
		}
		if violated < 100 {
			t.Errorf("skewed %v: %d courses are violated by a deadline, wanted more", skewed, violated)
		}
		rapid.Check(t, func(t *rapid.T) {
			c := richCourses(skewed).Draw(t, "course")
			if diff, err := c.differs(c.rich, sound); err != nil || diff != "" {
				t.Fatal(diff, err)
			}
		})
	}
}

// Without witnesses the same is violated, by the same.
func TestRichWithoutWitness(t *testing.T) {
	found := 0
	for seed := range 2000 {
		c := richCourses(false).Example(seed)
		p, err := Compile(c.rich.property())
		if err != nil {
			t.Fatal(err)
		}
		full, bare := p.Monitor(Options{}), p.Monitor(Options{NoWitness: true})
		for i, a := range c.arrivals {
			want, got := full.Observe(a.event(i)).Violations(), bare.Observe(a.event(i)).Violations()
			for i := range want {
				want[i].Witness = nil
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, event %d:\ngot  %v\nwant %v", seed, i, got, want)
			}
			found += len(got)
		}
	}
	if found < 100 {
		t.Errorf("%d violations, wanted more", found)
	}
}

// The same for longer.
func TestSoakRich(t *testing.T) {
	if os.Getenv("WTSIM_SOAK") == "" {
		t.Skip("only in make soak")
	}
	for seed := range 400_000 {
		c := richCourses(seed%4 > 0).Example(seed)
		if diff, err := c.differs(c.rich, sound); err != nil || diff != "" {
			t.Fatal(seed, diff, err)
		}
	}
}

// The comparison above is able to fail.
func TestRichComparisonNoticesMistakes(t *testing.T) {
	for name, f := range map[string]flaw{"deadlines first": deadlinesFirst, "never expired": neverExpired, "written before": writtenBefore, "staying begins anew": stayingBeginsNew,
		"aged by staying": agedByStaying, "first out": firstOut, "sources forgotten": sourcesForgotten, "never left": neverLeft, "end included": endIncluded} {
		noticedIn(t, name, func(seed int) (string, error) {
			c := richCourses(false).Example(seed)
			return c.differs(c.rich, f)
		})
	}
	noticedIn(t, "deadlines of all", func(seed int) (string, error) {
		c := richCourses(true).Example(seed)
		return c.differs(c.rich, deadlinesOfAll)
	})
	noticedIn(t, "distances of none", func(seed int) (string, error) {
		c := richCourses(true).Example(seed)
		return c.differs(c.rich, distancesOfNone)
	})
	for _, skewed := range []bool{false, true} {
		noticedIn(t, "named alone", func(seed int) (string, error) {
			c := richCourses(skewed).Example(seed)
			return c.differs(c.rich, namedAlone)
		})
		noticedIn(t, "first role alone", func(seed int) (string, error) {
			c := richCourses(skewed).Example(seed)
			return c.differs(c.rich, firstRoleAlone)
		})
	}
	noticedIn(t, "deadlines that look at the slice alone", func(seed int) (string, error) {
		c := richCourses(true).Example(seed)
		return c.differs(c.rich, sliceAlone)
	})
	for _, skewed := range []bool{false, true} {
		noticedIn(t, "one round", func(seed int) (string, error) {
			c := richCourses(skewed).Example(seed)
			return c.differs(c.rich, oneRound)
		})
		noticedIn(t, "nothing passing", func(seed int) (string, error) {
			c := richCourses(skewed).Example(seed)
			return c.differs(c.rich, nothingPassing)
		})
		noticedIn(t, "no end", func(seed int) (string, error) {
			c := richCourses(skewed).Example(seed)
			return c.differs(c.rich, endForgotten)
		})
	}
}
