// Package tidy holds what linters cannot: the layering of the module and the
// habits that keep a run repeatable.
//
// Its tests parse every source of the module and check
//
//  1. import directions, by a table in which every package stands (imports.go);
//  2. banned calls, in the packages that a run depends on: the wall clock,
//     global random numbers, bare goroutines, iteration in map order
//     (banned.go);
//  3. the length of functions and files (size.go);
//  4. doc comments of exported names (docs.go);
//  5. that what ships to production links nothing that a run is made of, and
//     the seam no client library (production.go);
//  6. that what knows no service and no platform names none (words.go).
//
// A checker is a function from a [tree] to findings; each is shown to fail on
// a small bad source held in memory. The rules speak of what ships: test files
// are held to (3) alone.
//
// Sources are read by os.ReadFile and filepath.WalkDir, which go test records:
// a change anywhere in the module invalidates the cached result of this
// package. A checker that asked a subprocess for them would be cached as
// passing.
package tidy

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A tree is the parsed sources of one module.
type tree struct {
	module string // the module's path
	fset   *token.FileSet
	files  []*source // sorted by path
}

// A source is one Go file.
type source struct {
	path   string // from the module's root, with slashes
	dir    string // the package: its folder from the module's root, "." for the root
	test   bool   // a _test.go file
	text   []byte
	syntax *ast.File
}

func newTree(module string) *tree { return &tree{module: module, fset: token.NewFileSet()} }

// A finding is one place where the module departs from its rules.
type finding struct {
	pos  token.Position
	fact string // what is there
	want string // what is wanted instead
	help string // what to do
}

func (f finding) String() string {
	return fmt.Sprintf("%s:%d: %s; want %s; %s", f.pos.Filename, f.pos.Line, f.fact, f.want, f.help)
}

// moduleRoot returns the nearest folder, from the working directory upwards,
// that holds a go.mod.
func moduleRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if isModule(dir) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s: no go.mod here or above", start)
		}
	}
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

var moduleLine = regexp.MustCompile(`(?m)^module\s+(\S+)`)

// load parses the module at root. go.sum is read for no other reason than that
// go test should record it: with go.mod it decides what the types of our
// dependencies are (see exports).
func load(root string) (*tree, error) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	name := moduleLine.FindSubmatch(mod)
	if name == nil {
		return nil, fmt.Errorf("%s/go.mod: no module line", root)
	}
	if _, err := os.ReadFile(filepath.Join(root, "go.sum")); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	t := newTree(string(name[1]))
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return skipDir(root, file)
		case filepath.Ext(file) != ".go" || ignored(d.Name()):
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil || bytes.HasPrefix(text, []byte("//go:build ignore\n")) { // no build of ours has it
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		return t.add(filepath.ToSlash(rel), text)
	})
	return t, err
}

// skipDir tells WalkDir to leave out what the go command leaves out, and
// modules within the module.
func skipDir(root, dir string) error {
	name := filepath.Base(dir)
	if dir != root && (ignored(name) || name == "testdata" || name == "vendor" || isModule(dir)) {
		return filepath.SkipDir
	}
	return nil
}

func ignored(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

// add parses one file into the tree.
func (t *tree) add(file string, text []byte) error {
	syntax, err := parser.ParseFile(t.fset, file, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	t.files = append(t.files, &source{
		path:   file,
		dir:    path.Dir(file),
		test:   strings.HasSuffix(file, "_test.go"),
		text:   text,
		syntax: syntax,
	})
	slices.SortFunc(t.files, func(a, b *source) int { return cmp.Compare(a.path, b.path) })
	return nil
}

// dirs returns the packages of the tree, sorted.
func (t *tree) dirs() []string {
	var dirs []string
	for _, f := range t.files {
		dirs = append(dirs, f.dir)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// shipped returns the files of package dir that are no tests.
func (t *tree) shipped(dir string) []*source {
	var files []*source
	for _, f := range t.files {
		if f.dir == dir && !f.test {
			files = append(files, f)
		}
	}
	return files
}

// ours returns the folder of an import path of this module.
func (t *tree) ours(importPath string) (dir string, ok bool) {
	if importPath == t.module {
		return ".", true
	}
	return strings.CutPrefix(importPath, t.module+"/")
}

func (t *tree) find(pos token.Pos, fact, want, help string) finding {
	return finding{t.fset.Position(pos), fact, want, help}
}

// lines counts the lines of a text, the last one with or without its newline.
func lines(text []byte) int {
	n := bytes.Count(text, []byte("\n"))
	if len(text) > 0 && text[len(text)-1] != '\n' {
		n++
	}
	return n
}

// sorted orders findings by place, for one list whatever the checker's way
// through the tree.
func sorted(fs []finding) []finding {
	slices.SortStableFunc(fs, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.pos.Filename, b.pos.Filename), cmp.Compare(a.pos.Line, b.pos.Line))
	})
	return fs
}
