package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/suggest"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

// mutateOptions are the flags of `wtsim mutate`.
type mutateOptions struct {
	schedules int
	only      []string
	workers   int
	story     bool
	asJSON    bool

	scenario   string
	subject    search.Subject
	guarantees []cloud.Guarantee // of which only what --only says
}

const mutateExamples = `  wtsim mutate checkout                            every guarantee that the scenario uses
  wtsim mutate checkout --only redis/watch --story  one, with the story of what goes wrong without it
  wtsim mutate patterns/freshid --schedules 5000   search for longer
  wtsim mutate ./shopsim:Scenario --json           a scenario of your own`

// mutation is what became of a scenario without one guarantee: a line of
// `wtsim mutate --json`.
type mutation struct {
	Kind       string            `json:"kind"` // "weakening"
	Scenario   string            `json:"scenario"`
	Weakening  string            `json:"weakening"`
	Without    string            `json:"without"`
	Source     string            `json:"source,omitempty"`
	Relied     bool              `json:"relied"`
	Outcome    string            `json:"outcome"`
	Why        string            `json:"why,omitempty"`
	Schedules  int               `json:"schedules,omitempty"`
	Violation  *report.Violation `json:"violation,omitempty"`
	Deviations *[]string         `json:"deviations,omitempty"`
	Story      string            `json:"-"`
}

// The outcomes of a mutation.
const (
	noticed       = "noticed"
	notNoticed    = "not noticed"
	notJudged     = "inconclusive"
	notUsed       = "not used"
	notRun        = "not run" // interrupted before
	mutationsKind = "weakening"
)

// mutateResult is the object that `wtsim mutate --json` prints last.
type mutateResult struct {
	Kind      string   `json:"kind"` // "result"
	Scenario  string   `json:"scenario"`
	Verdict   string   `json:"verdict"` // "noticed", "missed" or "inconclusive"
	Tried     int      `json:"tried"`
	Noticed   int      `json:"noticed"`
	Missed    []string `json:"missed"` // what the scenario relies on and its properties do not notice
	ElapsedNS int64    `json:"elapsed_ns"`
}

func (a *app) mutate(args []string) (int, error) {
	o := &mutateOptions{}
	f := a.flags("mutate", " SCENARIO [flags]", mutateExamples)
	f.IntVar(&o.schedules, "schedules", 300, "how many schedules to search without each guarantee")
	f.StringArrayVar(&o.only, "only", nil, "take only this guarantee away; may repeat")
	f.IntVar(&o.workers, "workers", runtime.NumCPU(), "how many processes share the work")
	f.BoolVar(&o.story, "story", false, "tell what happens where a property notices")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object a guarantee, then the result")
	if done, err := parse(f, args, "SCENARIO"); done || err != nil {
		return exitHeld, err
	}
	if ref, ok := parseRef(f.Arg(0)); ok && !a.known(f.Arg(0)) {
		return a.runPackage(ref, append([]string{"mutate"}, args...))
	}
	var err error
	if o.scenario = f.Arg(0); o.scenario != "" {
		o.subject, err = a.scenario(o.scenario)
	}
	if err != nil {
		return 0, err
	}
	if err := o.validate(); err != nil {
		return 0, fmt.Errorf("mutate: %w; see wtsim mutate --help", err)
	}
	if job, ok := workers.CurrentJob(); ok {
		return a.workMutate(o, job)
	}
	return a.superviseMutate(o, append([]string{"mutate"}, args...))
}

func (o *mutateOptions) validate() error {
	switch {
	case o.schedules < 1:
		return fmt.Errorf("--schedules is %d, wanted at least 1", o.schedules)
	case o.workers < 1:
		return fmt.Errorf("--workers is %d, wanted at least 1", o.workers)
	}
	all := o.subject.Simulation.Guarantees()
	var names []string
	for _, g := range all {
		names = append(names, g.Name)
		if len(o.only) == 0 || slices.Contains(o.only, g.Name) {
			o.guarantees = append(o.guarantees, g)
		}
	}
	for _, name := range o.only {
		if !slices.Contains(names, name) {
			return fmt.Errorf("there is no guarantee %q%s, wanted one of %s", name, suggest.DidYouMean(name, names), strings.Join(names, ", "))
		}
	}
	return nil
}

// mutations is `wtsim mutate`, as the parent process sees it.
type mutations struct {
	app        *app
	options    *mutateOptions
	args       []string
	began      time.Time
	interrupts chan os.Signal
	stop       chan struct{} // closed by an interrupt
	results    []mutation
	told       int // results that were printed
}

