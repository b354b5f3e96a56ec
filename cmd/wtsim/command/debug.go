package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/internal/program"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

const debugExamples = `  wtsim debug bug.json --step 12 --command 'locals'
  wtsim debug bug.json --event i-7/3 --command 'print order'
  wtsim debug bug.json --step 12 --of ./shopsim:Scenario        with a terminal: delve's own prompt
  wtsim debug bug.json --step 12 --dap 127.0.0.1:4711           for an editor, which can step back
  wtsim debug recordings/i-7_inv-3.jsonl --of ./shop:Played --step 2    an invocation of production`

// debugOptions are the flags of `wtsim debug`.
type debugOptions struct {
	step       int
	event      string
	command    string
	dap        string
	of         string
	invocation string

	path    string
	file    *search.Counterexample
	subject search.Subject
}

// debugVariable tells a process what it does for a debugger: list the steps, or,
// by its number, pass by one of them.
const (
	debugVariable = "WTSIM_DEBUGGED"
	debugList     = "list"
)

// simClock has the step that a simulation is at.
const simClock = `"github.com/wtsim/wtsim/sim".debuggedStep`

// debug stops a run of a counterexample at a step, in the handler's frame.
func (a *app) debug(args []string) (int, error) {
	o := &debugOptions{}
	f := a.flags("debug", " FILE --step N|--event ID [flags]", debugExamples)
	o.flags(f)
	if done, err := parse(f, args, "FILE"); done || err != nil {
		return exitHeld, err
	}
	o.path = f.Arg(0)
	if err := o.validate(); err != nil {
		return 0, err
	}
	if isRecording(o.path) {
		return a.debugRecording(o, args)
	}
	if o.invocation != "" {
		return 0, fmt.Errorf("debug: --invocation is given, and %s is no recording; see wtsim debug --help", o.path)
	}
	var err error
	if o.file, err = search.ReadCounterexample(o.path); err != nil {
		return 0, err
	}
	if err := program.Debugged(); err != nil {
		return 0, err
	}
	if o.of != "" && o.of != os.Getenv(packageVariable) {
		ref, ok := parseRef(o.of)
		if !ok {
			return 0, fmt.Errorf("debug: --of is %q, wanted a package and a function, as ./shopsim:Scenario", o.of)
		}
		return a.debugPackage(ref, o, args, mainText, simClock)
	}
	if o.subject, err = a.scenario(o.file.Scenario); err != nil {
		return 0, fmt.Errorf("%s: %w, one of your own is named by --of ./shopsim:Scenario", o.path, err)
	}
	if o.subject, err = o.subject.With(o.file.Inputs); err != nil {
		return 0, fmt.Errorf("%s: %w", o.path, err)
	}
	if step, err := strconv.Atoi(os.Getenv(debugVariable)); err == nil {
		o.subject.Simulation.StopAt(step, hold()).Run(scheduler.NewReplay(o.file.Deviations))
		return exitHeld, nil
	}
	list, err := o.list()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", o.path, err)
	}
	if os.Getenv(debugVariable) == debugList {
		return exitHeld, json.NewEncoder(a.stdout).Encode(list)
	}
	if list.Programs != nil { // they are debugged, not this
		exe, err := os.Executable()
		if err != nil {
			return 0, err
		}
		return a.debugBuilt(o, &debugBinary{path: exe, args: args})
	}
	return a.debugOwn(o, args)
}

func (o *debugOptions) flags(f *pflag.FlagSet) {
	f.IntVar(&o.step, "step", 0, "stop at the operation of this step, from 1 (wtsim replay --full tells all)")
	f.StringVar(&o.event, "event", "", "stop at the operation that this event, by its id, stands for")
	f.StringVar(&o.command, "command", "", "what delve does once stopped; without it there must be a terminal")
	f.StringVar(&o.dap, "dap", "", "serve an editor at this address, by the Debug Adapter Protocol (127.0.0.1:0: at any port); without a step, at the run's last operation")
	f.StringVar(&o.of, "of", "", "the package that has the scenario, and its function (./shopsim:Scenario); of a recording, the function that makes the handler (./shop:Played)")
	f.StringVar(&o.invocation, "invocation", "", "of a recording: which of its invocations; else the only one, or that of --event")
}

