package monitor

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// course is a property and events as they come in.
type course struct {
	model          model
	arrivals       []arrival
	skew, lateness int
	ttl            int
	cut            int // 1 + where the stream is saved and restored; 0 is nowhere
	slideAt        int
}

func courses(skewed bool) *rapid.Generator[course] {
	return rapid.Custom(func(t *rapid.T) course {
		c := course{model: drawModel(t)}
		length, values := 12, 4
		if skewed {
			c.skew = rapid.IntRange(1, 6).Draw(t, "skew")
			length, values = 7, 2
		}
		c.lateness = rapid.SampledFrom([]int{0, 1, 5, 1000}).Draw(t, "lateness")
		c.slideAt = rapid.SampledFrom([]int{4, 64}).Draw(t, "slide at")
		at := 0
		sources := rapid.IntRange(1, 4).Draw(t, "sources")
		for range rapid.IntRange(0, length).Draw(t, "events") {
			at += rapid.SampledFrom([]int{0, 0, 1, 1, 2, 3, 7, -2, -5}).Draw(t, "pass")
			a := arrival{happening: c.model.draw(t, values), source: rapid.IntRange(0, sources-1).Draw(t, "source"), at: at, seq: -1}
			if rapid.Bool().Draw(t, "sequenced") {
				a.seq = rapid.IntRange(0, 5).Draw(t, "seq")
			}
			c.arrivals = append(c.arrivals, a)
		}
		return c
	})
}

func (a arrival) event(i int) event.Event {
	e := a.happening.event(i)
	e.Source = "s" + strconv.Itoa(a.source)
	e.Time = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(a.at) * time.Millisecond)
	e.Lossy = a.lossy
	if a.seq >= 0 {
		e.Sequence = strconv.Itoa(a.seq)
	}
	return e
}

// judgeAll runs a stream over a course.
func (c course) judgeAll() ([]judged, Summary, error) {
	all, _, sum, err := c.stream()
	return all, sum, err
}

// judge returns what is late too.
func (c course) judge() ([]judged, []bool, error) {
	all, late, _, err := c.stream()
	return all, late, err
}

func (c course) stream() ([]judged, []bool, Summary, error) {
	p, err := Compile(c.model.property())
	if err != nil {
		return nil, nil, Summary{}, err
	}
	var all []judged
	late := make([]bool, len(c.arrivals))
	s, err := p.Stream(StreamOptions{
		Skew: time.Duration(c.skew) * time.Millisecond, Lateness: time.Duration(c.lateness) * time.Millisecond, TTL: c.ms(c.ttl),
		limits: c.limits(),
	})
	if err != nil {
		return nil, nil, Summary{}, err
	}
	tell := func(j Judgement) {
		for _, f := range j.Findings {
			switch f.Kind {
			case FoundLate:
				late[f.Line] = true
			case FoundViolation:
				all = append(all, c.model.judged(f.Violation))
			case FoundUndecided:
				err = fmt.Errorf("undecided: %s", f.Why)
			}
		}
	}
	for i, a := range c.arrivals {
		if c.cut == i+1 {
			if s, err = restored(s, p); err != nil {
				return nil, nil, Summary{}, err
			}
		}
		e := a.event(i)
		tell(push(s, &e, i))
	}
	tell(s.Close())
	return all, late, s.Summary(), err
}

// restored is the stream of a checkpoint, or of a snapshot that is written when the
// first one has swept and settled all.
func restored(s *Stream, p *Program) (*Stream, error) {
	var saved bytes.Buffer
	if s.inputs%2 == 1 {
		if err := s.Checkpoint(&saved); err != nil {
			return nil, err
		}
		return p.Restore(&saved, s.options)
	}
	write, err := s.Snapshot()
	if err != nil {
		return nil, err
	}
	if err := s.Checkpoint(io.Discard); err != nil { // sweeps
		return nil, err
	}
	s.Close()
	if err := write(&saved); err != nil {
		return nil, err
	}
	return p.Restore(&saved, s.options)
}

func (mo *model) judged(v Violation) judged {
	j := judged{in: slices.Repeat(bound{-1}, mo.vars), certain: v.Certainty == Certain}
	for _, f := range v.Binding {
		for _, form := range forms {
			if form.value.Equal(f.Value) {
				j.in[f.Name[1]-'0'] = form.class
			}
		}
	}
	j.event, _ = strconv.Atoi(v.Event.ID)
	for _, s := range v.Witness {
		id, _ := strconv.Atoi(s.ID)
		j.witness, j.states = append(j.witness, id), append(j.states, s.To)
	}
	return j
}

// differs compares a stream with the reference.
func (c course) differs(reference model, f flaw) (string, error) {
	got, late, err := c.judge()
	if err != nil {
		return "", err
	}
	skew := c.skew
	p := placeAll(c.arrivals, skew, c.lateness, c.ttl)
	if !slices.Equal(p.late, late) {
		return fmt.Sprintf("late: got %v, want %v\n%s", late, p.late, showArrivals(c.arrivals)), nil
	}
	if c.skew > 0 {
		diff := c.model.compare(c.arrivals, reference.spreads(c.arrivals, p, skew, f), got)
		if diff != "" {
			diff += fmt.Sprintf("\nskew %d\n%s%+v", c.skew, showArrivals(c.arrivals), c.model)
		}
		return diff, nil
	}
	var trace []happening
	order := exactOrder(c.arrivals, p)
	for _, e := range order {
		trace = append(trace, c.arrivals[e].happening)
	}
	lines, _ := reference.verdicts(trace, f)
	gotLines := make([]string, len(lines)-1)
	for i, e := range order {
		gotLines[i] = c.model.renderJudged(order, got, e)
	}
	for i := range gotLines {
		if gotLines[i] != lines[i] {
			return fmt.Sprintf("at event %d:\ngot  %s\nwant %s\n%s", order[i], gotLines[i], lines[i], showArrivals(c.arrivals)), nil
		}
	}
	return "", nil
}

