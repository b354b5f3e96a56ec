package props_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/props"
)

// What a value of its own time cannot have is refused, with the reason.
func TestTimeOfValues(t *testing.T) {
	beat, asked, count := props.On("BEAT", "c", "n"), props.On("ASKED", "c"), props.Counter("rounds")
	up := props.From("up").On(beat).To("up").On(asked.GivenOlder(time.Second)).To(props.Violated)
	for want, p := range map[string]*props.Property{
		"": props.ForAll("c").Exists("n").With(props.Window("w", time.Second)).Machine("p", up.After(time.Minute).To(props.Violated)),
		`the deadline of state "up" beside "n", of which another value may do each time`:                 props.ForAll("c").ExistsEachTime("n").Machine("p", up.After(time.Minute).To(props.Violated)),
		`deadlines lead from state "up" back to it beside "n", for which some value must do: the rounds`: props.ForAll("c").Exists("n").With(count).Machine("p", up.After(time.Minute).Do(count.Count(1)).To("up")),
	} {
		if err := p.Validate(); err == nil && want != "" || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if p := props.ForAll("c").ExistsEachTime("n").With(props.Window("w", time.Second)).Machine("p", up); p.Validate() != nil || !p.Automaton().Timed() {
		t.Errorf("windows and ages: %v", p.Validate())
	}
}
