package command

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

// runOptions are the flags of `wtsim run`, a field each.
type runOptions struct {
	schedules int
	duration  time.Duration
	strategy  string
	bound     int
	workers   int
	firstSeed uint64
	seed      uint64
	out       string
	html      string
	noShrink  bool
	strict    bool
	asJSON    bool
	format    string
	full      bool
	logs      bool
	part      string // --shard
	result    string
	findings  string
	progress  string

	shard, shards int  // of --shard; 0 if there is none
	single        bool // --seed was given
	exhaustive    bool // --bound was given
	scenario      string
	subject       search.Subject
	known         *search.Findings // of --findings; else nil
}

const runExamples = `  wtsim run checkout/double-charge              search with the default strategies
  wtsim run checkout --schedules 20000          longer
  wtsim run checkout --for 10m --workers 4      by time, in four processes
  wtsim run checkout --bound 2                  every schedule with at most two deviations
  wtsim run checkout --bound 3 --shard 2/8      the second of eight parts of that, on a machine of its own; see wtsim merge
  wtsim run checkout/oversell --seed 7          exactly the random schedule of seed 7
  wtsim run checkout/oversell --json --out bug.json
  wtsim run checkout/oversell --format sarif >wtsim.sarif
  wtsim run --config wtsim.yaml                 a scenario that is data: any Go programs, as they are
  wtsim run checkout/oversell --findings findings.json
  wtsim run ./shopsim:Scenario                  a scenario of your own: what func Scenario of package ./shopsim returns`

func (a *app) run(args []string) (int, error) {
	o := &runOptions{}
	if done, err := o.parse(a.runFlags(o), args); done || err != nil {
		return exitHeld, err
	}
	if ref, ok := parseRef(o.scenario); ok && !a.known(o.scenario) {
		return a.runPackage(ref, append([]string{"run"}, args...))
	}
	var err error
	if o.subject, err = a.scenario(o.scenario); err != nil {
		return 0, err
	}
	if job, ok := workers.CurrentJob(); ok {
		return exitHeld, o.work().Serve(job, a.stdout)
	}
	return a.supervise(o, append([]string{"run"}, args...), nil)
}

// supervise runs a search in child processes and reports its end, to which also,
// if it is not nil, has something to add.
func (a *app) supervise(o *runOptions, args []string, also func(*reported, *workers.End)) (int, error) {
	if unseen := sim.Unnoticed(); unseen != "" {
		fmt.Fprintln(a.stderr, "wtsim:", unseen)
	}
	view, interrupts := newView(a.stderr, o.progress), make(chan os.Signal, 1)
	defer view.clear()
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupts)
	command, err := ownCommand(args)
	if err != nil {
		return 0, err
	}
	p := &workers.Pool{Work: o.work(), Workers: o.workers, Shard: o.shard, Shards: o.shards, Exhaustive: o.exhaustive, Strict: o.strict, Duration: o.duration,
		Command: command, Stderr: view, Interrupts: interrupts, Progress: func(p workers.Progress) { view.show(figures{p, o.scenario, o.duration}) }}
	if err := p.Search(); err != nil {
		return 0, err
	}
	view.clear()
	p.Stderr = a.stderr
	end, err := p.End()
	if err != nil {
		return 0, err
	}
	return a.tellEnd(o, p, end, also), nil
}

// tellEnd tells the end of a search, and keeps what is to be kept of it.
func (a *app) tellEnd(o *runOptions, p *workers.Pool, end *workers.End, also func(*reported, *workers.End)) (code int) {
	r := o.report(end)
	var trouble []error
	if r.Trouble != "" {
		trouble = append(trouble, errors.New(r.Trouble))
	}
	if r.Counterexample != nil {
		number := end.Number
		if end.Unjudged != nil {
			number = end.Unjudged.Number
		}
		trouble = append(trouble, r.save(o.path(number)))
	}
	if o.shards > 0 {
		var told bytes.Buffer
		err := encoder(&told).Encode(r)
		trouble = append(trouble, err, p.Result(end, told.Bytes()).Write(o.resultPath()))
	}
	r.addEnd(end.Number > 0 && !o.single)
	if o.known != nil && !end.Interrupted {
		trouble = append(trouble, o.stand(r))
	}
	if also != nil {
		also(r, end)
	}
	code = a.print(r, cmp.Or(formatOf(o.asJSON), o.format), errors.Join(trouble...))
	if end.Interrupted {
		code = exitInterrupted
	}
	return code
}

// parse reads the arguments. done is true if help was asked for.
func (o *runOptions) parse(f *pflag.FlagSet, args []string) (done bool, err error) {
	if done, err := parse(f, args, "SCENARIO"); done || err != nil {
		return done, err
	}
	o.single, o.exhaustive, o.scenario = f.Changed("seed"), f.Changed("bound"), f.Arg(0)
	if f.Changed("shard") {
		err = o.parseShard()
	}
	if err == nil {
		err = o.validate(f.Changed)
	}
	if err != nil {
		return false, fmt.Errorf("run: %w; see wtsim run --help", err)
	}
	return false, nil
}

