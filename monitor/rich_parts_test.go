package monitor

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// longerRich are courses with a time to live, and so many events that fronts
// slide.
func longerRich(skewed bool) *rapid.Generator[richCourse] {
	return rapid.Custom(func(t *rapid.T) richCourse {
		c := richCourses(skewed).Draw(t, "course")
		if rapid.Bool().Draw(t, "mortal") {
			c.ttl = rapid.IntRange(1, 12).Draw(t, "ttl")
		}
		if skewed && rapid.Bool().Draw(t, "longer") {
			for range rapid.IntRange(0, 20).Draw(t, "more") {
				last := richArrival{arrival{happening: c.rich.drawHappening(t, 2), source: rapid.IntRange(0, 9).Draw(t, "source"), seq: -1}, rapid.IntRange(0, 4).Draw(t, "x"), rapid.IntRange(-1, 2).Draw(t, "n"), ""}
				last.name = c.rich.drawName(t, last.kind)
				if n := len(c.arrivals); n > 0 {
					last.at = c.arrivals[n-1].at + rapid.IntRange(0, 1).Draw(t, "pass")
				}
				c.arrivals = append(c.arrivals, last)
			}
		}
		if rapid.Bool().Draw(t, "common") && c.rich.vars > 0 && !c.rich.hasRoles() {
			c.commonly()
		}
		if n := len(c.arrivals); n > 0 && rapid.IntRange(0, 3).Draw(t, "lossy") == 0 {
			c.arrivals[rapid.IntRange(0, n-1).Draw(t, "which")].lossy = true
		}
		return c
	})
}

// commonly makes all types bind the first variable too.
func (c *richCourse) commonly() {
	for i, t := range c.rich.types {
		if slices.Contains(t.binds, 0) {
			continue
		}
		c.rich.types[i].binds = append(slices.Clone(t.binds), 0)
		for n := range c.arrivals {
			if a := &c.arrivals[n]; a.kind == i {
				a.values = append(slices.Clone(a.values), n%3*3)
			}
		}
	}
}

// inParts judges a course by some shards, each saved and restored at the cuts;
// sweeping says how much there is before something is swept.
func (c richCourse) inParts(shards, sweeping int, cuts ...int) (all told, err error) {
	few := usual()
	few.slideAt, few.collectAt, few.firstSweep, few.firstLetters = c.slideAt, sweeping, sweeping, sweeping
	parts, streams := make([][]Finding, shards), make([]*Stream, shards)
	options := func(i int) StreamOptions {
		return StreamOptions{Skew: c.ms(c.skew), Lateness: c.ms(c.lateness), TTL: c.ms(c.ttl), Coverage: true, Part: i, Parts: shards, limits: &few}
	}
	compiled := func() *Program { // as another process would
		p, failed := Compile(c.rich.property(), props.Responds("another", props.On("T0"), props.On("T1"), c.ms(3)))
		err = failed
		return p
	}
	p := compiled()
	shared := p.Parts(shards)
	for i := range streams {
		if streams[i], err = p.Stream(options(i)); err != nil {
			return all, err
		}
	}
	for n, a := range c.arrivals {
		if slices.Contains(cuts, n) {
			p = compiled()
			for i := range streams {
				if streams[i], err = restored(streams[i], p); err != nil {
					return all, err
				}
			}
		}
		inputs := []Input{{Event: a.event(n), Line: n}}
		streams[0].Look(inputs)
		for i, s := range streams {
			parts[i] = s.Judge(shared.Share(nil, inputs, i)).Findings
		}
		all.tell(Judgement{Findings: MergeFindings(parts...)})
	}
	var sums []Summary
	var stats [][]PropertyStats
	var coverage [][]Coverage
	for i, s := range streams {
		parts[i] = closed(s, c.rich.ended).Findings
		sums = append(sums, s.Summary())
		stats, coverage = append(stats, s.Stats()), append(coverage, s.Coverage())
	}
	all.tell(Judgement{Findings: MergeFindings(parts...)})
	all.sum, all.stats, all.coverage = MergeSummaries(sums...), MergeStats(stats...), MergeCoverage(coverage...)
	return all, nil
}

