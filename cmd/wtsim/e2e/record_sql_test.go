package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Statements of database/sql are recorded without a line changed, of a database that was
// opened before the recorder began, too; the program's own look at its driver's connection stays.
func TestRecordSQL(t *testing.T) {
	if testing.Short() {
		t.Skip("links a binary, which takes seconds; runs without -short")
	}
	t.Parallel() // all of it is in other processes
	dir := t.TempDir()
	for to, from := range map[string]string{"main.go": "main.go", "early/early.go": "early.go", "go.mod": "go.mod.txt", "rules.yaml": "rules.yaml"} {
		text, err := os.ReadFile(filepath.Join("testdata", "recordsql", from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, to)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	asWtsim(t, dir, 0, "build", "--record", "--rules", "rules.yaml", "-o", "shop", ".")
	events := filepath.Join(dir, "events.ndjson")
	c := exec.Command(filepath.Join(dir, "shop"))
	c.Env = append(os.Environ(), "WTSIM_RECORD="+events, "WTSIM_FUNCTION=shop", "WTSIM_SERVICES=sql=orders-db")
	if out, err := c.CombinedOutput(); err != nil || string(out) != "its own connection: true\n" {
		t.Fatalf("%v: %s", err, out)
	}
	counts, _ := told(t, events)
	if want := map[string]int{`PLACED {"order":"o-1"}`: 1, `PAID {"order":"o-1"}`: 1}; !maps.Equal(counts, want) {
		t.Errorf("got %v, wanted %v", counts, want)
	}
}
