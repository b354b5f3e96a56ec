// Package rewind is a debug adapter (it speaks the Debug Adapter Protocol) for a
// program that does the same whenever it runs. An editor is on one side and delve
// on the other: what delve can do passes through, and what it cannot, going back,
// is done by running the program again.
//
// The program passes by a function, the *hook*, at one *step* of its run, which
// its environment chooses, and has a variable, the *clock*, with the step that it
// is at. That is all that is asked of it.
//
//  1. A session begins with the program stopped at the hook, whatever
//     breakpoints there are; the frames above the user's own are not shown, and
//     the first move leaves them.
//  2. *Step back* goes to the last step before, at which the program can be
//     stopped: from the hook to one before its step, from elsewhere to that of
//     the clock.
//  3. *Reverse continue* goes to the last hit of a breakpoint before, of those
//     there are now; if there is none, to the first step. It counts the hits in
//     a run up to here, and stops at the last but none in another. Within one
//     step here is told by the hits of the line since it began: a breakpoint that
//     was set later goes back too far rather than too short.
//
// Or the program is one that another process runs, which holds it where it makes
// the operation of a step ([Program.Held]). Delve attaches itself to it there. What
// it did before is not seen then: back is a step, and the clock stands still.
package rewind

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net"

	"github.com/google/go-dap"
)

// Program is what is debugged.
type Program struct {
	Delve  string            // its path
	Binary string            // the program's
	Args   []string          // of every run
	Env    map[string]string // of every run
	StepIn string            // the variable of the environment that has the step to stop at

	Hook  string            // the function that is called there, by its full name
	Clock string            // an expression: the step that the run is at
	Steps []int             // those that it can be stopped at, rising
	Told  func(int) string  // a step for people
	Own   func(string) bool // is a source file the user's

	// Held, if not nil, starts a run up to the operation of a step, and returns the
	// process that makes it, and the work for which its goroutine does. The
	// process goes on once it is attached to. end ends the run.
	Held func(step int) (pid int, work uint32, end func(), err error)
	// Waits tells whether a function is one in which an operation waits, and Work
	// is an expression: for what a goroutine works. They are of [Program.Held].
	Waits func(function string) bool
	Work  string
}

// session is one editor's. Its many methods are the requests that are not passed
// through, and how a run is brought to a place.
type session struct {
	program *Program
	ctx     context.Context
	editor  *peer
	delve   *delve
	first   int // the step that it begins with

	hello  message        // the editor's initialize
	launch map[string]any // what delve is to launch, or how to attach
	leave  func()         // ends the run that holds the process, if there is one
	work   uint32         // for which that makes the operation
	wanted wanted

	at     place
	thread int  // that has stopped
	hidden int  // frames of it that are not shown
	over   bool // the run is
	done   bool // the session is
	stays  bool // the server does, when the editor has gone
}

// Serve serves one editor, until it or the program ends. again is true if the
// editor had attached itself, and may do so again.
func Serve(ctx context.Context, conn net.Conn, p *Program, first int) (again bool, err error) {
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &session{program: p, ctx: ctx, editor: newPeer(conn), first: first, wanted: newWanted()}
	defer s.end()
	requests := make(chan message)
	go func() { // so that going back ends when the editor has gone
		defer close(requests)
		defer cancel()
		for m := range s.editor.messages {
			if m.Command == "disconnect" {
				cancel()
			}
			requests <- m
		}
	}()
	err = s.serve(requests)
	_ = conn.Close()
	for range requests {
	}
	return s.stays, err
}

func (s *session) serve(requests <-chan message) error {
	for !s.done {
		if err := s.turn(requests); err != nil {
			s.editor.say("wtsim: %v", err)
			s.editor.tell("terminated", nil)
			return err
		}
	}
	return nil
}

// turn deals with one message.
func (s *session) turn(requests <-chan message) error {
	if s.delve == nil {
		return s.from(requests)
	}
	if len(s.delve.events) > 0 {
		m := s.delve.events[0]
		s.delve.events = s.delve.events[1:]
		return s.event(m)
	}
	select {
	case m, ok := <-s.delve.messages:
		if !ok && s.over {
			return s.from(requests)
		}
		if !ok {
			return errGone
		}
		if m.Type == "event" {
			return s.event(m)
		}
		return nil
	case m, ok := <-requests:
		return s.request(m, ok)
	}
}

func (s *session) from(requests <-chan message) error {
	m, ok := <-requests
	return s.request(m, ok)
}

// request does what the editor asks.
func (s *session) request(m message, ok bool) error {
	if !ok {
		s.done = true
		return nil
	}
	if m.Type != "request" {
		return nil // there are no requests to the editor that would be answered
	}
	if s.delve == nil && m.Command != "initialize" && m.Command != "disconnect" {
		s.editor.refuse(m, m.Command+" before initialize")
		return nil
	}
	switch m.Command {
	case "initialize":
		return s.initialize(m)
	case "launch", "attach":
		return s.launched(m)
	case "setBreakpoints", "setFunctionBreakpoints", "setExceptionBreakpoints":
		return s.breakpoints(m)
	case "configurationDone":
		s.editor.grant(m, nil)
		return s.begin(s.first)
	case "stackTrace":
		return s.stack(m)
	case "next", "stepIn", "stepOut":
		return s.move(m)
	case "stepBack":
		s.editor.grant(m, nil)
		return s.stepBack()
	case "reverseContinue":
		s.editor.grant(m, nil)
		return s.reverse()
	case "restart":
		s.editor.grant(m, nil)
		return s.again(s.first)
	case "disconnect":
		s.editor.grant(m, nil)
		s.editor.tell("terminated", nil)
		s.done = true
		return nil
	}
	return s.through(m)
}

