package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
)

// A type with many fields is many things, and one with many methods does many.
// Some are: an object of a file's form, the loop of a process. These say so.
const (
	maxFields  = 20
	maxMethods = 40
)

// excused are comments that say why a type has so many: "its many methods
// are", "a field each".
var excused = regexp.MustCompile(`(?i)\b(fields?|methods?)\b`)

type width struct {
	pos             token.Pos
	comment         string
	fields, methods int
}

// widths checks that a type of many fields or methods gives a reason.
func widths(t *tree) []finding {
	types := map[string]*width{} // by package and name
	of := func(f *source, name string) *width {
		key := f.dir + "." + name
		if types[key] == nil {
			types[key] = &width{}
		}
		return types[key]
	}
	for _, f := range t.files {
		if f.test || ast.IsGenerated(f.syntax) {
			continue
		}
		for _, d := range f.syntax.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if spec, ok := s.(*ast.TypeSpec); ok {
						of(f, spec.Name.Name).declared(d, spec)
					}
				}
			case *ast.FuncDecl:
				if name := receiver(d); name != "" {
					of(f, name).methods++
				}
			}
		}
	}
	var out []finding
	for name, w := range types {
		if (w.fields > maxFields || w.methods > maxMethods) && !excused.MatchString(w.comment) {
			out = append(out, t.find(w.pos, fmt.Sprintf("%s has %d fields and %d methods", name, w.fields, w.methods),
				fmt.Sprintf("at most %d and %d", maxFields, maxMethods), "take it apart, or say in its comment why its fields or methods are so many"))
		}
	}
	return sorted(out)
}

func (w *width) declared(d *ast.GenDecl, s *ast.TypeSpec) {
	w.pos, w.comment = s.Pos(), d.Doc.Text()+s.Doc.Text()
	if of, ok := s.Type.(*ast.StructType); ok {
		w.fields = of.Fields.NumFields()
	}
}

// receiver is the name of the type that a method is of; empty for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	of := d.Recv.List[0].Type
	if p, ok := of.(*ast.StarExpr); ok {
		of = p.X
	}
	switch generic := of.(type) {
	case *ast.IndexExpr:
		of = generic.X
	case *ast.IndexListExpr:
		of = generic.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}
