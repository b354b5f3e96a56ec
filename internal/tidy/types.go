package tidy

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A resolver type-checks the packages of a tree from their parsed sources, and
// takes everything else from the compiler's export data.
//
// Type errors are passed over: the build tells them better, and what they
// leave without a type is reported where it matters (see mapRange).
type resolver struct {
	t        *tree
	external types.Importer
	info     *types.Info
	done     map[string]*types.Package // by folder; nil while it is checked
}

// resolve returns what the names and expressions of the given packages mean.
func resolve(t *tree, external types.Importer, dirs []string) *types.Info {
	r := &resolver{
		t:        t,
		external: external,
		info: &types.Info{
			Types: make(map[ast.Expr]types.TypeAndValue),
			Uses:  make(map[*ast.Ident]types.Object),
		},
		done: make(map[string]*types.Package),
	}
	for _, dir := range dirs {
		r.check(dir)
	}
	return r.info
}

// Import implements [types.Importer].
func (r *resolver) Import(importPath string) (*types.Package, error) {
	dir, ours := r.t.ours(importPath)
	if !ours {
		return r.external.Import(importPath)
	}
	if p := r.check(dir); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s: no such package, or an import cycle", importPath)
}

func (r *resolver) check(dir string) *types.Package {
	if p, seen := r.done[dir]; seen {
		return p
	}
	r.done[dir] = nil
	var files []*ast.File
	for _, f := range r.t.shipped(dir) {
		files = append(files, f.syntax)
	}
	if len(files) == 0 {
		return nil
	}
	conf := types.Config{Importer: r, FakeImportC: true, Error: func(error) {}}
	p, err := conf.Check(path.Join(r.t.module, dir), r.t.fset, files, r.info)
	_ = err // passed over, see resolver
	r.done[dir] = p
	return p
}

// imported returns the import paths, not of this module, of all that ships.
func (t *tree) imported() []string {
	var paths []string
	for _, f := range t.files {
		if f.test {
			continue
		}
		for _, spec := range f.syntax.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				panic("tidy: the parser accepts quoted import paths only: " + err.Error())
			}
			if _, ours := t.ours(p); !ours && p != "C" && p != "unsafe" {
				paths = append(paths, p)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// exports returns an importer of the given packages, which are no packages of
// the tree: it asks the go command where the compiler has put their export
// data. A subprocess is safe here, and only here: what it answers depends on
// the Go version, go.mod and go.sum, all of which go test knows that we read.
func exports(root string, fset *token.FileSet, paths []string) (types.Importer, error) {
	files := make(map[string]string, len(paths))
	if len(paths) > 0 {
		args := append([]string{"list", "-e", "-export", "-f", "{{.ImportPath}}\t{{.Export}}", "--"}, paths...)
		cmd := exec.Command("go", args...)
		cmd.Dir = root
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list of the dependencies: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
		}
		for line := range strings.Lines(string(out)) {
			p, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
			files[p] = file
		}
	}
	lookup := func(p string) (io.ReadCloser, error) {
		if files[p] == "" {
			return nil, errors.New(p + ": the go command has no export data of it")
		}
		return os.Open(files[p])
	}
	return importer.ForCompiler(fset, "gc", lookup), nil
}
