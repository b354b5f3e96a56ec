package report

import (
	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/sim"
)

// repeats tells which steps belong to an attempt that went as the one before it
// did, and as the next one will: a story tells the first and the last of them.
func repeats(steps []sim.Step) []bool {
	attempts := map[string][]string{} // of a task: what happened in each
	for i := range steps {
		s := &steps[i]
		name, n := s.Task.First, s.Task.Retries
		for len(attempts[name]) <= n {
			attempts[name] = append(attempts[name], "")
		}
		attempts[name][n] += deedIn(s) + "\x00" + gist(s) + "\n"
	}
	out := make([]bool, len(steps))
	for i := range steps {
		name, n := steps[i].Task.First, steps[i].Task.Retries
		all := attempts[name]
		out[i] = n > 0 && n+1 < len(all) && all[n] == all[n-1] && all[n] == all[n+1]
	}
	return out
}

// deedIn is what a step does, in whatever attempt.
func deedIn(s *sim.Step) string {
	if s.Operation == nil {
		return string(s.Kind)
	}
	return string(s.Kind) + " " + cloud.Mask(sim.OperationWords(s.Operation))
}