// Properties with registers and deadlines: saved and restored at any event,
// judged by several shards, and swept all the time, a stream tells what it
// would have told; with skew, lateness and time to live.
func TestRichPartsChangeNothing(t *testing.T) {
	findings := 0
	check := func(t rapid.TB, c richCourse, shards int, cuts ...int) {
		whole, err := c.inParts(1, 1<<13)
		if err != nil {
			t.Fatal(err)
		}
		partsAreWhole(t, c, whole, shards, cuts...)
		findings += len(whole.findings)
	}
	for _, skewed := range []bool{false, true} {
		for seed := range 2000 {
			c := longerRich(skewed).Example(seed)
			check(t, c, 1+seed%3, seed%(len(c.arrivals)+1), seed/7%(len(c.arrivals)+1))
		}
		rapid.Check(t, func(t *rapid.T) {
			c := longerRich(skewed).Draw(t, "course")
			check(t, c, rapid.IntRange(1, 4).Draw(t, "shards"), rapid.SliceOfN(rapid.IntRange(0, len(c.arrivals)), 0, 3).Draw(t, "cuts")...)
		})
	}
	if findings < 2000 {
		t.Errorf("only %d findings", findings)
	}
}

func partsAreWhole(t rapid.TB, c richCourse, whole told, shards int, cuts ...int) {
	parts, err := c.inParts(shards, 1, cuts...)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(whole, parts) {
		r := c.rich.run(c.arrivals, c.placed(), c.skew, sound)
		t.Fatalf("%d shards, cut at %v of %d, ttl %d\nwhole %+v\nparts %+v%s", shards, cuts, len(c.arrivals), c.ttl, whole, parts, r.show())
	}
}

// The halves of a course are what the reference says of the whole.
func TestRichCheckpointAgreesWithReference(t *testing.T) {
	for _, skewed := range []bool{false, true} {
		for seed := range 1500 {
			c := richCourses(skewed).Example(seed)
			c.cut = 1 + seed%(1+len(c.arrivals))
			if diff, err := c.differs(c.rich, sound); err != nil || diff != "" {
				t.Fatal(skewed, seed, diff, err)
			}
		}
		rapid.Check(t, func(t *rapid.T) {
			c := richCourses(skewed).Draw(t, "course")
			c.cut = rapid.IntRange(1, 1+len(c.arrivals)).Draw(t, "cut")
			if diff, err := c.differs(c.rich, sound); err != nil || diff != "" {
				t.Fatal(diff, err)
			}
		})
	}
}

// dying tells which states no violation can be reached from, guards ignored.
func (ri *rich) dying() []bool {
	live := make([]bool, len(ri.steps))
	live[0] = true
	for s := 2; s < len(live); s++ {
		live[s] = ri.atEnd[s]
	}
	for range ri.steps {
		for s := 2; s < len(ri.steps); s++ {
			live[s] = live[s] || ri.after[s] > 0 && live[ri.timeout[s]]
			for _, steps := range ri.steps[s] {
				live[s] = live[s] || slices.ContainsFunc(steps, func(x richStep) bool { return x.to >= 0 && live[x.to] || x.pushes() })
			}
		}
	}
	dead := make([]bool, len(live))
	for s := range live {
		dead[s] = s == 0 || !live[s]
	}
	return dead
}

// richUse is a transition that some order takes.
type richUse struct {
	from  int
	event string
	to    int
}

func (u richUse) String() string {
	return fmt.Sprintf("%s %s %s", stateName(u.from), u.event, stateName(u.to))
}

// listed tells whether the property writes a transition down.
func (ri *rich) listed(u richUse) bool {
	for i, steps := range ri.steps[u.from] {
		if ri.roleName(i) == u.event {
			return len(steps) == 0 && u.from == u.to || slices.ContainsFunc(steps, func(x richStep) bool { return x.to == u.to || x.to < 0 && u.from == u.to || u.to == 0 && x.pushes() })
		}
	}
	return true
}

// uses returns what all orders of all instances use.
func (c richCourse) uses(f flaw) []string {
	r := c.rich.run(c.arrivals, c.placed(), c.skew, f)
	r.used = map[richUse]bool{}
	r.spreads()
	dead := c.rich.dying()
	var all []string
	for u := range r.used {
		if !dead[u.from] && c.rich.listed(u) {
			all = append(all, u.String())
		}
	}
	slices.Sort(all)
	return all
}

