package command

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/pflag"

	"github.com/wtsim/wtsim/sim"
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

// merged is what the shards of a search have shown together.
type merged struct {
	shards  []*shardFile // by shard; nil where there is none
	paths   []string     // of these
	seen    tally
	unclear unclear
	missing []string // what is not there, in words
}

func (a *app) merge(args []string) (int, error) {
	o := &mergeOptions{}
	if done, err := o.parse(a.mergeFlags(o), args); done || err != nil {
		return exitHeld, err
	}
	m := &merged{seen: newTally()}
	for _, path := range o.files {
		s, seen, err := readShard(path)
		if err != nil {
			return 0, err
		}
		again, err := m.add(path, s, seen)
		if err != nil {
			return 0, err
		}
		if again != "" {
			fmt.Fprintln(a.stderr, "wtsim:", again)
		}
	}
	m.miss()
	r := m.result()
	var trouble error
	if r.Counterexample != nil {
		trouble = r.save(m.options(o.out).path(m.first().Found))
	}
	if r.Outcome.Verdict == sim.Violated {
		r.addEnd(true)
	}
	return a.print(r, o.asJSON, trouble), nil
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
		if errors.Is(err, pflag.ErrHelp) {
			f.Usage()
			return true, nil
		}
		return false, flagError(f, err)
	}
	if o.files = f.Args(); len(o.files) == 0 {
		return false, errors.New("merge: FILE is missing, wanted the result files of a search's shards; see wtsim merge --help")
	}
	return false, nil
}

// add takes in a file. It says if its shard is there already.
func (m *merged) add(path string, f *shardFile, seen tally) (again string, err error) {
	if m.shards == nil {
		m.shards, m.paths = make([]*shardFile, f.Shards), make([]string, f.Shards)
	}
	for i, other := range m.shards {
		if other == nil {
			continue
		}
		if what, theirs, ours := difference(other, f); what != "" {
			return "", fmt.Errorf("%s: %s is %s, but %s in %s; wanted the shards of one search", path, what, ours, theirs, m.paths[i])
		}
		break
	}
	i := f.Shard - 1
	if old := m.shards[i]; old != nil {
		again = fmt.Sprintf("%s: shard %d/%d again, as in %s", path, f.Shard, f.Shards, m.paths[i])
		if !f.further(old) {
			return again, nil
		}
		again += ", which did not get so far and is left out"
	}
	m.shards[i], m.paths[i] = f, path
	m.seen.merge(seen) // of a shard that is there twice too: both have run the same schedules
	return again, nil
}

// further reports whether f is more of its shard than another file.
func (f *shardFile) further(g *shardFile) bool {
	if f.Found != g.Found {
		return g.Found == 0 || f.Found != 0 && f.Found < g.Found
	}
	return f.Through > g.Through
}

// difference tells the first thing in which two files are not of one search.
func difference(a, b *shardFile) (what, in, of string) {
	bound := func(f *shardFile) any {
		if f.Bound == nil {
			return "not given"
		}
		return *f.Bound
	}
	for _, d := range []struct {
		what string
		a, b any
	}{
		{"the scenario", a.Scenario, b.Scenario},
		{"--strategy", a.Strategy, b.Strategy},
		{"--bound", bound(a), bound(b)},
		{"--schedules", a.Schedules, b.Schedules},
		{"--for", a.For, b.For},
		{"--first-seed", a.FirstSeed, b.FirstSeed},
		{"--no-shrink", a.NoShrink, b.NoShrink},
		{"the number of shards", a.Shards, b.Shards},
		{"wtsim", a.Wtsim, b.Wtsim},
		{"Go", a.Go, b.Go},
		{"the runtime", a.Runtime, b.Runtime},
	} {
		if d.a != d.b {
			return d.what, fmt.Sprintf("%q", fmt.Sprint(d.a)), fmt.Sprintf("%q", fmt.Sprint(d.b))
		}
	}
	return "", "", ""
}

