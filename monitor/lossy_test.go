package monitor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// gappy is a property and a trace of a source that may lose events, small enough
// that all that may be missing can be written down.
func gappy() *rapid.Generator[experiment] {
	return rapid.Custom(func(t *rapid.T) experiment {
		x := experiment{model: model{vars: rapid.IntRange(1, 2).Draw(t, "vars"), atEnd: make([]bool, 4)}}
		mo := &x.model
		for range 2 {
			var binds []int
			for v := range mo.vars {
				if rapid.Bool().Draw(t, "binds") {
					binds = append(binds, v)
				}
			}
			mo.types = append(mo.types, modelType{binds, rapid.IntRange(0, 3).Draw(t, "sure") == 0})
		}
		for s := range 4 {
			row := make([][2]int, 2)
			for i := range row {
				for f := range row[i] {
					if row[i][f] = s; s > 1 {
						row[i][f] = rapid.SampledFrom([]int{0, 0, 2, 3, 3, s, s, 1}).Draw(t, "to")
					}
				}
			}
			mo.next = append(mo.next, row)
			mo.atEnd[s] = s > 1 && rapid.IntRange(0, 2).Draw(t, "at end") == 0
		}
		for range rapid.IntRange(0, 4).Draw(t, "events") {
			x.trace = append(x.trace, mo.draw(t, 4))
		}
		return x
	})
}

// forall tells whether all runs of a slice end in a wanted state, whatever at
// most two letters are put before each event, and behind the last. Four states
// are no further from each other.
func (mo *model) forall(slice []happening, in bound, state int, wanted func(int) bool) bool {
	kinds := func(visit func(kind, flag int)) {
		for kind, t := range mo.types {
			if !t.sure && !slices.ContainsFunc(t.binds, func(v int) bool { return in[v] < 0 }) {
				visit(kind, 0)
				visit(kind, 1)
			}
		}
	}
	holds := true
	after := func(state int) {
		if len(slice) == 0 {
			holds = holds && wanted(state)
			return
		}
		flag := 0
		if slice[0].flag {
			flag = 1
		}
		holds = holds && mo.forall(slice[1:], in, mo.next[state][slice[0].kind][flag], wanted)
	}
	after(state)
	kinds(func(k, f int) {
		one := mo.next[state][k][f]
		after(one)
		kinds(func(k, f int) { after(mo.next[one][k][f]) })
	})
	return holds
}

// sliceOf is the slice of an instance.
func (mo *model) sliceOf(trace []happening, in bound) (slice []happening) {
	for _, o := range trace {
		if b, ok := mo.binding(o); ok && b.within(in) {
			slice = append(slice, o)
		}
	}
	return slice
}

// lossyVerdicts is the reference: for each event, and for the end, which minimal
// instances are violated whatever is missing, and which are unless something is.
func (mo *model) lossyVerdicts(trace []happening, f flaw) (lines []string) {
	instances := map[string]bound{}
	gone := map[string]bool{}
	root := slices.Repeat(bound{-1}, mo.vars)
	instances[fmt.Sprint(root)] = root
	inside := func(small, large bound) bool { return small.within(large) && !large.within(small) }
	sure := func(upTo int, in bound, end bool) bool {
		if f == nothingMissing {
			_, states := mo.run(trace[:upTo], 0, in, sound)
			return states[len(states)-1] == 0 || end
		}
		return mo.forall(mo.sliceOf(trace[:upTo], in), in, 2, func(s int) bool { return s == 0 || end && mo.atEnd[s] })
	}
	for at, o := range trace {
		b, ok := mo.binding(o)
		if !ok {
			lines = append(lines, " / ")
			continue
		}
		for _, in := range slices.Collect(maps.Values(instances)) {
			u, ok := in.join(b)
			if _, known := instances[fmt.Sprint(u)]; !ok || known {
				continue
			}
			instances[fmt.Sprint(u)] = u
			_, states := mo.run(trace[:at], 0, u, sound)
			for key := range gone { // what contains one that is settled, and was violated by then, is settled too
				gone[fmt.Sprint(u)] = gone[fmt.Sprint(u)] || gone[key] && states[len(states)-1] == 0 && inside(instances[key], u)
			}
		}
		var certain, doubtful []bound
		for key, in := range instances {
			_, states := mo.run(trace[:at+1], 0, in, sound)
			switch {
			case !b.within(in) || gone[key] || states[len(states)-1] != 0:
			case sure(at+1, in, false):
				certain = append(certain, in)
			case entersLast(states):
				doubtful = append(doubtful, in)
			}
		}
		for key, in := range instances {
			_, states := mo.run(trace[:at+1], 0, in, sound)
			gone[key] = gone[key] || states[len(states)-1] == 0 && slices.ContainsFunc(certain, func(c bound) bool { return c.within(in) })
		}
		lines = append(lines, mo.both(certain, doubtful))
	}
	var certain, doubtful []bound
	for _, in := range instances {
		_, states := mo.run(trace, 0, in, sound)
		switch {
		case !mo.atEnd[states[len(states)-1]]:
		case sure(len(trace), in, true):
			certain = append(certain, in)
		default:
			doubtful = append(doubtful, in)
		}
	}
	return append(lines, mo.both(certain, doubtful))
}