// What is used of a property with registers and deadlines is what the
// reference's orders use; a deadline is a transition.
func TestRichCoverageAgreesWithReference(t *testing.T) {
	differs := func(c richCourse, f flaw) (string, error) {
		all, err := c.inParts(1, 1<<13)
		if err != nil {
			return "", err
		}
		var got []string
		for _, x := range all.coverage[0].Transitions {
			if x.Taken {
				got = append(got, fmt.Sprintf("%s %s %s", x.From, x.Event, x.To))
			}
		}
		slices.Sort(got)
		if want := c.uses(f); !slices.Equal(got, want) {
			return fmt.Sprintf("got  %q\nwant %q%s", got, want, c.rich.run(c.arrivals, c.placed(), c.skew, f).show()), nil
		}
		return "", nil
	}
	deadlines := 0
	for _, skewed := range []bool{false, true} {
		for seed := range 1500 {
			c := richCourses(skewed).Example(seed)
			if diff, err := differs(c, sound); err != nil || diff != "" {
				t.Fatal(seed, diff, err)
			}
			if slices.ContainsFunc(c.uses(sound), func(x string) bool { return strings.Contains(x, "after") }) {
				deadlines++
			}
		}
	}
	if deadlines < 100 {
		t.Errorf("%d courses use a deadline, wanted more", deadlines)
	}
	noticedIn(t, "never expired", func(seed int) (string, error) { return differs(richCourses(false).Example(seed), neverExpired) })
}

// explained compares counter-orders and flips with the reference.
func (c richCourse) explained(counters, flips map[bool]int) (string, error) {
	r := c.rich.run(c.arrivals, c.placed(), c.skew, sound)
	spreads := r.spreads()
	all, err := c.violations()
	if err != nil {
		return "", err
	}
	timed := slices.Max(c.rich.after) > 0 || c.rich.windowed || c.rich.asksAge()
	for _, v := range all {
		in := c.rich.judged(v).in
		s := spreads[slices.IndexFunc(spreads, func(s richSpread) bool { return slices.Equal(s.in, in) })]
		if (v.Counter == nil) != (v.Certainty == Certain) {
			return fmt.Sprintf("%v %s: counter %v%s", in, v.Certainty, v.Counter, r.show()), nil
		}
		if why := r.wrongCounter(s, v.Counter); why != "" && v.Counter != nil {
			return fmt.Sprintf("%v: counter %v: %s%s", in, v.Counter, why, r.show()), nil
		}
		if v.Counter != nil {
			counters[timed]++
		}
		want := Flip{}
		if !timed && !c.rich.ended {
			want = c.flip(s, v.Certainty == Certain)
		}
		if v.Flips != want && !c.rich.ended { // the end is not looked at with another skew
			return fmt.Sprintf("%v %s: flips %v, want %v%s", in, v.Certainty, v.Flips, want, r.show()), nil
		}
		flips[v.Flips.To != ""]++
	}
	return "", nil
}

// outcome is what a slice comes to with some skew.
func (c richCourse) outcome(in bound, slice []int, skew int) Outcome {
	r := c.rich.run(c.arrivals, c.placed(), skew, sound)
	s := richSpread{certain: true, at: map[string]bool{}, slice: slice}
	r.in = in
	r.orders(&s, map[int]bool{}, newMemoryModel(), map[string]bool{})
	switch {
	case s.some && s.certain:
		return BecomesCertain
	case s.some:
		return BecomesPossible
	}
	return BecomesUnreported
}

// flip is course.flip, without deadlines.
func (c richCourse) flip(s richSpread, certain bool) Flip {
	if !certain {
		for skew := c.skew; skew > 0; skew-- {
			if o := c.outcome(s.in, s.slice, skew-1); o != BecomesPossible {
				return Flip{c.ms(skew), o}
			}
		}
		return Flip{}
	}
	slice, at := s.slice, c.placed().effective
	for n := range slice {
		last := n == len(slice)-1
		if (last || at[slice[n]]+2*c.skew < at[slice[n+1]]) && c.outcome(s.in, slice[:n+1], c.skew) == BecomesCertain {
			slice = slice[:n+1]
			break
		}
	}
	for skew := c.skew + 1; skew <= 2*c.skew; skew++ {
		if c.outcome(s.in, slice, skew) == BecomesPossible {
			return Flip{c.ms(skew), BecomesPossible}
		}
	}
	return Flip{}
}

// wrongCounter says what is wrong with a counter-order.
func (r *richRun) wrongCounter(s richSpread, counter []WitnessEvent) string {
	var order, states []string
	for _, step := range counter {
		order, states = append(order, step.ID), append(states, step.To)
	}
	r.in = s.in
	cs, left, why := r.follow(s.slice, order, states)
	if why != "" || slices.Contains(states, stateName(0)) {
		return why + fmt.Sprint(states)
	}
	if !slices.ContainsFunc(cs, func(c memoryModel) bool {
		return r.dying()[c.state] || len(left) == 0 && (!c.armed || !r.passed(c) || r.roundOf(c) > 0) && !r.owing(c)
	}) {
		return "it ends where a violation may follow"
	}
	return ""
}

