package sim

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/scheduler"
)

// The runs of an isolated scenario are processes of their own: package-level
// variables and init functions are made anew for each, with the emulator
// variables of its services in the environment.
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

// Apart says how a process is started for one run of an isolated scenario:
// one that calls [Simulation.Serve].
func (s *Simulation) Apart(command func() *exec.Cmd) { s.command = command }

// Outside returns a simulation of the same scenario each of whose runs is a
// process of its own, so that one may end its process.
func (s *Simulation) Outside() *Simulation {
	out := *s
	out.outside = true
	return &out
}

// said is what the process of a run says: a decision that it wants taken, or
// at last the result.
type said struct {
	Decision *scheduler.Decision
	Note     string                // words for the newest deviation
	Did      *scheduler.Transition // what has happened
	Result   *Result
}

// Serve runs the scenario once for the process that has started this one, and
// returns when it is told.
func (s *Simulation) Serve() error {
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
	s.served = true
	return source.to.Encode(said{Result: s.Run(source)})
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

// runApart runs the scenario in a process of its own.
func (s *Simulation) runApart(source scheduler.Source) *Result {
	if s.command == nil {
		return &Result{Verdict: Inconclusive, Why: "it is isolated: its runs are processes, which `wtsim run` and simtest.Check start", Record: &scheduler.Record{}}
	}
	record := scheduler.NewDecider(source)
	var printed bytes.Buffer
	r, err := s.converse(record, &printed)
	fatal := ReadFatal("", printed.String())
	switch {
	case err == nil:
	case fatal != nil:
		r = &Result{Verdict: Violated, Record: record.Record(), Stack: fatal.Stack, Violation: fatal.Violation()}
	default:
		r = &Result{Verdict: Inconclusive, Record: record.Record(), Stack: printed.String(), Why: fmt.Sprintf("the process of the run ended: %v", err)}
	}
	if replay, ok := source.(*scheduler.Replay); ok {
		r.Unmatched = replay.Unmatched()
	}
	return r
}

// converse starts the process, answers what it asks, and returns its result.
func (s *Simulation) converse(record *scheduler.Decider, printed *bytes.Buffer) (*Result, error) {
	cmd := s.command()
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
	cmd.Stderr = printed
	cmd.Env = append(cmd.Environ(), ApartVariable+"="+s.scenario.Name, "WTSIM_EPOCH="+strconv.FormatInt(s.scenario.Epoch.UnixNano(), 10))
	if s.scenario.without != "" {
		cmd.Env = append(cmd.Env, withoutVariable+"="+s.scenario.without)
	}
	if s.general != nil {
		inputs, err := json.Marshal(s.scenario.Inputs)
		if err != nil {
			return nil, err
		}
		cmd.Env = append(cmd.Env, inputsVariable+"="+string(inputs))
	}
	if s.scenario.Isolated {
		cmd.Env = append(cmd.Env, s.scenario.environment()...)
	}
	err = cmd.Start()
	_, _ = answer.Close(), ask.Close() // the process has its own
	if err != nil {
		return nil, err
	}
	r, err := talk(record, questions, answers)
	if waited := cmd.Wait(); err != nil && waited != nil {
		err = waited
	}
	return r, err
}

func talk(record *scheduler.Decider, questions io.Reader, answers io.Writer) (*Result, error) {
	from, to := gob.NewDecoder(questions), gob.NewEncoder(answers)
	for {
		var m said
		if err := from.Decode(&m); err != nil {
			return nil, err
		}
		switch {
		case m.Result != nil:
			return m.Result, nil
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

// address is where clients that take an address find the scenario's n-th
// service: one of the addresses that are kept for documentation (RFC 5737).
func address(n int) string { return fmt.Sprintf("192.0.2.%d", 10+n) }

// servicePort is any: an address is a service's whatever the port.
const servicePort = "8085"

// environment is what the process of a run gets: the emulator variables that
// the services' clients honour, and what the scenario says.
func (s Scenario) environment() []string {
	out := slices.Clone(s.Platform.Variables)
	for n, v := range s.Services {
		if e, ok := v.(cloud.Emulated); ok {
			name, value := e.Emulator(address(n) + ":" + servicePort)
			out = append(out, name+"="+value)
		}
	}
	for _, e := range s.Environ {
		out = append(out, os.Expand(e, s.expand))
	}
	return out
}

// expand is the meaning of ${service}, ${service.host} and ${service.port}.
func (s Scenario) expand(name string) string {
	for n, v := range s.Services {
		switch name {
		case v.Name():
			return address(n) + ":" + servicePort
		case v.Name() + ".host":
			return address(n)
		case v.Name() + ".port":
			return servicePort
		}
	}
	return ""
}
