package command

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

const mergeExamples = `  wtsim merge wtsim-checkout-shard-*.json
  wtsim merge results/*.json --json --out bug.json

The files come from the shards of one search, on as many machines:

  wtsim run checkout --bound 2 --shard 1/3 --result results/1.json
  wtsim run checkout --bound 2 --shard 2/3 --result results/2.json
  wtsim run checkout --bound 2 --shard 3/3 --result results/3.json`

// mergeOptions are the flags and arguments of `wtsim merge`.
type mergeOptions struct {
	out    string
	asJSON bool
	files  []string
}

func (a *app) merge(args []string) (int, error) {
	o := &mergeOptions{}
	if done, err := o.parse(a.mergeFlags(o), args); done || err != nil {
		return exitHeld, err
	}
	var m workers.Merged
	for _, path := range o.files {
		s, err := workers.ReadShard(path)
		if err != nil {
			return 0, err
		}
		again, err := m.Add(path, s)
		if err != nil {
			return 0, err
		}
		if again != "" {
			fmt.Fprintln(a.stderr, "wtsim:", again)
		}
	}
	e := m.End()
	r, err := mergedReport(e)
	if err != nil {
		return 0, err
	}
	r.Outcome.Page = "" // which is where the shard ran
	var trouble error
	if r.Counterexample != nil {
		trouble = r.save((&runOptions{scenario: e.Shard.Scenario, strategy: e.Shard.Strategy, firstSeed: e.Shard.FirstSeed, out: o.out}).path(e.Number))
	}
	if r.Outcome.Verdict == sim.Violated {
		r.addEnd(true)
	}
	return a.print(r, formatOf(o.asJSON), trouble), nil
}

func (a *app) mergeFlags(o *mergeOptions) *pflag.FlagSet {
	f := a.flags("merge", " FILE... [flags]", mergeExamples)
	f.StringVar(&o.out, "out", "", "the counterexample file (default wtsim-SCENARIO-SEED.json)")
	f.BoolVar(&o.asJSON, "json", false, "print the result as one JSON object")
	return f
}

// parse reads the arguments. done is true if help was asked for.
func (o *mergeOptions) parse(f *pflag.FlagSet, args []string) (done bool, err error) {
	if err := f.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) { // f.Usage has been called
			return true, nil
		}
		return false, flagError(f, err)
	}
	if o.files = f.Args(); len(o.files) == 0 {
		return false, errors.New("merge: FILE is missing, wanted the result files of a search's shards; see wtsim merge --help")
	}
	return false, nil
}

// mergedReport is what `wtsim run` without shards would have told.
func mergedReport(e *workers.MergedEnd) (*reported, error) {
	r := &reported{}
	if e.Shard.Reported != nil {
		if err := json.Unmarshal(e.Shard.Reported, r); err != nil {
			return nil, fmt.Errorf("shard %d/%d: \"reported\": %w; wanted the file as `wtsim run --shard` has written it", e.Shard.Shard, e.Shard.Shards, err)
		}
	}
	switch {
	case e.Number == 0:
		inputs := r.Outcome.Inputs
		r = &reported{Outcome: report.OfEnd(e.Shard.Scenario, &e.End)}
		r.Outcome.Inputs = inputs
		r.Outcome.Why = but(r.Outcome.Why, e.Lacks)
		bound := search.Unbounded
		if e.Shard.Bound != nil {
			bound = *e.Shard.Bound
		}
		r.Text = r.Outcome.NothingText(bound)
		return r, nil
	case !e.Told:
		r = &reported{Outcome: report.OfEnd(e.Shard.Scenario, &e.End)}
		r.Text = r.Outcome.VerdictText(0)
	}
	o := &r.Outcome
	r.Text += notice(e.Lacks)
	o.Schedules, o.Statistics, o.ElapsedNS = e.Schedules, e.Statistics, e.Elapsed.Nanoseconds()
	o.Why, o.Shard = but(o.Why, e.Lacks), ""
	return r, nil
}

// but adds what is missing.
func but(why, lacks string) string {
	if why != "" && lacks != "" {
		return why + "; " + lacks
	}
	return why + lacks
}

// notice is a line of text for what is missing beside a violation.
func notice(why string) string {
	if why == "" {
		return ""
	}
	return "\n" + why + "\n"
}
