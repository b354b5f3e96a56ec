package sim_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/wtsim/wtsim/scenarios"
	"github.com/wtsim/wtsim/sim"
)

func TestSmoke(t *testing.T) {
	for _, sc := range scenarios.All() {
		s, err := sim.Compile(sc)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		f, err := s.Search(context.Background(), sim.Search{Strategy: "portfolio", Schedules: 1000})
		fmt.Println(sc.Name, f.Ran, time.Since(start)/time.Duration(f.Ran), err)
		if f.Inconclusive != nil {
			fmt.Println("inconclusive", f.Inconclusive.Why, f.Inconclusive.Record.Plan, f.Inconclusive.Stack)
		}
		if f.Result != nil {
			fmt.Println(f.Schedule.Strategy, f.Schedule.Seed, f.Result.Violation, f.Result.Stack)
			for _, d := range f.Result.Record.Plan {
				fmt.Println("   ", d.At, "|", d)
			}
			sh, r := s.Shrink(f.Result.Record.Plan, f.Result.Violation.Property, nil)
			fmt.Println("shrunk", sh.Runs, sh.Minimal, sh.Plan, r.Violation)
			_, _, same := s.Repeats(sh.Plan)
			fmt.Println(same)
		}
	}
}
