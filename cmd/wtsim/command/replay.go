package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

// replayOptions are the flags of `wtsim replay`.
type replayOptions struct {
	asJSON bool
	full   bool
	logs   bool
	html   string
	branch branchOptions

	counterexample
}

// counterexample is a file, and what it is of.
type counterexample struct {
	path    string
	file    *search.Counterexample
	subject search.Subject
}

// readCounterexample reads a file whose scenario this process has.
func (a *app) readCounterexample(path string) (c counterexample, err error) {
	c.path = path
	if c.file, err = search.ReadCounterexample(path); err != nil {
		return c, err
	}
	if c.subject, err = a.scenario(c.file.Scenario); err != nil {
		return c, fmt.Errorf("%s: %w, one of your own is named by --of ./shopsim:Scenario", path, err)
	}
	if c.subject, err = c.subject.With(c.file.Inputs); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

const replayExamples = `  wtsim replay wtsim-checkout-double-charge-37.json
  wtsim replay bug.json --full --logs
  wtsim replay bug.json --html bug.html
  wtsim replay bug.json --step 9                       what else may happen there
  wtsim replay bug.json --step 9 --add 'fail 503'      go on from there with it; --drop: without what the file has`

func (a *app) replay(args []string) (int, error) {
	o := &replayOptions{}
	f := a.flags("replay", " FILE [flags]", replayExamples)
	f.BoolVar(&o.asJSON, "json", false, "print the result as one JSON object")
	f.BoolVar(&o.full, "full", false, "tell every step of the story, and long values whole")
	f.BoolVar(&o.logs, "logs", false, "tell all that handlers print")
	f.StringVar(&o.html, "html", "", "draw the run as a page")
	o.branch.flags(f)
	of := f.String("of", "", "the package that has the scenario, and its function (./shopsim:Scenario)")
	if done, err := parse(f, args, "FILE"); done || err != nil {
		return exitHeld, err
	}
	if err := o.branch.validate(); err != nil {
		return 0, err
	}
	if other, code, err := a.asPackage(*of, "replay", args); other {
		return code, err
	}
	var err error
	if o.counterexample, err = a.readCounterexample(f.Arg(0)); err != nil {
		return 0, err
	}
	if _, ok := workers.CurrentJob(); ok {
		return a.replayHere(o)
	}
	return a.inChild("replay", args, func(f *search.Fatal) (int, error) { return a.replayFatal(o, f) })
}

// tellJob is the job to do what the arguments say.
const tellJob = "tell"

// inChild lets a child do the whole command, and reports a fatal error of a
// handler.
func (a *app) inChild(verb string, args []string, onFatal func(*search.Fatal) (int, error)) (int, error) {
	ctx, stop := interruptible()
	defer stop()
	command, err := ownCommand(append([]string{verb}, args...))
	if err != nil {
		return 0, err
	}
	c, err := workers.NewChild(command(), workers.Job{Verb: tellJob}, a.inherit(), a.stderr)
	if err != nil {
		return 0, err
	}
	c.PassOutput()
	if err := c.Start(); err != nil {
		return 0, fmt.Errorf("a process could not be started: %w", err)
	}
	defer context.AfterFunc(ctx, c.Kill)()
	code, fatal, err := c.Wait()
	switch {
	case ctx.Err() != nil:
		return exitInterrupted, nil
	case exitCode(c.State()) == exitPipe: // nobody reads: that ends other commands too, silently
		return exitPipe, nil
	case err != nil:
		return 0, err
	case fatal != nil:
		return onFatal(fatal)
	}
	return code, nil
}

// replayHere runs the counterexample and tells it.
func (a *app) replayHere(o *replayOptions) (int, error) {
	began := time.Now()
	if o.branch.step > 0 {
		if done, err := a.branch(o); done || err != nil {
			return exitHeld, err
		}
	}
	subject := o.subject
	if o.html != "" {
		subject = subject.WithStores()
	}
	run := once(subject, scheduler.NewReplay(o.file.Deviations))
	matches := o.file.Same(run)
	r := report.New(o.file.Scenario, run, o.subject.Run(scheduler.Benign{})).Of(o.subject.Scenario())
	r.Seed, r.Inputs = o.file.Seed, o.subject.Inputs()
	if r.Verdict == sim.Held && len(r.Unmatched) > 0 {
		r.Verdict, r.Why = sim.Inconclusive, fmt.Sprintf("%s of the file did not occur", report.Plural(len(r.Unmatched), "deviation"))
	}
	difference := ""
	if !matches && !o.branch.leaves() {
		if r.Verdict != sim.Inconclusive {
			o.repeat(r, run)
		}
		difference = o.difference(run, r.Why)
	}
	var trouble error
	if o.html != "" {
		r.Replay = "wtsim replay " + o.path + ofPackage()
		trouble = writePage(o.html, r)
	}
	if o.asJSON {
		s := r.Summary()
		s.Replayed(r, matches, difference)
		s.ElapsedNS = time.Since(began).Nanoseconds()
		trouble = errors.Join(trouble, s.Print(a.stdout))
	} else {
		fmt.Fprint(a.stdout, r.ReplayText(report.StoryOptions{Full: o.full, Logs: o.logs}, difference))
	}
	return exitOf(r.Verdict), errors.Join(trouble, a.saveBranch(o, run))
}

// once makes a run of its own process, where that can be had: a handler may end
// it, by os.Exit without a word.
func once(s search.Subject, source scheduler.Source) *sim.Result {
	if s.Command != nil {
		s = s.Outside()
		s.Stderr = os.Stderr
	}
	return s.Run(source)
}

// repeat looks whether a run that is not the file's is one of many: then it
// shows nothing but a violation.
func (o *replayOptions) repeat(r *report.Report, run *sim.Result) {
	difference := o.subject.Repeats(run)
	if difference == "" {
		return
	}
	r.Why = "the run was not repeatable: " + difference
	if r.Verdict == sim.Held {
		r.Verdict = sim.Inconclusive
	}
}

// difference says, in the user's words, where a replay is not what the file
// says.
func (o *replayOptions) difference(r *sim.Result, why string) string {
	c := o.file
	switch {
	case c.Runtime != r.Runtime:
		return otherRuntime(c.Runtime)
	case c.Go != runtime.Version():
		return fmt.Sprintf("differs from the file, which was made with %s; this is %s", c.Go, runtime.Version())
	case c.Violation == nil && r.Violation != nil:
		return "differs from the file, which has no violation"
	case c.Violation != nil && r.Violation == nil:
		return fmt.Sprintf("differs from the file: there %q is violated%s, here nothing is", c.Violation.Property, boundText(c.Violation.Bound))
	case c.Violation != nil && c.Violation.Property != r.Violation.Property:
		return fmt.Sprintf("differs from the file: there %q is violated, here %q", c.Violation.Property, r.Violation.Property)
	case !c.SameViolation(r):
		return fmt.Sprintf("differs from the file: there %q is violated%s, here%s", c.Violation.Property,
			cmp.Or(boundText(c.Violation.Bound), " for all"), cmp.Or(boundText(report.ViolationOf(r.Violation).Binding), " for all"))
	case r.Violation == nil:
		return "differs from the file: the trace is another"
	case why != "":
		return "differs from the file: the violation is there, the trace is another: " + why
	}
	return "differs from the file: the violation is there, the trace is another (the application, the deviations or wtsim changed)"
}

// boundText tells a binding on one line, after "violated"; empty if it binds
// nothing.
func boundText(binding json.RawMessage) string {
	var line bytes.Buffer // in a file it is on many
	if json.Compact(&line, binding) != nil || line.Len() <= len("{}") {
		return ""
	}
	return " for " + line.String()
}

// otherRuntime says that a file was made on the runtime named, and this is
// the other one.
func otherRuntime(file string) string {
	if file == sim.Patched {
		return "differs from the file, which was made on the patched runtime (`wtsim build`, `wtsim test`); this is plain Go: map iteration, select and random numbers are others"
	}
	return "differs from the file, which was made on plain Go; this is the patched runtime (`wtsim build`, `wtsim test`): map iteration, select and random numbers are others"
}

func (a *app) replayFatal(o *replayOptions, f *search.Fatal) (int, error) {
	r := &report.Report{Scenario: o.file.Scenario, Verdict: sim.Violated, Violation: f.Violation(), Deviations: o.file.Deviations,
		Stack: f.Stack, Inputs: o.subject.Inputs()}
	if o.asJSON {
		s := r.Summary()
		s.Replayed(r, o.file.Violation != nil && o.file.Violation.Property == r.Violation.Property, "")
		return exitViolated, s.Print(a.stdout)
	}
	fmt.Fprint(a.stdout, r.FatalText())
	return exitViolated, nil
}

// traceOptions are the flags of `wtsim trace`.
type traceOptions struct {
	asJSON  bool
	logs    bool
	subject search.Subject
}

func (a *app) trace(args []string) (int, error) {
	o := &traceOptions{}
	f := a.flags("trace", " SCENARIO [flags]", "  wtsim trace checkout\n  wtsim trace checkout --json")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object a step, then the result")
	f.BoolVar(&o.logs, "logs", true, "tell what handlers print")
	if done, err := parse(f, args, "SCENARIO"); done || err != nil {
		return exitHeld, err
	}
	if ref, ok := parseRef(f.Arg(0)); ok && !a.known(f.Arg(0)) {
		return a.runPackage(ref, append([]string{"trace"}, args...))
	}
	var err error
	if o.subject, err = a.scenario(f.Arg(0)); err != nil {
		return 0, err
	}
	if _, ok := workers.CurrentJob(); ok {
		return a.traceHere(o)
	}
	return a.inChild("trace", args, func(f *search.Fatal) (int, error) {
		fmt.Fprintf(a.stdout, "%v\n\n%s\n", f.Violation(), report.Indent(report.FirstLines(f.Stack, 30), "  "))
		return exitViolated, nil
	})
}

// traceHere tells the benign run.
func (a *app) traceHere(o *traceOptions) (int, error) {
	began := time.Now()
	r := report.New(o.subject.Scenario().Name, once(o.subject, scheduler.Benign{}), nil)
	if o.asJSON {
		rows := r.Timeline.Rows
		if err := a.eachJSON(len(rows), func(i int) any { return rows[i].Line() }); err != nil {
			return 0, err
		}
		s := r.Summary()
		s.Deviations, s.ElapsedNS = nil, time.Since(began).Nanoseconds() // it has no plan
		return exitOf(r.Verdict), s.Print(a.stdout)
	}
	r.Inputs = o.subject.Inputs()
	fmt.Fprint(a.stdout, r.TraceText(report.StoryOptions{Full: true, Logs: o.logs}))
	return exitOf(r.Verdict), nil
}
