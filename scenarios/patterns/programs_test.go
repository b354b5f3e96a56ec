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
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// The catalogue as programs: of each package that puts a bug and its repair under
// test, the constructors of functions are copied into a program that knows nothing
// of a simulation. There clients are real ones, and main serves what K_SERVICE
// names. All bugs are one binary, as linking takes the time.

// notPrograms are the bugs that no program has, and why.
var notPrograms = map[string]string{
	"consent":        "its read replica has no address by which a client would reach it",
	"sendthendelete": "its constructor has names from around it",
	"sharedkey":      "its constructor has names from around it",
}

// real is what a constructor's words are in a program; see testdata/programs.
var inProgram = map[string]string{
	"cloud.Env": "Env", "cloud.Handler": "Handler", "cloud.HTTP": "HTTP", "cloud.HTTPFunc": "HTTPFunc", "gcp.OnEvent": "OnEvent", "gcp.OnData": "OnData",
	"redis.Client": "Redis", "gcs.Client": "GCS", "pubsub.Client": "PubSub", "tasks.Client": "Tasks",
}

// constructors is what is found of a bug: for each of its two scenarios, the
// constructor of each function.
type constructors struct {
	fset    *token.FileSet
	file    *ast.File
	param   *ast.Field             // of the function that makes both scenarios
	args    [2]ast.Expr            // by which it makes the bug and the repair
	news    [2]map[string]ast.Expr // by function
	imports map[string]bool
}

// generated returns the file of a bug's constructors: package name, with the
// variables Bug and Repaired.
func generated(name, path string) ([]byte, error) {
	c := &constructors{fset: token.NewFileSet(), imports: map[string]bool{}, news: [2]map[string]ast.Expr{{}, {}}}
	var err error
	if c.file, err = parser.ParseFile(c.fset, path, nil, parser.SkipObjectResolution); err != nil {
		return nil, err
	}
	for _, d := range c.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			c.function(f)
		}
	}
	var body bytes.Buffer
	for i, variable := range []string{"Bug", "Repaired"} {
		if err := c.variable(&body, variable, i); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "package %s\n\nimport (\n", name)
	c.imported(&out)
	fmt.Fprintf(&out, "\t\"example.com/catalogue/real\"\n)\n\n%s", body.Bytes())
	return format.Source(out.Bytes())
}

// function looks through a function of the file: for constructors, and, in
// Scenarios, for what each of its two scenarios is made by.
func (c *constructors) function(f *ast.FuncDecl) {
	both := f.Name.Name != "Scenarios"
	if both && f.Type.Params.NumFields() > 0 && returnsScenario(f) {
		c.param = f.Type.Params.List[0]
	}
	made := 0
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if of, ok := n.Fun.(*ast.Ident); ok && !both && strings.EqualFold(of.Name, "scenario") && made < 2 {
				c.args[made] = n.Args[0]
				made++
			}
		case *ast.CompositeLit:
			if name, construct := deployed(n); construct != nil {
				c.news[1][name] = construct
				if both { // what Scenarios adds is the repair's
					c.news[0][name] = construct
				}
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

// deployed is what a composite literal says, if it is a function: its name, and
// New or Handler.
func deployed(l *ast.CompositeLit) (name string, construct ast.Expr) {
	for _, e := range l.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		switch key, _ := kv.Key.(*ast.Ident); {
		case key == nil:
		case key.Name == "Name":
			if text, ok := kv.Value.(*ast.BasicLit); ok {
				name, _ = strconv.Unquote(text.Value)
			}
		case key.Name == "New" || key.Name == "Handler":
			construct = kv.Value
		}
	}
	return name, construct
}

// variable writes one of the two.
func (c *constructors) variable(out *bytes.Buffer, name string, i int) error {
	fmt.Fprintf(out, "// %s makes the functions.\nvar %s = func() map[string]real.New {\n", name, name)
	if c.param != nil && c.args[i] != nil && c.uses(i, c.param.Names[0].Name) {
		fmt.Fprintf(out, "\tvar %s ", c.param.Names[0].Name)
		if err := c.print(out, c.param.Type); err != nil {
			return err
		}
		out.WriteString(" = ")
		if err := c.print(out, c.args[i]); err != nil {
			return err
		}
		out.WriteString("\n")
	}
	out.WriteString("\treturn map[string]real.New{\n")
	for _, function := range slices.Sorted(maps.Keys(c.news[i])) {
		fmt.Fprintf(out, "%q: ", function)
		construct := c.news[i][function]
		if _, ok := construct.(*ast.FuncLit); !ok { // a handler, that all instances have
			out.WriteString("func(real.Env) (real.Handler, error) { return ")
			if err := c.print(out, construct); err != nil {
				return err
			}
			out.WriteString(", nil },\n")
			continue
		}
		if err := c.print(out, construct); err != nil {
			return err
		}
		out.WriteString(",\n")
	}
	out.WriteString("}\n}()\n\n")
	return nil
}

// uses reports whether a constructor of one of the two has a name.
func (c *constructors) uses(i int, name string) (used bool) {
	for _, x := range c.news[i] {
		ast.Inspect(x, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			used = used || ok && id.Name == name
			return true
		})
	}
	return used
}

