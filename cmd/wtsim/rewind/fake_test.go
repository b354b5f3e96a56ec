package rewind

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"testing"

	"github.com/google/go-dap"
)

// asDelve has the test's binary be a delve.
const asDelve = "REWIND_AS_DELVE"

func TestMain(m *testing.M) {
	if os.Getenv(asDelve) != "" && len(os.Args) == 4 && os.Args[1] == "dap" {
		conn, err := net.Dial("tcp", os.Args[3])
		if err != nil {
			panic(err)
		}
		f := &fakeDelve{peer: newPeer(conn), lines: map[int]int{}, next: 1000 * (os.Getpid() % 100)}
		f.serve()
		_ = conn.Close()
		return
	}
	os.Exit(m.Run())
}

// fakeDelve debugs a program whose steps are 1 to 9: each begins with its line of
// app.go, at the clock of the step before, and passes by the hook if it is the one
// to stop at. Its numbers of breakpoints are another process's.
type fakeDelve struct {
	*peer
	stop  int         // the step of the hook
	lines map[int]int // breakpoints, by line
	hook  int         // the breakpoint there, 0 if none
	next  int         // the last number of a breakpoint
	at    int         // line n is 2n, the hook of step n is 2n+1
	quiet bool        // it has left the hook's frames
}

func (f *fakeDelve) serve() {
	for m := range f.messages {
		switch m.Command {
		case "initialize":
			f.grant(m, map[string]any{"supportsStepBack": false, "supportsDataBreakpoints": true})
		case "launch":
			_, err := fmt.Sscan(part[struct{ Env map[string]string }](m.Arguments).Env["STEP"], &f.stop)
			if err != nil {
				f.refuse(m, "no step")
				return
			}
			f.tell("initialized", nil)
			f.grant(m, nil)
		case "setBreakpoints":
			clear(f.lines)
			body := dap.SetBreakpointsResponseBody{Breakpoints: []dap.Breakpoint{}}
			for _, b := range part[dap.SetBreakpointsArguments](m.Arguments).Breakpoints {
				f.next++
				f.lines[b.Line] = f.next
				body.Breakpoints = append(body.Breakpoints, dap.Breakpoint{Id: f.next, Verified: true, Line: b.Line})
			}
			f.grant(m, body)
		case "setFunctionBreakpoints":
			f.hook = 0
			body := dap.SetFunctionBreakpointsResponseBody{Breakpoints: []dap.Breakpoint{}}
			for range part[dap.SetFunctionBreakpointsArguments](m.Arguments).Breakpoints {
				f.next++
				f.hook = f.next
				body.Breakpoints = append(body.Breakpoints, dap.Breakpoint{Id: f.next, Verified: true})
			}
			f.grant(m, body)
		case "evaluate":
			f.grant(m, dap.EvaluateResponseBody{Result: fmt.Sprint((f.at - 1) / 2)})
		case "stackTrace":
			f.grant(m, f.stack(part[dap.StackTraceArguments](m.Arguments)))
		case "configurationDone", "continue":
			f.grant(m, nil)
			f.run()
		case "stepOut":
			f.grant(m, nil)
			f.quiet = true
			f.tell("stopped", dap.StoppedEventBody{Reason: "step", ThreadId: 7})
		case "next":
			f.grant(m, nil)
			f.at = f.at/2*2 + 2
			f.tell("stopped", dap.StoppedEventBody{Reason: "step", ThreadId: 7})
		case "disconnect":
			f.grant(m, nil)
			return
		default:
			f.grant(m, nil)
		}
	}
}

func (f *fakeDelve) run() {
	for f.quiet = false; f.at < 19; {
		f.at++
		switch id := f.lines[f.at/2]; {
		case f.at%2 == 0 && id != 0:
			f.tell("stopped", dap.StoppedEventBody{Reason: "breakpoint", ThreadId: 7, HitBreakpointIds: []int{id}})
			return
		case f.at == 2*f.stop+1 && f.hook != 0:
			f.tell("stopped", dap.StoppedEventBody{Reason: "function breakpoint", ThreadId: 7, HitBreakpointIds: []int{f.hook}})
			return
		}
	}
	f.tell("terminated", nil)
}

func (f *fakeDelve) stack(a dap.StackTraceArguments) dap.StackTraceResponseBody {
	frame := func(path string, line int) dap.StackFrame {
		return dap.StackFrame{Source: &dap.Source{Path: path}, Line: line}
	}
	all := []dap.StackFrame{frame("app.go", f.at/2), frame("main.go", 1)}
	if f.at%2 == 1 && !f.quiet {
		all = append([]dap.StackFrame{frame("sim.go", 1), frame("client.go", 2)}, all...)
	}
	total := len(all)
	all = all[min(a.StartFrame, total):]
	return dap.StackTraceResponseBody{StackFrames: all[:min(a.Levels, len(all))], TotalFrames: total}
}

// driver is an editor's, of the program that the fake runs.
type driver struct {
	*peer
	t      *testing.T
	events []message
	served chan bool
}

