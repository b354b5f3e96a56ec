package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/internal/program"
	"github.com/wtsim/wtsim/sim"
)

// A program's processes are not debugged from their start: the run waits, where
// the step's operation is made, until delve has attached itself to the process
// that makes it.

// debugPrograms are the programs of a scenario.
type debugPrograms struct {
	Roots []string // the folders of their modules' sources
}

// programsOf are the programs among functions.
func programsOf(functions []sim.Function) (*debugPrograms, error) {
	all := &debugPrograms{}
	for _, f := range functions {
		if f.Main == nil {
			continue
		}
		p, err := program.Find(f.Main.Package)
		if err != nil {
			return nil, err
		}
		root := p.Dir
		if p.Module != nil {
			root = p.Module.Dir
		}
		if !slices.Contains(all.Roots, root) {
			all.Roots = append(all.Roots, root)
		}
	}
	return all, nil
}

// isProgram tells whether a function is one.
func isProgram(functions []sim.Function, name string) bool {
	return slices.ContainsFunc(functions, func(f sim.Function) bool { return f.Name == name && f.Main != nil })
}

// own tells whether a source file is of a program.
func (p *debugPrograms) own(path string) bool {
	return !strings.Contains(path, "/vendor/") && slices.ContainsFunc(p.Roots, func(root string) bool { return strings.HasPrefix(path, root+"/") })
}

// heldProcess is the process that makes the operation: it waits.
type heldProcess struct {
	PID  int
	Work uint32 // for which its goroutine makes it
}

// hold returns what tells file 3 of the process at the step, and waits until a
// debugger has all of it.
func hold() func(pid int, work uint32) {
	asked, held := make(chan int), make(chan struct{})
	go func() { // in real time
		for pid := range asked {
			for !traced(pid) {
				time.Sleep(10 * time.Millisecond)
			}
			held <- struct{}{}
		}
	}()
	return func(pid int, work uint32) {
		told := os.NewFile(3, "held")
		if told == nil || json.NewEncoder(told).Encode(heldProcess{pid, work}) != nil {
			return // nobody debugs
		}
		asked <- pid
		<-held
	}
}

// traced tells whether a debugger has a process, each of its threads; so does one
// that has ended.
func traced(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, t := range threads {
		if text, err := os.ReadFile(t); err == nil && strings.Contains(string(text), "\nTracerPid:\t0\n") {
			return false
		}
	}
	return true
}

// held runs the world until the process of the step waits for delve. end ends
// it.
func (d *debugger) held(step int) (p heldProcess, end func(), err error) {
	if _, err := os.Stat("/proc/self/task"); err != nil {
		return p, nil, errors.New("debug: the process of a program is debugged on Linux alone")
	}
	from, told, err := os.Pipe()
	if err != nil {
		return p, nil, err
	}
	defer from.Close()
	c := exec.Command(d.bin.path, append([]string{"debug"}, d.bin.args...)...)
	c.Env, c.ExtraFiles, c.Stderr = append(os.Environ(), d.variables(step)...), []*os.File{told}, os.Stderr
	err = c.Start()
	_ = told.Close()
	if err != nil {
		return p, nil, err
	}
	end = func() { _, _ = c.Process.Kill(), c.Wait() }
	if err := json.NewDecoder(from).Decode(&p); err != nil {
		end()
		return p, nil, fmt.Errorf("debug: the run has ended before step %d", step)
	}
	return p, end, nil
}

// heldAt is held for an editor.
func (d *debugger) heldAt(step int) (pid int, work uint32, end func(), err error) {
	p, end, err := d.held(step)
	return p.PID, p.Work, end, err
}

// work is the field of a goroutine that has for what it works.
const work = "runtime.curg.wtsimWork"

var (
	goroutineLine = regexp.MustCompile(`(?m)^[* ] Goroutine (\d+) - .*$`)
	workLine      = regexp.MustCompile(`(?m)^[* ] Goroutine (\d+) - .*\n(\d+)$`)
)

// waitsForAnswer are frames of a goroutine whose operation the run decides about:
// of a connection, and of gRPC, whose own goroutines read.
var waitsForAnswer = regexp.MustCompile(`net\.\(\*wtsimConn\)\.|google\.golang\.org/grpc\.`)

// programPlace finds the goroutine of the program's that makes the operation, the
// user's frame of it, and where that is: empty if a client's own goroutine makes it.
func (d *debugger) programPlace() (frame, place string, err error) {
	out, err := d.do("goroutines -t 500\ngoroutines -exec print " + work + "\nexit\n")
	if err != nil {
		return "", "", err
	}
	works := map[string]string{}
	for _, m := range workLine.FindAllStringSubmatch(out, -1) {
		works[m[1]] = m[2]
	}
	at := goroutineLine.FindAllStringSubmatchIndex(out, -1)
	for i, m := range at {
		end := len(out)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		goroutine, stack := out[m[2]:m[3]], out[m[1]:end]
		f, p := frameOf(stack, d.main.ownFrame)
		mine := works[goroutine] == strconv.Itoa(int(d.work))
		if f != "" && waitsForAnswer.MatchString(stack) && (mine || frame == "") {
			frame, place, d.there = f, p, "goroutine "+goroutine+"\n"
			if mine {
				break
			}
		}
	}
	return frame, place, nil
}

// ownFrame tells whether a place in delve's stack is of a program: below the
// current folder it says the rest of the path.
func (p *debugPrograms) ownFrame(_, place string) bool {
	if rest, ok := strings.CutPrefix(place, "./"); ok {
		dir, err := os.Getwd()
		return err == nil && p.own(filepath.Join(dir, rest))
	}
	return p.own(place)
}

// attach is delve on the process of the step. end ends the run.
func (d *debugger) attach() (c *exec.Cmd, end func(), err error) {
	p, end, err := d.held(d.step)
	if err != nil {
		return nil, nil, err
	}
	d.work = p.Work
	c = exec.Command(d.delve, "attach", strconv.Itoa(p.PID), "--allow-non-terminal-interactive=true", "--init", d.init)
	c.Stdin = strings.NewReader("y\n") // the process ends with delve
	return c, end, nil
}
