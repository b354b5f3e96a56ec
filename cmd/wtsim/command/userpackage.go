package command

import (
	"bytes"
	"errors"
	"fmt"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/wtsim/wtsim/internal/program"
)

// packageVariable tells a process which package's scenarios it was made of,
// as its user has named it.
const packageVariable = "WTSIM_PACKAGE"

// packageRef is a function of a package that returns scenarios, as in
// "./shopsim:Scenario".
type packageRef struct{ pkg, function string }

// parseRef reads a reference; ok is false if it is none.
func parseRef(s string) (ref packageRef, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i <= 0 || !token.IsExported(s[i+1:]) || !token.IsIdentifier(s[i+1:]) {
		return ref, false
	}
	return packageRef{s[:i], s[i+1:]}, true
}

// mainText is the program that is built around a package. The reference in
// its arguments stands for the only scenario that there is, but where --of says
// whose scenarios these are.
const mainText = `package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/wtsim/wtsim/cmd/wtsim/command"
	"github.com/wtsim/wtsim/sim"

	user %[1]q
)

func main() {
	scenarios := list(user.%[2]s())
	for i, arg := range os.Args[1:] {
		if arg == %[3]q && os.Args[i] != "--of" {
			os.Args[i+1] = only(scenarios)
		}
	}
	command.Main(scenarios...)
}

func list(x any) []sim.Scenario {
	switch x := x.(type) {
	case sim.Scenario:
		return []sim.Scenario{x}
	case []sim.Scenario:
		return x
	}
	fail("returns %%T, wanted sim.Scenario or []sim.Scenario", x)
	return nil
}

func only(scenarios []sim.Scenario) string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.Name)
	}
	if len(names) != 1 {
		fail("returns %%d scenarios (%%s), wanted one; write a function that returns the one", len(names), strings.Join(names, ", "))
	}
	return names[0]
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "wtsim: %%s "+format+"\n", append([]any{%[3]q}, args...)...)
	os.Exit(2)
}
`

// runPackage builds a wtsim of the user's package, on the patched runtime,
// and runs it with these arguments.
func (a *app) runPackage(ref packageRef, args []string) (int, error) {
	name := ref.pkg + ":" + ref.function
	p, err := findPackage(ref.pkg)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	tmp, err := os.MkdirTemp("", "wtsim-run-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	b, err := p.build(tmp, fmt.Sprintf(mainText, p.ImportPath, ref.function, name))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	b.patch.announce(a)
	if out, err := b.cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(a.stderr, "%s\n", bytes.TrimSpace(out))
		return 0, fmt.Errorf("%s cannot be built: %w; wanted a package with func %s() sim.Scenario, in a module that requires github.com/wtsim/wtsim", name, err, ref.function)
	}
	c := exec.Command(b.bin, args...)
	c.Env = append(os.Environ(), packageVariable+"="+name)
	return a.follow(c)
}

// userPackage is a package that can be imported, in a module.
type userPackage struct{ *program.Package }

// findPackage finds a package as its user has named it.
func findPackage(path string) (*userPackage, error) {
	p, err := program.Find(path)
	switch {
	case err != nil:
		return nil, err
	case p.Module == nil:
		return nil, errors.New("the package is in no module, wanted one")
	case p.Name == "main":
		return nil, errors.New("the package is a program, wanted one that can be imported; or run it: it can call command.Main itself")
	}
	return &userPackage{p}, nil
}

// packageBuild builds a program around a package.
type packageBuild struct {
	patch *patch
	cmd   *exec.Cmd
	bin   string
}

// build prepares the build. The program's only file, and the go.mod that may
// need more modules than the user's, lie in tmp: nothing is written to the
// user's module. The overlay shows the file below the package, from where it
// may import what is internal.
func (p *userPackage) build(tmp, text string, flags ...string) (*packageBuild, error) {
	patch, err := patchFor([]string{"-C", p.Module.Dir})
	if err != nil {
		return nil, err
	}
	b := &packageBuild{patch: patch, bin: filepath.Join(tmp, "wtsim")}
	dir := filepath.Join(p.Dir, "wtsim_run")
	overlay, err := patch.overlay.With(map[string]string{filepath.Join(dir, "main.go"): text}, tmp)
	if err != nil {
		return nil, err
	}
	args := append([]string{"build", "-overlay", overlay.File, "-tags", patch.tags, "-o", b.bin}, flags...)
	own, err := p.ownModFile(tmp)
	if err != nil {
		return nil, err
	}
	b.cmd = patch.command(append(append(args, own...), "./"+relative(p.Module.Dir, dir))...)
	b.cmd.Dir = p.Module.Dir
	return b, nil
}

// ownModFile copies go.mod and go.sum, so that requirements of the command
// that the user's module does not have can be added.
func (p *userPackage) ownModFile(tmp string) (flags []string, err error) {
	flags, err = copiedModFile(p.Module.Dir, p.Module.GoMod, tmp)
	if flags != nil {
		flags = append(flags, "-mod=mod")
	}
	return flags, err
}

// copiedModFile copies go.mod and go.sum, so that the go command writes to the
// copies. A workspace allows none.
func copiedModFile(dir, gomod, tmp string) (flags []string, err error) {
	c := exec.Command("go", "env", "GOWORK")
	c.Dir = dir
	out, err := c.Output()
	if work := strings.TrimSpace(string(out)); err != nil || work != "" && work != "off" {
		return nil, err
	}
	mod := filepath.Join(tmp, "go.mod")
	for from, to := range map[string]string{gomod: mod, strings.TrimSuffix(gomod, "mod") + "sum": filepath.Join(tmp, "go.sum")} {
		text, err := os.ReadFile(from)
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			return nil, err
		}
	}
	return []string{"-modfile", mod}, nil
}

func relative(base, path string) string {
	rel, err := filepath.Rel(base, path)
	if err != nil {
		return path // both are absolute, and one is below the other
	}
	return filepath.ToSlash(rel)
}

// known reports whether a scenario of this name is there.
func (a *app) known(name string) bool {
	for _, s := range a.scenarios {
		if s.Name == name {
			return true
		}
	}
	return false
}

// asPackage runs a command in a wtsim of the package that --of names; other is
// false where this process is one.
func (a *app) asPackage(of, verb string, args []string) (other bool, code int, err error) {
	if of == "" || of == os.Getenv(packageVariable) {
		return false, 0, nil
	}
	ref, ok := parseRef(of)
	if !ok {
		return true, 0, fmt.Errorf("%s: --of is %q, wanted a package and a function, as ./shopsim:Scenario", verb, of)
	}
	code, err = a.runPackage(ref, append([]string{verb}, args...))
	return true, code, err
}

// ofPackage returns the flag that replays a counterexample of this process.
func ofPackage() string {
	if name := os.Getenv(packageVariable); name != "" {
		return " --of " + name
	}
	if file := os.Getenv(configVariable); file != "" {
		return " --config " + file
	}
	return ""
}

// calledAs is what a user names a scenario of this process.
func calledAs(scenario string) string {
	if name := os.Getenv(packageVariable); name != "" {
		return name
	}
	if file := os.Getenv(configVariable); file != "" {
		return "--config " + file
	}
	return scenario
}
