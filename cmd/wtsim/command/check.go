package command

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/pflag"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
)

// checkOptions are the flags of `wtsim check`.
type checkOptions struct {
	props    []string
	events   string
	skew     time.Duration
	lateness time.Duration
	ttl      time.Duration
	ahead    time.Duration
	end      bool
	asJSON   bool

	stats, coverage    bool
	checkpoint, resume string
	workers            int
}

const checkExamples = `  wtsim check --props gdpr7.json --events events.ndjson
  zcat old.gz | wtsim check --props a.yaml --props b.yaml --events -
  wtsim check --props gdpr7.json --events events.ndjson.zst --skew 10ms --json
  wtsim check --props gdpr7.json --events monday.ndjson --checkpoint state
  wtsim check --props gdpr7.json --events tuesday.ndjson --resume state --coverage`

func (a *app) check(args []string) (int, error) {
	o := &checkOptions{}
	f := a.checkFlags(o)
	if done, err := parse(f, args); done || err != nil {
		return exitHeld, err
	}
	if err := o.validate(f.Changed); err != nil {
		return 0, fmt.Errorf("check: %w; see wtsim check --help", err)
	}
	program, properties, err := compileFiles(o.props)
	if err != nil {
		return 0, err
	}
	in, err := openEvents(o.events)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	c := &checking{app: a, options: o, in: in, properties: properties, started: time.Now()}
	c.progress = newCheckProgress(a.stderr, o.events)
	c.report = newCheckReport(a, o)
	if err := c.start(program); err != nil {
		return 0, err
	}
	if !o.end {
		c.warnOfEnds()
	}
	return c.run()
}

func (a *app) checkFlags(o *checkOptions) *pflag.FlagSet {
	f := a.flags("check", " --props FILE --events FILE [flags]", checkExamples)
	f.StringArrayVar(&o.props, "props", nil, "a file of properties: wtsim's YAML or Watchtower's JSON; may repeat")
	f.Var((*onceFlag)(&o.events), "events", "CloudEvents in JSON, one a line; may be gzip or zstd; - is standard input")
	f.DurationVar(&o.skew, "skew", 0, "by how much the clocks of two sources may differ (0: exact order)")
	f.DurationVar(&o.lateness, "lateness", time.Minute, "how far an event may come behind in the file")
	f.DurationVar(&o.ttl, "ttl", 0, "forget instances that saw no event for this long (default never)")
	f.DurationVar(&o.ahead, "ahead", 0, "an event more than this later than the newest of all other sources is malformed (default no bound)")
	f.BoolVar(&o.end, "end", false, "nothing comes after the events: deadlines have passed, and states that must not be the last are judged")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object a line")
	f.BoolVar(&o.stats, "stats", false, "tell what each property has seen and holds")
	f.BoolVar(&o.coverage, "coverage", false, "tell which states and transitions of each property no event used")
	f.StringVar(&o.checkpoint, "checkpoint", "", "at the end of the events save the state to this file, for --resume, and settle nothing")
	f.StringVar(&o.resume, "resume", "", "go on from the state in this file")
	f.IntVar(&o.workers, "workers", 0, "judge on this many cores (default: what pays)")
	return f
}

func (o *checkOptions) validate(given func(string) bool) error {
	switch {
	case len(o.props) == 0:
		return fmt.Errorf("--props is missing, wanted a file of properties")
	case o.events == "":
		return fmt.Errorf("--events is missing, wanted a file of events, or - for standard input")
	case o.skew < 0:
		return fmt.Errorf("--skew is %v, wanted at least 0", o.skew)
	case o.lateness < 0:
		return fmt.Errorf("--lateness is %v, wanted at least 0", o.lateness)
	case given("ttl") && o.ttl <= 0:
		return fmt.Errorf("--ttl is %v, wanted a positive duration", o.ttl)
	case given("ahead") && o.ahead <= 0:
		return fmt.Errorf("--ahead is %v, wanted a positive duration", o.ahead)
	case o.end && o.checkpoint != "":
		return fmt.Errorf("--end says that nothing comes after the events, and --checkpoint that something does; wanted one of them")
	case o.workers < 0:
		return fmt.Errorf("--workers is %d, wanted at least 1", o.workers)
	case o.workers > 1 && (o.checkpoint != "" || o.resume != ""):
		return fmt.Errorf("--workers is %d, wanted 1 with --checkpoint or --resume", o.workers)
	}
	return nil
}

// onceFlag is a text that can be given once: of two files the first would not
// be read, and nothing would say so.
type onceFlag string

// Set is for package pflag, as are the others.
func (x *onceFlag) Set(text string) error {
	if *x != "" {
		return fmt.Errorf("%q was given before, wanted one file; what cat makes of several can be read from -", string(*x))
	}
	*x = onceFlag(text)
	return nil
}

func (x *onceFlag) String() string { return string(*x) }

// Type is the word for help.
func (x *onceFlag) Type() string { return "string" }

// compileFiles reads all properties; two of one name are refused with both
// files.
func compileFiles(files []string) (*monitor.Program, []*props.Property, error) {
	texts, err := readPropertyFiles(files)
	if err != nil {
		return nil, nil, err
	}
	return compileTexts(texts)
}

// propertyFile is a file of properties as it was read.
type propertyFile struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func readPropertyFiles(files []string) (all []propertyFile, err error) {
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--props: %w", err)
		}
		all = append(all, propertyFile{file, string(content)})
	}
	return all, nil
}

