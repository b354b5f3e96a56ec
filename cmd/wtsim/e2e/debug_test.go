package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	storyLine = regexp.MustCompile(`^  [ !>] \d\d:`)
	place     = regexp.MustCompile(`scenarios/checkout/charge\.go:\d+  github.com/wtsim/wtsim/scenarios/checkout\.\(\*Charge\)\.pay$`)
)

// A counterexample stops at the operation of a step in the handler's own frame,
// whose variables can be read, and says where before anything else.
func TestDebug(t *testing.T) {
	t.Parallel() // all of it is in other processes
	long(t)
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "bug.json")
	wtsim := func(args ...string) (string, string) {
		c := exec.Command(bin, args...) // in this module
		var out, told bytes.Buffer
		c.Stdout, c.Stderr = &out, &told
		_ = c.Run()
		return out.String(), told.String()
	}
	wtsim("run", "checkout/double-charge", "--out", file)
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	story, _ := wtsim("replay", file, "--full")
	step := 0 // of the first charge
	for _, line := range strings.Split(story, "\n") {
		if storyLine.MatchString(line) {
			if step++; strings.Contains(line, "POST payments.example/charges") {
				break
			}
		}
	}
	number := strconv.Itoa(step)
	out, told := wtsim("debug", file, "--step", number, "--command", "print o.ID")
	lines := strings.Split(out, "\n")
	if len(lines) < 3 || !strings.HasPrefix(lines[0], "step "+number+": charge #1  POST payments.example/charges") ||
		!place.MatchString(lines[1]) || !strings.Contains(out, `"o-1"`) {
		t.Errorf("step %s: %s%s", number, out, told)
	}
}
