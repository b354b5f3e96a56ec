package patterns

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// Who has nothing but the text of a finding understands it: a program that reads
// it finds what each deviation did and to whom, in which order the operations
// came that conflict over what is violated, and the events that violate. What it
// finds is compared with the run itself, for every bug of the catalogue.
func TestStoriesAreUnderstood(t *testing.T) {
	for _, s := range All() {
		if !s.Expect.Violation {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			if what := s.Missing(); what != "" {
				t.Skip(what)
			}
			r, text := finding(t, s)
			text = strings.ReplaceAll(text, "      on the patched runtime\n", "")
			a, err := read(text)
			if err != nil {
				t.Errorf("%v", err)
			}
			understands(t, a, r)
			fits(t, text)
			if t.Failed() {
				t.Log("\n" + text)
			}
		})
	}
}

// finding searches a scenario, and returns the smallest run and its text.
func finding(t *testing.T, s sim.Scenario) (*sim.Result, string) {
	t.Helper()
	compiled, err := sim.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	subject := search.Subject{Simulation: compiled, Explain: report.Parting}
	found, err := subject.Search(context.Background(), search.Options{Schedules: 1000})
	if err != nil || found.Result == nil {
		t.Fatal("nothing is found", err)
	}
	shrunk, _ := found.Subject.Shrink(found.Result, func() bool { return false })
	r := report.New(s.Name, shrunk.Result, found.Subject.Run(scheduler.Benign{}))
	r.Found = &report.Found{Number: found.Number, Shrunk: shrunk}
	return shrunk.Result, r.FoundText(report.StoryOptions{})
}

// understands compares what the reader has understood with the run.
func understands(t *testing.T, a *account, r *sim.Result) {
	t.Helper()
	if !strings.Contains(a.violated, r.Violation.Property) {
		t.Errorf("violated is %q, wanted %q", a.violated, r.Violation.Property)
	}
	if len(a.deviations) != len(r.Record.Plan) {
		t.Errorf("%d deviations are told, wanted %d", len(a.deviations), len(r.Record.Plan))
	}
	for _, d := range a.deviations {
		if _, err := a.cause(d); err != nil {
			t.Errorf("cause: %v", err)
		}
	}
	sawOrder(t, a, r)
	sawEffect(t, a, r)
}

// sawOrder wants all operations told, in their order, that conflict with those
// whose events violate: only what goes as in the attempt before may be folded.
func sawOrder(t *testing.T, a *account, r *sim.Result) {
	t.Helper()
	about := map[string]bool{} // whether it was written
	for i := range r.Steps {
		if s := &r.Steps[i]; inWitness(s, r) {
			for _, name := range touches(s) {
				about[name] = about[name] || s.Operation.Access&event.Writes != 0
			}
		}
	}
	for _, l := range r.Looked {
		if l.Service != "" {
			about[l.Service+" "+l.Key] = false
		}
	}
	left, next := 0, 0
	for i := range r.Steps {
		s := &r.Steps[i]
		conflicts := slices.ContainsFunc(touches(s), func(name string) bool {
			written, there := about[name]
			return there && (written || s.Operation.Access&event.Writes != 0)
		})
		if !conflicts {
			continue
		}
		at := slices.IndexFunc(a.rows[next:], func(x told) bool { return x.words == shortened(s.What) && strings.HasPrefix(x.who, s.Function) })
		if at < 0 {
			t.Logf("not told: %s %s", s.Function, s.What)
			left++
			continue
		}
		next += at + 1
	}
	if left > a.folded {
		t.Errorf("order: %d operations are left out that conflict with what is violated, and %d may be", left, a.folded)
	}
}

func inWitness(s *sim.Step, r *sim.Result) bool {
	return slices.ContainsFunc(s.Events, func(e event.Event) bool {
		return slices.ContainsFunc(r.Violation.Witness, func(w monitor.WitnessEvent) bool { return w.Source == e.Source && w.ID == e.ID })
	})
}

// touches are the things that a step's operation names.
func touches(s *sim.Step) (all []string) {
	if s.Operation == nil || s.Operation.Method == http.MethodPost {
		return nil
	}
	for _, name := range strings.Fields(s.Operation.Resource) {
		all = append(all, s.Operation.Service+" "+name)
	}
	return all
}

var eventName = regexp.MustCompile(`\b[A-Z][A-Z_]+\b`)

// sawEffect wants the events that violate, in their order, and the last row to
// say that they do; or what was wrong in the end.
func sawEffect(t *testing.T, a *account, r *sim.Result) {
	t.Helper()
	if r.Violation.AtQuiescence() {
		if want := strings.Join(strings.Fields(r.Violation.Detail), " "); a.detail != want {
			t.Errorf("effect: the end is told as %q, wanted %q", a.detail, want)
		}
	} else if last := a.rows[len(a.rows)-1]; !strings.HasSuffix(last.rest, "VIOLATED") {
		t.Errorf("effect: the last row is %q, wanted it to violate", last.rest)
	}
	var seen []string
	for _, row := range a.rows {
		seen = append(seen, eventName.FindAllString(row.rest, -1)...)
	}
	for _, w := range r.Violation.Witness {
		if !eventName.MatchString(w.Type) { // time has passed
			continue
		}
		at := slices.Index(seen, w.Type)
		if at < 0 {
			t.Errorf("effect: %s of the witness is not told, or in another order", w.Type)
			return
		}
		seen = seen[at+1:]
	}
}

var uuid = regexp.MustCompile(`([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f-]+`)

// shortened is a text as stories have it.
func shortened(text string) string { return uuid.ReplaceAllString(text, "$1…") }

// fits wants rows of at most 120 columns, without values that nobody reads.
func fits(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(line); n > 120 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if uuid.MatchString(text) {
		t.Errorf("a UUID is told: %s", uuid.FindString(text))
	}
}