// miss finds out what is not there.
func (m *merged) miss() {
	for i, f := range m.shards {
		switch {
		case f == nil:
			m.missing = append(m.missing, fmt.Sprintf("shard %d/%d is missing", i+1, len(m.shards)))
			continue
		case f.Interrupted:
			m.missing = append(m.missing, fmt.Sprintf("shard %d/%d was interrupted", i+1, len(m.shards)))
		}
		if f.Unclear != nil {
			m.unclear.note(f.Unclear.Schedule, f.Unclear.Why)
		}
	}
}

// any is one of the files.
func (m *merged) any() *shardFile {
	for _, f := range m.shards {
		if f != nil {
			return f
		}
	}
	panic("merge has been given a file")
}

// first is the shard with the lowest schedule that violates, else the lowest
// that was found and does not repeat, else nil.
func (m *merged) first() *shardFile {
	var best *shardFile
	for _, f := range m.shards {
		if f == nil || f.Found == 0 {
			continue
		}
		if better := f.Verdict == sim.Violated; best == nil || better != (best.Verdict == sim.Violated) && better ||
			better == (best.Verdict == sim.Violated) && f.Found < best.Found {
			best = f
		}
	}
	return best
}

// options are those of the search, as far as a path depends on them.
func (m *merged) options(out string) *runOptions {
	f := m.any()
	return &runOptions{scenario: f.Scenario, strategy: f.Strategy, firstSeed: f.FirstSeed, out: out}
}

// result is what `wtsim run` without shards would have told.
func (m *merged) result() *reported {
	if f := m.first(); f != nil {
		r := *f.Reported
		r.because(m.unclear, f.Found)
		r.Text += notice(m.but(""))
		o := &r.Outcome
		o.Schedules = m.ran(f.Found)
		m.statistics(o, f.Found)
		o.Pruned, o.Why, o.Shard = f.Pruned, m.but(o.Why), ""
		return &r
	}
	complete := len(m.missing) == 0 && m.unclear.Why == ""
	for _, f := range m.shards {
		complete = complete && f != nil && f.Complete
	}
	f := m.any()
	o := outcome{Scenario: f.Scenario, Verdict: sim.Held, Schedules: m.ran(math.MaxInt), Complete: &complete}
	bound := unbounded
	if f.Bound != nil {
		bound = *f.Bound
	}
	switch {
	case m.unclear.Why != "":
		o.Verdict, o.Why = sim.Inconclusive, m.but(m.unclear.Why)
	case len(m.missing) > 0:
		o.Verdict, o.Why = sim.Inconclusive, m.but("held in the shards given")
	case f.Bound != nil && !complete:
		o.Verdict, o.Why = sim.Inconclusive, notAllRun(bound)
	}
	m.statistics(&o, math.MaxInt)
	if f.Reported != nil {
		o.Inputs = f.Reported.Outcome.Inputs
	}
	return &reported{Outcome: o, Text: o.nothingText(bound)}
}

// but adds what is missing.
func (m *merged) but(why string) string {
	parts := m.missing
	if why != "" {
		parts = append([]string{why}, parts...)
	}
	return strings.Join(parts, "; ")
}

// notice is a line of text for what is missing beside a violation.
func notice(why string) string {
	if why == "" {
		return ""
	}
	return "\n" + why + "\n"
}

// ran is how many schedules up to a number were run; of all, those beyond the
// last one that the shards have run without a gap too.
func (m *merged) ran(through int) int {
	n := 0
	for _, f := range m.shards {
		switch {
		case f == nil:
		case through == math.MaxInt:
			n += f.Ran
		default:
			o := &runOptions{strategy: f.Strategy, shard: f.Shard, shards: f.Shards}
			n += o.dealt(min(through, f.Through))
		}
	}
	return n
}

// statistics fills in what the schedules up to a number have shown. Shards
// run side by side: the time is that of the slowest.
func (m *merged) statistics(o *outcome, through int) {
	m.seen.statistics(o, through)
	o.ElapsedNS, o.Pruned = 1, 0
	ran := 0
	for _, f := range m.shards {
		if f != nil {
			o.ElapsedNS, o.Pruned = max(o.ElapsedNS, f.ElapsedNS), max(o.Pruned, f.Pruned)
			ran += f.Ran
		}
	}
	o.PerSecond = float64(ran) / (float64(o.ElapsedNS) / 1e9)
}
