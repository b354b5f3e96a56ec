// Package command is the body of the wtsim command, so that a binary with
// one's own scenarios is three lines:
//
//	package main
//
//	import (
//		"example.com/shop/shopsim"
//		"github.com/wtsim/wtsim/cmd/wtsim/command"
//	)
//
//	func main() { command.Main(shopsim.Scenarios()...) }
//
// Simulations run in processes of their own, which the command starts from
// its own executable, so that a fatal error in a handler is a finding and not
// the end of the search.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/wtsim/wtsim/internal/suggest"
	"github.com/wtsim/wtsim/internal/version"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

// Exit codes, the same for all commands.
const (
	exitHeld         = 0   // nothing was found
	exitViolated     = 1   // a violation
	exitUsage        = 2   // bad usage or bad input
	exitInconclusive = 3   // could not be judged
	exitInterrupted  = 130 // by SIGINT
	exitPipe         = 141 // by SIGPIPE, as a shell tells it
)

// Main runs the command with these scenarios and exits.
func Main(scenarios ...sim.Scenario) {
	out := os.Stdout
	if _, ok := workers.CurrentJob(); ok && os.Getenv(search.ApartVariable) == "" {
		out = workers.SayFile()
	}
	a := &app{scenarios: scenarios, stdout: &standardOutput{file: out}, stderr: os.Stderr}
	os.Exit(a.main(os.Args[1:]))
}

// app is one execution of the command. Its many methods are the subcommands and
// their flags, which share nothing but what is printed where.
type app struct {
	scenarios []sim.Scenario
	stdout    io.Writer
	stderr    io.Writer
}

// subcommand is one verb.
type subcommand struct {
	name  string
	brief string
	run   func(*app, []string) (int, error)
}

func subcommands() []subcommand {
	return []subcommand{
		{"run", "search the schedules of a scenario for a violation", (*app).run},
		{"merge", "put the result files of shards together", (*app).merge},
		{"init", "write a first scenario and test for the handlers of a module", (*app).init},
		{"replay", "run a counterexample and tell its story", (*app).replay},
		{"cause", "tell when the violation of a counterexample became inevitable", (*app).cause},
		{"diff", "compare two counterexamples, runs or recordings", (*app).diff},
		{"trace", "tell what a scenario does when nothing goes wrong", (*app).trace},
		{"check", "check recorded events against properties", (*app).check},
		{"monitor", "judge events as an application in production sends them", (*app).monitor},
		{"debug", "stop a counterexample, or a recorded invocation, at a step, in delve or an editor", (*app).debug},
		{"reproduce", "look for a run that shows a violation recorded in production", (*app).reproduce},
		{"derive", "make events of recorded operations, by new rules", (*app).derive},
		{"props", "print, validate and draw a file of properties", (*app).props},
		{"bench", "measure how many schedules a search needs, beside published figures", (*app).bench},
		{"describe", "tell what a scenario consists of, and draw it", (*app).describe},
		{"mutate", "weaken the world, one guarantee at a time: do the properties notice?", (*app).mutate},
		{"list", "list the scenarios", (*app).list},
		{"faults", "list what the platform may do, with sources", (*app).faults},
		{"schema", "print the JSON Schemas of answers and files", (*app).schema},
		{"mcp", "offer run, replay, trace, explain and describe to coding agents (Model Context Protocol)", (*app).mcp},
		{"test", "go test, on a Go runtime that is deterministic", (*app).test},
		{"build", "go build, on a Go runtime that is deterministic", (*app).build},
	}
}

func (a *app) main(args []string) int {
	do := a.dispatch
	if os.Getenv(search.ApartVariable) != "" {
		do = a.serve
	}
	args, err := a.configured(args)
	code := exitUsage
	if err == nil {
		code, err = do(args)
	}
	if out, ok := a.stdout.(*standardOutput); ok && err == nil {
		if err = out.err; errors.Is(err, syscall.EPIPE) {
			return exitPipe // nobody reads, which only a child gets to know as an error
		}
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "wtsim: %s\n", strings.ReplaceAll(err.Error(), "\n", "\nwtsim: "))
		if code == exitHeld { // whatever else happened, a violation is one
			return exitUsage
		}
	}
	return code
}

