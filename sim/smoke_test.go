package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wtsim/wtsim/scenarios"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

func TestSmoke(t *testing.T) {
	for _, sc := range scenarios.All()[:1] {
		s, err := sim.Compile(sc)
		if err != nil {
			t.Fatal(err)
		}
		r := s.Run(scheduler.Benign{})
		fmt.Println(sc.Name, r.Verdict, r.Why, r.Violation, r.Stack, len(r.Record.Decisions), len(r.Steps), r.Hash)
		for _, st := range r.Steps {
			fmt.Println(st.Time.Format("15:04:05.000000"), st.Identity, "|", st.What, "->", st.Status, st.Events, st.Output)
		}
		n := 0
		for _, d := range r.Record.Decisions {
			n += len(d.Options) - 1
		}
		fmt.Println("options", n)
		start := time.Now()
		for i := 0; i < 200; i++ {
			r2 := s.Run(scheduler.Benign{})
			if r2.Hash != r.Hash {
				t.Fatal("differs", r2.Verdict, r2.Why)
			}
		}
		fmt.Println(time.Since(start) / 200)
	}
}
