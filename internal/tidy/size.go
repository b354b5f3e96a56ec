package tidy

import (
	"fmt"
	"go/ast"
)

// Model codebases differ from the others in the tail alone, so it is the tail
// that is guarded. Tests count: a long one wants a table, or a text file.
const (
	maxFunc = 70  // lines of a function's body, its braces not counted
	maxFile = 600 // lines of a file
)

// sizes checks the length of functions and files. Generated code is excused.
func sizes(t *tree) []finding {
	var out []finding
	for _, f := range t.files {
		if ast.IsGenerated(f.syntax) {
			continue
		}
		if n := lines(f.text); n > maxFile {
			out = append(out, t.find(f.syntax.FileStart, fmt.Sprintf("file of %d lines", n), fmt.Sprintf("at most %d", maxFile),
				"split it by what its parts are about"))
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool { return t.length(n, &out) })
	}
	return sorted(out)
}

// length reports an outermost function that is too long; a literal counts
// within the function around it.
func (t *tree) length(n ast.Node, out *[]finding) (descend bool) {
	var name string
	var body *ast.BlockStmt
	switch n := n.(type) {
	case *ast.FuncDecl:
		name, body = n.Name.Name, n.Body
	case *ast.FuncLit:
		name, body = "function literal", n.Body
	default:
		return true
	}
	if body == nil { // in assembly, or linked by name
		return false
	}
	between := t.fset.Position(body.Rbrace).Line - t.fset.Position(body.Lbrace).Line - 1
	if between > maxFunc {
		*out = append(*out, t.find(n.Pos(), fmt.Sprintf("%s has %d lines", name, between), fmt.Sprintf("at most %d", maxFunc),
			"name its parts and make them functions"))
	}
	return false
}