func (a *app) runFlags(o *runOptions) *pflag.FlagSet {
	f := a.flags("run", " SCENARIO [flags]", runExamples)
	f.IntVar(&o.schedules, "schedules", 1000, "how many schedules to run")
	f.DurationVar(&o.duration, "for", 0, "search for this long instead (real time, e.g. 10m)")
	f.StringVar(&o.strategy, "strategy", "portfolio", "how to search: "+strings.Join(scheduler.Names, ", "))
	f.IntVar(&o.bound, "bound", 0, "run every schedule with at most this many deviations")
	f.IntVar(&o.workers, "workers", runtime.NumCPU(), "how many processes share the work")
	f.StringVar(&o.part, "shard", "", "run only part i of n of the schedules, as i/n from 1/n to n/n")
	f.StringVar(&o.result, "result", "", "the file that a shard leaves for wtsim merge (default wtsim-SCENARIO-shard-i-of-n.json)")
	f.Uint64Var(&o.firstSeed, "first-seed", 1, "the seed of the first schedule")
	f.Uint64Var(&o.seed, "seed", 0, "run exactly the schedule of this seed, of --strategy random unless given")
	f.StringVar(&o.out, "out", "", "the counterexample file (default wtsim-SCENARIO-SEED.json)")
	f.StringVar(&o.findings, "findings", "", "a file of findings that your team keeps: tell what is new, ongoing, fixed and regressed")
	f.BoolVar(&o.noShrink, "no-shrink", false, "keep the counterexample as it was found")
	f.BoolVar(&o.strict, "strict", false, "a rule or an event that no schedule reaches makes the search inconclusive; without, it is told")
	f.StringVar(&o.html, "html", "", "draw the counterexample as a page here (default beside it)")
	f.BoolVar(&o.asJSON, "json", false, "print the result as one JSON object")
	f.StringVar(&o.format, "format", formatText, "how to print the result: "+strings.Join(formats, ", ")+"; github adds an annotation")
	f.BoolVar(&o.full, "full", false, "tell every step of the story, and long values whole")
	f.BoolVar(&o.logs, "logs", false, "tell all that handlers print")
	f.StringVar(&o.progress, "progress", progressAuto, "what to show meanwhile: live (lines redrawn in place), plain, none, or auto: live on a terminal")
	return f
}

// validate checks the flags against each other and fills in what follows
// from them.
func (o *runOptions) validate(given func(flag string) bool) error {
	strategyGiven := given("strategy")
	if err := cmp.Or(scheduler.CheckName(o.strategy), checkProgressMode(o.progress), checkFormat(o.format)); err != nil {
		return err
	}
	switch {
	case o.schedules < 1:
		return fmt.Errorf("--schedules is %d, wanted at least 1", o.schedules)
	case o.workers < 1:
		return fmt.Errorf("--workers is %d, wanted at least 1", o.workers)
	case o.duration <= 0 && given("for"):
		return fmt.Errorf("--for is %v, wanted a positive duration", o.duration)
	case o.firstSeed == 0:
		return errors.New("--first-seed is 0, wanted at least 1")
	case o.single && o.seed == 0:
		return errors.New("--seed is 0, wanted at least 1")
	case o.bound < 0:
		return fmt.Errorf("--bound is %d, wanted at least 0", o.bound)
	case o.single && o.exhaustive:
		return fmt.Errorf("--seed and --bound exclude each other")
	case o.asJSON && o.format != formatText:
		return fmt.Errorf("--json and --format %s exclude each other", o.format)
	case o.exhaustive && strategyGiven && o.strategy != "bounded":
		return fmt.Errorf("--bound and --strategy %s exclude each other", o.strategy)
	case o.single && strategyGiven && !scheduler.Seeded(o.strategy):
		return fmt.Errorf("strategy %q has no schedules that depend on a seed alone, wanted --strategy random, pct, pos or swarm with --seed", o.strategy)
	}
	if err := o.validateShard(); err != nil {
		return err
	}
	if err := o.readFindings(); err != nil {
		return err
	}
	switch {
	case o.exhaustive:
		o.strategy, o.schedules = "bounded", 0
	case o.single:
		if !strategyGiven {
			o.strategy = "random"
		}
		o.firstSeed, o.schedules, o.workers = o.seed, 1, 1
	case o.strategy == "bounded":
		o.bound = search.Unbounded
	}
	if o.duration > 0 {
		o.schedules = 0
	}
	if parts := scheduler.Parts(o.strategy); parts > 0 { // more would have nothing to do
		shards := max(1, o.shards)
		o.workers = min(o.workers, (parts+shards-1)/shards)
	}
	return nil
}

// work is what the flags ask for.
func (o *runOptions) work() workers.Work {
	return workers.Work{Subject: o.subject, Single: o.single, NoShrink: o.noShrink,
		Options: search.Options{Strategy: o.strategy, Bound: o.bound, FirstSeed: o.firstSeed, Schedules: o.schedules}}
}
