package command

import (
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
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
	asJSON   bool
}

const checkExamples = `  wtsim check --props gdpr7.json --events events.ndjson
  zcat old.gz | wtsim check --props a.yaml --props b.yaml --events -
  wtsim check --props gdpr7.json --events events.ndjson.zst --skew 10ms --json`

func (a *app) check(args []string) (int, error) {
	o := &checkOptions{}
	f := a.checkFlags(o)
	if done, err := parse(f, args); done || err != nil {
		return exitHeld, err
	}
	if err := o.validate(f.Changed("ttl")); err != nil {
		return 0, fmt.Errorf("check: %w; see wtsim check --help", err)
	}
	program, err := compileFiles(o.props)
	if err != nil {
		return 0, err
	}
	in, err := openEvents(o.events)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	c := &checking{app: a, options: o, in: in, started: time.Now()}
	c.progress = newCheckProgress(a.stderr, o.events)
	if c.stream, err = program.Stream(monitor.StreamOptions{Skew: o.skew, Lateness: o.lateness, TTL: o.ttl, Found: c.tell}); err != nil {
		return 0, fmt.Errorf("check: %w", err)
	}
	return c.run()
}

func (a *app) checkFlags(o *checkOptions) *pflag.FlagSet {
	f := a.flags("check", " --props FILE --events FILE [flags]", checkExamples)
	f.StringArrayVar(&o.props, "props", nil, "a file of properties: wtsim's YAML or Watchtower's JSON; may repeat")
	f.StringVar(&o.events, "events", "", "CloudEvents in JSON, one a line; may be gzip or zstd; - is standard input")
	f.DurationVar(&o.skew, "skew", 0, "by how much the clocks of two sources may differ (0: exact order)")
	f.DurationVar(&o.lateness, "lateness", time.Minute, "how far an event may come behind in the file")
	f.DurationVar(&o.ttl, "ttl", 0, "forget instances that saw no event for this long (default never)")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object a line")
	return f
}

func (o *checkOptions) validate(ttlGiven bool) error {
	switch {
	case len(o.props) == 0:
		return fmt.Errorf("--props is missing, wanted a file of properties")
	case o.events == "":
		return fmt.Errorf("--events is missing, wanted a file of events, or - for standard input")
	case o.skew < 0:
		return fmt.Errorf("--skew is %v, wanted at least 0", o.skew)
	case o.lateness < 0:
		return fmt.Errorf("--lateness is %v, wanted at least 0", o.lateness)
	case ttlGiven && o.ttl <= 0:
		return fmt.Errorf("--ttl is %v, wanted a positive duration", o.ttl)
	}
	return nil
}

// compileFiles reads all properties; two of one name are refused with both
// files.
func compileFiles(files []string) (*monitor.Program, error) {
	var all []*props.Property
	from := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--props: %w", err)
		}
		ps, err := props.Parse(file, content)
		if err != nil {
			return nil, err
		}
		for _, p := range ps {
			if first, ok := from[p.Name()]; ok {
				return nil, fmt.Errorf("%s: property %q is in %s too, wanted each name once", file, p.Name(), first)
			}
			from[p.Name()] = file
		}
		all = append(all, ps...)
	}
	return monitor.Compile(all...)
}

// checking is one check on its way.
type checking struct {
	*app
	options  *checkOptions
	in       *eventInput
	stream   *monitor.Stream
	report   checkReport
	progress *checkProgress
	started  time.Time
}

func (c *checking) run() (int, error) {
	c.report = newCheckReport(c.app, c.options)
	d := newDecoder(c.in, c.stream.Look)
	c.stopAtInterrupt(&d.stop)
	lines := 0
	var err error
	for b := range d.ready {
		for i := range b.all {
			x := &b.all[i]
			if lines = x.line; x.why != "" {
				c.stream.Malformed(x.line, x.why)
			} else {
				c.stream.Judge(&x.event, x.line, x.sight)
			}
		}
		c.progress.show(lines, b.read, time.Since(c.started))
		err = b.err
		d.free <- b
	}
	c.progress.clear()
	sum := c.stream.Close()
	if err != nil && sum.Verdict == monitor.Held {
		sum.Verdict = monitor.Inconclusive
	}
	c.report.summary(sum, time.Since(c.started))
	return c.exit(sum, d.stop.Load(), err)
}

// exit is the exit code: a violation counts whatever else happened.
func (c *checking) exit(sum monitor.Summary, interrupted bool, err error) (int, error) {
	if flushed := c.report.flush(); flushed != nil {
		return 0, fmt.Errorf("check: %w", flushed)
	}
	switch {
	case interrupted:
		return exitInterrupted, nil
	case sum.Verdict == monitor.Violated:
		if err != nil {
			fmt.Fprintf(c.stderr, "wtsim: %s: %v\n", c.in.name, err)
		}
		return exitViolated, nil
	case err != nil:
		return 0, fmt.Errorf("%s: %w", c.in.name, err)
	case sum.Verdict == monitor.Held:
		return exitHeld, nil
	}
	return exitInconclusive, nil
}

func (c *checking) tell(f monitor.Finding) { c.report.tell(f) }

// stopAtInterrupt ends the reading at the first interrupt; what was found so
// far is still told.
func (c *checking) stopAtInterrupt(stop *atomic.Bool) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	go func() {
		<-signals
		signal.Stop(signals) // a second one ends the process
		stop.Store(true)
	}()
}
