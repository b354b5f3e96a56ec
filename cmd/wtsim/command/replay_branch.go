package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/jsonfile"
	"github.com/wtsim/wtsim/internal/suggest"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// branchOptions are the flags of a replay that leaves its file at a step.
type branchOptions struct {
	step int
	add  string
	drop bool
	out  string
}

func (b *branchOptions) flags(f *pflag.FlagSet) {
	f.IntVar(&b.step, "step", 0, "tell what else may happen at this step, from 1 (--full tells all), or with --add or --drop go on from there")
	f.StringVar(&b.add, "add", "", "a deviation that --step tells, such as 'fail 503', in place of what the file has there")
	f.BoolVar(&b.drop, "drop", false, "leave out what the file has at --step")
	f.StringVar(&b.out, "out", "", "write the run with --add or --drop as a counterexample")
}

func (b *branchOptions) validate() error {
	switch {
	case b.step < 0:
		return fmt.Errorf("replay: --step is %d, wanted at least 1; see wtsim replay --help", b.step)
	case b.step == 0 && (b.add != "" || b.drop):
		return errors.New("replay: --step is missing, wanted where to --add or --drop; see wtsim replay --help")
	case b.add != "" && b.drop:
		return errors.New("replay: --add and --drop exclude each other: --add replaces what is there; see wtsim replay --help")
	case b.out != "" && !b.leaves():
		return errors.New("replay: --out is given, wanted --add or --drop with it; see wtsim replay --help")
	}
	return nil
}

// leaves tells whether the run is another one than the file's.
func (b *branchOptions) leaves() bool { return b.add != "" || b.drop }

// crossing is what may be decided at a step.
type crossing struct {
	number    int
	step      *sim.Step
	plan      scheduler.Plan // the whole one
	decisions []scheduler.Decision
}

// crossingAt finds a step of a run, and its decisions: those of its identity, and
// those that name it after one word, such as who goes on after it.
func crossingAt(run *sim.Result, plan scheduler.Plan, n int) (*crossing, error) {
	if n > len(run.Steps) {
		return nil, fmt.Errorf("the run has %d steps, wanted --step of one of them", len(run.Steps))
	}
	c := &crossing{number: n, step: &run.Steps[n-1], plan: plan}
	for _, d := range run.Record.Decisions {
		if c.has(d.At) {
			c.decisions = append(c.decisions, d)
		}
	}
	return c, nil
}

func (c *crossing) has(at string) bool {
	_, rest, _ := strings.Cut(at, " ")
	return at == c.step.Identity || rest == c.step.Identity
}

// here are the plan's deviations at the step.
func (c *crossing) here() (plan scheduler.Plan) {
	for _, d := range c.plan {
		if c.has(d.At) {
			plan = append(plan, d)
		}
	}
	return plan
}

// dropped is the plan without them.
func (c *crossing) dropped() (scheduler.Plan, error) {
	if len(c.here()) > 0 {
		return slices.DeleteFunc(slices.Clone(c.plan), func(d scheduler.Deviation) bool { return c.has(d.At) }), nil
	}
	return nil, fmt.Errorf("the file has no deviation at step %d (%s), wanted a step with one", c.number, c.told())
}

// added is the plan with one more, in place of one of the same decision.
func (c *crossing) added(option string) (scheduler.Plan, error) {
	var names []string
	for _, d := range c.decisions {
		for _, o := range d.Options[1:] {
			if o.String() == option {
				plan := slices.DeleteFunc(slices.Clone(c.plan), func(x scheduler.Deviation) bool { return x.At == d.At })
				return append(plan, scheduler.Deviation{At: d.At, Do: o.Do, With: o.With}), nil
			}
			names = append(names, o.String())
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("nothing else may happen at step %d (%s), wanted another step", c.number, c.told())
	}
	return nil, fmt.Errorf("%q is not offered at step %d, wanted one of %s%s", option, c.number, strings.Join(names, ", "), suggest.DidYouMean(option, names))
}

func (c *crossing) told() string {
	return fmt.Sprintf("%s #%d  %s", c.step.Function, c.step.Number, c.step.What)
}

// text tells what may happen at the step instead.
func (c *crossing) text() string {
	var w strings.Builder
	fmt.Fprintf(&w, "step %d: %s\n", c.number, c.told())
	for _, d := range c.here() {
		fmt.Fprintf(&w, "  --drop  %s\n", d)
	}
	docs := map[string]string{}
	for _, k := range cloud.Kinds() {
		docs[k.Kind] = k.Doc
	}
	for _, d := range c.decisions {
		for _, o := range d.Options[1:] {
			fmt.Fprintf(&w, "  --add '%s'  %s\n", o, docs[o.Do])
		}
	}
	if len(c.here()) == 0 && len(c.decisions) == 0 {
		w.WriteString("  nothing else may happen here\n")
	}
	return w.String()
}

// branch has the file's plan be that of the branch. done is true if the options
// were what was wanted.
func (a *app) branch(o *replayOptions) (done bool, err error) {
	c, err := crossingAt(o.subject.Run(scheduler.NewReplay(o.file.Deviations)), o.file.Deviations, o.branch.step)
	switch {
	case err != nil:
	case o.branch.add != "":
		o.file.Deviations, err = c.added(o.branch.add)
	case o.branch.drop:
		o.file.Deviations, err = c.dropped()
	default:
		_, err = fmt.Fprint(a.stdout, c.text())
		return true, err
	}
	if err != nil {
		return true, fmt.Errorf("%s: %w", o.path, err)
	}
	return false, nil
}

// saveBranch writes the run of a branch.
func (a *app) saveBranch(o *replayOptions, run *sim.Result) error {
	if o.branch.out == "" {
		return nil
	}
	path := jsonfile.FreePath(o.branch.out)
	err := search.NewCounterexample(o.subject.Simulation, 0, run).Write(path)
	if err == nil && !o.asJSON {
		fmt.Fprintf(a.stdout, "\nreplay:  wtsim replay %s%s\n", path, ofPackage())
	}
	return err
}
