package sctbench

import (
	"os"
	"testing"
	"time"

	"github.com/wtsim/wtsim/scheduler"
)

// In the repaired twins nothing is found, whatever the strategy. The soak
// tries 100 000 schedules each.
func TestTwins(t *testing.T) {
	soak := os.Getenv("WTSIM_SOAK") != ""
	for _, p := range Programs {
		for _, strategy := range []string{"portfolio", "random", "pct"} {
			t.Run(p.Name+"/"+strategy, func(t *testing.T) {
				t.Parallel()
				limit := 400
				switch {
				case testing.Short():
					limit = 40
				case soak:
					limit = 100_000
				case len(Run(p.Fixed, scheduler.Benign{}).Record.Steps) > 300:
					limit = 40
				}
				start := time.Now()
				runs, found := Trial(p.Fixed, strategy, 1, limit)
				if found {
					t.Errorf("%s, repaired: %s finds something in schedule %d", p.Name, strategy, runs)
				}
				if soak {
					t.Logf("%d schedules in %v", runs, time.Since(start).Round(time.Millisecond))
				}
			})
		}
	}
}

// Every bug of the table but SafeStack's is found, within 400 schedules:
// a strategy that gets worse is noticed.
func TestBugsAreFound(t *testing.T) {
	for _, p := range Programs {
		if p.Best() == 0 {
			continue
		}
		if runs, found := Trial(p.Main, "portfolio", 1, 400); !found {
			t.Errorf("%s: nothing is found in %d schedules", p.Name, runs)
		}
	}
}

// A run that is repeated by its plan is the same.
func TestRepeats(t *testing.T) {
	for _, p := range Programs {
		for seed := range uint64(3) {
			first := Run(p.Main, scheduler.NewPOS(seed))
			again := Run(p.Main, scheduler.NewReplay(first.Record.Plan))
			if again.Record.Hash != first.Record.Hash || again.Bug != first.Bug {
				t.Errorf("%s, seed %d: %q, then %q", p.Name, seed, first.Bug, again.Bug)
			}
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	for _, p := range Programs {
		b.Run(p.Name, func(b *testing.B) {
			total := 0
			for i := range b.N {
				runs, _ := Trial(p.Main, "portfolio", uint64(i)*1000+1, 1000)
				total += runs
			}
			b.ReportMetric(float64(total)/float64(b.N), "schedules/op")
			b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "schedules/s")
		})
	}
}