// interruptible returns a context that the first interrupt ends. A second one
// ends the process.
func interruptible() (ctx context.Context, stop func()) {
	ctx, stop = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// standardOutput keeps its first error, so that what was not written is not
// taken for success.
type standardOutput struct {
	file *os.File
	err  error
}

// Write writes, and remembers what went wrong.
func (o *standardOutput) Write(p []byte) (int, error) {
	n, err := o.file.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// inherit is what a process that this one starts writes to: the file itself.
func (a *app) inherit() io.Writer {
	if out, ok := a.stdout.(*standardOutput); ok {
		return out.file
	}
	return a.stdout
}

func (a *app) dispatch(args []string) (int, error) {
	names := []string{"help", "version"}
	for _, c := range subcommands() {
		names = append(names, c.name)
	}
	if len(args) == 0 {
		return 0, fmt.Errorf("no command, wanted one of %s; see wtsim help", strings.Join(names, ", "))
	}
	verb, rest := args[0], args[1:]
	switch verb {
	case "help", "--help", "-h":
		return a.help(rest)
	case "version", "--version":
		return a.version(rest)
	}
	for _, c := range subcommands() {
		if c.name == verb {
			return c.run(a, rest)
		}
	}
	return 0, fmt.Errorf("unknown command %q, wanted one of %s%s", verb, strings.Join(names, ", "), suggest.DidYouMean(verb, names))
}

// help prints what there is, or with a command's name its flags.
func (a *app) help(args []string) (int, error) {
	switch {
	case len(args) > 1:
		return 0, fmt.Errorf("help: unexpected argument %q; see wtsim help", args[1])
	case len(args) == 1 && !slices.Contains([]string{"help", "--help", "-h"}, args[0]):
		return a.dispatch([]string{args[0], "--help"})
	}
	a.usage(a.stdout)
	return exitHeld, nil
}

func (a *app) version(args []string) (int, error) {
	switch {
	case len(args) > 0 && slices.Contains([]string{"--help", "-h"}, args[0]):
		return a.help(nil)
	case len(args) > 0:
		return 0, fmt.Errorf("version: unexpected argument %q; see wtsim help", args[0])
	}
	fmt.Fprintln(a.stdout, "wtsim", version.Wtsim())
	return exitHeld, nil
}

func (a *app) usage(w io.Writer) {
	fmt.Fprint(w, `wtsim finds the bugs of serverless applications that only happen in the cloud.

Usage:

`)
	for _, c := range subcommands() {
		fmt.Fprintf(w, "  wtsim %-8s %s\n", c.name, c.brief)
	}
	fmt.Fprint(w, `  wtsim help     show this, or with a command's name its flags
  wtsim version  show the version

Examples:

  wtsim list
  wtsim trace checkout
  wtsim run checkout/double-charge
  wtsim replay wtsim-checkout-double-charge-37.json
  wtsim mutate checkout

Exit codes: 0 held, 1 a violation, 2 bad usage or input, 3 inconclusive, 130 interrupted.
`)
}

// flags returns a flag set whose --help prints the synopsis and examples.
func (a *app) flags(name, synopsis, examples string) *pflag.FlagSet {
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(io.Discard)
	f.Usage = func() {
		fmt.Fprintf(a.stdout, "Usage: wtsim %s\n\n%s\n\nFlags:\n%s\nExamples:\n\n%s\n",
			name+synopsis, brief(name), f.FlagUsages(), examples)
	}
	if _, takes := takesConfig[name]; takes {
		f.String("config", "", configHelp) // taken before, see configured
	}
	return f
}

func brief(name string) string {
	name, _, _ = strings.Cut(name, " ")
	for _, c := range subcommands() {
		if c.name == name {
			return strings.ToUpper(c.brief[:1]) + c.brief[1:] + "."
		}
	}
	return ""
}

// parse reads the flags and exactly wanted arguments; one in brackets may be
// missing. done is true if help was asked for.
func parse(f *pflag.FlagSet, args []string, wanted ...string) (done bool, err error) {
	err = f.Parse(args)
	if errors.Is(err, pflag.ErrHelp) { // f.Usage has been called
		return true, nil
	}
	if err != nil {
		return false, flagError(f, err)
	}
	switch n := f.NArg(); {
	case n < len(wanted) && !strings.HasPrefix(wanted[n], "["):
		return false, fmt.Errorf("%s: %s is missing; see wtsim %s --help", f.Name(), wanted[n], f.Name())
	case n > len(wanted):
		return false, fmt.Errorf("%s: unexpected argument %q; see wtsim %s --help", f.Name(), f.Arg(len(wanted)), f.Name())
	}
	return false, nil
}

func flagError(f *pflag.FlagSet, err error) error {
	var names []string
	f.VisitAll(func(x *pflag.Flag) { names = append(names, "--"+x.Name) })
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		name := "--" + unknown.GetSpecifiedName()
		return fmt.Errorf("%s: unknown flag %s%s; see wtsim %s --help", f.Name(), name, suggest.DidYouMean(name, names), f.Name())
	}
	return fmt.Errorf("%s: %w; see wtsim %s --help", f.Name(), err, f.Name())
}

// errNone is what a light binary says where a scenario is wanted.
var errNone = errors.New("this binary has no scenarios (it was built with -tags light): build ./cmd/wtsim without, or name one of your own, a package and an exported function, as ./shopsim:Scenario")

// scenario finds a scenario by name.
func (a *app) scenario(name string) (search.Subject, error) {
	var names []string
	for _, s := range a.scenarios {
		if s.Name == name {
			return of(sim.Compile(s))
		}
		names = append(names, s.Name)
	}
	if strings.HasPrefix(name, ".") || strings.Contains(name, ":") {
		return search.Subject{}, fmt.Errorf("unknown scenario %q; `wtsim list` shows them, one of your own is a package and an exported function, as ./shopsim:Scenario", name)
	}
	if len(names) == 0 {
		return search.Subject{}, errNone
	}
	return search.Subject{}, fmt.Errorf("unknown scenario %q%s; `wtsim list` shows them", name, suggest.DidYouMean(name, names))
}

// of is what is searched: where a run may end its process, it is one of this
// executable.
func of(s *sim.Simulation, err error) (search.Subject, error) {
	if err != nil {
		return search.Subject{}, err
	}
	own, err := ownCommand(nil)
	return search.Subject{Simulation: s, Explain: report.Parting, Command: func() *exec.Cmd {
		c := own()
		c.Env = search.Labelled(os.Environ())
		return c
	}}, err
}

// ownCommand starts this executable with other arguments.
func ownCommand(args []string) (func() *exec.Cmd, error) {
	exe, err := os.Executable()
	return func() *exec.Cmd {
		c := exec.Command(exe)
		c.Args = append([]string{os.Args[0]}, args...)
		return c
	}, err
}

// serve is what a process does that is there for one run.
func (a *app) serve([]string) (int, error) {
	signal.Ignore(os.Interrupt) // the process that has started this one deals with it
	s, err := a.scenario(os.Getenv(search.ApartVariable))
	if err != nil {
		return 0, err
	}
	return exitHeld, s.Serve()
}

// exitOf is the exit code of a verdict.
func exitOf(v sim.Verdict) int {
	switch v {
	case sim.Held:
		return exitHeld
	case sim.Violated:
		return exitViolated
	}
	return exitInconclusive
}
