package report

import (
	"fmt"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
)

// Nearest is the run that has the most of a recorded violation that no run
// shows.
type Nearest struct {
	Looked     int          `json:"looked"`   // schedules
	Schedule   int          `json:"schedule"` // its number among them
	Events     int          `json:"events"`   // how many of the slice it has, from the first on
	Of         int          `json:"of"`
	Lacks      *event.Event `json:"lacks,omitempty"` // the first that it has not; nil if it has all
	Deviations []string     `json:"deviations"`
}

// Text tells it for people.
func (n *Nearest) Text(recorded monitor.Violation) string {
	var w strings.Builder
	fmt.Fprintf(&w, "recorded: %s\n", recorded)
	if n.Lacks == nil {
		fmt.Fprintf(&w, "nearest of %s: the one of schedule %d has all %s of it in order, with others between them, or is not violated\n",
			Plural(n.Looked, "run"), n.Schedule, Plural(n.Of, "event"))
	} else {
		fmt.Fprintf(&w, "nearest of %s: the one of schedule %d has %d of %s, and lacks\n  %s %s of %s\n",
			Plural(n.Looked, "run"), n.Schedule, n.Events, Plural(n.Of, "event"), n.Lacks, n.Lacks.ID, n.Lacks.Source)
	}
	for i, d := range n.Deviations {
		fmt.Fprintf(&w, "  %d. %s\n", i+1, d)
	}
	return w.String()
}

// NotShownText tells a search for a recorded violation that has found no run
// that shows it.
func (s Summary) NotShownText() string {
	return fmt.Sprintf("%s: no run shows the recorded violation in %s\n%s\n", s.Scenario, Plural(s.Schedules, "schedule"), s.Seen())
}
