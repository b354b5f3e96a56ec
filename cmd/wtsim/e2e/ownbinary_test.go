package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A stranger's module, with scenarios of its own, builds a binary of its own
// from three lines, and that binary searches, finds and replays.
func TestOwnBinary(t *testing.T) {
	t.Parallel() // all of it is in other processes
	if testing.Short() {
		t.Skip("links a binary, which takes seconds; runs without -short")
	}
	dir := ownModule(t)
	bin := filepath.Join(dir, "counter")
	run(t, dir, 0, "go", "build", "-o", bin, ".")
	if out := run(t, dir, 0, bin, "list"); !strings.Contains(out, "counts messages") {
		t.Errorf("list prints %q", out)
	}
	out := run(t, dir, 1, bin, "run", "counter", "--out", "bug.json")
	if !strings.Contains(out, `property "counted once" violated for hit="hit-1"`) || !strings.Contains(out, "1 deviation:") && !strings.Contains(out, "to 1:") {
		t.Errorf("run prints %s", out)
	}
	if out := run(t, dir, 1, bin, "replay", "bug.json", "--json"); !strings.Contains(out, `"matches":true`) {
		t.Errorf("replay prints %s", out)
	}
}

// ownModule is the module of a binary of its own.
func ownModule(t testing.TB) string { return module(t, "ownbinary") }

// module copies a module out of this repository, with our requirements.
func module(t testing.TB, name string) string {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(mod), "module github.com/wtsim/wtsim", "module example.com/counter", 1) +
		"\nrequire github.com/wtsim/wtsim v0.0.0\n\nreplace github.com/wtsim/wtsim => " + root + "\n"
	for name, content := range map[string][]byte{"go.mod": []byte(text), "go.sum": sum} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func run(t *testing.T, dir string, code int, name string, args ...string) string {
	c := exec.Command(name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if c.ProcessState.ExitCode() != code {
		t.Fatalf("%s %s: exit %d, want %d\n%s", name, strings.Join(args, " "), c.ProcessState.ExitCode(), code, out)
	}
	return string(out)
}
