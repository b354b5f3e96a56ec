package command

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

const debugExamples = `  wtsim debug bug.json --step 12 --command 'locals'
  wtsim debug bug.json --event i-7/3 --command 'print order'
  wtsim debug bug.json --step 12 --of ./shopsim:Scenario        with a terminal: delve's own prompt`

// debugOptions are the flags of `wtsim debug`.
type debugOptions struct {
	step    int
	event   string
	command string
	of      string

	path    string
	file    *search.Counterexample
	subject search.Subject
	run     *sim.Result
}

// debugVariable tells a process that it is under a debugger.
const debugVariable = "WTSIM_DEBUGGED"

// debug stops a run of a counterexample at a step, in the handler's frame.
func (a *app) debug(args []string) (int, error) {
	o := &debugOptions{}
	f := a.flags("debug", " FILE --step N|--event ID [flags]", debugExamples)
	f.IntVar(&o.step, "step", 0, "stop at the operation of this step, from 1 (wtsim replay --full tells all)")
	f.StringVar(&o.event, "event", "", "stop at the operation that this event, by its id, stands for")
	f.StringVar(&o.command, "command", "", "what delve does once stopped; without it there must be a terminal")
	f.StringVar(&o.of, "of", "", "the package that has the scenario, and its function (./shopsim:Scenario)")
	if done, err := parse(f, args, "FILE"); done || err != nil {
		return exitHeld, err
	}
	o.path = f.Arg(0)
	switch {
	case (o.step != 0) == (o.event != ""):
		return 0, errors.New("debug: wanted one of --step and --event; see wtsim debug --help")
	case o.step < 0:
		return 0, fmt.Errorf("debug: --step is %d, wanted at least 1; see wtsim debug --help", o.step)
	case o.command == "" && os.Getenv(debugVariable) == "" && !term.IsTerminal(int(os.Stdin.Fd())):
		return 0, errors.New("debug: --command is missing, wanted what delve is to do once stopped, since this is no terminal; see wtsim debug --help")
	}
	var err error
	if o.file, err = search.ReadCounterexample(o.path); err != nil {
		return 0, err
	}
	if o.of != "" && o.of != os.Getenv(packageVariable) {
		ref, ok := parseRef(o.of)
		if !ok {
			return 0, fmt.Errorf("debug: --of is %q, wanted a package and a function, as ./shopsim:Scenario", o.of)
		}
		return a.debugPackage(ref, o, args)
	}
	if o.subject, err = a.scenario(o.file.Scenario); err != nil {
		return 0, fmt.Errorf("%s: %w, one of your own is named by --of ./shopsim:Scenario", o.path, err)
	}
	if o.subject, err = o.subject.With(o.file.Inputs); err != nil {
		return 0, fmt.Errorf("%s: %w", o.path, err)
	}
	if o.subject.Scenario().Isolated {
		return 0, fmt.Errorf("%s: the scenario %s is isolated, wanted one whose runs are no processes of their own", o.path, o.file.Scenario)
	}
	o.run = o.subject.Run(scheduler.NewReplay(o.file.Deviations))
	if err := o.find(); err != nil {
		return 0, fmt.Errorf("%s: %w", o.path, err)
	}
	if os.Getenv(debugVariable) != "" {
		fmt.Fprintln(a.stdout, o.told())
		o.subject.Simulation.StopAt(o.step).Run(scheduler.NewReplay(o.file.Deviations))
		return exitHeld, nil
	}
	return a.debugOwn(o, args)
}

// find finds the step, which must be an operation's.
func (o *debugOptions) find() error {
	steps := o.run.Steps
	if o.event != "" {
		has := func(e event.Event) bool { return e.ID == o.event }
		o.step = 1 + slices.IndexFunc(steps, func(s sim.Step) bool { return slices.ContainsFunc(s.Events, has) })
		if o.step == 0 {
			return fmt.Errorf("no step of the run has the event %q", o.event)
		}
	}
	if o.step > len(steps) {
		return fmt.Errorf("the run has %d steps, wanted --step of one of them", len(steps))
	}
	if s := &steps[o.step-1]; s.Operation == nil {
		next := slices.IndexFunc(steps[o.step:], func(s sim.Step) bool { return s.Operation != nil })
		return fmt.Errorf("step %d is no operation (%s %s), wanted one: step %d is the next", o.step, s.Function, s.What, o.step+next+1)
	}
	return nil
}

// told is the step for people.
func (o *debugOptions) told() string {
	s := &o.run.Steps[o.step-1]
	return fmt.Sprintf("step %d: %s #%d  %s", o.step, s.Function, s.Number, s.What)
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
	bin, of := filepath.Join(tmp, "wtsim"), userPrefix(info.Main.Path)
	build := []string{"build", "-gcflags=" + of + "...=-N -l", "-o", bin}
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
	return a.delve(o, bin, of, args, nil)
}

// debugPackage debugs a scenario of a user's package.
func (a *app) debugPackage(ref packageRef, o *debugOptions, args []string) (int, error) {
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
	of := userPrefix(p.Module.Path)
	b, err := p.build(tmp, fmt.Sprintf(mainText, p.ImportPath, ref.function, name), "-gcflags="+of+"...=-N -l")
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	b.patch.announce(a)
	if out, err := b.cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s cannot be built: %w: %s", name, err, firstLine(out))
	}
	return a.delve(o, b.bin, of, args, []string{packageVariable + "=" + name})
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