// nothingMissing is an engine's mistake: that a source is lossy is overlooked.
const nothingMissing flaw = 100

// both are the minimal ones, first those that are certain. One that is certain
// hides what is in doubt, and not the other way round.
func (mo *model) both(certain, doubtful []bound) string {
	minimal := func(all, among []bound) (out []string) {
		for _, in := range all {
			if !slices.ContainsFunc(among, func(c bound) bool { return c.within(in) && !in.within(c) }) {
				out = append(out, fmt.Sprint(in))
			}
		}
		slices.Sort(out)
		return out
	}
	all := slices.Concat(certain, doubtful)
	return strings.Join(minimal(certain, certain), " ") + " / " + strings.Join(minimal(doubtful, all), " ")
}

// lossy is what a monitor finds, as the reference tells it.
func (x experiment) lossy() (lines []string, err error) {
	p, err := Compile(x.model.property())
	if err != nil {
		return nil, err
	}
	m := p.Monitor(Options{})
	tell := func(j Judgement) {
		var by [2][]Violation
		for _, f := range j.Findings {
			f.Violation.Witness = nil
			switch f.Kind {
			case FoundViolation:
				by[0] = append(by[0], f.Violation)
			case FoundUndecided:
				by[1] = append(by[1], f.Violation)
			}
		}
		text := [2]string{}
		for i := range by {
			text[i] = strings.ReplaceAll(strings.ReplaceAll(x.model.renderAll(by[i]), ";", ""), " by", "")
		}
		lines = append(lines, text[0]+" / "+text[1])
	}
	for i, o := range x.trace {
		e := o.event(i)
		e.Lossy = i == 0
		tell(m.Observe(e))
	}
	if len(x.trace) > 0 {
		tell(m.Quiesce(nil))
	}
	return lines, nil
}

// lossyDiffers compares a monitor with the reference.
func (x experiment) lossyDiffers(reference model, f flaw) (string, error) {
	got, err := x.lossy()
	if err != nil {
		return "", err
	}
	want := reference.lossyVerdicts(x.trace, f)
	for i := range got {
		if got[i] != want[i] {
			return fmt.Sprintf("at event %d:\ngot  %s\nwant %s\n%+v", i, got[i], want[i], x), nil
		}
	}
	return "", nil
}

// Where a source loses events, a violation is told if and only if no letters that
// are put into the instance's slice, wherever, undo it; else it is told as
// inconclusive, once, and goes on.
func TestLossyAgreesWithAllInsertions(t *testing.T) {
	certain, doubtful := 0, 0
	for seed := range 1500 {
		x := gappy().Example(seed)
		if diff, err := x.lossyDiffers(x.model, sound); err != nil || diff != "" {
			t.Fatal(seed, diff, err)
		}
		for _, line := range x.model.lossyVerdicts(x.trace, sound) {
			sure, maybe, _ := strings.Cut(line, "/")
			certain += strings.Count(sure, "[")
			doubtful += strings.Count(maybe, "[")
		}
	}
	if t.Logf("%d certain, %d inconclusive", certain, doubtful); certain < 100 || doubtful < 100 {
		t.Error("wanted both")
	}
	rapid.Check(t, func(t *rapid.T) {
		x := gappy().Draw(t, "experiment")
		if diff, err := x.lossyDiffers(x.model, sound); err != nil || diff != "" {
			t.Fatal(diff, err)
		}
	})
}

// The comparison notices an engine that overlooks what may be missing, and one
// that has another property.
func TestLossyComparisonNoticesMistakes(t *testing.T) {
	noticedBy := func(name string, differs func(x experiment) (string, error)) {
		for seed := range 200 {
			if diff, err := differs(gappy().Example(seed)); err != nil {
				t.Fatal(err)
			} else if diff != "" {
				return
			}
		}
		t.Errorf("%s: not noticed", name)
	}
	noticedBy("overlooked", func(x experiment) (string, error) { return x.lossyDiffers(x.model, nothingMissing) })
	noticedBy("none is declared complete", func(x experiment) (string, error) {
		all := x.model
		all.types = slices.Clone(all.types)
		for i := range all.types {
			all.types[i].sure = false
		}
		return x.lossyDiffers(all, sound)
	})
	noticedBy("another property", func(x experiment) (string, error) { return x.lossyDiffers(x.model.mutated(), sound) })
}

