package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/wtsim/wtsim/sim"
)

// jobVariable tells a process that the command has started what it is for.
const jobVariable = "WTSIM_JOB"

// job is what a child process does:
//
//	search I N F L...  run the schedules of worker I of N that come after F
//	report N L...      run schedule N again, shrink it and report it
//	journal N L...     run schedule N and print each deviation as it is decided
//	survey             run what mutate is about as it is
//	weaken I           search without the I-th guarantee, reduce what is found
//	tell               do what the arguments say, in this process
//
// L are schedules that must not be run again.
type job struct {
	verb string
	args []int64
}

func currentJob() (job, bool) {
	fields := strings.Fields(os.Getenv(jobVariable))
	if len(fields) == 0 {
		return job{}, false
	}
	j := job{verb: fields[0]}
	for _, f := range fields[1:] {
		var n int64
		if _, err := fmt.Sscan(f, &n); err != nil {
			return job{}, false
		}
		j.args = append(j.args, n)
	}
	return j, true
}

// child is a process of this executable.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser // closed to ask it to stop
	stderr tail
}

// newChild prepares a child process with the same arguments.
func newChild(job string, args []string, stdout, stderr io.Writer) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(exe)}
	c.cmd.Args = append([]string{os.Args[0]}, args...)
	c.cmd.Env = append(os.Environ(), jobVariable+"="+job, "GODEBUG="+godebug())
	c.cmd.Stdout = stdout
	c.cmd.Stderr = &c.stderr
	c.stderr.through = stderr
	c.stdin, err = c.cmd.StdinPipe()
	return c, err
}

// godebug asks for the goroutines' labels in a fatal error's stacks, which
// tell the function.
func godebug() string {
	v := "tracebacklabels=1"
	if old := os.Getenv("GODEBUG"); old != "" {
		v = old + "," + v
	}
	return v
}

// run starts the child and waits for its end.
func (c *child) run() (code int, fatal *sim.Fatal, err error) {
	if err := c.cmd.Start(); err != nil {
		return 0, nil, fmt.Errorf("a process could not be started: %w", err)
	}
	return c.wait()
}

func (c *child) wait() (code int, fatal *sim.Fatal, err error) {
	err = c.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, nil, err
	}
	if exit != nil {
		if fatal := sim.ReadFatal(exit.Error(), c.stderr.String()); fatal != nil {
			return exit.ExitCode(), fatal, nil
		}
	}
	if code := c.cmd.ProcessState.ExitCode(); code >= 0 {
		return code, nil, nil
	}
	return 0, nil, &killedError{c.cmd.ProcessState.String()}
}

// killedError says that somebody else has ended a process: the system, when
// memory is short, or a person. It says nothing about the application.
type killedError struct{ how string }

func (e *killedError) Error() string {
	return "a process of the search was ended from outside: " + e.how
}

// tail keeps the end of what a child prints on standard error, and passes it
// on until a fatal error begins: that is told in our own words.
type tail struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	through io.Writer
	fatal   bool
}

const tailSize = 1 << 18

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.buf.Len() < tailSize {
		t.buf.Write(p)
	}
	t.fatal = t.fatal || sim.BeginsFatal(p)
	if t.through != nil && !t.fatal {
		_, _ = t.through.Write(p)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
