package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cmd/wtsim/config"
	"github.com/wtsim/wtsim/internal/schematest"
)

// The schemas that are published are those of what is printed now; -update
// writes them anew.
func TestSchemasArePublished(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "schemas")
	defer Configured(loadConfig, configSchema)
	Configured(nil, config.Schema())
	known := map[string]bool{}
	for _, x := range published() {
		path := filepath.Join(folder, x.name+".json")
		known[path] = true
		if *update {
			if err := os.WriteFile(path, x.text(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if text, err := os.ReadFile(path); err != nil || !bytes.Equal(text, x.text()) {
			t.Errorf("%s is not what is printed now (%v); run go test ./cmd/wtsim/command -run Schemas -update, and tell in CHANGELOG.md what has changed", path, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if !known[path] {
			t.Errorf("%s is of nothing that is printed", path)
		}
	}
}

// What is printed is what the schemas say, by another library than the one that
// has made them.
func TestAnswersMatchSchemas(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the command a dozen times, which takes seconds; runs without -short")
	}
	dir := t.TempDir()
	bug, found := filepath.Join(dir, "bug.json"), filepath.Join(dir, "findings.json")
	for _, x := range []struct{ words, names string }{
		{"run patterns/consent/bug --bound 1 --workers 1 --json --out " + bug + " --findings " + found, "result"},
		{"replay " + bug + " --json", "result"},
		{"cause " + bug + " --continuations 2 --json", "cause"},
		{"diff patterns/consent/bug " + bug + " --json", "diff"},
		{"trace patterns/consent --json", "step result"},
		{"describe patterns/consent --json", "scenario"},
		{"list patterns/consent --json", "listed"},
		{"faults --json", "fault"},
		{"mutate patterns/consent --schedules 5 --json", "weakening weakenings"},
		{"bench search --program account --trials 1 --limit 50 --strategy random --json", "bench-search"},
	} {
		out, _ := wtsim(t, dir, strings.Fields(x.words)...)
		lines := bytes.TrimSpace([]byte(out))
		if len(lines) == 0 {
			t.Errorf("%s prints nothing", x.words)
		}
		for line := range bytes.Lines(lines) {
			matches(t, x.words, strings.Fields(x.names), line)
		}
	}
	for path, name := range map[string]string{bug: "counterexample", found: "findings"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		matches(t, path, []string{name}, data)
	}
	if why := misfits(t, "result", []byte(`{"kind":"result","verdict":7}`)); why == nil {
		t.Error("an object that is none is a result")
	}
}

// matches wants an object to be as one of some schemas says.
func matches(t *testing.T, of string, names []string, object []byte) {
	t.Helper()
	var why error
	for _, name := range names {
		if why = misfits(t, name, object); why == nil {
			return
		}
	}
	t.Errorf("%s: %s\n%v", of, object, why)
}

func misfits(t *testing.T, name string, object []byte) error {
	t.Helper()
	return schematest.Misfit(t, schematest.Compile(t, must(json.Marshal(schemaNamed(name)))), object)
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}