func lossyEvent(id int, kind string) event.Event {
	e := event.Event{Source: "s", ID: fmt.Sprint(id), Type: kind, Time: epoch.Add(time.Duration(id) * time.Second), Sequence: fmt.Sprint(id), Lossy: true}
	e.Data = e.Data.With("order", event.Str("o"))
	return e
}

// Two charges are two, whatever is missing; processing without a consent that was
// seen says nothing. What was inconclusive may become certain.
func TestLossyByExample(t *testing.T) {
	charged := props.AtMostOnce("charged once", props.On("CHARGED", "order"))
	shipped := props.ForAll("order").Machine("shipped once, when paid",
		props.From("start").On(props.On("PAID", "order")).To("paid"),
		props.From("start").On(props.On("SHIPPED", "order")).To(props.Violated),
		props.From("paid").On(props.On("SHIPPED", "order")).To("shipped"),
		props.From("shipped").On(props.On("SHIPPED", "order")).To(props.Violated))
	p, err := Compile(charged, shipped)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Stream(StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	tell := func(j Judgement) {
		for _, f := range j.Findings {
			got = append(got, fmt.Sprint(f.Kind, " ", f.Violation.Property, " ", f.Violation.Event.ID))
		}
	}
	for i, kind := range []string{"CHARGED", "SHIPPED", "CHARGED", "SHIPPED"} {
		e := lossyEvent(i, kind)
		tell(push(s, &e, i))
		if s, err = restored(s, p); err != nil {
			t.Fatal(err)
		}
	}
	tell(s.Close())
	want := []string{"inconclusive shipped once, when paid 1", "violation charged once 2", "violation shipped once, when paid 3"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if sum := s.Summary(); sum.Undecided != 1 || sum.Violations != 2 || !sum.Lossy || sum.Verdict != Violated {
		t.Errorf("summary %+v", sum)
	}
}

// Nothing holds for certain where events may be missing.
func TestLossyHoldsNothing(t *testing.T) {
	p, err := Compile(props.AtMostOnce("charged once", props.On("CHARGED", "order")))
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Stream(StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e := lossyEvent(1, "CHARGED")
	push(s, &e, 1)
	if sum := finish(s); sum.Verdict != Inconclusive || !sum.Lossy {
		t.Errorf("got %+v, want inconclusive", sum)
	}
}

// With skew, what is told as certain is violated by the events in any order,
// whatever is missing; here in that of the trace, which the clocks allow.
func TestLossyWithSkew(t *testing.T) {
	certain := 0
	for seed := range 1500 {
		x := gappy().Example(seed)
		p, err := Compile(x.model.property())
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.Stream(StreamOptions{Skew: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range x.trace {
			e := o.event(i)
			e.Time, e.Lossy, e.Source = epoch, true, fmt.Sprint("s", i)
			push(s, &e, i)
		}
		for _, v := range s.Close().Violations() {
			in := x.model.judged(v).in
			slice := x.model.sliceOf(x.trace, in)
			if v.Certainty == Possible { // then it is in the witness's order
				slice = nil
				for _, e := range x.model.judged(v).witness {
					slice = append(slice, x.trace[e])
				}
			} else {
				certain++
			}
			if !x.model.forall(slice, in, 2, func(s int) bool { return s == 0 }) {
				t.Fatalf("seed %d: %v is %s, and what is missing may undo it\n%+v", seed, in, v.Certainty, x)
			}
		}
	}
	if certain < 50 {
		t.Errorf("%d certain violations, wanted some", certain)
	}
}

// What rests on a deadline, or on what a window holds, is not told as a
// violation; what is behind it is.
func TestLossyTimesAndWindows(t *testing.T) {
	for name, p := range map[string]*props.Property{
		"deadline": props.Responds("shipped", props.On("PLACED", "order"), props.On("SHIPPED", "order"), 5*time.Second),
		"window":   props.AtMost("seldom", event.Int(1), props.Occurrences(props.On("PLACED", "order"), 5*time.Second)),
	} {
		for _, skew := range []time.Duration{0, time.Millisecond} {
			var events []event.Event
			for i, kind := range []string{"PLACED", "PLACED", "OTHER"} {
				e := lossyEvent(i, kind)
				e.Time = e.Time.Add(time.Duration(i/2) * time.Minute)
				events = append(events, e)
			}
			lines, sum := streamed(t, StreamOptions{Skew: skew}, events, p)
			if sum.Violations != 0 || sum.Undecided == 0 || sum.Verdict != Inconclusive {
				t.Errorf("%s, skew %v: got %+v, %q", name, skew, sum, lines)
			}
			for i := range events {
				events[i].Lossy = false
			}
			if _, sum := streamed(t, StreamOptions{Skew: skew}, events, p); sum.Violations == 0 || sum.Lossy {
				t.Errorf("%s, skew %v, nothing lost: got %+v", name, skew, sum)
			}
		}
	}
}
