package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The monitor as a function of Lambda's, and the shop that it watches, run in the
// simulator as the programs that are deployed: what is charged twice is told, once.
func TestMonitorOnLambda(t *testing.T) {
	t.Parallel()
	long(t)
	dir := filepath.Join(exampleModule(t, "serverless"), "onlambda")
	told := asWtsim(t, dir, 0, "trace", "--config", "wtsim.yaml")
	if n := strings.Count(told, `"kind":"violation"`); n != 1 || !strings.Contains(told, `"binding":{"order":"o-1"}`) {
		t.Errorf("told %d times, wanted once:\n%s", n, told)
	}
	asWtsim(t, dir, 0, "run", "--config", "wtsim.yaml", "--schedules", "50")
}

// A crash between what is charged and the answer, and who asks again: a production
// violation is brought back to the program.
func TestReproduceProgram(t *testing.T) {
	t.Parallel()
	long(t)
	dir := filepath.Join(exampleModule(t, "programs"), "orders")
	events := `{"specversion":"1.0","id":"1","source":"/functions/orders/a","type":"CHARGED","time":"2026-11-01T10:00:00Z","data":{"order":"ord-99"}}
{"specversion":"1.0","id":"2","source":"/functions/orders/b","type":"CHARGED","time":"2026-11-01T10:00:03Z","data":{"order":"ord-99"}}
`
	if err := os.WriteFile(filepath.Join(dir, "production.ndjson"), []byte(events), 0o600); err != nil {
		t.Fatal(err)
	}
	asWtsim(t, dir, 1, "reproduce", "--events", "production.ndjson", "--config", "wtsim.yaml", "--out", "bug.json")
	if told := asWtsim(t, dir, 1, "replay", "bug.json", "--config", "wtsim.yaml"); !strings.Contains(told, `property "charged at most once" violated for order="o-1"`) {
		t.Errorf("got %s", told)
	}
	if told := asWtsim(t, dir, 1, "cause", "bug.json", "--config", "wtsim.yaml"); !strings.Contains(told, "it rises most") {
		t.Errorf("got %s", told)
	}
}