// renderJudged renders the reports at one event as the reference does, which
// numbers events by their place in the order.
func (mo *model) renderJudged(order []int, got []judged, e int) string {
	var vs []report
	for _, j := range got {
		if j.event != e {
			continue
		}
		r := report{in: j.in}
		for i, w := range j.witness {
			r.witness += fmt.Sprintf(" %d:%s", slices.Index(order, w), j.states[i])
		}
		vs = append(vs, r)
	}
	return render(vs, allReported)
}

// Streams report what semantics.md says, for random properties, clocks,
// sequences, latenesses and skews. The first courses are the same every time.
func TestStreamAgreesWithReference(t *testing.T) {
	for _, skewed := range []bool{false, true} {
		for seed := range 3000 {
			c := courses(skewed).Example(seed)
			if diff, err := c.differs(c.model, sound); err != nil || diff != "" {
				t.Fatal(skewed, seed, diff, err)
			}
		}
		rapid.Check(t, func(t *rapid.T) {
			c := courses(skewed).Draw(t, "course")
			if diff, err := c.differs(c.model, sound); err != nil || diff != "" {
				t.Fatal(diff, err)
			}
		})
	}
}

// The comparison above is able to fail.
func TestStreamComparisonNoticesMistakes(t *testing.T) {
	for name, f := range map[string]flaw{"skew off by one": skewOffByOne, "chains forgotten": chainsForgotten} {
		noticedIn(t, name, func(seed int) (string, error) {
			c := courses(true).Example(seed)
			return c.differs(c.model, f)
		})
	}
	for _, skewed := range []bool{false, true} {
		noticedIn(t, "one transition changed", func(seed int) (string, error) {
			c := courses(skewed).Example(seed)
			return c.differs(c.model.mutated(), sound)
		})
	}
}

func noticedIn(t *testing.T, name string, try func(seed int) (string, error)) {
	t.Helper()
	for seed := range 10_000 {
		diff, err := try(seed)
		if err != nil {
			t.Fatal(err)
		}
		if diff != "" {
			t.Logf("%s: noticed by course %d", name, seed)
			return
		}
	}
	t.Errorf("%s: not noticed", name)
}

// What is too entangled for the memory bound is undecided, and says so; other
// instances are judged.
func TestUndecided(t *testing.T) {
	few := usual()
	few.maxLayer = 4
	a, b, c := props.On("A", "x"), props.On("B", "x"), props.On("C", "x")
	p, err := Compile(props.ForAll("x").Machine("p",
		props.From("s").On(a).To("t").On(b).To("s").On(c).To("s"), props.From("t").On(b).To(props.Violated)))
	if err != nil {
		t.Fatal(err)
	}
	var all told
	s, err := p.Stream(StreamOptions{Skew: time.Second, limits: &few})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 9 {
		e := parse(t, i, string("ABC"[i%3])+" x=1")
		e.Source = strconv.Itoa(i)
		push(s, &e, i)
	}
	for i, line := range []string{"A x=2", "B x=2"} {
		e := parse(t, 100+i, line)
		push(s, &e, i)
	}
	all.tell(s.Close())
	got, sum := all.findings, s.Summary()
	want := []string{
		`{"kind":"violation","property":"p","binding":{"x":2},"certainty":"certain","source":"/f/1","event":"101","time":"2026-01-01T00:00:00.101Z","witness":[` +
			`{"source":"/f/1","id":"100","type":"A","to":"t"},{"source":"/f/1","id":"101","type":"B","to":"violated"}]}`,
		`{"kind":"inconclusive","property":"p","binding":{"x":1},"why":"too many events of it are concurrent"}`,
	}
	if !slices.Equal(got, want) || sum.Undecided != 1 || sum.Verdict != Violated {
		t.Errorf("got %+v\n%s", sum, strings.Join(got, "\n"))
	}
}

// Joins that no event names are not stored: 200 users and 200 articles are no
// 40 000 instances.
func TestNoCrossProduct(t *testing.T) {
	m := testsIV(t).Monitor(Options{})
	for i := range 200 {
		m.Observe(parse(t, i, fmt.Sprintf("LOGGED_IN user=%d", i)))
		m.Observe(parse(t, 200+i, fmt.Sprintf("PUBLISHED slug=%d", i)))
	}
	if n := m.Stats().Properties[0].Instances; n != 400 {
		t.Errorf("%d instances", n)
	}
	if v := m.Observe(parse(t, 900, "FAVED slug=7 user=8")).Violations(); len(v) > 0 {
		t.Error(v)
	}
	if v := m.Observe(parse(t, 901, "FAVED slug=777 user=8")).Violations(); len(v) != 1 || len(v[0].Witness) != 2 {
		t.Error(v)
	}
}
