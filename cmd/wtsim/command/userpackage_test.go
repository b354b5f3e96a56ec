package command

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A reference is a package and an exported name; names of scenarios are none.
func TestParseRef(t *testing.T) {
	for text, want := range map[string]packageRef{
		"./shopsim:Scenario": {"./shopsim", "Scenario"}, "example.com/shop/shopsim:All": {"example.com/shop/shopsim", "All"},
		".:Scenario": {".", "Scenario"}, "checkout/oversell": {}, "shop:double charge": {}, "shop:scenario": {}, ":Scenario": {}, "shop:": {},
	} {
		if got, ok := parseRef(text); got != want || ok != (want != packageRef{}) {
			t.Errorf("%q: got %v, %v", text, got, ok)
		}
	}
}

// A scenario of a user's package runs by the name of its function, on the
// patched runtime, and nothing is left in the user's module; its
// counterexample replays the same way. What is wrong is told.
func TestRunPackage(t *testing.T) {
	if testing.Short() {
		t.Skip("links binaries, which takes seconds; runs without -short")
	}
	dir := ownModule(t)
	before := tree(t, dir)
	out := asWtsim(t, dir, 1, "run", "./countersim:Scenario", "--out", filepath.Join(t.TempDir(), "bug.json"))
	if !strings.Contains(out, `property "counted once" violated`) || !strings.Contains(out, "on the patched runtime") {
		t.Errorf("run prints %s", out)
	}
	_, replay, _ := strings.Cut(out, "replay:  wtsim ")
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

// Clients of gRPC that init makes belong to the run: their calls happen, those
// of several functions, each for who makes it, and twice the same.
func TestRunPackageOfInit(t *testing.T) {
	if testing.Short() {
		t.Skip("links binaries, which takes seconds; runs without -short")
	}
	trace := func() string {
		out := asWtsim(t, filepath.Join("..", "..", ".."), 0, "trace", "./scenarios/samples/samplessim:Prints")
		return strings.ReplaceAll(out, "wtsim: building the patched standard library (once, some 20 s)\n", "")
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

// asWtsim runs this test binary as the command.
func asWtsim(t *testing.T, dir string, code int, args ...string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "wtsim")
	if err := os.Symlink(exe, link); err != nil {
		t.Fatal(err)
	}
	return run(t, dir, code, link, args...)
}
