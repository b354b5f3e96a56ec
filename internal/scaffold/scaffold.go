// Package scaffold writes a first scenario and test for the handlers of a
// module.
//
// It reads a module's packages with their types, finds what serves requests or
// takes events ([Find]), and writes for each package one test file ([Package.Text]),
// in the package itself, so that it may use what is not exported and what is in
// package main. What it cannot make is told by name ([Package.Left]).
//
// A handler is
//
//   - a registration with the Functions Framework: functions.HTTP,
//     functions.CloudEvent;
//   - a constructor that returns an http.Handler, or a value with methods that
//     are handlers, of parameters that a run has ([given]);
//   - a type that is an http.Handler, or has such methods, all of whose fields a
//     run has;
//   - a variable of the package that is an http.Handler;
//   - a function with a handler's signature.
//
// What is used by one that was found is not found again: what a constructor
// mounts on its mux is covered by it.
package scaffold

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// FileName is the name of the file that is written in each package.
const FileName = "wtsim_test.go"

// Package is a package with handlers.
type Package struct {
	Path, Name, Dir string
	Functions       []Function // in order of name
	Left            []string   // what was left out, and why: sentences

	needs  needs
	shared string // a variable that all runs of a process would share; empty if there is none
	scope  *types.Scope
}

// Function is a handler as a scenario deploys it.
type Function struct {
	Name     string // as deployed
	Of       string // what it is in the source, for people
	make     []string
	expr     string // of the handler, where make has been run
	function bool   // which is a function, not an http.Handler
	event    bool   // it takes events, not requests
	requests []request
	body     string // of a message to it
}

// File is where the package's test goes.
func (p *Package) File() string { return filepath.Join(p.Dir, FileName) }

// Find reads the packages of the module that dir is in, from dir down, and
// returns those that have handlers, or something like them that was left out. The
// error is the first mistake of a package that does not compile.
func Find(dir string) ([]*Package, error) {
	config := &packages.Config{Dir: dir, Env: append(os.Environ(), "GOWORK=off"),
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedSyntax | packages.NeedModule}
	loaded, err := packages.Load(config, "./...")
	if err != nil {
		return nil, fmt.Errorf("the module cannot be read: %w", err)
	}
	var out []*Package
	for _, p := range loaded {
		if len(p.Errors) > 0 {
			return nil, fmt.Errorf("%s: %s; wanted packages that compile", p.PkgPath, p.Errors[0])
		}
		if len(p.GoFiles) == 0 {
			continue // it has tests alone
		}
		if found := inPackage(p); len(found.Functions)+len(found.Left) > 0 {
			out = append(out, found)
		}
	}
	if len(loaded) == 0 {
		return nil, errors.New("there is no package")
	}
	slices.SortFunc(out, func(a, b *Package) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}

// finder looks through a package.
type finder struct {
	*Package
	source *packages.Package
	bodies map[types.Object]*ast.FuncDecl
	used   map[types.Object]bool // functions and variables that something found mounts
	made   map[string]bool       // types that a constructor makes
}

// inPackage returns the package with its handlers.
func inPackage(p *packages.Package) *Package {
	f := &finder{source: p, bodies: map[types.Object]*ast.FuncDecl{}, used: map[types.Object]bool{}, made: map[string]bool{},
		Package: &Package{Path: p.PkgPath, Name: p.Name, Dir: filepath.Dir(p.GoFiles[0]), scope: p.Types.Scope()}}
	for _, file := range p.Syntax {
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				f.bodies[p.TypesInfo.Defs[fn.Name]] = fn
			}
		}
	}
	f.registrations()
	f.constructors()
	f.variables()
	f.structs()
	f.plain()
	if len(f.Functions) > 0 {
		f.look()
	}
	if f.shared != "" {
		f.Functions = nil
		f.left(f.shared, "runs of one process would share it; the program that has it is run in processes (wtsim.yaml), or let a constructor make it")
	}
	slices.SortFunc(f.Functions, func(a, b Function) int { return cmp.Compare(a.Name, b.Name) })
	slices.Sort(f.Left)
	return f.Package
}

// names are those of the package's scope, of one kind, in order.
func objects[T types.Object](f *finder) (all []T) {
	for _, name := range f.scope.Names() {
		if o, ok := f.scope.Lookup(name).(T); ok {
			all = append(all, o)
		}
	}
	return all
}

// add adds a function, whose name is made unlike all others.
func (f *finder) add(fn Function, body ...types.Object) {
	fn.Name = kebab(fn.Name)
	for n, base := 2, fn.Name; slices.ContainsFunc(f.Functions, func(o Function) bool { return o.Name == fn.Name }); n++ {
		fn.Name = fmt.Sprintf("%s-%d", base, n)
	}
	r := f.reading(body)
	if fn.event {
		fn.body = r.message()
	} else {
		fn.requests = r.requests()
	}
	f.Functions = append(f.Functions, fn)
}

// left tells of something that looks like a handler and cannot be made.
func (f *finder) left(of, why string) {
	f.Left = append(f.Left, fmt.Sprintf("%s.%s: %s", f.Path, of, why))
}

// kebab makes a name of Go one of a deployment: placeOrder is place-order.
func kebab(name string) string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		upper := r >= 'A' && r <= 'Z'
		if upper && lower {
			b.WriteByte('-')
		}
		switch {
		case upper || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteString(strings.ToLower(string(r)))
		default:
			b.WriteByte('-')
		}
		lower = !upper && r != '_'
	}
	return strings.Trim(b.String(), "-")
}
