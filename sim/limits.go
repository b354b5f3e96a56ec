package sim

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// limits are what the simulation lacks that an application has asked for in this
// run, in the order in which it did.
type limits struct {
	mu   sync.Mutex
	what []string
	last string // that the newest operation has met
}

// Lacks notes that something was refused that only the simulation does not have.
// The lock is its own: services call it with the run's and without.
func (k *kernel) Lacks(what string) {
	k.limits.mu.Lock()
	defer k.limits.mu.Unlock()
	k.limits.last = what
	if !slices.Contains(k.limits.what, what) {
		k.limits.what = append(k.limits.what, what)
	}
}

// newest is what was met since it was asked before; empty for nothing.
func (l *limits) newest() (what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what, l.last = l.last, ""
	return what
}

// limit makes a run inconclusive in which the application met what the
// simulation lacks: the platform would have answered something else, and what
// followed says nothing about the application. What the scenario names as meant
// does not count.
func (r *Result) limit(l *limits, meant []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, what := range l.what {
		if !slices.Contains(meant, MeantLack+what) {
			r.Limits = append(r.Limits, what)
		}
	}
	if len(r.Limits) == 0 || r.Verdict != Held && r.Verdict != Violated {
		return
	}
	after := ""
	if r.Violation != nil {
		after = fmt.Sprintf(" (after it, %q is violated)", r.Violation.Property)
	}
	r.Verdict, r.Violation = Inconclusive, nil
	r.Why = fmt.Sprintf("the simulator does not have %s, and the application has asked for it%s: its answer is none of the platform's; if this is meant, say so: Meant: []string{%q}",
		strings.Join(r.Limits, ", nor "), after, MeantLack+r.Limits[0])
}
