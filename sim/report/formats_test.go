package report

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/sim"
)

var outcomes = []Outcome{
	{Name: "shop", Verdict: sim.Held, Seconds: 1},
	{Name: "shop/bug", Verdict: sim.Violated, Rule: "charged, at most once", Message: "it is", Text: "it is\n100% <twice>", File: "testdata/a,b.json", Seconds: 0.5},
	{Name: "odd", Verdict: sim.Inconclusive, Rule: "inconclusive", Message: "the run has not ended", File: "shop_test.go", Line: 7},
}

// What GitHub takes for the end of a value, or of the message, is escaped, and
// what holds says nothing.
func TestGitHub(t *testing.T) {
	var got string
	for _, o := range outcomes {
		got += o.GitHub()
	}
	want := "::error file=testdata/a%2Cb.json,title=shop/bug%3A charged%2C at most once::it is%0A100%25 <twice>\n" +
		"::warning file=shop_test.go,line=7,title=odd%3A inconclusive::the run has not ended\n"
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

// JUnit's XML can be read again, and counts what it has.
func TestJUnit(t *testing.T) {
	var b strings.Builder
	if err := JUnit(&b, outcomes); err != nil {
		t.Fatal(err)
	}
	var got junitSuite
	if err := xml.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Tests != 3 || got.Failures != 1 || got.Errors != 1 || got.Time != 1.5 || got.Cases[0].Failure != nil ||
		got.Cases[1].Failure.Text != "it is\n100% <twice>" || got.Cases[2].Error.Message != "the run has not ended" {
		t.Errorf("%+v of\n%s", got, b.String())
	}
}

// SARIF has a rule for each property, and results where something is wrong alone;
// without any there are lists all the same, which the schema wants.
func TestSARIF(t *testing.T) {
	for n, all := range map[int][]Outcome{0: outcomes[:1], 2: outcomes, 3: append(outcomes[:3:3], outcomes[1])} {
		var b strings.Builder
		if err := SARIF(&b, all); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Version string
			Runs    []struct {
				Tool struct {
					Driver struct{ Rules []struct{ ID string } }
				}
				Results []struct{ RuleID, Level string }
			}
		}
		if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
			t.Fatal(err)
		}
		if got.Version != "2.1.0" || len(got.Runs) != 1 || len(got.Runs[0].Results) != n || len(got.Runs[0].Tool.Driver.Rules) != min(n, 2) {
			t.Errorf("of %d outcomes:\n%s", len(all), b.String())
		}
		if n == 0 && !strings.Contains(b.String(), `"results": []`) {
			t.Errorf("no list:\n%s", b.String())
		}
	}
}
