package command

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/sim"
)

var update = flag.Bool("update", false, "rewrite the output in README.md and docs; read the diff")

// What the documents show is what the command prints: each block of console
// that begins with "$ go run ./cmd/wtsim" is run and compared.
func TestDocuments(t *testing.T) {
	if sim.RuntimeName() != "" {
		t.Skip("the documents show plain Go; on the patched runtime a run may decide more")
	}
	const root = "../../.."
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, path := range append(docs, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, n := rerun(t, string(text))
		ran += n
		switch {
		case got == string(text):
		case *update:
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s shows what the command does not print; run go test ./cmd/wtsim/command -run Documents -update\n%s", path, got)
		}
	}
	if ran < 2 {
		t.Errorf("%d commands were run, wanted those of the README", ran)
	}
}

// rerun returns the document with the output of its commands as it is now.
func rerun(t *testing.T, text string) (string, int) {
	const fence, prompt = "```console\n", "$ go run ./cmd/wtsim "
	parts := strings.Split(text, fence)
	ran := 0
	for i, part := range parts[1:] {
		block, rest, closed := strings.Cut(part, "```")
		line, _, _ := strings.Cut(block, "\n")
		args, ours := strings.CutPrefix(line, prompt)
		if !closed || !ours {
			continue
		}
		ran++
		parts[i+1] = line + "\n" + output(t, strings.Fields(args)) + "```" + rest
	}
	return strings.Join(parts, fence), ran
}

// output runs this test binary as the command.
func output(t *testing.T, args []string) string {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe)
	c.Args = append([]string{"wtsim"}, args...)
	if args[0] == "run" {
		c.Args = append(c.Args, "--progress=none") // a terminal would show none of it at the end
	}
	c.Dir = t.TempDir()
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	// The documents show plain Go; nothing else tells the two apart.
	return regexp.MustCompile(`(?m)^ *on the patched runtime\n`).ReplaceAllString(withoutProgress(string(out)), "")
}

// withoutProgress leaves out what is told of work that takes long, which it
// does on a machine that has much to do.
func withoutProgress(s string) string {
	s = regexp.MustCompile(`, \d+ schedules/s`).ReplaceAllString(s, "") // told of a search that took long, here
	return regexp.MustCompile(`(?m)^wtsim: .*/s, .*, findings: .*\n`).ReplaceAllString(s, "")
}