// Explanations of properties with registers and deadlines are what the
// reference says: counter-orders that are possible and do not violate, and,
// without deadlines, the exact flips.
func TestRichExplanationsAgreeWithReference(t *testing.T) {
	counters, flips := map[bool]int{}, map[bool]int{}
	check := func(t rapid.TB, c richCourse, timeless bool) {
		if timeless {
			clear(c.rich.after)
			clear(c.rich.atEnd)
			c.rich.ended = false
		}
		if diff, err := c.explained(counters, flips); err != nil || diff != "" {
			t.Fatal(diff, err)
		}
	}
	for seed := range 14_000 {
		check(t, richCourses(true).Example(seed), seed%2 == 0)
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, richCourses(true).Draw(t, "course"), rapid.Bool().Draw(t, "timeless"))
	})
	if counters[true] < 40 || counters[false] < 40 || flips[true] < 20 || flips[false] < 40 {
		t.Errorf("too few: %v counter-orders by being timed, %v flips", counters, flips)
	}
}

// orders are events of a shop whose orders are shipped in time, and once more
// for the registers.
func orders(s *Stream, from, to int) {
	for i := from; i < to; i++ {
		for k, kind := range []string{"PLACED", "SHIPPED"} {
			e := eventAt(fmt.Sprintf("%d-%d", i, k), time.Duration(2*i+k)*time.Millisecond, fmt.Sprintf("s%d", i%7), kind, int64(i))
			e.Data = e.Data.With("n", event.Str(fmt.Sprintf("item-%d", i)))
			push(s, &e, 2*i+k)
		}
	}
}

