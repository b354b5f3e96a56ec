package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	sources "github.com/wtsim/wtsim"
	"github.com/wtsim/wtsim/internal/runtimepatch"
)

// A program that is built with --record gets the recorder's sources as packages
// of its own module, by the overlay: its go.mod stays as it is, and so do the
// versions of all that it requires. Nothing is written to its module.
const (
	recorderDir  = "internal/wtsimrecord" // below the module
	recorderFile = "wtsim_record.go"      // in each program
	recorderGo   = "go1.26"               // the version of Go that the recorder is written in
)

// recordOptions are the flags that wtsim build has of its own.
type recordOptions struct {
	on    bool
	rules string
}

// takeRecord takes them from the arguments of go build.
func takeRecord(args []string) (o recordOptions, rest []string, err error) {
	for i := 0; i < len(args); i++ {
		name, value, joined := flagOf(args[i])
		switch {
		case name == "record" && !joined:
			o.on = true
		case name == "rules" && joined:
			o.rules = value
		case name == "rules" && i+1 < len(args):
			i++
			o.rules = args[i]
		case name == "rules":
			return o, nil, errors.New("build: --rules has no value, wanted a file of rules")
		default:
			rest = append(rest, args[i])
		}
	}
	if o.rules != "" && !o.on {
		return o, nil, errors.New("build: --rules without --record, wanted both: the rules are the recorder's")
	}
	return o, rest, nil
}

// buildRecorded builds programs with the recorder in their standard library.
func (a *app) buildRecorded(o recordOptions, args []string) (int, error) {
	rules, err := o.text()
	if err != nil {
		return 0, err
	}
	p, err := prepare(args, runtimepatch.RecordTag, runtimepatch.Release.Recording)
	if err != nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	programs, err := p.programs()
	if err != nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	tmp, err := os.MkdirTemp("", "wtsim-record-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	texts := recordTexts{}
	for i := range programs {
		if err := texts.add(&programs[i], rules); err != nil {
			return 0, fmt.Errorf("build: %w", err)
		}
	}
	mod, err := copiedModFile(programs[0].Module.Dir, programs[0].Module.GoMod, tmp) // without a workspace they are of one module
	if err != nil {
		return 0, err
	}
	p.announce(a)
	p.rest = append(mod, p.rest...) // one of the user's own comes later, and counts
	if p.overlay, err = p.overlay.With(texts, tmp); err != nil {
		return 0, err
	}
	return a.follow(p.command(p.arguments("build")...))
}

// text is the rules as the program has them; empty if there are none.
func (o recordOptions) text() (string, error) {
	if o.rules == "" {
		return "", nil
	}
	rules, err := parseRules(o.rules)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"rules": rules})
	return string(text), err
}

// recordable is what go list tells of a package that is built.
type recordable struct {
	ImportPath, Name, Dir string
	Module                *struct {
		Path, Dir, GoMod string
		Main             bool
	}
	Deps    []string
	GoFiles []string
}

// programs are those among the packages of a go build.
func (p *patch) programs() ([]recordable, error) {
	args := append([]string{"list"}, p.chdir...)
	args = append(args, "-tags", p.tags, "-json=ImportPath,Name,Dir,Module,Deps,GoFiles")
	c := p.command(append(args, withoutOutput(p.rest)...)...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("no package: %s", strings.TrimSpace(stderr.String()))
	}
	var all []recordable
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var x recordable
		err := d.Decode(&x)
		switch {
		case errors.Is(err, io.EOF):
			if len(all) == 0 {
				return nil, errors.New("no program is among the packages, wanted at least one package main: the recorder is a program's")
			}
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("go list: %w", err)
		case x.Name != "main":
			continue
		}
		if err := x.fit(); err != nil {
			return nil, err
		}
		all = append(all, x)
	}
}

// withoutOutput are go build's arguments that go list takes too.
func withoutOutput(args []string) (out []string) {
	for i := 0; i < len(args); i++ {
		switch name, _, joined := flagOf(args[i]); {
		case name == "o" && !joined:
			i++
		case name != "o" && name != "json":
			out = append(out, args[i])
		}
	}
	return out
}

// fit tells why the recorder cannot be built into a program.
func (x *recordable) fit() error {
	switch {
	case x.ImportPath == "command-line-arguments":
		return errors.New("files are named, wanted their package (./cmd/shop): the recorder is one more file of it")
	case x.Module == nil:
		return fmt.Errorf("%s is in no module, wanted one", x.ImportPath)
	case !x.Module.Main:
		return fmt.Errorf("%s is in a module that is only required, wanted one of the main module: build it in a clone", x.ImportPath)
	}
	return nil
}

// recordTexts are the files that an overlay adds, by where they seem to stand.
type recordTexts map[string]string

// add adds the recorder to a program's module, and the file to the program that
// starts it.
func (r recordTexts) add(x *recordable, rules string) error {
	base := x.Module.Path + "/" + recorderDir
	grpc := slices.Contains(x.Deps, "google.golang.org/grpc")
	if err := r.sources(x.Module.Dir, base, grpc); err != nil {
		return err
	}
	start, imports, calls := "start", "", ""
	for _, part := range []struct {
		name  string
		links bool // the program does so itself
	}{{"grpc", grpc}, {"sql", slices.Contains(x.Deps, "database/sql")}} {
		if part.links {
			start += part.name
			imports += fmt.Sprintf("\t%q\n", base+"/probe/autoprobe/auto"+part.name)
			calls += "\tauto" + part.name + ".Start(a)\n"
		}
	}
	r[filepath.Join(x.Module.Dir, recorderDir, start, "start.go")] = fmt.Sprintf(
		"package start\n\nimport (\n\t%q\n%s)\n\nfunc init() {\n\ta := autoprobe.Start(%q)\n%s\t_ = a\n}\n", base+"/probe/autoprobe", imports, rules, calls)
	r[filepath.Join(x.Dir, recorderFile)] = fmt.Sprintf("package main\n\nimport _ %q\n", base+"/"+start)
	return nil
}

// sources adds the recorder's packages. Those that link gRPC are for programs
// that do so themselves: their modules have it.
func (r recordTexts) sources(dir, base string, grpc bool) error {
	return fs.WalkDir(sources.Recorder, ".", func(name string, d fs.DirEntry, err error) error {
		switch folder := path.Base(path.Dir(name)); {
		case err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go"):
			return err
		case !grpc && (folder == "grpcprobe" || folder == "gcpprobe" || folder == "autogrpc" || folder == "grpcrecording"):
			return nil
		}
		text, err := sources.Recorder.ReadFile(name)
		if err != nil {
			return err
		}
		r[filepath.Join(dir, recorderDir, filepath.FromSlash(name))] = ownSource(string(text), base)
		return nil
	})
}

// ownSource is a source file as one of another module, whatever version of Go that
// has.
func ownSource(text, base string) string {
	text = strings.ReplaceAll(text, `"github.com/wtsim/wtsim/`, `"`+base+`/`)
	const mark = "//go:build "
	if rest, ok := strings.CutPrefix(text, mark); ok {
		constraint, rest, _ := strings.Cut(rest, "\n")
		return mark + recorderGo + " && (" + constraint + ")\n" + rest
	}
	return mark + recorderGo + "\n\n" + text
}
