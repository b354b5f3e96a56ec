package sim

import (
	"strings"

	"github.com/wtsim/wtsim/cloud"
)

// repeats tells which steps belong to an attempt that went as the one before it
// did, and as the next one will: a story tells the first and the last of them.
func repeats(steps []Step) []bool {
	attempts := map[string][]string{} // of a task: what happened in each
	for i := range steps {
		s := &steps[i]
		name, n := attemptOf(s)
		for len(attempts[name]) <= n {
			attempts[name] = append(attempts[name], "")
		}
		attempts[name][n] += strings.ReplaceAll(s.Identity, string(cloud.Retry), "") + "\x00" + gist(s) + "\n"
	}
	out := make([]bool, len(steps))
	for i := range steps {
		name, n := attemptOf(&steps[i])
		all := attempts[name]
		out[i] = n > 0 && n+1 < len(all) && all[n] == all[n-1] && all[n] == all[n+1]
	}
	return out
}

// attemptOf returns a step's task without its attempt, and the attempt's
// number from 0.
func attemptOf(s *Step) (task string, n int) {
	return strings.ReplaceAll(s.Task, string(cloud.Retry), ""), strings.Count(s.Task, string(cloud.Retry))
}
