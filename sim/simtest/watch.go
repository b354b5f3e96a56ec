package simtest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// A handler that ends its process (os.Exit, log.Fatal, a panic of a goroutine
// of its own) ends the tests with it. So another process of the same binary
// watches them: it is told which schedule is being run, and when the tests have
// ended in the middle of one, it has that looked at by a third, whose runs are
// processes of their own, so that what is found is named, reduced and saved as
// ever.

// watchVariable makes a process of this binary a watching one; endedVariable
// tells one which schedule has ended the tests.
const (
	watchVariable = "WTSIM_WATCH"
	endedVariable = "WTSIM_ENDED"
)

func init() {
	if os.Getenv(watchVariable) != "" {
		watch()
		os.Exit(0)
	}
}

// watch reads what is being run until nobody is there to tell, and looks at
// what has not ended.
func watch() {
	running := ""
	for lines := bufio.NewScanner(os.NewFile(3, "running")); lines.Scan(); {
		running = lines.Text()
	}
	test, _, _ := strings.Cut(running, "\t")
	if test == "" {
		return
	}
	cmd := itself(test)
	cmd.Env = append(os.Environ(), watchVariable+"=", endedVariable+"="+running)
	if told, err := cmd.CombinedOutput(); err != nil { // else it was no handler's doing
		_, _ = os.Stdout.Write(told)
	}
}

// itself is a process of this binary that runs one test.
func itself(test string) *exec.Cmd {
	exe, err := os.Executable()
	if err != nil {
		exe = os.Args[0]
	}
	return exec.Command(exe, "-test.run", pattern(test), "-test.timeout", "5m")
}

// watched is the pipe to the watching process, which is started when it is
// first needed; nil if there can be none.
var watched = sync.OnceValue(func() *os.File {
	out, in, err := os.Pipe()
	if err != nil {
		return nil
	}
	defer out.Close()
	cmd := itself("none")
	cmd.Env = append(os.Environ(), watchVariable+"=1")
	cmd.ExtraFiles, cmd.Stdout, cmd.Stderr = []*os.File{out}, os.Stdout, os.Stderr
	if cmd.Start() != nil {
		return nil
	}
	return in
})

// guard tells the watching process what is run from now on, until done is
// called: first what a search begins with.
func (c *check) guard(o search.Options) (at func(number int), done func()) {
	pipe := watched()
	if pipe == nil {
		return func(int) {}, func() {}
	}
	at = func(number int) {
		_, _ = fmt.Fprintf(pipe, "%s\t%s\t%d\t%d\t%d\n", c.t.Name(), c.subject.Scenario().Name, number, o.FirstSeed, o.Schedules)
	}
	at(0)
	return at, func() { _, _ = fmt.Fprintln(pipe) }
}

// ended looks at the schedule that has ended the tests, in a process that is
// there for that. It reports whether this is one.
func (c *check) ended() bool {
	c.t.Helper()
	fields := strings.Split(os.Getenv(endedVariable), "\t")
	if len(fields) != 5 {
		return false
	}
	var o search.Options
	var number int
	_, err := fmt.Sscan(strings.Join(fields[2:], " "), &number, &o.FirstSeed, &o.Schedules)
	if err != nil || fields[0] != c.t.Name() || fields[1] != c.subject.Scenario().Name {
		c.t.SkipNow()
	}
	c.subject.Command = func() *exec.Cmd { return itself(c.t.Name()) }
	c.subject = c.subject.Outside()
	schedule := scheduler.Schedule{Source: scheduler.Benign{}}
	if number > 0 {
		if schedule, _, err = c.subject.Schedule(o, number); err != nil {
			c.t.Fatal(err)
		}
	}
	if c.subject, err = c.subject.Of(o, number); err != nil {
		c.t.Fatal(err)
	}
	if r := c.subject.Run(schedule.Source); r.Verdict == sim.Violated && r.Violation.Property == sim.NoExit {
		c.violated(number, schedule.Seed, r)
		c.t.FailNow()
	}
	return true
}
