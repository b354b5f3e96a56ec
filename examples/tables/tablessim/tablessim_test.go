package tablessim

import (
	"testing"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// Over each library the bug is found, its repair holds, and a schedule is the same
// whenever it is run.
func TestLibraries(t *testing.T) {
	for library := range Libraries {
		t.Run(library, func(t *testing.T) {
			if found := violated(t, Scenario(library, false)); found == 0 {
				t.Error("two withdraw what is there once in none of 100 schedules, wanted one")
			}
			if found := violated(t, Scenario(library, true)); found > 0 {
				t.Errorf("the repaired one is violated by seed %d", found)
			}
		})
	}
}

// Goose makes the tables in the run: the money is there, and is withdrawn.
func TestMigrations(t *testing.T) {
	s, err := sim.Compile(Migrated())
	if err != nil {
		t.Skip(err) // no PostgreSQL
	}
	for range 2 {
		if r := s.Run(scheduler.Benign{}); r.Verdict != sim.Held {
			t.Fatal(r.Verdict, r.Why, r.Violation)
		}
	}
}

// violated is the first of 100 seeds with a violation; 0 if there is none.
func violated(t *testing.T, scenario sim.Scenario) uint64 {
	s, err := sim.Compile(scenario)
	if err != nil {
		t.Skip(err) // no PostgreSQL
	}
	for seed := uint64(1); seed <= 100; seed++ {
		r := s.Run(scheduler.NewRandom(seed))
		switch {
		case r.Verdict == sim.Inconclusive:
			t.Fatal(seed, r.Why)
		case r.Verdict != sim.Violated:
			continue
		}
		if again := s.Run(scheduler.NewRandom(seed)); again.Hash != r.Hash {
			t.Errorf("seed %d is another run when it is run again", seed)
		}
		return seed
	}
	return 0
}
