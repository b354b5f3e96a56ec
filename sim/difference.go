package sim

import "fmt"

// FirstDifference says in words where two runs part; empty if nowhere.
func FirstDifference(a, b *Result) string {
	for i := range max(len(a.Steps), len(b.Steps)) {
		switch {
		case i >= len(a.Steps):
			return fmt.Sprintf("step %d was the end of the run, then %s", i+1, b.Steps[i].words())
		case i >= len(b.Steps):
			return fmt.Sprintf("step %d was %s, then the end of the run", i+1, a.Steps[i].words())
		}
		if x, y := a.Steps[i].words(), b.Steps[i].words(); x != y {
			return fmt.Sprintf("step %d was %s, then %s; %s", i+1, x, y, likely(a, a.Steps[i].Function))
		}
	}
	if a.Hash != b.Hash {
		return "the runs do the same steps with other arguments or times"
	}
	return ""
}

// likely names what may make a function's runs differ.
func likely(r *Result, function string) string {
	if r.Runtime == Patched {
		return fmt.Sprintf("as map iteration, select, random numbers and goroutines are controlled here, likely in %s: "+
			"a variable of a package that keeps something from run to run, a map of more than 8 pointers, a finalizer, the real clock, a file or the environment", function)
	}
	return fmt.Sprintf("likely map iteration, select, math/rand or a goroutine race in %s: `wtsim test` and `wtsim build` control these", function)
}

func (s *Step) words() string {
	w := who(s) + " " + s.What
	if s.Status != "" {
		w += " -> " + s.Status
	}
	for _, e := range s.Events {
		w += " " + e.String()
	}
	return w
}
