package orchestrion

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The rules are valid by the schema that Orchestrion 1.15 has (Apache License 2.0), as
// in its repository's internal/injector/config/schema.json.
func TestSchema(t *testing.T) {
	text, err := os.ReadFile("testdata/orchestrion-1.15.0.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("orchestrion.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("orchestrion.json")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(text []byte) error {
		asJSON, err := yaml.YAMLToJSON(text)
		if err != nil {
			return err
		}
		rules, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		if err != nil {
			return err
		}
		return compiled.Validate(rules)
	}
	rules, err := os.ReadFile("orchestrion.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := valid(rules); err != nil {
		t.Error(err)
	}
	if valid(bytes.Replace(rules, []byte("function-body:"), []byte("function-boddy:"), 1)) == nil {
		t.Error("a rule of no join point is valid: the schema says nothing")
	}
}

// place is a join point: what matters of it here.
type place struct {
	Import   string                               `yaml:"import-path"`
	Package  string                               `yaml:"package-name"`
	Struct   string                               `yaml:"struct-definition"`
	All      []place                              `yaml:"all-of"`
	One      []place                              `yaml:"one-of"`
	Function *struct{ Function []map[string]any } `yaml:"function-body"`
}

// functions visits the functions of a package that a join point names.
func (p place) functions(of string, visit func(pkg, receiver, name string)) {
	for _, x := range p.All {
		if x.Import != "" {
			of = x.Import
		}
	}
	for _, x := range append(p.All, p.One...) {
		x.functions(of, visit)
	}
	if p.Function == nil {
		return
	}
	receiver, name := "", ""
	for _, x := range p.Function.Function {
		if text, ok := x["receiver"].(string); ok {
			receiver = text
		}
		if text, ok := x["name"].(string); ok {
			name = text
		}
	}
	visit(of, receiver, name)
}

// What the rules change is there: each function, with its receiver, and each struct, in
// the standard library of the Go that is installed.
func TestPlaces(t *testing.T) {
	text, err := os.ReadFile("orchestrion.yml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Aspects []struct {
			ID   string
			Join place `yaml:"join-point"`
		}
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, a := range rules.Aspects {
		if name := a.Join.Struct; name != "" {
			seen++
			if pkg := strings.TrimSuffix(name, path.Ext(name)); !declared(t, pkg)[strings.TrimPrefix(path.Ext(name), ".")] {
				t.Errorf("%s: there is no %s", a.ID, name)
			}
		}
		a.Join.functions("", func(pkg, receiver, name string) {
			if pkg == "" { // the program's own main
				return
			}
			seen++
			key := name
			if receiver != "" {
				key = strings.ReplaceAll(receiver, pkg+".", "") + "." + name
			}
			if !declared(t, pkg)[key] {
				t.Errorf("%s: %s has no %s", a.ID, pkg, key)
			}
		})
	}
	if seen < 15 {
		t.Errorf("only %d places are looked at", seen)
	}
}

// goroot is where the standard library's sources are.
func goroot(t *testing.T) string {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// declared are the functions of a package of the standard library, with their
// receivers, and its types, on any system.
func declared(t *testing.T, pkg string) map[string]bool {
	files, err := filepath.Glob(filepath.Join(goroot(t), "src", filepath.FromSlash(pkg), "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pkg, len(files), err)
	}
	names := map[string]bool{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names[receiverOf(d)+d.Name.Name] = true
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if s, ok := s.(*ast.TypeSpec); ok {
						names[s.Name.Name] = true
					}
				}
			}
		}
	}
	return names
}

func receiverOf(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	switch x := d.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		if name, ok := x.X.(*ast.Ident); ok {
			return "*" + name.Name + "."
		}
	case *ast.Ident:
		return x.Name + "."
	}
	return ""
}

var linked = regexp.MustCompile(`(?m)^//go:linkname \w+ (\S+)\.(\w+)$`)

// Whatever the recorder reaches in the standard library the rules declare there.
func TestReached(t *testing.T) {
	hooks, err := os.ReadFile("../autoprobe/hooks.go")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile("orchestrion.yml")
	if err != nil {
		t.Fatal(err)
	}
	all := linked.FindAllStringSubmatch(string(hooks), -1)
	for _, x := range all {
		if !bytes.Contains(rules, []byte("//go:linkname "+x[2]+"\n")) || !bytes.Contains(rules, []byte("import-path: "+x[1]+"\n")) {
			t.Errorf("the rules do not declare %s in %s", x[2], x[1])
		}
	}
	if len(all) < 6 {
		t.Errorf("only %d names are looked at", len(all))
	}
}
