package patterns

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// inProgram is what a constructor's words are in a program; see testdata/programs.
var inProgram = map[string]string{
	"sim.Function": "Function", "cloud.Env": "Env", "cloud.Handler": "Handler", "cloud.HTTP": "HTTP", "cloud.HTTPFunc": "HTTPFunc", "gcp.OnEvent": "OnEvent", "gcp.OnData": "OnData",
	"redis.Client": "Redis", "redis.Replica": "Replica", "gcs.Client": "GCS", "pubsub.Client": "PubSub", "tasks.Client": "Tasks", "firestore.Client": "Firestore",
	"aws.Handler": "Lambda", "aws.HTTPAPI": "HTTPAPI", "aws.QueueURL": "QueueURL", "awsclient.Config": "AWS", "pgxclient.DB": "DB", "pgxclient.Pool": "Pool",
	"postgres.Dialer": "Dialer", "postgres.AtEnd": "AtEnd",
}

// source is the file that puts a bug and its repair under test, of which a program
// has what makes its functions.
type source struct {
	fset     *token.FileSet
	file     *ast.File
	around   map[string]ast.Decl // its functions, constants and variables
	scenario *ast.FuncDecl       // makes the bug and the repair
	calls    [][]ast.Expr        // by which
	more     []ast.Node          // functions of the repair alone
	out      bytes.Buffer
	imports  map[string]bool
	err      error
}

// generated returns the file of a bug's functions: package name, with the variables
// Bug and Repaired.
func generated(name, path string) ([]byte, error) {
	s := &source{fset: token.NewFileSet(), around: map[string]ast.Decl{}, imports: map[string]bool{}}
	var err error
	if s.file, err = parser.ParseFile(s.fset, path, nil, parser.SkipObjectResolution); err != nil {
		return nil, err
	}
	trim(s.file)
	for _, d := range s.file.Decls {
		s.declared(d)
	}
	if s.scenario == nil || len(s.calls) != 2 {
		return nil, fmt.Errorf("%s: no function makes both scenarios", path)
	}
	functions, err := s.functions()
	if err != nil {
		return nil, err
	}
	s.print(functions)
	s.text("\n\nvar Bug = ")
	s.print(&ast.CallExpr{Fun: functions.Name, Args: s.calls[0]})
	s.text("\n\nvar Repaired = append(")
	s.print(&ast.CallExpr{Fun: functions.Name, Args: s.calls[1]})
	s.text(", []real.Function{\n")
	for _, f := range s.more {
		s.print(f)
		s.text(",\n")
	}
	s.text("}...)\n")
	for _, d := range s.needed(append(s.more, ast.Node(functions))...) {
		s.text("\n")
		s.print(d)
		s.text("\n")
	}
	if s.err != nil {
		return nil, s.err
	}
	return format.Source(fmt.Appendf(nil, "package %s\n\nimport (\n%s\t\"example.com/catalogue/real\"\n)\n\n%s", name, s.imported(), s.out.Bytes()))
}

// declared takes note of what a declaration is.
func (s *source) declared(d ast.Decl) {
	switch d := d.(type) {
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok {
				for _, name := range v.Names {
					s.around[name.Name] = d
				}
			}
		}
	case *ast.FuncDecl:
		switch {
		case d.Recv != nil:
		case d.Name.Name == "Scenarios":
			s.both(d)
		case returnsScenario(d):
			s.scenario = d
		default:
			s.around[d.Name.Name] = d
		}
	}
}

// both looks at how Scenarios makes the two.
func (s *source) both(f *ast.FuncDecl) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if of, ok := n.Fun.(*ast.Ident); ok && strings.EqualFold(of.Name, "scenario") {
				s.calls = append(s.calls, n.Args)
			}
		case *ast.CompositeLit:
			if isFunction(n) {
				s.more = append(s.more, n)
			}
		}
		return true
	})
}

func returnsScenario(f *ast.FuncDecl) bool {
	if f.Type.Results.NumFields() != 1 {
		return false
	}
	s, ok := f.Type.Results.List[0].Type.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Scenario"
}

// functions makes of what makes scenarios what makes their functions.
func (s *source) functions() (*ast.FuncDecl, error) {
	var functions ast.Expr
	ast.Inspect(s.scenario, func(n ast.Node) bool {
		if key, value := keyed(n); key == "Functions" {
			functions = value
		}
		return functions == nil
	})
	if functions == nil {
		return nil, fmt.Errorf("%s: a scenario without functions", s.fset.Position(s.scenario.Pos()))
	}
	names := map[string]bool{}
	uses(functions, names)
	body := []ast.Stmt{&ast.ReturnStmt{Results: []ast.Expr{functions}}}
	for _, stmt := range slices.Backward(s.scenario.Body.List) {
		a, ok := stmt.(*ast.AssignStmt)
		if !ok || a.Tok != token.DEFINE || !slices.ContainsFunc(a.Lhs, func(x ast.Expr) bool { id, ok := x.(*ast.Ident); return ok && names[id.Name] }) {
			continue
		}
		uses(a, names)
		body = append(body, a)
	}
	slices.Reverse(body)
	params := s.parameters(names)
	of := &ast.ArrayType{Elt: &ast.SelectorExpr{X: ast.NewIdent("sim"), Sel: ast.NewIdent("Function")}}
	f := &ast.FuncDecl{Name: ast.NewIdent("scenario"), Body: &ast.BlockStmt{List: body},
		Type: &ast.FuncType{Params: params, Results: &ast.FieldList{List: []*ast.Field{{Type: of}}}}}
	return f, nil
}

