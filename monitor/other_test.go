package monitor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// What a property does not name is told by its own type, in exact order and with
// skew, before and after a sweep; what lacks the parameter is no part of it.
func TestOtherEvents(t *testing.T) {
	p, err := Compile(props.NeverAfter("quiet", props.Other("x"), props.On("SHUT", "x")), props.AtMostOnce("once", props.On("USED", "x")))
	if err != nil {
		t.Fatal(err)
	}
	for _, skew := range []time.Duration{0, time.Millisecond} {
		few := usual()
		few.firstSweep = 1
		s, err := p.Stream(StreamOptions{Skew: skew, limits: &few})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		tell := func(j Judgement) {
			for _, f := range j.Findings {
				if f.Kind != FoundViolation {
					t.Errorf("skew %v: %+v", skew, f)
				}
				got = append(got, f.Violation.Property+" "+f.Violation.Event.Type)
				for _, w := range f.Violation.Witness {
					got = append(got, w.Type)
				}
			}
		}
		for i, kind := range []string{"OPENED", "SHUT", "LACKING", "USED"} {
			e := eventAt(fmt.Sprint(i), time.Duration(i)*time.Second, "s", kind, 1)
			if kind == "LACKING" {
				e.Data = event.Data{}
			}
			tell(push(s, &e, i))
			if s, err = restored(s, p); err != nil {
				t.Fatal(err)
			}
		}
		tell(s.Close())
		if want := []string{"quiet USED", "OPENED", "SHUT", "USED"}; !slices.Equal(got, want) {
			t.Errorf("skew %v: got %q, want %q", skew, got, want)
		}
	}
}
