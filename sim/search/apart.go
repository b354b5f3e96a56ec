package search

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// Where a handler ends the process that runs it, further runs are processes of
// their own: see [Subject.Outside].
//
// The process that searches asks for a run; the other one runs it, and asks
// back for every decision. So any [scheduler.Source] will do, and what was
// decided is known also where the process ends before its run does.

// ApartVariable is the environment variable that tells a process that it is
// there for one run of the scenario that it names.
const ApartVariable = "WTSIM_APART"

// withoutVariable tells such a process which guarantee its world lacks.
const withoutVariable = "WTSIM_WITHOUT"

// inputsVariable tells it which inputs its scenario has drawn, if it draws any.
const inputsVariable = "WTSIM_INPUTS"

// endlessVariable tells it that a handler has computed without end.
const endlessVariable = "WTSIM_ENDLESS"

// storesVariable tells it to tell what steps change in stores.
const storesVariable = "WTSIM_STORES"

// said is what the process of a run says: a decision that it wants taken, or
// at last the result. How the process ends when that is known is not judged.
type said struct {
	Began    bool // the run has: what ends the process from now on is a handler
	Decision *scheduler.Decision
	Note     string                // words for the newest deviation
	Did      *scheduler.Transition // what has happened
	Step     *sim.Step             // a step: that it begins, or what it came to
	Done     bool                  // it is the latter
	Result   *sim.Result
	Last     bool // it is the result of a run that is taken down, too
}

// Serve runs the scenario once for the process that has started this one, and
// returns when it is told.
func (s Subject) Serve() error {
	in, out := os.NewFile(3, "decisions"), os.NewFile(4, "result")
	if in == nil || out == nil {
		return fmt.Errorf("%s is set, but no process asks for a run", ApartVariable)
	}
	source := &asks{gob.NewEncoder(out), gob.NewDecoder(in)}
	s, err := s.With(json.RawMessage(os.Getenv(inputsVariable)))
	if err != nil {
		return err
	}
	if guarantee := os.Getenv(withoutVariable); guarantee != "" {
		if s, err = s.Without(guarantee); err != nil {
			return err
		}
	}
	if os.Getenv(endlessVariable) != "" {
		s.Simulation = s.Simulation.Impatient()
	}
	if err := source.to.Encode(said{Began: true}); err != nil {
		return err
	}
	watch := sim.WatchStates
	if os.Getenv(storesVariable) != "" {
		watch = sim.WatchStores
	}
	r := s.Simulation.RunTelling(source, watch, func(r *sim.Result) { _ = source.to.Encode(said{Result: r}) })
	return source.to.Encode(said{Result: r, Last: true})
}

// asks is the source of a run that is told what to decide.
type asks struct {
	to   *gob.Encoder
	from *gob.Decoder
}

// Choose asks the process that searches. One that is gone wants no answer.
func (a *asks) Choose(d *scheduler.Decision) (option int) {
	if err := errors.Join(a.to.Encode(said{Decision: d}), a.from.Decode(&option)); err != nil {
		os.Exit(1)
	}
	return option
}

// Note tells the words for the newest deviation.
func (a *asks) Note(note string) { _ = a.to.Encode(said{Note: note}) }

// Did tells what has happened.
func (a *asks) Did(s *scheduler.Transition) { _ = a.to.Encode(said{Did: s}) }

// Follow tells of a step.
func (a *asks) Follow(s *sim.Step, done bool) { _ = a.to.Encode(said{Step: s, Done: done}) }

// course is what is known of a run before there is a result: whether it has
// begun, its steps, and the one that a handler goes on with.
type course struct {
	began bool
	steps []sim.Step
	doing *sim.Step
}

func (c *course) follow(s *sim.Step, done bool) {
	if done {
		c.steps, c.doing = append(c.steps, *s), nil
		return
	}
	c.doing = s
}

