package command

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
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
func (a *app) workMutate(o *mutateOptions, j job) (int, error) {
	signal.Ignore(os.Interrupt)
	var out any
	switch {
	case j.verb == "survey":
		out = o.survey()
	case j.verb == "weaken" && len(j.args) == 1 && int(j.args[0]) < len(o.guarantees):
		t, err := o.without(o.guarantees[j.args[0]].Name)
		if err != nil {
			return 0, err
		}
		out = t
	default:
		return 0, fmt.Errorf("%s=%q is not a job", jobVariable, os.Getenv(jobVariable))
	}
	return exitHeld, json.NewEncoder(a.stdout).Encode(out)
}

// survey runs the scenario as it is, in as many schedules as are searched
// without a guarantee.
func (o *mutateOptions) survey() survey {
	var s survey
	benign := o.simulation.Run(scheduler.Benign{})
	for _, g := range o.guarantees {
		if o.simulation.Uses(g.Name, benign) {
			s.Used = append(s.Used, g.Name)
		}
	}
	found, r := o.search(o.simulation)
	switch {
	case r != nil:
		s.Violated = r.Violation.Property
	case found.Inconclusive != nil:
		s.Why = found.Inconclusive.Why
	}
	return s
}

// search searches; the result is that of the first schedule that violates, nil
// if none does.
func (o *mutateOptions) search(s *sim.Simulation) (sim.Found, *sim.Result) {
	ctx, _ := orders(os.Stdin)
	found, err := s.Search(ctx, sim.Search{Schedules: o.schedules})
	if err != nil {
		panic(err) // the default strategy is there
	}
	return found, found.Result
}

// without searches the scenario without a guarantee, and reduces what is found.
func (o *mutateOptions) without(guarantee string) (trial, error) {
	weak, err := o.simulation.Without(guarantee)
	if err != nil {
		return trial{}, err
	}
	found, r := o.search(weak)
	t := trial{Outcome: notNoticed, Schedules: found.Ran}
	switch {
	case r == nil && found.Interrupted:
		return trial{}, nil
	case r == nil && found.Inconclusive != nil:
		t.Outcome, t.Why = notJudged, found.Inconclusive.Why
		return t, nil
	case r == nil:
		return t, nil
	}
	deadline := time.Now().Add(shrinkTime)
	_, shrunk := weak.Shrink(r.Record.Plan, r.Violation.Property, func() bool { return time.Now().After(deadline) })
	if shrunk.Verdict != sim.Violated {
		t.Outcome, t.Why = notJudged, "the run is not repeatable"
		return t, nil
	}
	ns := notes(shrunk.Record.Plan)
	t.Outcome, t.Violation, t.Deviations = noticed, shortOf(shrunk.Violation), &ns
	if o.story {
		t.Story = shrunk.Story(weak.Run(scheduler.Benign{}), sim.StoryOptions{})
	}
	return t, nil
}