func drive(t *testing.T, first int) *driver {
	t.Setenv(asDelve, "1")
	p := &Program{
		Delve: os.Args[0], Binary: "app", Env: map[string]string{"A": "b"}, StepIn: "STEP", Hook: "sim.Stopped", Clock: "clock", Steps: []int{2, 4, 6, 8},
		Told: func(n int) string { return fmt.Sprint("step ", n) }, Own: func(path string) bool { return path == "app.go" || path == "main.go" },
	}
	here, there := net.Pipe()
	d := &driver{peer: newPeer(here), t: t, served: make(chan bool, 1)}
	go func() {
		again, _ := Serve(t.Context(), there, p, first)
		d.served <- again
	}()
	return d
}

func (d *driver) ask(command string, arguments any) message {
	d.t.Helper()
	seq := d.send(message{Type: "request", Command: command, Arguments: raw(arguments)})
	for m := range d.messages {
		if m.Type == "response" && m.RequestSeq == seq {
			if !m.ok() {
				d.t.Fatalf("%s: %s", command, m.why())
			}
			return m
		}
		d.events = append(d.events, m)
	}
	d.t.Fatalf("%s: no answer", command)
	return message{}
}

// stopped is the next stop: what is said of it and the first frame; empty if the
// run has ended.
func (d *driver) stopped() string {
	d.t.Helper()
	for {
		var m message
		if len(d.events) > 0 {
			m, d.events = d.events[0], d.events[1:]
		} else if next, ok := <-d.messages; ok {
			m = next
		} else {
			d.t.Fatal("it has gone")
		}
		if m.Event == "terminated" {
			return ""
		}
		if m.Event != "stopped" {
			continue
		}
		stop := part[dap.StoppedEventBody](m.Body)
		body := part[dap.StackTraceResponseBody](d.ask("stackTrace", dap.StackTraceArguments{ThreadId: 7, Levels: 1}).Body)
		if body.TotalFrames != 2 {
			d.t.Errorf("%d frames are shown, wanted 2", body.TotalFrames)
		}
		said := fmt.Sprintf("%s %s at %s:%d", stop.Reason, stop.Description, body.StackFrames[0].Source.Path, body.StackFrames[0].Line)
		if len(stop.HitBreakpointIds) > 0 {
			said += fmt.Sprint(" ", stop.HitBreakpointIds)
		}
		return said
	}
}

// Whatever way an editor goes, it comes to where it should, and its breakpoints keep
// their numbers though every run is another delve's.
func TestSession(t *testing.T) {
	d := drive(t, 6)
	can := part[map[string]any](d.ask("initialize", map[string]any{}).Body)
	if can["supportsStepBack"] != true || can["supportsDataBreakpoints"] != nil {
		t.Errorf("it can do %v", can)
	}
	d.ask("attach", map[string]any{"port": 1})
	set := func(lines ...int) (numbers []int) {
		a := dap.SetBreakpointsArguments{Source: dap.Source{Path: "app.go"}, Breakpoints: []dap.SourceBreakpoint{}}
		for _, line := range lines {
			a.Breakpoints = append(a.Breakpoints, dap.SourceBreakpoint{Line: line})
		}
		for _, b := range part[dap.SetBreakpointsResponseBody](d.ask("setBreakpoints", a).Body).Breakpoints {
			numbers = append(numbers, b.Id)
		}
		return numbers
	}
	if n := set(3, 8); !slices.Equal(n, []int{1, 2}) {
		t.Errorf("breakpoints %v", n)
	}
	d.ask("configurationDone", nil)
	for _, x := range []struct{ command, want string }{
		{"", "step step 6 at app.go:6"}, // past line 3
		{"next", "step  at app.go:7"},   // out of the hook's frames
		{"stepBack", "step step 6 at app.go:6"},
		{"stepBack", "step step 4 at app.go:4"},
		{"continue", "breakpoint  at app.go:8 [2]"},
		{"reverseContinue", "breakpoint  at app.go:3 [1]"},
		{"reverseContinue", "step step 2 at app.go:2"}, // none is before
		{"stepBack", "step step 2 at app.go:2"},        // nor an operation
		{"restart", "step step 6 at app.go:6"},
		{"reverseContinue", "breakpoint  at app.go:3 [1]"},
		{"stepBack", "step step 2 at app.go:2"}, // line 3 is where the clock is 2
		{"continue", "breakpoint  at app.go:3 [1]"},
		{"continue", "breakpoint  at app.go:8 [2]"},
		{"continue", ""},
		{"stepBack", "step step 8 at app.go:8"}, // after the end
	} {
		if x.command != "" {
			d.ask(x.command, json.RawMessage(`{"threadId":7}`))
		}
		if got := d.stopped(); got != x.want {
			t.Errorf("%s: %q, wanted %q", x.command, got, x.want)
		}
	}
	if n := set(8); !slices.Equal(n, []int{2}) {
		t.Errorf("breakpoints %v", n)
	}
	d.ask("disconnect", nil)
	if again := <-d.served; !again {
		t.Error("one that attaches may not come again")
	}
}
