package sim_test

import (
	"strings"
	"testing"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim/report"
)

// Of attempts that go alike a story tells the first and the last, and all if it
// is to be full.
func TestStoryRepeats(t *testing.T) {
	r := compile(t, example(t, "rejected")).Run(scheduler.Benign{})
	other := compile(t, example(t, "order")).Run(scheduler.Benign{}) // in which nothing is rejected
	const alike = "steps of attempts that go as the one before\n"
	story, full := report.Story(r, other, report.StoryOptions{}), report.Story(r, nil, report.StoryOptions{})
	if n := strings.Count(full, ", attempt "); n < 100 || strings.Contains(full, alike) {
		t.Errorf("%d attempts in the full story", n)
	}
	if n := strings.Count(story, ", attempt "); n > 2 || !strings.Contains(story, alike) {
		t.Errorf("%d repeated attempts are told, wanted the last two at most:\n%s", n, story)
	}
}
