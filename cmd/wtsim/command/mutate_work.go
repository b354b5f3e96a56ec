package command

import (
	"encoding/json"
	"os"
	"os/signal"
	"time"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

// The jobs of a child of `wtsim mutate`.
const (
	surveyJob = "survey" // run what it is about as it is
	weakenJob = "weaken" // I: search without the I-th guarantee, reduce what is found
)

// survey is what a child says of the scenario as it is.
type survey struct {
	Used     []string // guarantees
	Violated string   // the property
	Why      string   // it cannot be judged
}

// trial is what a child says of the scenario without a guarantee. An empty
// outcome is one that was interrupted.
type trial struct {
	Outcome    string
	Why        string
	Schedules  int
	Violation  *violationShort
	Deviations *[]string
	Story      string
}

// workMutate does a child's job.
func (a *app) workMutate(o *mutateOptions, j workers.Job) (int, error) {
	signal.Ignore(os.Interrupt)
	var out any
	switch {
	case j.Verb == surveyJob:
		s, err := o.survey()
		if err != nil {
			return 0, err
		}
		out = s
	case j.Verb == weakenJob && len(j.Args) == 1 && j.Args[0] < len(o.guarantees):
		t, err := o.without(o.guarantees[j.Args[0]].Name)
		if err != nil {
			return 0, err
		}
		out = t
	default:
		return 0, j.Unknown()
	}
	return exitHeld, json.NewEncoder(a.stdout).Encode(out)
}

// survey runs the scenario as it is, in as many schedules as are searched
// without a guarantee.
func (o *mutateOptions) survey() (survey, error) {
	var s survey
	benign := o.subject.Run(scheduler.Benign{})
	for _, g := range o.guarantees {
		if o.subject.Simulation.Uses(g.Name, benign) {
			s.Used = append(s.Used, g.Name)
		}
	}
	found, err := o.search(o.subject)
	if err != nil {
		return s, err
	}
	if found.Result != nil {
		s.Violated = found.Result.Violation.Property
	} else {
		s.Why = workers.UnclearIn(found).Why
	}
	return s, nil
}

func (o *mutateOptions) search(s search.Subject) (search.Found, error) {
	ctx, _ := workers.Orders(os.Stdin)
	return s.Search(ctx, search.Options{Schedules: o.schedules})
}

// without searches the scenario without a guarantee, and reduces what is found.
func (o *mutateOptions) without(guarantee string) (trial, error) {
	weak, err := o.subject.Without(guarantee)
	if err != nil {
		return trial{}, err
	}
	found, err := o.search(weak)
	if err != nil {
		return trial{}, err
	}
	t := trial{Outcome: notNoticed, Schedules: found.Ran}
	if found.Result == nil {
		if t.Why = workers.UnclearIn(found).Why; t.Why != "" {
			t.Outcome = notJudged
		}
		if found.Interrupted {
			t = trial{}
		}
		return t, nil
	}
	deadline := time.Now().Add(workers.ShrinkTime)
	shrunk, weak := found.Subject.Shrink(found.Result, func() bool { return time.Now().After(deadline) })
	r := shrunk.Result
	ns := notes(r.Record.Plan)
	t.Outcome, t.Violation, t.Deviations = noticed, shortOf(r.Violation), &ns
	if o.story {
		t.Story = report.Story(r, weak.Run(scheduler.Benign{}), report.StoryOptions{})
	}
	return t, nil
}
