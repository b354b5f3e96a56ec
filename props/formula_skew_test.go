package props_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// sent is a time point with the clock that it was seen by.
type sent struct {
	point
	source int
}

// orders visits every order that clocks which differ by less than a skew allow.
func orders(all []sent, skew int, visit func([]point)) {
	var each func(done []point, used []bool)
	each = func(done []point, used []bool) {
		if len(done) == len(all) {
			visit(done)
			return
		}
		for i, s := range all {
			first := !used[i]
			for j, before := range all {
				certain := before.source == s.source && j < i || before.at+skew < s.at
				first = first && (used[j] || !certain)
			}
			if first {
				used[i] = true
				each(append(done[:len(done):len(done)], s.point), used)
				used[i] = false
			}
		}
	}
	each(nil, make([]bool, len(all)))
}

// Where clocks differ, a formula over the order of events is certainly violated
// if each possible order violates it by the definition, and possibly if some
// does.
func TestFormulaUnderSkew(t *testing.T) {
	certain, possible := 0, 0
	under := func(t *rapid.T) {
		d := draw{t, map[string][]string{}, true}
		l := d.formula()
		p := props.Formula("p", l.text(), signature())
		if p.Validate() != nil {
			return
		}
		free := slices.DeleteFunc(p.Vars(), func(v string) bool { return v[0] == 'q' || v == "event" })
		var all []sent
		for _, x := range d.trace() {
			if len(all) < 6 {
				all = append(all, sent{x, rapid.IntRange(0, 2).Draw(t, "source")})
			}
		}
		skew := rapid.IntRange(1, 3).Draw(t, "skew")
		violated, total := map[string]int{}, 0
		orders(all, skew, func(trace []point) {
			total++
			r := reading{slices.Clone(trace), map[string]int{}, []int{0, 1, 2, 9}}
			for i := range r.trace {
				r.trace[i].at = 0 // the order is all
			}
			for key := range r.violations(l, free) {
				violated[key]++
			}
		})
		got := judgedUnderSkew(t, p, free, all, skew)
		for key, n := range violated {
			want := monitor.Possible
			if n == total {
				want = monitor.Certain
				certain++
			} else {
				possible++
			}
			if got[key] != want && len(free) == len(p.Vars()) {
				t.Fatalf("%s\n%s%v\nskew %d: %q is %q, want %q (%d of %d orders)", l.text(), p.Text(), all, skew, key, got[key], want, n, total)
			}
		}
		if len(got) != len(violated) {
			t.Fatalf("%s\n%s%v\nskew %d: got %v, want %v", l.text(), p.Text(), all, skew, got, violated)
		}
	}
	for round := 0; round == 0 || round < 50 && min(certain, possible) == 0; round++ {
		rapid.Check(t, under)
	}
	if certain == 0 || possible == 0 {
		t.Errorf("%d certain and %d possible violations: too few to say anything", certain, possible)
	}
}

func judgedUnderSkew(t *rapid.T, p *props.Property, free []string, all []sent, skew int) map[string]monitor.Certainty {
	program, err := monitor.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	s, err := program.Stream(monitor.StreamOptions{Skew: time.Duration(skew) * time.Second, Lateness: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var in []monitor.Input
	for i, x := range all {
		e := event.Event{ID: strconv.Itoa(i), Source: fmt.Sprint("s", x.source), Type: x.name, Time: time.Date(2026, 1, 1, 0, 0, x.at, 0, time.UTC)}
		for k, v := range x.args {
			e.Data = e.Data.With(fmt.Sprint("x", k), event.Int(int64(v)))
		}
		in = append(in, monitor.Input{Event: e, Line: i + 1})
	}
	got := map[string]monitor.Certainty{}
	for _, j := range []monitor.Judgement{s.Push(in), s.Close()} {
		for _, v := range j.Violations() {
			key := ""
			for _, name := range free {
				for _, b := range v.Binding {
					if b.Name == name {
						key += fmt.Sprintf("%s=%s ", name, b.Value.Text())
					}
				}
			}
			if got[key] != monitor.Certain {
				got[key] = v.Certainty
			}
		}
	}
	return got
}
