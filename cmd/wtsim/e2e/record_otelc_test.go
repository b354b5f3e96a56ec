package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The program of TestRecordUnchanged records the same, but for calls of gRPC, where
// the rules for OpenTelemetry's compile-time instrumentation are applied as its
// documentation says. The tool itself has not been run: no module of it is to be had.
func TestOtelc(t *testing.T) {
	long(t)
	t.Parallel()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := exampleModule(t, "unchanged")
	write(t, filepath.Join(dir, "otel.instrumentation.go"), "//go:build tools\n\npackage tools\n\nimport _ \"github.com/wtsim/wtsim/probe/otelc\"\n")
	for _, args := range [][]string{{"mod", "edit", "-require", "github.com/wtsim/wtsim@v0.0.0", "-replace", "github.com/wtsim/wtsim=" + root}, {"mod", "tidy"}} {
		goIn(t, dir, args...)
	}
	var rules yaml.MapSlice
	text, err := os.ReadFile(filepath.Join(root, "probe", "otelc", "wtsim.otelc.yml"))
	if err == nil {
		err = yaml.Unmarshal(text, &rules)
	}
	var parsed map[string]otelRule
	if err == nil {
		err = yaml.UnmarshalWithOptions(text, &parsed, yaml.Strict())
	}
	if err != nil || len(rules) < 15 {
		t.Fatalf("%d rules, %v", len(rules), err)
	}
	o := &otelOverlay{t: t, dir: dir, root: root, edits: map[string][]otelEdit{}, replace: map[string]string{}}
	for _, r := range rules {
		rule := parsed[fmt.Sprint(r.Key)]
		o.apply(fmt.Sprint(r.Key), &rule)
	}
	overlay, shop := o.written(), filepath.Join(t.TempDir(), "shop")
	goIn(t, dir, "build", "-overlay", overlay, "-tags", "wtsim_record", "-o", shop, ".")
	recordsWithoutGRPC(t, shop)
}

// otelRule is a rule, by
// https://github.com/open-telemetry/opentelemetry-go-compile-instrumentation/blob/main/docs/rules.md.
type otelRule struct {
	Target string
	Where  struct{ Func, Recv, Struct, Pattern, Placement string }
	Do     []struct {
		File   *struct{ File, Path string } `yaml:"add_file"`
		Code   *struct{ Raw string }        `yaml:"inject_code"`
		Fields *struct {
			New []struct{ Name, Type string } `yaml:"new_field"`
		} `yaml:"add_struct_fields"`
	}
}

// otelOverlay is what rules make of packages.
type otelOverlay struct {
	t         *testing.T
	dir, root string
	edits     map[string][]otelEdit // by file
	replace   map[string]string
}

// otelEdit puts text into a file.
type otelEdit struct {
	at   int
	text string
}

func (o *otelOverlay) apply(name string, r *otelRule) {
	o.t.Helper()
	target := r.Target
	if target == "main" {
		target = "."
	}
	var pkg struct {
		Dir     string
		Name    string
		GoFiles []string
	}
	if err := json.Unmarshal(goIn(o.t, o.dir, "list", "-json=Dir,Name,GoFiles", target), &pkg); err != nil {
		o.t.Fatal(err)
	}
	for _, do := range r.Do {
		if do.File != nil {
			o.add(pkg.Dir, pkg.Name, do.File.Path, do.File.File)
			continue
		}
		found := 0
		for _, file := range pkg.GoFiles {
			x := &otelSource{path: filepath.Join(pkg.Dir, file), fset: token.NewFileSet()}
			f, err := parser.ParseFile(x.fset, x.path, nil, parser.SkipObjectResolution)
			if err != nil {
				o.t.Fatal(err)
			}
			for _, d := range f.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					if do.Code == nil || d.Name.Name != r.Where.Func || receiver(d) != r.Where.Recv || d.Body == nil {
						continue
					}
					found += x.inject(r.Where.Pattern, r.Where.Placement, do.Code.Raw, d)
				case *ast.GenDecl:
					for _, s := range d.Specs {
						s, isType := s.(*ast.TypeSpec)
						if !isType || do.Fields == nil || s.Name.Name != r.Where.Struct {
							continue
						}
						found++
						for _, field := range do.Fields.New {
							x.put(s.Type.(*ast.StructType).Fields.Closing, field.Name+" "+field.Type+"\n")
						}
					}
				}
			}
			o.edits[x.path] = append(o.edits[x.path], x.edits...)
		}
		if found != 1 {
			o.t.Errorf("%s: it fits %d places in %s, wanted one", name, found, r.Target)
		}
	}
}

