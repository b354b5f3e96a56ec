package runtimepatch

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// In the process of an isolated run, what package initialisation starts runs
// in the run's bubble, in virtual time, the same in every process.
func TestEarly(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library; runs without -short")
	}
	r := installed(t)
	overlay, err := r.Overlay(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "early")
	goCommand(t, overlay, "testdata/early", "", "test", "-c", "-o", bin, "-overlay", overlay.File, "-tags", Tag, ".")
	want := ""
	for range 10 {
		c := exec.Command(bin, "-test.timeout=60s")
		c.Env = append(os.Environ(), "WTSIM_EPOCH=1767225600000000000")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		got := regexp.MustCompile(`(?m)^early .*$`).FindString(string(out))
		if want == "" {
			want = got
		}
		if got != want || !strings.HasSuffix(got, " 10 ticks at 2026-01-01T00:10:00Z") {
			t.Errorf("got %q, wanted %q", got, want)
		}
	}
}

// What is of the standard library is known by the first element of its
// packages' paths.
func TestStandard(t *testing.T) {
	text, err := files.ReadFile("files/init.txt")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "list", "std").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "var wtsimStandard = ")
	for _, pkg := range strings.Fields(string(out)) {
		if first, _, _ := strings.Cut(pkg, "/"); !strings.Contains(list, `"`+first+`"`) {
			t.Errorf("%s is missing", first)
		}
	}
}
