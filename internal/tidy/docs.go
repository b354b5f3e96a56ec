package tidy

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// standardMethods have the meaning that the standard library gives them: a
// comment could only restate the name.
var standardMethods = []string{"Error", "Is", "Len", "Less", "String", "Swap", "Unwrap"}

// docComments checks that every package says what it is, and that every
// exported name of an importable package outside internal says what it means.
func docComments(t *tree) []finding {
	var out []finding
	for _, dir := range t.dirs() {
		files := t.shipped(dir)
		if len(files) == 0 || files[0].syntax.Name.Name == "main" {
			continue
		}
		out = append(out, t.packageComment(files)...)
		if slices.Contains(strings.Split(dir, "/"), "internal") {
			continue
		}
		for _, f := range files {
			if !ast.IsGenerated(f.syntax) {
				out = append(out, t.undocumented(f)...)
			}
		}
	}
	return sorted(out)
}

func (t *tree) packageComment(files []*source) []finding {
	name := files[0].syntax.Name.Name
	var docs []*ast.CommentGroup
	for _, f := range files {
		if f.syntax.Doc.Text() != "" {
			docs = append(docs, f.syntax.Doc)
		}
	}
	want := fmt.Sprintf("one comment \"Package %s ...\"", name)
	help := "write the package's model: what it does, its words, its rules"
	switch {
	case len(docs) == 0:
		return []finding{t.find(files[0].syntax.Package, "package "+name+" has no comment", want, help)}
	case len(docs) > 1:
		return []finding{t.find(docs[1].Pos(), fmt.Sprintf("package %s has %d comments", name, len(docs)), want,
			"merge them; detach what is about the file by a blank line")}
	case !strings.HasPrefix(docs[0].Text(), "Package "+name+" "):
		return []finding{t.find(docs[0].Pos(), "package comment begins otherwise", want, help)}
	}
	return nil
}

// undocumented reports the exported names of one file that have no proper
// comment.
func (t *tree) undocumented(f *source) []finding {
	var out []finding
	report := func(id *ast.Ident, doc *ast.CommentGroup) {
		if !id.IsExported() || begins(doc.Text(), id.Name) {
			return
		}
		fact := id.Name + " has no comment"
		if doc.Text() != "" {
			fact = "the comment on " + id.Name + " begins otherwise"
		}
		out = append(out, t.find(id.Pos(), fact, fmt.Sprintf("\"%s ...\", or A, An, The and the name", id.Name),
			"say what it is for and what its caller must know, or unexport it"))
	}
	for _, d := range f.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || exportedMethod(d) {
				report(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				specDoc(d, spec, report)
			}
		}
	}
	return out
}

// exportedMethod tells whether a method can be reached by its name and needs
// words.
func exportedMethod(d *ast.FuncDecl) bool {
	base := d.Recv.List[0].Type
	for {
		switch x := base.(type) {
		case *ast.StarExpr:
			base = x.X
		case *ast.ParenExpr:
			base = x.X
		case *ast.IndexExpr:
			base = x.X
		case *ast.IndexListExpr:
			base = x.X
		case *ast.Ident:
			return x.IsExported() && !slices.Contains(standardMethods, d.Name.Name)
		default:
			panic(fmt.Sprintf("tidy: the parser accepts no receiver of type %T", base))
		}
	}
}

// specDoc passes each name of a declaration to report, with the comment that
// speaks of it. In a group of constants or variables any comment will do, that
// of the group or one of its own, before it or behind it.
func specDoc(d *ast.GenDecl, spec ast.Spec, report func(*ast.Ident, *ast.CommentGroup)) {
	grouped := d.Lparen.IsValid()
	doc := d.Doc
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if grouped {
			doc = spec.Doc
		}
		report(spec.Name, doc)
	case *ast.ValueSpec:
		if grouped && (d.Doc != nil || spec.Doc != nil || spec.Comment != nil) {
			return
		}
		for i, id := range spec.Names {
			if i == 0 || !begins(doc.Text(), spec.Names[0].Name) {
				report(id, doc)
			}
		}
	}
}

// begins tells whether a comment begins with a name, as a word, after an
// article or not.
func begins(doc, name string) bool {
	for _, article := range []string{"", "A ", "An ", "The "} {
		rest, ok := strings.CutPrefix(doc, article+name)
		if !ok {
			continue
		}
		if r, _ := utf8.DecodeRuneInString(rest); r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return true
		}
	}
	return false
}
