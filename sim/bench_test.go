package sim_test

import (
	"testing"

	"github.com/wtsim/wtsim/scenarios"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim/search"
)

// BenchmarkBenign runs a shop without deviations, as a search does.
func BenchmarkBenign(b *testing.B) {
	benchmark(b, func(uint64) scheduler.Source { return scheduler.Benign{} })
}

// BenchmarkRandom runs it on random schedules.
func BenchmarkRandom(b *testing.B) {
	benchmark(b, func(seed uint64) scheduler.Source { return scheduler.NewRandom(seed) })
}

func benchmark(b *testing.B, source func(uint64) scheduler.Source) {
	s := compile(b, scenarios.All()[0])
	defer search.Steady()()
	b.ReportAllocs()
	steps := 0
	for n := uint64(0); b.Loop(); n++ {
		steps += len(s.Run(source(n)).Steps)
	}
	b.ReportMetric(float64(steps)/float64(b.N), "steps/op")
}
