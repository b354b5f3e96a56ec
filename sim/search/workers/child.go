package workers

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"github.com/wtsim/wtsim/sim/search"
)

// jobVariable tells a process that another one has started what it is for.
const jobVariable = "WTSIM_JOB"

// Job is what a child process is for.
type Job struct {
	Verb string
	Args []int
}

// CurrentJob returns the job of this process; ok is false if it has none.
func CurrentJob() (j Job, ok bool) {
	fields := strings.Fields(os.Getenv(jobVariable))
	if len(fields) == 0 {
		return Job{}, false
	}
	j.Verb = fields[0]
	for _, f := range fields[1:] {
		n := 0
		if _, err := fmt.Sscan(f, &n); err != nil {
			return Job{}, false
		}
		j.Args = append(j.Args, n)
	}
	return j, true
}

// String is the job as a process is told it.
func (j Job) String() string {
	s := j.Verb
	for _, n := range j.Args {
		s += fmt.Sprint(" ", n)
	}
	return s
}

// Unknown is the error of a process that does not know its job.
func (j Job) Unknown() error { return fmt.Errorf("%s=%q is not a job", jobVariable, j) }

// Child is a process of this program that does a job.
type Child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser // closed to ask it to stop
	stderr tail
	said   io.Writer     // what it says is copied there, by a pipe
	copied chan struct{} // closed when all is
}

// sayFD is the file to which a child says what it has to say. It is not
// standard output, since handlers write there, by loggers for instance that
// were made before the run captures what is printed.
const sayFD = 3

// NewChild makes a child of a command that starts a process of this program.
// What it says is written to said, what it prints on standard error to stderr,
// but for a fatal error; both may be nil.
func NewChild(cmd *exec.Cmd, job Job, said, stderr io.Writer) (*Child, error) {
	c := &Child{cmd: cmd, said: said}
	cmd.Env = search.Labelled(append(cmd.Environ(), jobVariable+"="+job.String()))
	cmd.Stderr = &c.stderr
	c.stderr.through = stderr
	var err error
	c.stdin, err = cmd.StdinPipe()
	return c, err
}

// PassOutput passes on what the child prints on standard output, too, as what
// it prints on standard error. Of a search it would be too much.
func (c *Child) PassOutput() { c.cmd.Stdout = c.cmd.Stderr }

// Start starts the process.
func (c *Child) Start() error {
	c.copied = make(chan struct{})
	if f, ok := c.said.(*os.File); ok { // that it cannot write there is for it to say
		close(c.copied)
		c.cmd.ExtraFiles = []*os.File{f}
		return c.cmd.Start()
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	c.cmd.ExtraFiles = []*os.File{w}
	err = c.cmd.Start()
	_ = w.Close()
	if err != nil {
		_ = r.Close()
		return err
	}
	go func() { //wtsim:go no part of a run: it reads what a process says
		_, _ = io.Copy(c.said, r)
		_ = r.Close()
		close(c.copied)
	}()
	return nil
}

// SayFile is where this process, a child, says what it has to say. Processes
// that a handler starts do not get it.
func SayFile() *os.File {
	syscall.CloseOnExec(sayFD)
	return os.NewFile(sayFD, os.Stdout.Name())
}

// Stop asks the child to stop.
func (c *Child) Stop() { _ = c.stdin.Close() }

// Kill ends the child.
func (c *Child) Kill() { _ = c.cmd.Process.Kill() }

// Run starts the child and waits for its end.
func (c *Child) Run() (code int, fatal *search.Fatal, err error) {
	if err := c.Start(); err != nil {
		return 0, nil, fmt.Errorf("a process could not be started: %w", err)
	}
	return c.Wait()
}

// Wait waits for the child's end: its exit code, or the fatal error of a
// handler. The error is one of ours, or says that somebody else has ended it.
func (c *Child) Wait() (code int, fatal *search.Fatal, err error) {
	err = c.cmd.Wait()
	<-c.copied
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, nil, err
	}
	if exit != nil {
		if fatal := search.ReadFatal(exit.Error(), c.stderr.String()); fatal != nil {
			return exit.ExitCode(), fatal, nil
		}
	}
	if code := c.cmd.ProcessState.ExitCode(); code >= 0 {
		return code, nil, nil
	}
	return 0, nil, &killedError{c.cmd.ProcessState.String()}
}

// State is how the child has ended.
func (c *Child) State() *os.ProcessState { return c.cmd.ProcessState }

// killedError says that somebody else has ended a process: the system, when
// memory is short, or a person. It says nothing about the application.
type killedError struct{ how string }

func (e *killedError) Error() string {
	return "a process of the search was ended from outside: " + e.how
}

// tail keeps the end of what a child prints on standard error, from where a
// fatal error begins if one does, and passes on what comes before: a fatal
// error is told in our own words.
type tail struct {
	mu      sync.Mutex
	buf     []byte
	through io.Writer
	fatal   bool
}

const tailSize = 1 << 18

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fatal = t.fatal || search.BeginsFatal(p)
	switch {
	case !t.fatal && len(t.buf)+len(p) > 2*tailSize:
		t.buf = append(t.buf[:0], lastOf(append(t.buf, p...), tailSize)...)
	case len(t.buf) < 3*tailSize: // the beginning of a fatal error counts
		t.buf = append(t.buf, p...)
	}
	if t.through != nil && !t.fatal {
		_, _ = t.through.Write(p)
	}
	return len(p), nil
}

func lastOf(p []byte, n int) []byte { return p[max(0, len(p)-n):] }

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
