//go:build unix

// Package pgserver starts a real PostgreSQL for a test, of Debian's package or what
// PATH has: empty, of its own, over a socket in a temporary folder, without syncing.
package pgserver

import (
	"bufio"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Start returns how clients are told of a server that runs until the test is over. It
// skips the test where there is none, unless WTSIM_POSTGRES is set.
func Start(t testing.TB) (dsn string) {
	t.Helper()
	bin := folder()
	if bin == "" {
		if os.Getenv("WTSIM_POSTGRES") != "" {
			t.Fatal("there is no PostgreSQL, and WTSIM_POSTGRES wants one: apt-get install postgresql")
		}
		t.Skip("there is no PostgreSQL on PATH or in /usr/lib/postgresql: apt-get install postgresql")
	}
	dir, err := os.MkdirTemp("", "wtsim-pg-") // a short name: a socket's is at most 107 bytes long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	who := nobody(t)
	if who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	command := func(program string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(bin, program), args...)
		c.Dir, c.SysProcAttr = dir, &syscall.SysProcAttr{Credential: who}
		return c
	}
	data := filepath.Join(dir, "data")
	if out, err := command("initdb", "-D", data, "-U", "wtsim", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	server := command("postgres", "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_prepared_transactions=4")
	log, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT) // at once
		_ = server.Wait()
	})
	ready, text := make(chan bool, 1), strings.Builder{}
	go func() {
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "ready to accept connections") {
				ready <- true
			}
			text.WriteString(lines.Text() + "\n")
		}
		close(ready)
	}()
	if !<-ready {
		t.Fatalf("postgres has not started:\n%s", text.String())
	}
	return "host=" + dir + " user=wtsim dbname=postgres sslmode=disable"
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
func nobody(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
