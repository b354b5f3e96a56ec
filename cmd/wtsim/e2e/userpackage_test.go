package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// A scenario of a user's package runs by the name of its function, on the
// patched runtime, and nothing is left in the user's module; its
// counterexample replays the same way. What is wrong is told.
func TestRunPackage(t *testing.T) {
	if testing.Short() {
		t.Skip("links binaries, which takes seconds; runs without -short")
	}
	t.Parallel() // all of it is in other processes
	dir := ownModule(t)
	before := tree(t, dir)
	out := asWtsim(t, dir, 1, "run", "./countersim:Scenario", "--out", filepath.Join(t.TempDir(), "bug.json"))
	if !strings.Contains(out, `property "counted once" violated`) || !strings.Contains(out, "on the patched runtime") {
		t.Errorf("run prints %s", out)
	}
	_, replay, _ := strings.Cut(out, "replay:  wtsim ")
	replay, _, _ = strings.Cut(replay, "\n")
	file := strings.Fields(replay)[1]
	for code, diff := range []struct{ args, want string }{
		{file + " " + file + " --of ./countersim:Scenario", " are equal: "},
		{"./countersim:Scenario " + file, "\n  + "},
		{"./countersim:Scenario ./shop:Scenario", "are of two packages"},
	} {
		if out := asWtsim(t, dir, code, append([]string{"diff"}, strings.Fields(diff.args)...)...); !strings.Contains(out, diff.want) {
			t.Errorf("diff %s prints %s", diff.args, out)
		}
	}
	if out := asWtsim(t, dir, 1, append(strings.Fields(replay), "--json")...); !strings.Contains(out, `"matches":true`) {
		t.Errorf("replay prints %s", out)
	}
	if out := asWtsim(t, dir, 2, "mutate", "./countersim:Scenario"); !strings.Contains(out, `property "counted once" is violated as it is; run it first (wtsim run ./countersim:Scenario)`) {
		t.Errorf("mutate prints %s", out)
	}
	if out := asWtsim(t, dir, 0, "describe", "./countersim:Scenario"); !strings.Contains(out, "\nproperties\n  counted once\n") {
		t.Errorf("describe prints %s", out)
	}
	if out := asWtsim(t, t.TempDir(), 0, "describe", filepath.Join(dir, "countersim")+":Scenario"); !strings.Contains(out, "\nproperties\n  counted once\n") {
		t.Errorf("describe from another folder prints %s", out)
	}
	for ref, want := range map[string]string{
		"./countersim:Missing": "undefined: user.Missing",
		"./nowhere:Scenario":   "wtsim: ./nowhere:Scenario: no package: ",
		".:Scenario":           "the package is a program, wanted one that can be imported",
	} {
		if out := asWtsim(t, dir, 2, "run", ref); !strings.Contains(out, want) {
			t.Errorf("%s: got %s, wanted %q", ref, out, want)
		}
	}
	if after := tree(t, dir); after != before {
		t.Errorf("the module was\n%s\nand is\n%s", before, after)
	}
}

// Clients of gRPC that a program's init makes belong to its instance: their calls
// happen, those of several programs, each for who makes it, and twice the same.
func TestRunProgramsOfInit(t *testing.T) {
	if testing.Short() {
		t.Skip("links binaries, which takes seconds; runs without -short")
	}
	t.Parallel() // all of it is in other processes
	dir := exampleModule(t, "programs")
	trace := func() string {
		out := asWtsim(t, filepath.Join(dir, "prints"), 0, "trace", "--config", "wtsim.yaml")
		_, after, announced := strings.Cut(out, "(once, some minutes)\n") // of the first build
		if announced {
			return after
		}
		return out
	}
	out := trace()
	for _, want := range []string{`order #1 +tasks createTask prints +-> OK`, `print #1 +pubsub publish prints +-> OK`, `prints #1 +pubsub streamingPull printed +-> OK`} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if again := trace(); again != out {
		t.Errorf("another process did\n%s\nafter\n%s", again, out)
	}
}

// tree lists a folder's files with their sizes.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var list strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&list, path, info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list.String()
}

// bin is the folder of the command.
var bin string

func TestMain(m *testing.M) {
	var err error
	if bin, err = os.MkdirTemp("", "wtsim-e2e-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(bin)
	os.Exit(code)
}

// build builds the command, once for all tests.
var build = sync.OnceValues(func() (path string, err error) {
	path = filepath.Join(bin, "wtsim")
	if out, err := exec.Command("go", "build", "-o", path, "..").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// asWtsim runs the command.
func asWtsim(t *testing.T, dir string, code int, args ...string) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return run(t, dir, code, path, args...)
}
