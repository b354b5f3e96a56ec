package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-dap"
)

// editor drives a debug adapter.
type editor struct {
	t      testing.TB
	conn   net.Conn
	in     *bufio.Reader
	seq    int
	events []dap.Message
	said   strings.Builder // to the console
}

func (e *editor) read() dap.Message {
	e.t.Helper()
	m, err := dap.ReadProtocolMessage(e.in)
	if err != nil {
		e.t.Fatal(err)
	}
	if o, ok := m.(*dap.OutputEvent); ok {
		e.said.WriteString(o.Body.Output)
	}
	return m
}

// ask makes a request and returns its answer, which grants it.
func (e *editor) ask(command string, arguments any) dap.ResponseMessage {
	e.t.Helper()
	e.seq++
	text, err := json.Marshal(map[string]any{"seq": e.seq, "type": "request", "command": command, "arguments": arguments})
	if err != nil {
		e.t.Fatal(err)
	}
	if err := dap.WriteBaseMessage(e.conn, text); err != nil {
		e.t.Fatal(err)
	}
	for {
		m := e.read()
		r, ok := m.(dap.ResponseMessage)
		switch {
		case !ok:
			e.events = append(e.events, m)
		case r.GetResponse().RequestSeq == e.seq && r.GetResponse().Success:
			return r
		default:
			e.t.Fatalf("%s: %+v", command, m)
		}
	}
}

// attached is an editor that a program runs for, with a breakpoint at a line.
func attached(t testing.TB, addr, source string, line int) *editor {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(9 * time.Minute)) // a machine may be busy
	e := &editor{t: t, conn: conn, in: bufio.NewReader(conn)}
	can := e.ask("initialize", dap.InitializeRequestArguments{AdapterID: "go", PathFormat: "path", LinesStartAt1: true, ColumnsStartAt1: true}).(*dap.InitializeResponse)
	if !can.Body.SupportsStepBack {
		t.Error("it cannot step back")
	}
	e.ask("launch", map[string]any{"mode": "exec"})
	e.until("initialized")
	set := e.ask("setBreakpoints", dap.SetBreakpointsArguments{Source: dap.Source{Path: source}, Breakpoints: []dap.SourceBreakpoint{{Line: line}}}).(*dap.SetBreakpointsResponse)
	if len(set.Body.Breakpoints) != 1 || !set.Body.Breakpoints[0].Verified {
		t.Fatalf("%+v", set.Body)
	}
	e.ask("configurationDone", nil)
	return e
}

// until waits for an event.
func (e *editor) until(name string) dap.Message {
	e.t.Helper()
	for {
		var m dap.Message
		if len(e.events) > 0 {
			m, e.events = e.events[0], e.events[1:]
		} else {
			m = e.read()
		}
		event, ok := m.(dap.EventMessage)
		if ok && event.GetEvent().Event == name {
			return m
		}
		if ok && event.GetEvent().Event == "terminated" {
			e.t.Fatalf("the session has ended: %s", &e.said)
		}
	}
}

// stopped waits until the program has stopped, and returns what it says of that,
// where, and in which frame.
func (e *editor) stopped() (said, place string, frame, thread int) {
	e.t.Helper()
	stop := e.until("stopped").(*dap.StoppedEvent).Body
	stack := e.ask("stackTrace", dap.StackTraceArguments{ThreadId: stop.ThreadId, Levels: 20}).(*dap.StackTraceResponse).Body.StackFrames
	if len(stack) == 0 || stack[0].Source == nil {
		e.t.Fatalf("%+v: no frame", stop)
	}
	return stop.Reason + " " + stop.Description, fmt.Sprintf("%s:%d", stack[0].Source.Name, stack[0].Line), stack[0].Id, stop.ThreadId
}