// validate says what is wrong with the flags.
func (o *debugOptions) validate() error {
	switch {
	case o.step != 0 && o.event != "", o.step == 0 && o.event == "" && o.dap == "":
		return errors.New("debug: wanted one of --step and --event; see wtsim debug --help")
	case o.step < 0:
		return fmt.Errorf("debug: --step is %d, wanted at least 1; see wtsim debug --help", o.step)
	case o.command != "" && o.dap != "":
		return errors.New("debug: --command and --dap exclude each other; see wtsim debug --help")
	case o.command == "" && o.dap == "" && !term.IsTerminal(int(os.Stdin.Fd())):
		return errors.New("debug: --command is missing, wanted what delve is to do once stopped, since this is no terminal; see wtsim debug --help")
	}
	return nil
}

// debugSteps are the steps of a run that it can be stopped at.
type debugSteps struct {
	Step       int            // to stop at
	Operations map[int]string // by step, for people
	Told       string         // where it differs from a recording
	Programs   *debugPrograms // where a program makes the operation; Operations are those of programs then
}

// print prints the step and its place, first of all.
func (l *debugSteps) print(w io.Writer, place string) {
	fmt.Fprintf(w, "%s\n%s\n", l.Operations[l.Step], place)
	if l.Told != "" {
		fmt.Fprintln(w, l.Told)
	}
}

// list runs the counterexample and finds the step, which must be an operation's.
func (o *debugOptions) list() (*debugSteps, error) {
	steps := o.subject.Run(scheduler.NewReplay(o.file.Deviations)).Steps
	list, functions := &debugSteps{Step: o.step, Operations: map[int]string{}}, o.subject.Scenario().Functions
	last := 0
	for i := range steps {
		if s := &steps[i]; s.Operation != nil {
			last = i + 1
			list.Operations[last] = fmt.Sprintf("step %d: %s #%d  %s", last, s.Function, s.Number, s.What)
		}
	}
	if o.event != "" {
		has := func(e event.Event) bool { return e.ID == o.event }
		list.Step = 1 + slices.IndexFunc(steps, func(s sim.Step) bool { return slices.ContainsFunc(s.Events, has) })
		if list.Step == 0 {
			return nil, fmt.Errorf("no step of the run has the event %q", o.event)
		}
	} else if o.step == 0 {
		list.Step = last
	}
	switch {
	case last == 0:
		return nil, errors.New("no step of the run is an operation")
	case list.Step > len(steps):
		return nil, fmt.Errorf("the run has %d steps, wanted --step of one of them", len(steps))
	case list.Operations[list.Step] != "":
		of := isProgram(functions, steps[list.Step-1].Function)
		maps.DeleteFunc(list.Operations, func(n int, _ string) bool { return isProgram(functions, steps[n-1].Function) != of })
		var err error
		if of {
			list.Programs, err = programsOf(functions)
		}
		return list, err
	}
	s := &steps[list.Step-1]
	next := slices.IndexFunc(steps[list.Step:], func(s sim.Step) bool { return s.Operation != nil })
	near := fmt.Sprintf("step %d is the next", list.Step+next+1)
	if next < 0 {
		near = fmt.Sprintf("step %d is the last", last)
	}
	return nil, fmt.Errorf("step %d is no operation (%s %s), wanted one: %s", list.Step, s.Function, s.What, near)
}

// debugBinary is a program that was built to be debugged.
type debugBinary struct {
	path   string
	env    []string
	args   []string // of debug
	prefix string   // of the names of the user's functions
	root   string   // the folder of the user's sources
	clock  string   // an expression: the step that a run is at
}

// listed has the binary list the steps: it may be of another runtime than this
// process.
func (b *debugBinary) listed() (*debugSteps, error) {
	c := exec.Command(b.path, append([]string{"debug"}, b.args...)...)
	c.Env = append(append(os.Environ(), b.env...), debugVariable+"="+debugList)
	out, err := c.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, errors.New(strings.TrimPrefix(firstLine(exit.Stderr), "wtsim: "))
	}
	if err != nil {
		return nil, err
	}
	list := &debugSteps{}
	return list, json.Unmarshal(out, list)
}

