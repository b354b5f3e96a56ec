package tidy

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/printer"
	"go/token"
	"slices"
	"strings"
)

// private are the packages whose exported names are nobody's to rely on:
// commands, examples, and what tests alone see.
var private = []string{"internal/...", "*/internal/...", "*/*/internal/...", "cmd/...", "monitor/stream/...", "scenarios/...", "fakes/fakestest"}

// api lists what the module promises, a line each, in order: every exported
// function, type, field, method, variable and constant of a public package,
// with its type as it is written. That is how Go holds its own library to its
// promise (the api folder of its source).
func api(t *tree) []string {
	var out []string
	for _, f := range t.files {
		if f.test || matchAny(private, f.dir) {
			continue
		}
		for _, d := range f.syntax.Decls {
			for _, line := range declared(t.fset, d) {
				out = append(out, "pkg "+f.dir+", "+line)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// declared lists what a declaration exports.
func declared(fset *token.FileSet, d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if line := function(fset, d); line != "" {
			return []string{line}
		}
	case *ast.GenDecl:
		var out []string
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				out = append(out, typeLines(fset, s)...)
			case *ast.ValueSpec:
				out = append(out, values(fset, d.Tok, s)...)
			}
		}
		return out
	}
	return nil
}

func function(fset *token.FileSet, d *ast.FuncDecl) string {
	if !d.Name.IsExported() {
		return ""
	}
	of := ""
	if d.Recv != nil {
		of = text(fset, d.Recv.List[0].Type)
		if !ast.IsExported(strings.TrimLeft(of, "*")) {
			return ""
		}
		of = "method (" + of + ") "
	} else {
		of = "func "
	}
	return of + d.Name.Name + strings.TrimPrefix(text(fset, d.Type), "func")
}

func values(fset *token.FileSet, tok token.Token, s *ast.ValueSpec) []string {
	var out []string
	for _, n := range s.Names {
		if n.IsExported() {
			line := tok.String() + " " + n.Name
			if s.Type != nil {
				line += " " + text(fset, s.Type)
			}
			out = append(out, line)
		}
	}
	return out
}

// typeLines are a type, and its exported fields or methods, a line each.
func typeLines(fset *token.FileSet, s *ast.TypeSpec) []string {
	if !s.Name.IsExported() {
		return nil
	}
	head := "type " + s.Name.Name
	if s.Assign.IsValid() {
		return []string{head + " = " + text(fset, s.Type)}
	}
	switch x := s.Type.(type) {
	case *ast.StructType:
		return append([]string{head + " struct"}, members(fset, head+" struct, ", x.Fields)...)
	case *ast.InterfaceType:
		return append([]string{head + " interface"}, members(fset, head+" interface, ", x.Methods)...)
	}
	return []string{head + " " + text(fset, s.Type)}
}

func members(fset *token.FileSet, head string, list *ast.FieldList) []string {
	var out []string
	for _, f := range list.List {
		if len(f.Names) == 0 {
			out = append(out, head+"embedded "+text(fset, f.Type))
		}
		for _, n := range f.Names {
			if n.IsExported() {
				out = append(out, head+n.Name+" "+text(fset, f.Type))
			}
		}
	}
	return out
}

// text is a piece of syntax on one line.
func text(fset *token.FileSet, n ast.Node) string {
	var b bytes.Buffer
	if err := (&printer.Config{Mode: printer.RawFormat}).Fprint(&b, fset, n); err != nil {
		panic(fmt.Errorf("tidy: syntax that was parsed prints: %w", err))
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// promised compares what the module exports with what it has promised. What is
// gone or has changed breaks users; what is new is promised by writing it down.
func promised(got, want []string) (broken, unwritten []string) {
	for _, line := range want {
		if _, found := slices.BinarySearch(got, line); !found {
			broken = append(broken, line)
		}
	}
	for _, line := range got {
		if _, found := slices.BinarySearch(want, line); !found {
			unwritten = append(unwritten, line)
		}
	}
	return broken, unwritten
}
