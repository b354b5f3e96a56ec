package tidy

import (
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The module keeps its own rules.
func TestModule(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	m, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	external, err := exports(root, m.fset, m.imported())
	if err != nil {
		t.Fatal(err)
	}
	checks := []struct {
		name     string
		findings []finding
	}{
		{"imports", importDirections(m, layers)},
		{"banned", bannedCalls(m, layers, external)},
		{"sizes", sizes(m)},
		{"widths", widths(m)},
		{"docs", docComments(m)},
		{"production", production(m)},
		{"words", words(m)},
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range c.findings {
				t.Error(f)
			}
		})
	}
}

// load sees what the go command sees, under the module's name.
func TestLoad(t *testing.T) {
	root := t.TempDir()
	for _, file := range []string{"a/a.go", "a/a_test.go", "a/testdata/bad.go", "_b/b.go", ".c/c.go", "vendor/d/d.go", "nested/e.go", "root.go", "a/_f.go", "a/g.txt"} {
		write(t, filepath.Join(root, file), "package p\n")
	}
	write(t, filepath.Join(root, "go.mod"), "// comment\nmodule example.org/m // comment\n\ngo 1.26\n")
	write(t, filepath.Join(root, "nested/go.mod"), "module example.org/nested\n")
	m, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range m.files {
		got = append(got, f.path)
	}
	want := []string{"a/a.go", "a/a_test.go", "root.go"}
	if !slices.Equal(got, want) || m.module != "example.org/m" {
		t.Errorf("module %q, files %q, want example.org/m, %q", m.module, got, want)
	}
	if !m.files[1].test || m.files[0].test || m.files[0].dir != "a" || m.files[2].dir != "." {
		t.Errorf("files misread: %+v", m.files)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A file that does not parse, and a folder without a module, are errors and
// no empty list of findings.
func TestLoadFails(t *testing.T) {
	root := t.TempDir()
	if _, err := load(root); err == nil {
		t.Error("no go.mod: no error")
	}
	write(t, filepath.Join(root, "go.mod"), "module m\n")
	write(t, filepath.Join(root, "a.go"), "package\n")
	if _, err := load(root); err == nil {
		t.Error("a.go does not parse: no error")
	}
}

// parse makes a tree of sources held in memory, by path.
func parse(t *testing.T, files map[string]string) *tree {
	t.Helper()
	m := newTree("example.org/m")
	for file, text := range files {
		if err := m.add(file, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// stdlib imports what the sources in memory import.
func stdlib(t *testing.T, m *tree) types.Importer {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	im, err := exports(root, m.fset, m.imported())
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// expect compares findings with lines "place: beginning of the fact".
func expect(t *testing.T, got []finding, want ...string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("not found: %s", want[i])
		case i >= len(want):
			t.Errorf("found, not wanted: %s", got[i])
		case !strings.HasPrefix(got[i].String(), want[i]):
			t.Errorf("found  %s\nwanted %s ...", got[i], want[i])
		}
	}
}
