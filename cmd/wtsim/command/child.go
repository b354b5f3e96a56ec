package command

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

// jobVariable tells a process that the command has started what it is for.
const jobVariable = "WTSIM_JOB"

// tellJob is the job to do what the arguments say.
const tellJob = "tell"

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
	said   io.Writer     // what it says is copied there, by a pipe
	copied chan struct{} // closed when all is
}

// sayFD is the file to which a child says what it has to say. It is not
// standard output, since handlers write there, by loggers for instance that
// were made before the run captures what is printed.
const sayFD = 3

// newChild prepares a child process with the same arguments.
func newChild(job string, args []string, said, stderr io.Writer) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(exe), said: said}
	c.cmd.Args = append([]string{os.Args[0]}, args...)
	c.cmd.Env = append(os.Environ(), jobVariable+"="+job, "GODEBUG="+godebug())
	c.cmd.Stderr = &c.stderr
	if job == tellJob { // of a search it would be too much
		c.cmd.Stdout = c.cmd.Stderr
	}
	c.stderr.through = stderr
	c.stdin, err = c.cmd.StdinPipe()
	return c, err
}

// start starts the process.
func (c *child) start() error {
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
	go func() {
		_, _ = io.Copy(c.said, r)
		_ = r.Close()
		close(c.copied)
	}()
	return nil
}

// sayFile is where this process, a child, says what it has to say. Processes
// that a handler starts do not get it.
func sayFile() *os.File {
	syscall.CloseOnExec(sayFD)
	return os.NewFile(sayFD, os.Stdout.Name())
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
func (c *child) run() (code int, fatal *search.Fatal, err error) {
	if err := c.start(); err != nil {
		return 0, nil, fmt.Errorf("a process could not be started: %w", err)
	}
	return c.wait()
}

func (c *child) wait() (code int, fatal *search.Fatal, err error) {
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