// own tells whether a source file is the user's.
func (b *debugBinary) own(path string) bool {
	below := strings.HasPrefix(path, b.root+"/") || strings.HasPrefix(path, b.prefix) // as -trimpath has it
	return below && !strings.Contains(path, "/vendor/")
}

// debugOwn debugs a scenario of this executable: its main package is built again,
// the applications without optimisation.
func (a *app) debugOwn(o *debugOptions, args []string) (int, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Path == "" {
		return 0, errors.New("debug: this executable does not say what it was built of, wanted one that go build has made")
	}
	tmp, err := os.MkdirTemp("", "wtsim-debug-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	bin := &debugBinary{path: filepath.Join(tmp, "wtsim"), args: args, prefix: userPrefix(info.Main.Path), clock: simClock}
	build := []string{"build", "-gcflags=" + bin.prefix + "...=-N -l", "-o", bin.path}
	c := exec.Command("go", append(build, info.Path)...)
	if o.file.Runtime == sim.Patched {
		patch, err := patchFor(nil)
		if err != nil {
			return 0, err
		}
		patch.announce(a)
		c = patch.command(append(append(build, "-overlay", patch.overlay.File, "-tags", patch.tags), info.Path)...)
	}
	if out, err := c.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("debug: %s cannot be built here: %w: %s; wanted to be called in its module", info.Path, err, firstLine(out))
	}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", info.Main.Path).Output()
	if err != nil {
		return 0, fmt.Errorf("debug: the folder of %s: %w", info.Main.Path, err)
	}
	bin.root = userRoot(info.Main.Path, strings.TrimSpace(string(dir)))
	return a.debugBuilt(o, bin)
}

// debugPackage debugs what a user's package has: a scenario, or what makes a
// handler, which a program's text puts to work.
func (a *app) debugPackage(ref packageRef, o *debugOptions, args []string, text, clock string, flags ...string) (int, error) {
	name := ref.pkg + ":" + ref.function
	p, err := findPackage(ref.pkg)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	tmp, err := os.MkdirTemp("", "wtsim-debug-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	prefix := userPrefix(p.Module.Path)
	b, err := p.build(tmp, fmt.Sprintf(text, p.ImportPath, ref.function, name), append(flags, "-gcflags="+prefix+"...=-N -l")...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	b.patch.announce(a)
	if out, err := b.cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s cannot be built: %w: %s", name, err, lastLine(string(out)))
	}
	return a.debugBuilt(o, &debugBinary{path: b.bin, args: args, env: []string{packageVariable + "=" + name}, prefix: prefix, root: userRoot(p.Module.Path, p.Module.Dir), clock: clock})
}

// debugBuilt debugs a binary, which first says at which step.
func (a *app) debugBuilt(o *debugOptions, bin *debugBinary) (int, error) {
	tmp, err := os.MkdirTemp("", "wtsim-debug-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	list, err := bin.listed()
	if err != nil {
		return 0, err
	}
	if list.Operations[list.Step] == "" { // else the list would not be there
		return exitInconclusive, fmt.Errorf("%s: the run does not come to step %d: %s", o.path, list.Step, list.Told)
	}
	path, err := delvePath()
	if err != nil {
		return 0, err
	}
	d := &debugger{delve: path, bin: bin, step: list.Step, init: filepath.Join(tmp, "init"), main: list.Programs, there: stopping}
	if o.dap != "" {
		return a.serveDebugger(o, d, list)
	}
	return a.delve(o, d, list)
}

// userRoot is the folder below which a user's functions are.
func userRoot(module, dir string) string {
	return filepath.Join(dir, strings.TrimPrefix(userPrefix(module), module+"/"))
}

// userPrefix is what the names of a user's functions begin with.
func userPrefix(module string) string {
	if module == "github.com/wtsim/wtsim" { // our own: its applications
		return module + "/scenarios/"
	}
	return module + "/"
}

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return line
}
