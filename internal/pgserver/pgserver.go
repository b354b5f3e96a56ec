//go:build unix

// Package pgserver starts a real PostgreSQL, of Debian's package or what PATH has:
// empty, of its own, over a socket in a temporary folder, without syncing. It ends
// with the process that has started it, however that ends.
//
// Everything here works inside of a bubble too: it waits in system calls alone, on
// the caller's goroutine.
package pgserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Missing says that there is no server to be started, and what to do.
const Missing = "there is no PostgreSQL on PATH or in /usr/lib/postgresql: apt-get install postgresql"

// Server is a server that runs.
type Server struct {
	Dir            string // its folder, with the socket
	User, Database string // a superuser, and a database that is there

	given   *given // nil if it was started here
	who     *syscall.Credential
	leash   *os.File // it ends when this is closed, by whomever
	process *os.Process
}

// tester is of a test or benchmark what [Start] needs.
type tester interface {
	Helper()
	Cleanup(func())
	Skip(...any)
	Fatal(...any)
}

// Start returns how clients are told of a server that runs until the test is over. It
// skips the test where there is none, unless WTSIM_POSTGRES is set.
func Start(t tester) (dsn string) {
	t.Helper()
	Need(t)
	s, err := Run("max_prepared_transactions=4")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return "host=" + s.Dir + " user=" + User + " dbname=postgres sslmode=disable"
}

// Need skips a test where there is no server, unless WTSIM_POSTGRES is set.
func Need(t tester) {
	t.Helper()
	switch {
	case Found(), os.Getenv(Variable) != "":
	case os.Getenv("WTSIM_POSTGRES") != "":
		t.Fatal("WTSIM_POSTGRES wants a PostgreSQL, and " + Missing)
	default:
		t.Skip(Missing)
	}
}

// User is the server's superuser.
const User = "postgres"

// Found reports whether there is a server to be started.
func Found() bool { return folder() != "" }

// Run starts a server with settings as of postgres -c, "name=value".
func Run(settings ...string) (*Server, error) {
	bin := folder()
	if bin == "" {
		return nil, errors.New(Missing)
	}
	who, err := nobody()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(memory(), "wtsim-pg-") // a short name: a socket's is at most 107 bytes long
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, User: User, Database: "postgres", who: who}
	if err := s.start(bin, settings); err != nil {
		s.Stop()
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

// keeper starts the server, and ends it and removes its folder when its input ends:
// when who has started it has ended.
const keeper = `dir=$1; shift; "$@" >"$dir/log" 2>&1 </dev/null & cat >/dev/null; kill -QUIT $! 2>/dev/null; wait; rm -rf "$dir"/* 2>/dev/null; rmdir "$dir" 2>/dev/null`

func (s *Server) start(bin string, settings []string) error {
	data := filepath.Join(s.Dir, "data")
	if s.who != nil {
		if err := os.Chown(s.Dir, int(s.who.Uid), int(s.who.Gid)); err != nil {
			return err
		}
	}
	if err := s.initialise(bin, data); err != nil {
		return err
	}
	args := []string{"sh", "-c", keeper, "sh", s.Dir, filepath.Join(bin, "postgres"), "-D", data, "-k", s.Dir, "-c", "listen_addresses=", "-c", "fsync=off"}
	for _, x := range settings {
		args = append(args, "-c", x)
	}
	if err := s.onLeash(args); err != nil {
		return err
	}
	return s.ready()
}

// onLeash runs a program whose input ends when this process does.
func (s *Server) onLeash(args []string, environment ...string) error {
	ends := make([]int, 2)
	syscall.ForkLock.RLock()
	err := syscall.Pipe(ends)
	if err == nil {
		syscall.CloseOnExec(ends[0])
		syscall.CloseOnExec(ends[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return err
	}
	reads := os.NewFile(uintptr(ends[0]), "keeper")
	defer func() { _ = reads.Close() }()
	s.leash = os.NewFile(uintptr(ends[1]), "keeper")
	s.process, err = s.run(args, reads, environment...)
	return err
}

// initialise makes the folder of the server's data.
func (s *Server) initialise(bin, data string) error {
	p, err := s.run([]string{filepath.Join(bin, "initdb"), "-D", data, "-U", User, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--wal-segsize=1"}, nil)
	if err != nil {
		return err
	}
	if state, err := p.Wait(); err != nil || !state.Success() {
		text, _ := os.ReadFile(filepath.Join(s.Dir, "output"))
		return fmt.Errorf("initdb: %v %v\n%s", state, err, text)
	}
	return nil
}

// run starts a program in the server's folder, as who may run it.
func (s *Server) run(args []string, input *os.File, environment ...string) (*os.Process, error) {
	path, err := exec.LookPath(args[0])
	if err != nil {
		return nil, err
	}
	output, err := os.Create(filepath.Join(s.Dir, "output"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = output.Close() }()
	return os.StartProcess(path, args, &os.ProcAttr{
		Dir: s.Dir, Env: append([]string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}, environment...), Files: []*os.File{input, output, output},
		Sys: &syscall.SysProcAttr{Credential: s.who, Setpgid: true}, // what ends us by the keyboard does not end it first
	})
}

// ready waits until the server can be connected to.
func (s *Server) ready() error {
	for range 2000 {
		text, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
		switch {
		case strings.Contains(string(text), "ready to accept connections"):
			return nil
		case strings.Contains(string(text), "FATAL"):
			return fmt.Errorf("postgres does not start:\n%s", text)
		}
		pause()
	}
	return errors.New("postgres does not start within 20 s")
}

// pause waits for some real time.
func pause() {
	_, _ = unix.Poll(nil, 10)
}

// Stop ends the server, at once.
func (s *Server) Stop() {
	if s.leash == nil {
		return
	}
	_ = s.leash.Close()
	if s.process != nil {
		_, _ = s.process.Wait()
	}
}

// folder is where the server's programs are; empty if there are none.
func folder() string {
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // Debian has them there, by version
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[len(found)-1])
}

// nobody is who runs the server in root's place, as whom it refuses to run; nil if
// that is somebody else.
func nobody() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err, err2)
}