// parameters are those of what makes the scenarios that are used, which leaves the
// others out of the calls: they say what only a simulation has.
func (s *source) parameters(used map[string]bool) *ast.FieldList {
	params, calls := &ast.FieldList{}, make([][]ast.Expr, len(s.calls))
	i := 0
	for _, field := range s.scenario.Type.Params.List {
		for _, name := range field.Names {
			if used[name.Name] {
				params.List = append(params.List, &ast.Field{Names: []*ast.Ident{name}, Type: field.Type})
				for n, args := range s.calls {
					calls[n] = append(calls[n], args[i])
				}
			}
			i++
		}
	}
	s.calls = calls
	return params
}

// keyed is what an element of a composite literal is, if it has a key.
func keyed(n ast.Node) (key string, value ast.Expr) {
	if kv, ok := n.(*ast.KeyValueExpr); ok {
		if id, ok := kv.Key.(*ast.Ident); ok {
			return id.Name, kv.Value
		}
	}
	return "", nil
}

// isFunction reports whether a composite literal is a function of a scenario.
func isFunction(l *ast.CompositeLit) bool {
	return slices.ContainsFunc(l.Elts, func(e ast.Expr) bool {
		key, _ := keyed(e)
		return key == "New" || key == "Handler"
	})
}

// trim leaves of the functions of scenarios what their programs say.
func trim(f *ast.File) {
	ast.Inspect(f, func(n ast.Node) bool {
		if l, ok := n.(*ast.CompositeLit); ok && isFunction(l) {
			l.Elts = slices.DeleteFunc(l.Elts, func(e ast.Expr) bool {
				key, _ := keyed(e)
				return key != "Name" && key != "New" && key != "Handler"
			})
		}
		return true
	})
}

// uses adds the names that stand for something by themselves.
func uses(n ast.Node, names map[string]bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			uses(n.X, names)
			return false
		case *ast.KeyValueExpr:
			uses(n.Value, names)
			return false
		case *ast.Ident:
			names[n.Name] = true
		}
		return true
	})
}

// needed are the declarations around it that something uses, and those that these
// do.
func (s *source) needed(of ...ast.Node) []ast.Decl {
	names, found := map[string]bool{}, map[ast.Decl]bool{}
	for _, n := range of {
		uses(n, names)
	}
	for grown := true; grown; {
		grown = false
		for _, name := range slices.Sorted(maps.Keys(names)) {
			d := s.around[name]
			if d == nil || found[d] {
				continue
			}
			found[d], grown = true, true
			uses(d, names)
		}
	}
	return slices.DeleteFunc(slices.Clone(s.file.Decls), func(d ast.Decl) bool { return !found[d] })
}

// text writes it as it is.
func (s *source) text(t string) { s.out.WriteString(t) }

// print prints a part of the file in a program's words, and takes note of what it
// imports.
func (s *source) print(n ast.Node) {
	ours := map[string]bool{}
	for _, spec := range s.file.Imports {
		if path, name := imported(spec); strings.HasPrefix(path, "github.com/wtsim/wtsim/") && !strings.Contains(path, "/scenarios/patterns/") {
			ours[name] = true
		}
	}
	ast.Inspect(n, func(n ast.Node) bool {
		x, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		of, ok := x.X.(*ast.Ident)
		switch {
		case !ok || of.Name == "env" || of.Name == "real":
		case inProgram[of.Name+"."+x.Sel.Name] != "":
			of.Name, x.Sel.Name = "real", inProgram[of.Name+"."+x.Sel.Name]
		case ours[of.Name]:
			s.err = cmp.Or(s.err, fmt.Errorf("%s: no program has %s.%s", s.fset.Position(x.Pos()), of.Name, x.Sel.Name))
		default:
			s.imports[of.Name] = true
		}
		return true
	})
	s.err = cmp.Or(s.err, format.Node(&s.out, s.fset, n))
}

// imported is what an import is of, and the name that it has here.
func imported(spec *ast.ImportSpec) (path, name string) {
	path, _ = strconv.Unquote(spec.Path.Value)
	name = path[strings.LastIndex(path, "/")+1:]
	if spec.Name != nil {
		return path, spec.Name.Name
	}
	if len(name) > 1 && name[0] == 'v' && name[1] <= '9' { // a major version
		before := strings.TrimSuffix(path, "/"+name)
		name = before[strings.LastIndex(before, "/")+1:]
	}
	return path, name
}

// imported are the imports of the names that are used.
func (s *source) imported() (out string) {
	for _, spec := range s.file.Imports {
		if path, name := imported(spec); s.imports[name] {
			out += fmt.Sprintf("\t%s %q\n", name, path)
		}
	}
	return out
}
