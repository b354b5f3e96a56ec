package simtest

import (
	"os"
	"testing"
)

// A file of findings tells what is new, goes on, was fixed and has come back. What
// a test does not come upon by itself is replayed, and fails it.
func TestFindings(t *testing.T) {
	fresh(t)
	setFlag(t, "wtsim.findings", "findings.json")
	recordCheck(t, t.Name(), tiny(1, 1)).wantFailure(t, tooManyHits, `new: property "few hits"`)
	recordCheck(t, t.Name(), tiny(1, 1)).wantFailure(t, tooManyHits, `ongoing: property "few hits"`)
	recordCheck(t, t.Name(), tiny(1, 9)).wantPass(t, `fixed: property "few hits"`)
	if err := os.RemoveAll("testdata"); err != nil {
		t.Fatal(err)
	}
	setFlag(t, "wtsim.bound", "0") // which finds nothing
	recordCheck(t, t.Name(), tiny(1, 1)).wantFailure(t, tooManyHits, `regressed: property "few hits"`)
	if err := os.WriteFile("findings.json", []byte(`{"format":"none"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	recordCheck(t, t.Name(), tiny(1, 9)).wantFailure(t, `findings.json: format is "none", wanted "wtsim-findings/1"`)
}
