package e2e

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/internal/pgserver"
	"github.com/wtsim/wtsim/sim"
)

var update = flag.Bool("update", false, "rewrite the output in docs/tutorial*.md; read the diff")

// The tutorial works as it stands there: its files are written, its changes
// made and its commands run, one after the other, in a module of its own; what
// the commands print is what it shows.
func TestTutorial(t *testing.T) { followed(t, "tutorial.md", "album") }

// So does its second part, over a PostgreSQL.
func TestTutorialPostgres(t *testing.T) {
	pgserver.Need(t)
	followed(t, "tutorial-postgres.md", "shop")
}

// followed holds a page to what its commands print, in a folder of that name.
func followed(t *testing.T, page, folder string) {
	t.Helper()
	t.Parallel() // all of it is in other processes
	switch {
	case testing.Short():
		t.Skip("-short: it builds a module of its own several times")
	case sim.RuntimeName() != "":
		t.Skip("its commands bring the patched runtime with them")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "docs", page)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := reader{t: t, dir: filepath.Join(t.TempDir(), folder), root: root}
	got := r.follow(string(text))
	if r.commands < 5 || r.files < 5 {
		t.Errorf("%d commands and %d files, wanted those of the tutorial", r.commands, r.files)
	}
	switch {
	case steady(got) == steady(string(text)):
	case *update:
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s shows what the commands do not print; run go test ./cmd/wtsim/e2e -run Tutorial -update\n%s", path, got)
	}
}

// reader does what a page tells them to do, in a folder.
type reader struct {
	t        *testing.T
	dir      string
	root     string // the clone, which the page has as ../wtsim
	commands int
	files    int
}

var fenced = regexp.MustCompile("(?ms)^```(\\w+) ?(\\S*)\n(.*?)^```")

// follow returns the page with what its commands print now.
func (r *reader) follow(page string) string {
	return fenced.ReplaceAllStringFunc(page, func(block string) string {
		m := fenced.FindStringSubmatch(block)
		kind, file, body := m[1], filepath.Join(r.dir, m[2]), m[3]
		switch {
		case kind == "console":
			return "```console\n" + r.run(body) + "```"
		case m[2] == "":
			r.t.Fatalf("a block of %s is for no file:\n%s", kind, body)
		case kind == "diff":
			r.files++
			r.edit(file, body)
		default:
			r.files++
			r.write(file, body)
		}
		return block
	})
}

// run runs the commands of a block, and returns them with what they print.
func (r *reader) run(block string) string {
	var shown strings.Builder
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		r.commands++
		// Under its own path its packages are compiled already, for other tests.
		words := strings.Fields(strings.Replace(command, "=../wtsim", "="+r.root, 1))
		c := exec.Command(words[0], words[1:]...)
		c.Dir = r.dir
		c.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		out, err := c.CombinedOutput()
		if c.ProcessState == nil {
			r.t.Fatalf("%s: %v", command, err)
		}
		shown.WriteString(line)
		for said := range strings.Lines(progress.ReplaceAllString(string(out), "")) {
			if !strings.HasPrefix(said, "go: ") && !strings.HasPrefix(said, "\tgo mod ") { // what it downloads, and advises
				shown.WriteString(strings.TrimRight(said, " \n") + "\n")
			}
		}
	}
	return shown.String()
}

func (r *reader) write(file, content string) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// edit makes a change that is told as a diff without line numbers.
func (r *reader) edit(file, diff string) {
	content, err := os.ReadFile(file)
	if err != nil {
		r.t.Fatal(err)
	}
	var before, after strings.Builder
	for line := range strings.Lines(diff) {
		if line[0] != '+' {
			before.WriteString(line[1:])
		}
		if line[0] != '-' {
			after.WriteString(line[1:])
		}
	}
	if n := strings.Count(string(content), before.String()); n != 1 {
		r.t.Fatalf("%s has these lines %d times, wanted once:\n%s", file, n, before.String())
	}
	r.write(file, strings.Replace(string(content), before.String(), after.String(), 1))
}

// progress is told of work that takes long, which it does on a machine that has
// much to do.
var progress = regexp.MustCompile(`(?m)^wtsim: .*, findings: .*\n`)

// steady leaves out how long things took.
func steady(s string) string {
	s = regexp.MustCompile(`, \d+ schedules/s`).ReplaceAllString(s, "") // told of a search that took long, here
	return regexp.MustCompile(`\b\d+\.\d+s\b|\(cached\)`).ReplaceAllString(s, "T")
}
