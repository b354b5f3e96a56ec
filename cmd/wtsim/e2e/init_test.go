package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// In a stranger's module of three handlers, one of which nobody exports, init
// writes a scenario and a test for each package; they compile, hold, and find what
// is then broken. What is there is never written again.
func TestInit(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a module, which takes seconds; runs without -short")
	}
	t.Parallel() // all of it is in other processes
	dir := module(t, "stranger")
	before := tree(t, dir)
	if out := asWtsim(t, dir, 0, "init", "--dry-run"); !strings.Contains(out, "would write shop/wtsim_test.go") || !strings.Contains(out, "func wtsimScenario()") || tree(t, dir) != before {
		t.Errorf("a dry run says %s", out)
	}
	started := time.Now()
	out := asWtsim(t, dir, 0, "init")
	for _, want := range []string{"wrote shop/wtsim_test.go, ", " lines: health orders\n", "wrote tasks/wtsim_test.go, ", " lines: handle\n", "next:  go mod tidy && go test ./..."} {
		if !strings.Contains(out, want) {
			t.Errorf("init says %s, wanted %q in it", out, want)
		}
	}
	took := time.Since(started)
	tested := run(t, dir, 0, "go", "test", "-v", "./...")
	t.Logf("init took %v, until the test has passed it took %v\n%s%s", took, time.Since(started), out, tested)
	if n := strings.Count(tested, "--- PASS: TestWtsim"); n != 2 || strings.Contains(tested, "not reached") {
		t.Errorf("%d tests pass, wanted 2 that prove something: %s", n, tested)
	}
	written := tree(t, dir)
	if out := asWtsim(t, dir, 0, "init"); !strings.Contains(out, "kept, it was there already: shop/wtsim_test.go") || tree(t, dir) != written {
		t.Errorf("the second init says %s", out)
	}
	// A counter in the place of a set counts what comes twice.
	path := filepath.Join(dir, "tasks", "tasks.go")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.Replace(string(text), `w.Redis.SAdd(ctx, "done", job.Name)`, `w.Redis.RPush(ctx, "done", job.Name)`, 1)
	if broken == string(text) {
		t.Fatal("there is nothing to break")
	}
	if err := os.WriteFile(path, []byte(broken), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := run(t, dir, 1, "go", "test", "./tasks"); !strings.Contains(out, `property "the stores end as if everything had happened once" violated`) {
		t.Errorf("what is broken is not found: %s", out)
	}
}

// What is registered with the Functions Framework beside a client that the package
// keeps is a program, with the events that it takes; what package main has is
// found, and compiles.
func TestInitOfRegistrations(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a module, which takes seconds; runs without -short")
	}
	t.Parallel() // all of it is in other processes
	dir := module(t, "framework")
	mod := filepath.Join(dir, "go.mod")
	text, err := os.ReadFile(mod)
	if err != nil {
		t.Fatal(err)
	}
	const framework = "github.com/GoogleCloudPlatform/functions-framework-go"
	text = append(text, "\nrequire "+framework+" v1.9.2\n\nreplace "+framework+" => ./stub\n"...)
	if err := os.WriteFile(mod, text, 0o644); err != nil {
		t.Fatal(err)
	}
	out := asWtsim(t, dir, 0, "init")
	for _, want := range []string{"wrote cmd/wtsim_test.go", " lines: hello\n", "wrote wtsim.yaml, ", " lines: cmd placeorder fulfil ping\n",
		`wtsim: left out: example.com/counter/fn.rdb: runs of one process would share it; the program that has it is run in processes (wtsim.yaml)`} {
		if !strings.Contains(out, want) {
			t.Errorf("init says %s, wanted %q in it", out, want)
		}
	}
	written, err := os.ReadFile(filepath.Join(dir, "wtsim.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`environment: {FUNCTION_TARGET: "Fulfil", REDISHOST: "${redis.host}", REDISPORT: "${redis.port}"}`, `triggers: [{topic: "fulfil"}]`,
		`{name: "fulfil", every: 1m, ticks: 2, topic: "fulfil", body: "{}"}`} {
		if !strings.Contains(string(written), want) {
			t.Errorf("there is no %s in\n%s", want, written)
		}
	}
	run(t, dir, 0, "go", "vet", "./cmd")
}

// What looks like a handler and cannot be made is told by name; where there is
// nothing, that is said.
func TestInitLeavesOut(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a module, which takes seconds; runs without -short")
	}
	t.Parallel() // all of it is in other processes
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":   "module example.com/left\n\ngo 1.26.0\n",
		"left.go":  "package left\n\nimport (\n\t\"database/sql\"\n\t\"net/http\"\n)\n\nfunc New(db *sql.DB) http.Handler { return http.NotFoundHandler() }\n",
		"other.go": "package left\n\nfunc Add(a, b int) int { return a + b }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := asWtsim(t, dir, 2, "init")
	for _, want := range []string{"wtsim: left out: example.com/left.New: it takes a *sql.DB, which a run does not have", "no handler is found below ."} {
		if !strings.Contains(out, want) {
			t.Errorf("init says %s, wanted %q in it", out, want)
		}
	}
	if out := asWtsim(t, dir, 2, "init", "nowhere"); !strings.Contains(out, "nowhere is no folder") {
		t.Errorf("init says %s", out)
	}
}