func shop(t testing.TB) *Program {
	last, set := props.Last("last"), props.Set("all")
	p, err := Compile(shippedInTime(), props.ForAll("x").With(last, set).Machine("once",
		props.From("new").On(props.On("PLACED", "x")).Do(last.Store("n"), set.Add("n")).To("placed"),
		props.From("placed").On(props.On("SHIPPED", "x").GivenNotIn(set, "n")).To(props.Violated).
			On(props.On("SHIPPED", "x")).Do(set.Remove("n")).To("done").After(10*time.Second).To(props.Violated),
		props.From("done").On(props.On("PLACED", "x")).To(props.Violated)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Letters, configurations, values and deadlines are forgotten with the
// instances that had them; a checkpoint does not grow either.
func TestRichMemoryIsBounded(t *testing.T) {
	few := usual()
	for _, skew := range []time.Duration{0, 3 * time.Millisecond} {
		s, err := shop(t).Stream(StreamOptions{Skew: skew, TTL: 500 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		sizes := map[int]int{}
		for i := range 8 {
			orders(s, i*5_000, (i+1)*5_000)
			var b bytes.Buffer
			if err := s.Checkpoint(&b); err != nil {
				t.Fatal(err)
			}
			sizes[i] = b.Len()
		}
		if sizes[7] > sizes[1]*5/4 {
			t.Errorf("skew %v: checkpoints of %v bytes", skew, sizes)
		}
		orders(s, 40_000, 60_000)
		for i := range s.engine.stores {
			if c := s.engine.stores[i].Configs; len(c.Reads) > 4*few.firstLetters || len(c.All) > 8*few.collectAt {
				t.Errorf("skew %v: %d letters, %d configurations", skew, len(c.Reads), len(c.All))
			}
		}
		if n, known := s.engine.deadlines.n, len(s.engine.symbols.Known); n > 4*few.firstSweep || known > 4*few.firstSweep {
			t.Errorf("skew %v: %d deadlines, %d values", skew, n, known)
		}
		if sum := finish(s); sum.Violations > 0 {
			t.Errorf("%+v", sum)
		}
	}
}

// No byte of a checkpoint with registers and deadlines can be changed, and
// none makes Restore panic.
func TestBadRichCheckpoint(t *testing.T) {
	for _, skew := range []time.Duration{0, 3 * time.Millisecond} {
		p := shop(t)
		s, err := p.Stream(StreamOptions{Skew: skew, Lateness: 2 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		orders(s, 0, 12)
		var b bytes.Buffer
		if err := s.Checkpoint(&b); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Restore(bytes.NewReader(b.Bytes()), s.options); err != nil {
			t.Fatal(err)
		}
		for at := range b.Len() {
			bad := slices.Clone(b.Bytes())
			bad[at] ^= 1 << (at % 8)
			if _, err := p.Restore(bytes.NewReader(bad), s.options); err == nil {
				t.Fatalf("byte %d of %d can be changed", at, b.Len())
			}
		}
		if _, err := other(t).Restore(bytes.NewReader(b.Bytes()), s.options); err == nil || !strings.Contains(err.Error(), "say something else") {
			t.Errorf("got %v", err)
		}
	}
}

// other is the shop with another deadline.
func other(t *testing.T) *Program {
	p, err := Compile(props.Responds("shipped", props.On("PLACED", "x"), props.On("SHIPPED", "x"), 6*time.Second), props.AtMostOnce("once", props.On("PLACED", "x")))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The same for longer.
func TestSoakRichParts(t *testing.T) {
	if os.Getenv("WTSIM_SOAK") == "" {
		t.Skip("only in make soak")
	}
	for seed := range 40_000 {
		c := longerRich(seed%3 > 0).Example(seed)
		whole, err := c.inParts(1, 1<<13)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := c.inParts(1+seed%4, 1+seed%5, seed%(len(c.arrivals)+1), seed/9%(len(c.arrivals)+1))
		if err != nil || !reflect.DeepEqual(whole, parts) {
			t.Fatalf("seed %d: %v\nwhole %+v\nparts %+v%s", seed, err, whole, parts, c.rich.run(c.arrivals, c.placed(), c.skew, sound).show())
		}
		if c = richCourses(true).Example(seed); seed%2 == 0 {
			clear(c.rich.after)
		}
		if diff, err := c.explained(map[bool]int{}, map[bool]int{}); err != nil || diff != "" {
			t.Fatal(seed, diff, err)
		}
	}
}

// An instance that is forgotten has come to its end, not further: its
// deadlines pass up to then; where clocks differ, possibly those near it. It does
// not matter which event is the next that is seen.
func TestDeadlineOfTheForgotten(t *testing.T) {
	const s = time.Second
	for _, x := range []struct {
		skew, ttl time.Duration
		violated  int
	}{{0, 3 * s, 0}, {0, 5*s - 1, 0}, {0, 5 * s, 1}, {0, 6 * s, 1}, {2 * s, 6 * s, 1}, {2 * s, 7*s - 1, 1}, {2 * s, 7 * s, 1}, {2 * s, 8 * s, 1}} {
		for _, next := range []event.Event{eventAt("2", 30*s, "b", "OTHER", 1), eventAt("2", 30*s, "b", "PLACED", 2), eventAt("2", 30*s, "a", "SHIPPED", 1)} {
			lines, sum := streamed(t, StreamOptions{Skew: x.skew, TTL: x.ttl}, []event.Event{eventAt("1", 0, "a", "PLACED", 1), next}, shippedInTime())
			if sum.Violations != x.violated || sum.Expired != 1-x.violated || x.violated > 0 && strings.Contains(lines[0], "possible") != (x.ttl < 5*s+x.skew) {
				t.Errorf("skew %v, ttl %v, then %s: %+v", x.skew, x.ttl, next.Type, sum)
			}
		}
	}
}

// agreesWithReference compares courses with what the definition says of them, in
// exact order and with skew, whole and in two halves, in shards and swept all the
// time. Many of them are violated, with a witness, by an event or a deadline whose
// name is one of those that matter.
func agreesWithReference(t *testing.T, courses func(skewed bool) *rapid.Generator[richCourse], matters func(event string) bool) {
	for _, skewed := range []bool{false, true} {
		violated := 0
		check := func(t rapid.TB, c richCourse) {
			diff, err := c.differs(c.rich, sound)
			if err != nil || diff != "" {
				t.Fatal(diff, err)
			}
			if got, _, _ := c.judge(); slices.ContainsFunc(got, func(j richJudged) bool { return len(j.witness) > 2 && matters(j.event) }) {
				violated++
			}
		}
		for seed := range 2000 {
			c := courses(skewed).Example(seed)
			c.cut = seed % (2 + len(c.arrivals))
			check(t, c)
			if seed%4 > 0 {
				continue
			}
			whole, err := c.inParts(1, 1<<13)
			if err != nil {
				t.Fatal(err)
			}
			partsAreWhole(t, c, whole, 1+seed%3, seed%(len(c.arrivals)+1), seed/7%(len(c.arrivals)+1))
		}
		if violated < 100 {
			t.Errorf("skewed %v: violated %v, wanted more", skewed, violated)
		}
		rapid.Check(t, func(t *rapid.T) { check(t, courses(skewed).Draw(t, "course")) })
	}
}