// ended completes what is known of how a handler has ended the process.
func (c *course) ended(f *Fatal, r *scheduler.Record) *sim.Result {
	if c.doing != nil {
		c.steps = append(c.steps, *c.doing)
	}
	if n := len(c.steps); n > 0 && f.Function == "" {
		f.Function = c.steps[n-1].Function
	}
	return &sim.Result{Verdict: sim.Violated, Record: r, Steps: c.steps, Stack: f.Stack, Violation: f.Violation()}
}

// runApart runs the scenario in a process of its own.
func (s Subject) runApart(source scheduler.Source) *sim.Result {
	if s.Command == nil {
		return s.Simulation.Run(source) // and hopes that it will not end it
	}
	record := scheduler.NewDecider(source)
	var printed bytes.Buffer
	var run course
	r, err := s.converse(record, &printed, &run)
	fatal := ReadFatal("", printed.String())
	var exit *Exit
	if errors.As(err, &exit) && fatal == nil {
		fatal = exit.fatal(printed.String())
	}
	if fatal == nil && s.Stderr != nil {
		_, _ = s.Stderr.Write(printed.Bytes())
	}
	switch {
	case err == nil:
	case fatal != nil:
		r = run.ended(fatal, record.Record())
	default:
		r = &sim.Result{Verdict: sim.Inconclusive, Record: record.Record(), Stack: printed.String(), Why: fmt.Sprintf("the process of the run ended: %v", err)}
	}
	if replay, ok := source.(*scheduler.Replay); ok {
		r.Unmatched = replay.Unmatched()
	}
	return r
}

// converse starts the process, answers what it asks, and returns its result.
func (s Subject) converse(record *scheduler.Decider, printed *bytes.Buffer, run *course) (*sim.Result, error) {
	cmd, scenario := s.Command(), s.Simulation.Scenario()
	questions, ask, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer questions.Close()
	answer, answers, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, ask.Close())
	}
	defer answers.Close()
	cmd.ExtraFiles = []*os.File{answer, ask}
	cmd.Stdout, cmd.Stderr = s.Stderr, printed
	cmd.Env = append(cmd.Environ(), ApartVariable+"="+scenario.Name)
	if lacks := s.Simulation.Lacks(); lacks != "" {
		cmd.Env = append(cmd.Env, withoutVariable+"="+lacks)
	}
	if scenario.Generate != nil {
		inputs, err := json.Marshal(scenario.Inputs)
		if err != nil {
			return nil, err
		}
		cmd.Env = append(cmd.Env, inputsVariable+"="+string(inputs))
	}
	if s.stores {
		cmd.Env = append(cmd.Env, storesVariable+"=1")
	}
	if s.endless {
		cmd.Env = append(cmd.Env, endlessVariable+"=1")
	}
	err = cmd.Start()
	_, _ = answer.Close(), ask.Close() // the process has its own
	if err != nil {
		return nil, err
	}
	r, err := talk(record, questions, answers, run)
	waited := cmd.Wait()
	switch {
	case err != nil && run.began && cmd.ProcessState.Exited():
		err = &Exit{cmd.ProcessState.ExitCode()}
	case err != nil && waited != nil:
		err = waited
	}
	return r, err
}

func talk(record *scheduler.Decider, questions io.Reader, answers io.Writer, run *course) (judged *sim.Result, err error) {
	from, to := gob.NewDecoder(questions), gob.NewEncoder(answers)
	for {
		var m said
		err := from.Decode(&m)
		switch {
		case err != nil && judged != nil:
			return judged, nil
		case err != nil:
			return nil, err
		case m.Last:
			return m.Result, nil
		case m.Result != nil:
			judged = m.Result
			continue
		case m.Began:
			run.began = true
			continue
		case m.Step != nil:
			run.follow(m.Step, m.Done)
			continue
		case m.Did != nil:
			record.Did(*m.Did)
			continue
		case m.Note != "":
			record.Note(m.Note)
			continue
		}
		if err := to.Encode(record.Choose(*m.Decision)); err != nil {
			return nil, err
		}
	}
}

func init() { gob.Register(event.Value{}) }
