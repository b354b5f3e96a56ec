package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// onLambda unpacks a module of internal/scaffold's, with our requirements.
func onLambda(t *testing.T, name string) string {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("..", "..", "..", "internal", "scaffold", "testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join("..", "..", "..")
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range archive.Files {
		if filepath.Base(f.Name) == "go.mod" {
			module, _, _ := bytes.Cut(f.Data, []byte("\n"))
			archive.Files[i].Data = bytes.Replace(mod, []byte("module github.com/wtsim/wtsim"), module, 1)
			archive.Files = append(archive.Files, txtar.File{Name: path.Join(path.Dir(f.Name), "go.sum"), Data: sum})
		}
	}
	files, err := txtar.FS(archive)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Of templates as people have them init writes, asking nothing, a scenario that
// runs: the programs are built, started, invoked by what the template says, and
// reach what it has. What it does not take over is named.
func TestInitOnLambda(t *testing.T) {
	if testing.Short() || os.Getenv("WTSIM_LONG") == "" {
		t.Skip("it builds the standard library and six programs: make soak and .ci/run run it, with WTSIM_LONG=1")
	}
	for _, c := range []struct {
		name, left string
		stores     bool
		steps      []string // of the run without deviations
	}{
		{"samhello", "its Architectures, LoggingConfig, MemorySize", false, []string{"GET /hello", "200"}},
		{"samworker", "its FilterCriteria", false, []string{"SendMessage shop-orders-dev", "POST mail.example/receipts", "ProcessFunction"}},
		{"samcrud", "its PointInTimeRecoverySpecification", true, []string{"PutItem NotesTable/note#1/note", "PutItem NotesTable/note#1/view", "PutObject reports/in/swept", "PutObject reports/out/seen", "DeleteItem"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := onLambda(t, c.name)
			out := asWtsim(t, dir, 0, "init")
			if !strings.Contains(out, "wrote wtsim.yaml") || !strings.Contains(out, "wtsim: left out: ") || !strings.Contains(out, c.left) {
				t.Errorf("init says %s", out)
			}
			trace := asWtsim(t, dir, 0, "trace", "--config", "wtsim.yaml")
			for _, want := range c.steps {
				if !strings.Contains(trace, want) {
					t.Errorf("no %s in\n%s", want, trace)
				}
			}
			wtsim, err := build()
			if err != nil {
				t.Fatal(err)
			}
			search := exec.Command(wtsim, "run", "--config", "wtsim.yaml", "--schedules", "20", "--workers", "1")
			search.Dir, search.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
			said, _ := search.CombinedOutput()
			// What it finds is the program's matter: it holds, or it does not. Without
			// a store there is nothing that must hold yet.
			code := search.ProcessState.ExitCode()
			if silent := code == 3 && strings.Contains(string(said), "has no properties"); silent == c.stores || !silent && code != 0 && code != 1 {
				t.Errorf("run: exit %d\n%s", code, said)
			}
		})
	}
}