// An editor stops at a step in the user's own frame, goes on, steps back, and
// continues back to what its breakpoint has hit before.
func TestDebugEditor(t *testing.T) {
	t.Parallel() // all of it is in other processes
	long(t)
	dir := ownModule(t)
	file := filepath.Join(dir, "bug.json")
	asWtsim(t, dir, 1, "run", "./countersim:Scenario", "--out", file)
	source := filepath.Join(dir, "countersim", "countersim.go")
	line := lineOf(t, source, "client.Incr(")
	step := stepsOf(t, asWtsim(t, dir, 1, "replay", file, "--full", "--of", "./countersim:Scenario"), "redis INCR hits:hit-1")[1] // which counts it again
	told, addr, wait := debugServer(t, dir, "debug", file, "--of", "./countersim:Scenario", "--step", strconv.Itoa(step), "--dap", "127.0.0.1:0")
	here := fmt.Sprintf("countersim.go:%d", line)
	if !strings.HasPrefix(told[0], fmt.Sprintf("step %d: count #", step)) || !strings.Contains(told[1], here+"  ") {
		t.Errorf("it says %q", told)
	}
	launch, err := os.ReadFile(filepath.Join(dir, ".vscode", "launch.json"))
	if _, port, _ := net.SplitHostPort(addr); err != nil || !strings.Contains(string(launch), `"port": `+port) {
		t.Errorf("launch.json: %v %s", err, launch)
	}
	e := attached(t, addr, source, line)

	said, at, frame, thread := e.stopped()
	if !strings.HasPrefix(said, fmt.Sprintf("step step %d: ", step)) || at != here {
		t.Errorf("it begins at %s: %s", at, said)
	}
	if v := e.ask("evaluate", dap.EvaluateArguments{Expression: "m.Data", FrameId: frame}).(*dap.EvaluateResponse).Body.Result; !strings.Contains(v, "104,105,116") { // hit
		t.Errorf("m.Data is %s", v)
	}
	e.ask("next", dap.NextArguments{ThreadId: thread})
	if said, at, _, thread = e.stopped(); at != fmt.Sprintf("countersim.go:%d", line+1) {
		t.Errorf("next goes to %s: %s", at, said)
	}
	e.ask("stepBack", dap.StepBackArguments{ThreadId: thread}) // over what it has just done
	if said, at, _, thread = e.stopped(); !strings.HasPrefix(said, fmt.Sprintf("step step %d: ", step)) || at != here {
		t.Errorf("step back goes to %s: %s", at, said)
	}
	e.ask("reverseContinue", dap.ReverseContinueArguments{ThreadId: thread}) // the line, before what is in it
	if said, at, _, thread = e.stopped(); said != "breakpoint " || at != here {
		t.Errorf("reverse continue goes to %s: %s", at, said)
	}
	e.ask("reverseContinue", dap.ReverseContinueArguments{ThreadId: thread}) // the delivery before
	if said, at, _, thread = e.stopped(); said != "breakpoint " || at != here {
		t.Errorf("reverse continue goes to %s: %s", at, said)
	}
	first := stepsOf(t, asWtsim(t, dir, 1, "replay", file, "--full", "--of", "./countersim:Scenario"), "redis INCR hits:hit-1")[0]
	e.ask("stepBack", dap.StepBackArguments{ThreadId: thread}) // there is one count before this place, and that is not yet
	if said, _, _, _ = e.stopped(); !regexp.MustCompile(`^step step \d+: `).MatchString(said) || stepIn(said) >= first {
		t.Errorf("step back says %s, wanted a step before %d", said, first)
	}
	e.ask("disconnect", nil)
	if code := wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func stepIn(said string) int {
	n, _ := strconv.Atoi(strings.SplitN(strings.TrimPrefix(said, "step step "), ":", 2)[0])
	return n
}

// stepsOf are the numbers of the story's steps that say something.
func stepsOf(t *testing.T, story, what string) (steps []int) {
	t.Helper()
	n := 0
	for _, line := range strings.Split(story, "\n") {
		if storyLine.MatchString(line) {
			if n++; strings.Contains(line, what) {
				steps = append(steps, n)
			}
		}
	}
	if len(steps) < 2 {
		t.Fatalf("%q is not there twice:\n%s", what, story)
	}
	return steps
}

func lineOf(t *testing.T, file, what string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(text), what)
	if !ok {
		t.Fatalf("%s has no %s", file, what)
	}
	return 1 + strings.Count(before, "\n")
}

// debugServer starts the command, and returns what it says first, where it
// listens, and how it ends.
func debugServer(t testing.TB, dir string, args ...string) (told []string, addr string, wait func() int) {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, args...)
	c.Dir, c.Stderr = dir, os.Stderr
	c.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "DAP server listening at: "); ok {
			return told, at, func() int {
				_ = c.Wait() // its code says how
				return c.ProcessState.ExitCode()
			}
		}
		told = append(told, lines.Text())
	}
	t.Fatalf("it listens nowhere: %q", told)
	return nil, "", nil
}