// add puts a file of a package of rules into another package.
func (o *otelOverlay) add(dir, pkg, from, file string) {
	text, err := os.ReadFile(filepath.Join(o.root, strings.TrimPrefix(from, "github.com/wtsim/wtsim/"), file))
	if err != nil {
		o.t.Fatal(err)
	}
	text = bytes.TrimPrefix(text, []byte("//go:build ignore\n")) // the compiler is handed the file, whatever it says
	text = regexp.MustCompile(`(?m)^package \w+$`).ReplaceAll(text, []byte("package "+pkg))
	at := filepath.Join(o.t.TempDir(), file)
	write(o.t, at, string(text))
	o.replace[filepath.Join(dir, "otelc."+file)] = at
}

// written is the overlay's file.
func (o *otelOverlay) written() string {
	for path, edits := range o.edits {
		if len(edits) == 0 {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			o.t.Fatal(err)
		}
		slices.SortStableFunc(edits, func(a, b otelEdit) int { return cmp.Compare(b.at, a.at) })
		for _, e := range edits {
			text = slices.Concat(text[:e.at], []byte(e.text), text[e.at:])
		}
		o.replace[path] = filepath.Join(o.t.TempDir(), filepath.Base(path))
		write(o.t, o.replace[path], string(text))
	}
	text, err := json.Marshal(map[string]any{"Replace": o.replace})
	if err != nil {
		o.t.Fatal(err)
	}
	file := filepath.Join(o.t.TempDir(), "overlay.json")
	write(o.t, file, string(text))
	return file
}

// otelSource is a file that is changed.
type otelSource struct {
	path  string
	fset  *token.FileSet
	edits []otelEdit
}

func (x *otelSource) put(at token.Pos, text string) {
	x.edits = append(x.edits, otelEdit{x.fset.Position(at).Offset, text})
}

// inject puts code into a function: at its start, or beside the first statement of a
// block that fits the pattern. Results without names get the documented ones.
func (x *otelSource) inject(pattern, placement, raw string, f *ast.FuncDecl) int {
	if pattern == "" {
		x.nameResults(f)
		x.put(f.Body.Lbrace+1, "\n"+raw+"\n")
		return 1
	}
	fits, found := regexp.MustCompile(pattern), 0
	ast.Inspect(f.Body, func(n ast.Node) bool {
		block, isBlock := n.(*ast.BlockStmt)
		if !isBlock {
			return true
		}
		for _, s := range block.List {
			var text bytes.Buffer
			if err := format.Node(&text, x.fset, s); err != nil || !fits.MatchString(text.String()) {
				continue
			}
			found++
			if placement == "after" {
				x.put(s.End(), "\n"+raw+"\n")
			} else {
				x.put(s.Pos(), raw+"\n")
			}
		}
		return true
	})
	return found
}

func (x *otelSource) nameResults(f *ast.FuncDecl) {
	if f.Type.Results == nil {
		return
	}
	for i, field := range f.Type.Results.List {
		if len(field.Names) > 0 {
			return
		}
		open, closed := "", ""
		if !f.Type.Results.Opening.IsValid() {
			open, closed = "(", ")"
		}
		x.put(field.Type.Pos(), fmt.Sprintf("%s_unnamedRetVal%d ", open, i))
		if closed != "" {
			x.put(field.Type.End(), closed)
		}
	}
}

// receiver is that of a method, as rules spell it.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	switch r := f.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		if name, is := r.X.(*ast.Ident); is {
			return "*" + name.Name
		}
	case *ast.Ident:
		return r.Name
	}
	return "?"
}

// goIn runs the go command.
func goIn(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	c := exec.Command("go", args...)
	c.Dir = dir
	var bad bytes.Buffer
	c.Stderr = &bad
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, bad.String())
	}
	return out
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
