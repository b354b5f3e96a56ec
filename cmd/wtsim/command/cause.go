package command

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

const causeExamples = `  wtsim cause wtsim-checkout-double-charge-37.json
  wtsim cause bug.json --continuations 100 --html bug.html
  wtsim cause bug.json --of ./shopsim:Scenario --json`

// causeOptions are the flags of `wtsim cause`.
type causeOptions struct {
	counterexample
	continuations int
	asJSON        bool
	html          string
}

func (a *app) cause(args []string) (int, error) {
	o := &causeOptions{}
	f := a.flags("cause", " FILE [flags]", causeExamples)
	f.IntVar(&o.continuations, "continuations", 20, "how many ways to go on from each step are tried")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object")
	f.StringVar(&o.html, "html", "", "draw the run as a page, with the curve beside its steps")
	of := f.String("of", "", "the package that has the scenario, and its function (./shopsim:Scenario)")
	if done, err := parse(f, args, "FILE"); done || err != nil {
		return exitHeld, err
	}
	if o.continuations < 1 {
		return 0, fmt.Errorf("cause: --continuations is %d, wanted at least 1; see wtsim cause --help", o.continuations)
	}
	if other, code, err := a.asPackage(*of, "cause", args); other {
		return code, err
	}
	var err error
	if o.counterexample, err = a.readCounterexample(f.Arg(0)); err != nil {
		return 0, err
	}
	if _, ok := workers.CurrentJob(); ok {
		return a.causeHere(o)
	}
	return a.inChild("cause", args, func(f *search.Fatal) (int, error) {
		return 0, fmt.Errorf("cause: a continuation ends the process: %s; see `wtsim replay`", f.Why)
	})
}

// causeHere looks for the cause, and tells it.
func (a *app) causeHere(o *causeOptions) (int, error) {
	began := time.Now()
	line := progress{w: a.stderr, on: term.IsTerminal(int(os.Stderr.Fd()))}
	c := o.subject.Cause(o.file.Deviations, o.continuations, func(done, all int) bool {
		if line.on {
			line.print(fmt.Sprintf("wtsim: continued %d of %d steps", done, all))
		}
		return true
	})
	line.clear()
	if c.Run.Verdict != sim.Violated {
		return exitOf(c.Run.Verdict), notViolated(o.path, c.Run)
	}
	run := c.Run
	if o.html != "" {
		run = once(o.subject.WithStores(), scheduler.NewReplay(o.file.Deviations))
	}
	r := report.New(o.file.Scenario, run, o.subject.Run(scheduler.Benign{})).Of(o.subject.Scenario())
	r.Cause, r.Inputs = c, o.subject.Inputs()
	var trouble error
	if o.html != "" {
		r.Replay = "wtsim replay " + o.path + ofPackage()
		trouble = writePage(o.html, r)
	}
	if o.asJSON {
		s := r.CauseSummary(o.continuations)
		s.ElapsedNS = time.Since(began).Nanoseconds()
		return exitViolated, errors.Join(trouble, encoder(a.stdout).Encode(s))
	}
	fmt.Fprint(a.stdout, r.CauseText(o.continuations))
	return exitViolated, trouble
}

// notViolated says why there is no cause to be found.
func notViolated(path string, r *sim.Result) error {
	why := "the run holds"
	if r.Verdict == sim.Inconclusive {
		why = "the run could not be judged: " + r.Why
	}
	return fmt.Errorf("%s: %s, wanted a counterexample that violates; see `wtsim replay %s`", path, why, path)
}
