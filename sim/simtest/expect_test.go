package simtest

import (
	"testing"

	"github.com/wtsim/wtsim/sim"
)

// A scenario must be as it says: no better, no worse.
func TestExpect(t *testing.T) {
	fresh(t)
	expecting := func(s sim.Scenario, violation bool, deviations int) *recorder {
		s.Expect = sim.Expect{Violation: violation, Deviations: deviations}
		return record(t, t.Name(), func(t testing.TB) { Expect(t, s) })
	}
	expecting(tiny(2, 3), true, 2).wantPass(t, "few hits", "found in schedule ")
	expecting(tiny(2, 1), true, 0).wantPass(t, "the benign schedule violates")
	expecting(tiny(2, 9), false, 0).wantPass(t, "1000 schedules hold")
	setFlag(t, "wtsim.schedules", "60")

	expecting(tiny(2, 9), true, 1).wantFailure(t, "no violation in 60 schedules, wanted one of 1 deviation")
	if r := expecting(tiny(2, 3), true, 1); !r.failed {
		t.Error("two deviations are as good as one, wanted a failure")
	}
	if r := expecting(tiny(2, 2), true, 2); !r.failed {
		t.Error("one deviation is as good as two, wanted a failure")
	}
	wantFiles(t)
	expecting(tiny(2, 2), false, 0).wantFailure(t, tooManyHits)
}
