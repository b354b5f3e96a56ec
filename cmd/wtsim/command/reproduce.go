package command

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

const reproduceExamples = `  wtsim reproduce --events production.ndjson --scenario checkout/double-charge
  wtsim reproduce --events production.ndjson --scenario checkout --property "charged at most once" --for 10m
  wtsim reproduce --events production.ndjson --scenario ./shopsim:Scenario --end --out bug.json
  wtsim reproduce --events production.ndjson --config wtsim.yaml                   the scenario that the file has`

// reproduceOptions are the flags of `wtsim reproduce`: those of a search, and
// what it is for.
type reproduceOptions struct {
	runOptions
	events   string
	recorded search.RecordedOptions
}

func (a *app) reproduceFlags(o *reproduceOptions) *pflag.FlagSet {
	f := a.flags("reproduce", " --events FILE --scenario SCENARIO|--config FILE [flags]", reproduceExamples)
	f.StringVar(&o.events, "events", "", "recorded events, one a line, as wtsim check reads them; or violations, as wtsim monitor and wtsim check --json tell them")
	f.StringVar(&o.scenario, "scenario", "", "whose runs are to show what was recorded")
	f.StringVar(&o.recorded.Property, "property", "", "whose violation is to be shown (default: the first)")
	f.DurationVar(&o.recorded.Lateness, "lateness", time.Minute, "how far an event may come behind in the file")
	f.BoolVar(&o.recorded.End, "end", false, "nothing comes after the events: deadlines have passed, and what is owed at the end is violated")
	f.IntVar(&o.schedules, "schedules", 10000, "how many schedules to run")
	o.format = formatText
	f.DurationVar(&o.duration, "for", 0, "search for this long instead (real time, e.g. 10m)")
	f.StringVar(&o.strategy, "strategy", "portfolio", "how to search: "+strings.Join(scheduler.Names, ", "))
	f.IntVar(&o.bound, "bound", 0, "run every schedule with at most this many deviations")
	f.IntVar(&o.workers, "workers", runtime.NumCPU(), "how many processes share the work")
	f.Uint64Var(&o.firstSeed, "first-seed", 1, "the seed of the first schedule")
	f.StringVar(&o.out, "out", "", "the counterexample file (default wtsim-SCENARIO-SEED.json)")
	f.BoolVar(&o.noShrink, "no-shrink", false, "keep the counterexample as it was found")
	f.StringVar(&o.html, "html", "", "draw the counterexample as a page here (default beside it)")
	f.BoolVar(&o.asJSON, "json", false, "print the result as one JSON object")
	f.BoolVar(&o.full, "full", false, "tell every step of the story")
	f.BoolVar(&o.logs, "logs", false, "tell all that handlers print")
	f.StringVar(&o.progress, "progress", progressAuto, "what to show meanwhile: live (lines redrawn in place), plain, none, or auto: live on a terminal")
	return f
}

// reproduce looks for a plan whose run shows a recorded violation.
func (a *app) reproduce(args []string) (int, error) {
	o := &reproduceOptions{}
	f := a.reproduceFlags(o)
	if done, err := parse(f, args); done || err != nil {
		return exitHeld, err
	}
	o.exhaustive = f.Changed("bound")
	err := o.validate(f.Changed)
	switch {
	case o.events == "":
		err = errors.New("--events is missing, wanted a file of recorded events")
	case o.events == "-":
		err = errors.New("--events is -, wanted a file: each process of the search reads it")
	case o.scenario == "":
		err = errors.New("--scenario is missing, wanted the name of one")
	}
	if err != nil {
		return 0, fmt.Errorf("reproduce: %w; see wtsim reproduce --help", err)
	}
	args = append([]string{"reproduce"}, apart(args)...)
	if ref, ok := parseRef(o.scenario); ok && !a.known(o.scenario) {
		return a.runPackage(ref, args)
	}
	if o.subject, err = a.scenario(o.scenario); err != nil {
		return 0, err
	}
	recorded, err := o.read()
	if err != nil {
		return 0, err
	}
	o.subject.Wanted = recorded.Shows
	if job, ok := workers.CurrentJob(); ok {
		return exitHeld, o.work().Serve(job, a.stdout)
	}
	return a.supervise(&o.runOptions, args, func(r *reported, end *workers.End) {
		v := r.Outcome.Violation
		switch {
		case v != nil && v.Property != recorded.Violation.Property: // a handler that ends its process ends the search
			r.Outcome.Verdict, r.Outcome.Why = sim.Inconclusive, fmt.Sprintf("the search has ended at another violation, of %q", v.Property)
			r.Text += r.Outcome.Why + "; wanted that of " + recorded.Violation.Property + "\n"
		case r.Outcome.Verdict == sim.Held && !end.Interrupted:
			o.nearest(r, recorded)
		}
	})
}