func compileTexts(files []propertyFile) (*monitor.Program, []*props.Property, error) {
	var all []*props.Property
	from := map[string]string{}
	for _, file := range files {
		ps, err := props.Parse(file.Name, []byte(file.Text))
		if err != nil {
			return nil, nil, err
		}
		for _, p := range ps {
			if first, ok := from[p.Name()]; ok {
				return nil, nil, fmt.Errorf("%s: property %q is in %s too, wanted each name once", file.Name, p.Name(), first)
			}
			from[p.Name()] = file.Name
		}
		all = append(all, ps...)
	}
	program, err := monitor.Compile(all...)
	return program, all, err
}

// warnOfEnds names the properties that nothing but the end can violate, which
// is not declared.
func (c *checking) warnOfEnds() {
	for _, p := range c.properties {
		if p.OnlyAtEnd() {
			fmt.Fprintf(c.stderr, "wtsim: property %q cannot fail: only the end violates it; wanted --end if nothing comes after the events\n", p.Name())
		}
	}
}

// checking is one check on its way.
type checking struct {
	*app
	options     *checkOptions
	in          *eventInput
	streams     []*monitor.Stream // by part, see check_parallel.go
	program     *monitor.Program
	properties  []*props.Property
	report      checkReport
	progress    *checkProgress
	started     time.Time
	interrupted bool
}

// start makes the streams, or takes up the one that was saved.
func (c *checking) start(program *monitor.Program) error {
	o := c.options
	c.program = program
	so := monitor.StreamOptions{Skew: o.skew, Lateness: o.lateness, TTL: o.ttl, Ahead: o.ahead, Coverage: o.coverage}
	if o.resume != "" {
		s, err := resume(program, so, o.resume)
		c.streams = []*monitor.Stream{s}
		return err
	}
	n := c.workers(program)
	for i := range n {
		if n > 1 {
			so.Part, so.Parts = i, n
		}
		s, err := program.Stream(so)
		if err != nil {
			return fmt.Errorf("check: %w", err)
		}
		c.streams = append(c.streams, s)
	}
	return nil
}

func (c *checking) run() (int, error) {
	d := newDecoder(c.in, c.streams[0].Look)
	var err error
	if len(c.streams) > 1 {
		err = c.judgeInParts(d)
	} else {
		err = c.judge(d)
	}
	c.progress.clear()
	sum, saved := c.finish(err)
	if err != nil && sum.Verdict == monitor.Held {
		sum.Verdict = monitor.Inconclusive
	}
	c.report.summary(sum, c.options.end, time.Since(c.started))
	code, err := c.exit(sum, err)
	return code, errors.Join(err, saved)
}

// judge takes the batches in order.
func (c *checking) judge(d *decoder) (err error) {
	for b := range c.batches(d) {
		c.tell(c.streams[0].Judge(b.all).Findings)
		c.show(b)
		err = b.err
		d.free <- b
	}
	return err
}

// tell tells what was found. With parts it is merged first.
func (c *checking) tell(parts ...[]monitor.Finding) {
	for _, f := range monitor.MergeFindings(parts...) {
		c.report.tell(f)
	}
}

func (c *checking) show(b *batch) {
	if n := len(b.all); n > 0 {
		c.progress.show(b.all[n-1].Line, b.read, time.Since(c.started))
	}
}

// finish settles all, or saves the state, and tells what was asked for.
func (c *checking) finish(broken error) (sum monitor.Summary, saved error) {
	var sums []monitor.Summary
	var stats [][]monitor.PropertyStats
	var coverage [][]monitor.Coverage
	var found [][]monitor.Finding
	for _, s := range c.streams {
		if c.options.checkpoint == "" {
			found = append(found, c.close(s).Findings)
		}
		sums, stats, coverage = append(sums, s.Summary()), append(stats, s.Stats()), append(coverage, s.Coverage())
	}
	c.tell(found...)
	if c.options.stats {
		c.report.stats(monitor.MergeStats(stats...))
	}
	if c.options.coverage {
		c.report.coverage(monitor.MergeCoverage(coverage...))
	}
	if c.options.checkpoint != "" && broken == nil {
		saved = save(c.streams[0], c.options.checkpoint)
	}
	return monitor.MergeSummaries(sums...), saved
}

// close ends a stream: by the end of the input, or by what is declared. What
// was interrupted did not come to its end.
func (c *checking) close(s *monitor.Stream) monitor.Judgement {
	if c.options.end && !c.interrupted {
		return s.End()
	}
	return s.Close()
}

// exit is the exit code: a violation counts whatever else happened.
func (c *checking) exit(sum monitor.Summary, err error) (int, error) {
	if err != nil {
		err = fmt.Errorf("%s: %w", c.in.name, err)
	}
	if flushed := c.report.flush(); flushed != nil {
		err = errors.Join(err, fmt.Errorf("check: %w", flushed))
	}
	switch {
	case c.interrupted:
		return exitInterrupted, err
	case sum.Verdict == monitor.Violated:
		return exitViolated, err
	case err != nil, sum.Verdict == monitor.Held:
		return exitHeld, err
	}
	return exitInconclusive, nil
}

// batches yields what the decoder hands over. At the first interrupt it ends
// with what has been looked at; a second one ends the process.
func (c *checking) batches(d *decoder) iter.Seq[*batch] {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	return func(yield func(*batch) bool) {
		defer signal.Stop(signals)
		for {
			select {
			case b, ok := <-d.ready:
				if !ok || !yield(b) {
					return
				}
				continue
			case <-signals:
				signal.Stop(signals)
				c.interrupted = true
			}
			if d.halt() {
				close(d.ready) // by us: the decoder waits for input, and hands over no more
			}
			for b := range d.ready {
				if !yield(b) {
					return
				}
			}
			return
		}
	}
}