// superviseMutate tries each guarantee in a process of its own.
func (a *app) superviseMutate(o *mutateOptions, args []string) (int, error) {
	m := &mutations{app: a, options: o, args: args, began: time.Now(), interrupts: make(chan os.Signal, 1), stop: make(chan struct{})}
	signal.Notify(m.interrupts, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(m.interrupts)
	go func() {
		if _, ok := <-m.interrupts; ok {
			close(m.stop)
		}
	}()
	used, err := m.survey()
	if err != nil {
		return 0, err
	}
	s := o.subject.Scenario()
	for _, g := range o.guarantees {
		r := mutation{Kind: mutationsKind, Scenario: o.scenario, Weakening: g.Name, Without: g.Without, Source: g.Source, Outcome: notRun,
			Relied: slices.Contains(s.Relies, g.Name)}
		if !slices.Contains(used, g.Name) && !r.Relied && len(o.only) == 0 && !m.interrupted() {
			r.Outcome = notUsed
		}
		m.results = append(m.results, r)
	}
	if err := m.all(); err != nil {
		return 0, err
	}
	return m.finish()
}

// survey asks a child what the scenario uses, and whether it holds: one that
// does not has nothing to say about a weaker world.
func (m *mutations) survey() (used []string, err error) {
	var s survey
	fatal, err := m.ask(workers.Job{Verb: surveyJob}, &s)
	switch {
	case err != nil:
		return nil, err
	case fatal != nil:
		s.Violated = fatal.Violation().Property
	case m.interrupted():
		return nil, nil
	}
	advice := fmt.Sprintf("; run it first (wtsim run %s): mutate takes a scenario that holds", calledAs(m.options.scenario))
	switch {
	case s.Violated != "":
		return nil, fmt.Errorf("%s: property %q is violated as it is%s", m.options.scenario, s.Violated, advice)
	case s.Why != "":
		return nil, fmt.Errorf("%s: inconclusive as it is: %s%s", m.options.scenario, s.Why, advice)
	}
	return s.Used, nil
}

func (m *mutations) interrupted() bool {
	select {
	case <-m.stop:
		return true
	default:
		return false
	}
}

// all tries what is to be tried, some at a time, and tells the results in
// their order.
func (m *mutations) all() error {
	type answer struct {
		number int
		result mutation
		err    error
	}
	var queue []int
	for i := range m.results {
		if m.results[i].Outcome == notRun {
			queue = append(queue, i)
		}
	}
	answers := make(chan answer)
	running := 0
	for len(queue) > 0 || running > 0 {
		for running < m.options.workers && len(queue) > 0 && !m.interrupted() {
			i := queue[0]
			queue, running = queue[1:], running+1
			go func() {
				r, err := m.try(i)
				answers <- answer{i, r, err}
			}()
		}
		if running == 0 {
			return nil // interrupted
		}
		a := <-answers
		if running--; a.err != nil {
			close(m.interrupts) // nothing else is worth waiting for
			return a.err
		}
		m.results[a.number] = a.result
		if err := m.tell(false); err != nil {
			return err
		}
	}
	return nil
}

// try searches without one guarantee.
func (m *mutations) try(i int) (mutation, error) {
	r := m.results[i]
	var found trial
	fatal, err := m.ask(workers.Job{Verb: weakenJob, Args: []int{i}}, &found)
	switch {
	case err != nil:
		return r, err
	case fatal != nil: // its deviations have died with it
		r.Outcome, r.Violation = noticed, report.ViolationOf(fatal.Violation())
	case found.Outcome == "":
		r.Outcome = notRun
	default:
		r.Outcome, r.Why, r.Schedules, r.Violation, r.Deviations, r.Story = found.Outcome, found.Why, found.Schedules, found.Violation, found.Deviations, found.Story
	}
	return r, nil
}

// ask lets a child do a job and reads the object that it prints last.
func (m *mutations) ask(job workers.Job, object any) (*search.Fatal, error) {
	var out bytes.Buffer
	command, err := ownCommand(m.args)
	if err != nil {
		return nil, err
	}
	c, err := workers.NewChild(command(), job, &out, m.app.stderr)
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-m.stop:
			c.Stop()
		case <-done:
		}
	}()
	code, fatal, err := c.Run()
	if err != nil || fatal != nil {
		return fatal, err
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], object); err != nil {
		return nil, fmt.Errorf("a process of the search has ended with %d and without a result", code)
	}
	return nil, nil
}