// read finds the violation in the recorded events, or takes one that was told.
func (o *reproduceOptions) read() (*search.Recorded, error) {
	in, err := openEvents(o.events)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var all []event.Event
	var told []monitor.Violation
	b := bufio.NewReader(in)
	for n := 1; ; n++ {
		line, err := b.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: %w", o.events, err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if bad := take(line, &all, &told); bad != nil { // what is missing may be what matters
				return nil, fmt.Errorf("%s:%d: %w", o.events, n, bad)
			}
		}
		if err != nil {
			break
		}
	}
	var recorded *search.Recorded
	switch {
	case len(all) > 0 && len(told) > 0:
		err = errors.New("it has events and violations, wanted events, or violations as wtsim monitor tells them")
	case len(told) > 0:
		recorded, err = search.TellRecorded(o.subject.Simulation, told, o.recorded)
	default:
		recorded, err = search.NewRecorded(o.subject.Simulation, all, o.recorded)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.events, err)
	}
	return recorded, nil
}

// take takes a line: an event, or what wtsim monitor and wtsim check tell. Of the
// latter it keeps violations.
func take(line []byte, events *[]event.Event, told *[]monitor.Violation) error {
	kind, is := event.Part(line, "kind")
	switch {
	case !is:
		e, err := event.Decode(line)
		*events = append(*events, e)
		return err
	case string(kind) != `"violation"`:
		return nil
	}
	var v struct {
		Property  string
		Binding   map[string]json.RawMessage
		Certainty monitor.Certainty
		Witness   []monitor.WitnessEvent
	}
	if err := json.Unmarshal(line, &v); err != nil {
		return fmt.Errorf("a violation: %w, wanted one as wtsim monitor tells it", err)
	}
	bound := event.Data{}
	for _, name := range slices.Sorted(maps.Keys(v.Binding)) {
		value, err := event.ParseValue(v.Binding[name])
		if err != nil {
			return fmt.Errorf("a violation: binding: %s: %w", name, err)
		}
		bound = bound.With(name, value)
	}
	*told = append(*told, monitor.Violation{Property: v.Property, Binding: monitor.Binding(bound), Certainty: v.Certainty, Witness: v.Witness})
	return nil
}

// mostNear is how many schedules are looked at for the run that is nearest.
const mostNear = 300

// nearest tells which run has the most of what was recorded, and what it lacks.
func (o *reproduceOptions) nearest(r *reported, recorded *search.Recorded) {
	ctx, stop := interruptible()
	defer stop()
	schedules := mostNear
	if o.schedules > 0 {
		schedules = min(schedules, o.schedules)
	}
	near := report.Nearest{Of: len(recorded.Events), Events: -1}
	subject := o.subject
	subject.Wanted = func(*sim.Result) bool { return false }
	_, err := subject.Search(ctx, search.Options{Strategy: o.strategy, Bound: o.bound, FirstSeed: o.firstSeed, Schedules: schedules,
		After: func(s scheduler.Schedule, run *sim.Result) {
			near.Looked++
			if n := recorded.Near(run); n > near.Events {
				near.Events, near.Schedule, near.Deviations = n, s.Number, report.Notes(run.Record.Plan)
			}
		}})
	r.Text = r.Outcome.NotShownText()
	if err != nil || near.Looked == 0 {
		return
	}
	if near.Events < near.Of {
		near.Lacks = &recorded.Events[near.Events]
	}
	r.Outcome.Nearest = &near
	r.Text += near.Text(recorded.Violation)
}

// apart are the arguments with the scenario as one of its own.
func apart(args []string) []string {
	for i, arg := range args {
		if name, ok := strings.CutPrefix(arg, "--scenario="); ok {
			return slices.Concat(args[:i], []string{"--scenario", name}, args[i+1:])
		}
	}
	return args
}