// print prints an expression in a program's words, and takes note of what it
// imports.
func (c *constructors) print(out *bytes.Buffer, x ast.Expr) (err error) {
	ast.Inspect(x, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		of, ok := s.X.(*ast.Ident)
		switch {
		case !ok || of.Name == "env" || of.Name == "real":
		case inProgram[of.Name+"."+s.Sel.Name] != "":
			of.Name, s.Sel.Name = "real", inProgram[of.Name+"."+s.Sel.Name]
		case of.Name == "cloud" || of.Name == "gcp" || of.Name == "redis" || of.Name == "gcs" || of.Name == "pubsub" || of.Name == "tasks":
			err = cmp.Or(err, fmt.Errorf("%s: no program has %s.%s", c.fset.Position(s.Pos()), of.Name, s.Sel.Name))
		default:
			c.imports[of.Name] = true
		}
		return true
	})
	if err != nil {
		return err
	}
	return format.Node(out, c.fset, x)
}

// imported writes the imports of the names that are used.
func (c *constructors) imported(out *bytes.Buffer) {
	for _, spec := range c.file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		name := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		} else if len(name) > 1 && name[0] == 'v' && name[1] <= '9' { // a major version
			before := strings.TrimSuffix(path, "/"+name)
			name = before[strings.LastIndex(before, "/")+1:]
		}
		if c.imports[name] {
			fmt.Fprintf(out, "\t%s %q\n", name, path)
		}
	}
}

// writePrograms writes a module of its own with all of them, and returns its
// folder.
func writePrograms(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, text []byte) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	const ours = "github.com/wtsim/wtsim"
	mod := strings.Replace(string(read("../../go.mod")), "module "+ours, "module example.com/catalogue", 1)
	write("go.mod", fmt.Appendf(nil, "%s\nrequire %s v0.0.0\n\nreplace %s => %s\n", mod, ours, ours, root))
	write("go.sum", read("../../go.sum"))
	write("real/real.go", read("testdata/programs/real.go.txt"))
	write("main.go", read("testdata/programs/main.go.txt"))
	var links, entries strings.Builder
	for i, s := range All() {
		name := strings.TrimSuffix(strings.TrimPrefix(s.Name, "patterns/"), "/bug")
		if notPrograms[name] != "" || i%2 == 1 {
			continue
		}
		text, err := generated(name, filepath.Join(name, name+"sim", name+"sim.go"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		write(name+"/"+name+".go", text)
		fmt.Fprintf(&links, "\t%q\n", "example.com/catalogue/"+name)
		fmt.Fprintf(&entries, "\tcatalogue[%q], catalogue[%q] = %s.Bug, %s.Repaired\n", "patterns/"+name+"/bug", "patterns/"+name, name, name)
	}
	write("catalogue.go", []byte("package main\n\nimport (\n"+links.String()+")\n\nfunc init() {\n"+entries.String()+"}\n"))
	return dir
}

// asPrograms is a scenario whose functions are programs.
func asPrograms(t *testing.T, s sim.Scenario, dir string) sim.Scenario {
	t.Helper()
	var env []string
	for _, v := range s.Services {
		if name := v.Name(); !strings.Contains(name, ".") {
			env = append(env, strings.ToUpper(name)+"=${"+name+"}")
		}
	}
	s.Functions = slices.Clone(s.Functions)
	for i := range s.Functions {
		f := &s.Functions[i]
		f.New, f.Handler = nil, cloud.Handler{}
		f.Main = &sim.Main{Package: dir, Env: append([]string{"SCENARIO=" + s.Name, "TMPDIR=" + filepath.Join(dir, "tmp")}, env...)}
	}
	return s
}

// What holds in one process is not violated in processes, and what is violated
// there is violated here: three bugs and their repairs.
func TestCatalogueAsPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library and a program of the whole catalogue; runs without -short")
	}
	asProgramsToo(t, 20, "freshid", "memory", "duplicate")
}

// The same of the whole catalogue.
func TestSoakCatalogueAsPrograms(t *testing.T) {
	if os.Getenv("WTSIM_SOAK") == "" {
		t.Skip("takes five minutes: make soak runs it")
	}
	asProgramsToo(t, 200)
}

// asProgramsToo searches the bugs of these names, or all, and their repairs, in
// processes.
func asProgramsToo(t *testing.T, schedules int, names ...string) {
	dir := writePrograms(t)
	for _, s := range All() {
		name := strings.TrimSuffix(strings.TrimPrefix(s.Name, "patterns/"), "/bug")
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		t.Run(strings.TrimPrefix(s.Name, "patterns/"), func(t *testing.T) {
			if why := notPrograms[name]; why != "" {
				t.Skip(why)
			}
			compiled, err := sim.Compile(asPrograms(t, s, dir))
			if err != nil {
				t.Fatal(err)
			}
			subject := search.Subject{Simulation: compiled}
			o := search.Options{Schedules: schedules}
			if s.Expect.Violation {
				o.Schedules = 1000
			}
			found, err := subject.Search(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case found.Inconclusive != nil:
				t.Errorf("inconclusive: %s\n%s", found.Inconclusive.Why, found.Inconclusive.Stack)
			case s.Expect.Violation && found.Result == nil:
				t.Errorf("nothing is found in %d schedules", found.Ran)
			case !s.Expect.Violation && found.Result != nil:
				t.Errorf("violated after %d schedules: %v %s\n%s", found.Ran, found.Result.Violation, found.Result.Record.Plan, found.Result.Stack)
			default:
				t.Logf("as expected, after %d schedules", found.Ran)
			}
		})
	}
}