// through lets delve answer a request.
func (s *session) through(m message) error {
	answer, err := s.delve.ask(m.Command, m.Arguments)
	if err != nil {
		return err
	}
	s.editor.pass(m, answer)
	return nil
}

// initialize says what this adapter can do: all that delve can, and going back.
func (s *session) initialize(m message) error {
	if s.delve != nil {
		s.editor.refuse(m, "initialize for the second time")
		return nil
	}
	s.hello = m
	d, err := start(s.ctx, s.program.Delve)
	if err != nil {
		s.editor.refuse(m, err.Error())
		return err
	}
	s.delve = d
	answer, err := d.ask("initialize", m.Arguments)
	if err != nil {
		return err
	}
	if answer.ok() {
		can := part[map[string]any](answer.Body)
		can["supportsStepBack"], can["supportsRestartRequest"] = true, true
		delete(can, "supportsDataBreakpoints") // an address of one run is none of the next
		answer.Body = raw(can)
	}
	s.editor.pass(m, answer)
	return nil
}

// launched has delve load the program. What the editor wants to be shown, and how
// paths are called, is delve's; what is run is not.
func (s *session) launched(m message) error {
	s.stays = m.Command == "attach"
	s.launch = part[map[string]any](m.Arguments)
	if s.launch == nil {
		s.launch = map[string]any{}
	}
	for _, name := range []string{"port", "host", "processId", "cwd", "output", "buildFlags", "noDebug", "stopOnEntry"} {
		delete(s.launch, name)
	}
	if _, ok := s.launch["showPprofLabels"]; !ok {
		s.launch["showPprofLabels"] = []string{"wtsim"} // the invocation that a goroutine works for
	}
	answer, err := s.load(s.first)
	if err != nil {
		return err
	}
	answer.Command = m.Command
	s.editor.pass(m, answer)
	return nil
}

// load has delve load the program, or attach itself to it.
func (s *session) load(step int) (message, error) {
	arguments := maps.Clone(s.launch)
	if s.program.Held == nil {
		env := maps.Clone(s.program.Env)
		env[s.program.StepIn] = fmt.Sprint(step)
		maps.Copy(arguments, map[string]any{"request": "launch", "mode": "exec", "program": s.program.Binary, "args": s.program.Args, "env": env})
		return s.delve.ask("launch", arguments)
	}
	pid, work, end, err := s.program.Held(step)
	if err != nil {
		return message{}, err
	}
	s.work, s.leave = work, end
	for _, name := range []string{"program", "args", "env"} {
		delete(arguments, name)
	}
	maps.Copy(arguments, map[string]any{"request": "attach", "mode": "local", "processId": pid, "stopOnEntry": true})
	return s.delve.ask("attach", arguments)
}

// end ends the program, and the run that holds it.
func (s *session) end() {
	if s.delve != nil {
		s.delve.end()
	}
	if s.leave != nil {
		s.leave()
		s.leave = nil
	}
}

// event deals with what delve tells while the editor has it run.
func (s *session) event(m message) error {
	if m.Event != "stopped" {
		if m.Event == "terminated" {
			s.over, s.at = true, place{step: math.MaxInt32}
		}
		s.editor.send(m)
		return nil
	}
	stop := part[dap.StoppedEventBody](m.Body)
	if err := s.stopped(&stop); err != nil {
		return err
	}
	return s.show(stop)
}

// aside deals with what delve tells on a way of several moves, which is one to the
// editor.
func (s *session) aside(m message) error {
	if m.Event == "continued" {
		return nil
	}
	return s.event(m)
}

// show tells the editor where the program has stopped.
func (s *session) show(stop dap.StoppedEventBody) error {
	stop.HitBreakpointIds = s.wanted.told(stop.HitBreakpointIds)
	s.editor.tell("stopped", stop)
	return nil
}

// stack shows the frames from the user's own on.
func (s *session) stack(m message) error {
	arguments := part[dap.StackTraceArguments](m.Arguments)
	if s.hidden == 0 || arguments.ThreadId != s.thread {
		return s.through(m)
	}
	arguments.StartFrame += s.hidden
	answer, err := s.delve.ask(m.Command, arguments)
	if err != nil {
		return err
	}
	if body := part[dap.StackTraceResponseBody](answer.Body); answer.ok() {
		body.TotalFrames -= s.hidden
		answer.Body = raw(body)
	}
	s.editor.pass(m, answer)
	return nil
}

// move does a step of the user's own frame: what is not shown is left first.
func (s *session) move(m message) error {
	thread := part[struct {
		ThreadID int `json:"threadId"`
	}](m.Arguments).ThreadID
	if s.hidden == 0 || thread != s.thread {
		return s.through(m)
	}
	s.editor.grant(m, nil)
	for s.hidden > 0 {
		stop, err := s.run("stepOut", dap.StepOutArguments{ThreadId: thread}, s.aside)
		if err != nil || stop == nil {
			return s.gone(err)
		}
		if stop.Reason != "step" || stop.ThreadId != thread {
			return s.event(message{Type: "event", Event: "stopped", Body: raw(stop)})
		}
		above, err := s.ownFrame(thread, mostFrames)
		if err != nil {
			return err
		}
		s.hidden = max(above, 0)
	}
	_, err := s.delve.must(m.Command, m.Arguments) // its event is told like all others
	return err
}
