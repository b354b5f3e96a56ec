package simtest

import (
	"os"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/props"
)

// All that can be violated is told, each property once; with -wtsim.first the
// first alone.
func TestAllPropertiesAreTold(t *testing.T) {
	fresh(t)
	s := tiny(2, 2)
	s.Properties = append(s.Properties, props.Eventually("answered", props.On("HIT"), props.On("ANSWERED")))
	setFlag(t, "wtsim.first", "false")
	r := recordCheck(t, "TestAll", s)
	if len(r.errors) != 2 || r.errors[0] == r.errors[1] {
		t.Errorf("told %q, wanted one line for each of two properties\n%s", r.errors, r.log())
	}
	anotherProcess(t)
	setFlag(t, "wtsim.first", "true")
	if r := recordCheck(t, "TestFirst", s); len(r.errors) != 1 {
		t.Errorf("told %q, wanted the first alone", r.errors)
	}
}

// A bound is searched to its end, and a shard has its part of the schedules.
func TestOptions(t *testing.T) {
	fresh(t)
	setFlag(t, "wtsim.bound", "1")
	recordCheck(t, t.Name(), tiny(1, 9)).wantPass(t, "holds under every schedule with at most 1 deviation (")
	setFlag(t, "wtsim.shard", "1/2")
	recordCheck(t, t.Name(), tiny(1, 9)).wantPass(t, " schedules hold")
	setFlag(t, "wtsim.shard", "3/2")
	recordCheck(t, t.Name(), tiny(1, 9)).wantFailure(t, `-wtsim.shard is "3/2", wanted i/n with i from 1 to n, as 2/8`)
	setFlag(t, "wtsim.shard", "")
	setFlag(t, "wtsim.strategy", "random")
	recordCheck(t, t.Name(), tiny(1, 9)).wantFailure(t, "-wtsim.bound and -wtsim.strategy random exclude each other")
}

// Pages, JUnit and SARIF are written where they are asked for.
func TestOutcomesAreWritten(t *testing.T) {
	fresh(t)
	before := outcomes.all
	t.Cleanup(func() { outcomes.all = before })
	outcomes.all = nil
	setFlag(t, "wtsim.html", "pages")
	setFlag(t, "wtsim.junit", "junit.xml")
	setFlag(t, "wtsim.sarif", "wtsim.sarif")
	recordCheck(t, t.Name(), tiny(1, 1)).wantFailure(t, tooManyHits, "page:  pages/TestOutcomesAreWritten-")
	recordCheck(t, t.Name(), tiny(1, 9)).wantPass(t)
	wantIn := func(path string, words ...string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range words {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s has no %q:\n%s", path, w, text)
			}
		}
	}
	wantIn("junit.xml", `tests="2" failures="1"`)
	wantIn("wtsim.sarif", `"ruleId": "TestOutcomesAreWritten: few hits"`, `_test.go"`)
}
