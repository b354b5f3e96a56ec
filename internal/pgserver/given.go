//go:build unix

package pgserver

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Variable names a server that is there already, in place of one that is started:
// postgres://user:password@127.0.0.1:5432/postgres. It is to be of this machine, and of a
// user whose processes we may stop.
const Variable = "WTSIM_POSTGRES_URL"

// given is where a server is that is there already.
type given struct {
	address  syscall.Sockaddr
	host     string // as an IP address
	port     int
	password string
}

// Given returns the server that [Variable] names; nil if it is not set. Nothing has been
// asked of it yet.
func Given() (*Server, error) {
	text := os.Getenv(Variable)
	if text == "" {
		return nil, nil
	}
	s, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w, wanted postgres://user:password@127.0.0.1:5432/postgres", Variable, err)
	}
	return s, nil
}

func parse(text string) (*Server, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("it is no URL")
	}
	host, port := u.Hostname(), 5432
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip := net.ParseIP(host)
	switch mode := u.Query().Get("sslmode"); {
	case u.Scheme != "postgres" && u.Scheme != "postgresql":
		return nil, fmt.Errorf("its scheme is %q", u.Scheme)
	case ip == nil || !ip.IsLoopback():
		return nil, fmt.Errorf("%q is not on loopback: its sessions are stopped by signals", host)
	case u.User.Username() == "":
		return nil, errors.New("it names no user")
	case len(u.Query()) > 1 || len(u.Query()) == 1 && mode == "":
		return nil, errors.New("it has parameters other than sslmode")
	case mode != "" && mode != "disable" && mode != "prefer" && mode != "allow":
		return nil, fmt.Errorf("it has sslmode=%s, which is not had over loopback", mode)
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil || port < 1 || port > 65535 {
			return nil, fmt.Errorf("its port is %q", p)
		}
	}
	g := &given{host: ip.String(), port: port}
	g.password, _ = u.User.Password()
	if four := ip.To4(); four != nil {
		g.address = &syscall.SockaddrInet4{Port: port, Addr: [4]byte(four)}
	} else {
		g.address = &syscall.SockaddrInet6{Port: port, Addr: [16]byte(ip)}
	}
	s := &Server{User: u.User.Username(), Database: strings.TrimPrefix(u.Path, "/"), given: g}
	if s.Database == "" {
		s.Database = s.User
	}
	return s, nil
}

// Own reports whether the server was started here: it has the settings that it was given.
func (s *Server) Own() bool { return s.given == nil }

// Password is what the user says to be let in.
func (s *Server) Password() string {
	if s.given == nil {
		return ""
	}
	return s.given.password
}

// Stoppable is nil if the process that has a connection's session can be stopped and told
// to go on: it is one of this machine that says that it is that, and we may.
func (s *Server) Stoppable(c *Conn, pid int) error {
	if s.given == nil {
		return nil
	}
	local, err := syscall.Getsockname(c.fd)
	if err != nil {
		return err
	}
	port := 0
	switch a := local.(type) {
	case *syscall.SockaddrInet4:
		port = a.Port
	case *syscall.SockaddrInet6:
		port = a.Port
	}
	title, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !strings.HasPrefix(string(title), "postgres: ") || !strings.Contains(string(title), fmt.Sprintf("(%d)", port)) {
		return errors.New("its processes are not those of this machine (as of a container), wanted one whose sessions can be stopped by signals")
	}
	if err := syscall.Kill(pid, 0); err != nil {
		return fmt.Errorf("its processes cannot be stopped by signals: %w, wanted one of the user who runs this, or root", err)
	}
	return nil
}

// tidier drops the databases of a process when its input ends.
const tidier = `cat >/dev/null; echo "SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', datname) FROM pg_database WHERE left(datname, length('$1')) = '$1' \\gexec" | "$2" -X -q -h "$3" -p "$4" -U "$5" -d "$6"`

// DropAtEnd has the databases whose names begin so dropped when this process ends, if
// there is psql.
func (s *Server) DropAtEnd(prefix string) error {
	psql, err := exec.LookPath("psql")
	if err != nil {
		psql = filepath.Join(folder(), "psql")
		if _, err := os.Stat(psql); err != nil {
			return nil //nolint:nilerr // the next process that uses the server drops them
		}
	}
	if s.Dir, err = os.MkdirTemp("", "wtsim-pg-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(s.Dir) }()
	args := []string{"sh", "-c", tidier, "sh", prefix, psql, s.given.host, strconv.Itoa(s.given.port), s.User, s.Database}
	return s.onLeash(args, "PGPASSWORD="+s.given.password)
}
