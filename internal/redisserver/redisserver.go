// Package redisserver starts a real Redis for a test, the one on PATH: empty, of its
// own, on a port of this machine.
package redisserver

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// Start returns the address of a server that runs until the test is over, with more
// arguments than its port and its folder. It skips the test where there is none,
// unless WTSIM_REDIS is set.
func Start(t testing.TB, args ...string) (addr string) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("WTSIM_REDIS") != "" {
			t.Fatal(err)
		}
		t.Skip("there is no redis-server on PATH: make conformance installs it")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().(*net.TCPAddr)
	_ = l.Close() // free, and most likely still so in a moment
	server := exec.Command(path, append([]string{"--port", strconv.Itoa(at.Port), "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir()}, args...)...)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for range 200 {
		var c net.Conn
		if c, err = net.Dial("tcp", at.String()); err == nil {
			_ = c.Close()
			return at.String()
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal(err)
	return ""
}
