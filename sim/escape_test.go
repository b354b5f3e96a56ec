package sim_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// No socket that a handler opens leaves the simulation: the run is told by
// function and address, and nobody is reached, whatever the kind of the socket
// and however fast it would have answered. (A driver of a database connected
// to one that listened, and five schedules held.)
func TestNothingEscapes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	reached := make(chan struct{}, 100)
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			reached <- struct{}{}
			_ = c.Close()
		}
	}()
	path := filepath.Join(t.TempDir(), "s")
	unix, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close()
	address := l.Addr().String()
	for what, dial := range map[string]func() error{
		"calls " + address:               func() error { return hungUp(net.Dial("tcp", address)) },
		"calls 127.0.0.1:1 ":             func() error { return hungUp(net.Dial("tcp", "127.0.0.1:1")) },
		"calls [::1]:1 ":                 func() error { return hungUp(net.Dial("tcp", "[::1]:1")) },
		"calls 127.0.0.1:9 (udp) ":       func() error { return hungUp(net.Dial("udp", "127.0.0.1:9")) },
		"calls 127.0.0.1:53 (udp) ":      func() error { return hungUp(net.Dial("udp", "127.0.0.1:53")) },
		"calls " + path + " (unix) ":     func() error { return hungUp(net.Dial("unix", path)) },
		"opens a tcp socket ":            func() error { _, err := net.Listen("tcp", "127.0.0.1:0"); return err },
		"opens a udp socket ":            func() error { _, err := net.ListenPacket("udp", "127.0.0.1:0"); return err },
		"calls db.example":               func() error { _, err := net.LookupHost("db.example"); return err },
		"calls 127.0.0.1:1 past the sea": func() error { return hungUp((&net.Dialer{}).DialContext(context.Background(), "tcp4", "127.0.0.1:1")) },
	} {
		s := scenario(serves("leaks", func(*kit, http.ResponseWriter, *http.Request) {
			if dial() == nil {
				t.Errorf("%s: it succeeds", what)
			}
		}), calls("alice", "leaks"))
		r := compile(t, s).Run(scheduler.Benign{})
		if r.Verdict != sim.Inconclusive || !strings.HasPrefix(r.Why, "leaks "+what) {
			t.Errorf("%q: got %s %s", what, r.Verdict, r.Why)
		}
	}
	if len(reached) > 0 {
		t.Errorf("%d connections have left the simulation", len(reached))
	}
}

// What the test itself does beside, or after, is its own affair.
func TestOthersMayDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := hungUp(net.Dial("tcp", l.Addr().String())); err != nil {
		t.Error(err)
	}
}

// A client that looks where it runs finds nobody, as at home: that is no call
// of the application's.
func TestNobodyAtTheMetadataServer(t *testing.T) {
	s := scenario(serves("asks", func(_ *kit, w http.ResponseWriter, _ *http.Request) {
		for _, host := range []string{"169.254.169.254", "metadata.google.internal"} {
			if _, err := (&http.Client{Transport: &http.Transport{}}).Get("http://" + host + "/"); err == nil {
				t.Errorf("%s is there", host)
			}
			if _, err := http.Get("http://" + host + "/"); err == nil {
				t.Errorf("%s is there", host)
			}
		}
		_, _ = io.WriteString(w, "asked")
	}), calls("alice", "asks"))
	if r := compile(t, s).Run(scheduler.Benign{}); r.Verdict != sim.Held {
		t.Errorf("got %s %s", r.Verdict, r.Why)
	}
}

func hungUp(c net.Conn, err error) error {
	if err == nil {
		_ = c.Close()
	}
	return err
}
