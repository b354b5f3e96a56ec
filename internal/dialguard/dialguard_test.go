package dialguard

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Every way in which package net opens a socket is seen, and nothing is in the
// way when nobody watches.
func TestWatch(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	refused := errors.New("refused")
	var (
		mu   sync.Mutex // a look-up dials on a goroutine of its own
		seen []string
	)
	forget := func() { mu.Lock(); defer mu.Unlock(); seen = nil }
	look := func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(seen) }
	if !Watch(func(network, address string) error {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, network+" "+address)
		return refused
	}, nil) {
		t.Fatal("the sockets of the process are not seen")
	}
	defer Watch(nil, nil)
	dead := filepath.Join(t.TempDir(), "socket")
	for name, open := range map[string]func() error{
		"tcp " + l.Addr().String(): func() error { return closed(net.Dial("tcp", l.Addr().String())) },
		"tcp 192.0.2.1:443":        func() error { return closed(net.Dial("tcp", "192.0.2.1:443")) },
		"tcp [::1]:80":             func() error { return closed(net.Dial("tcp", "[::1]:80")) },
		"udp 192.0.2.1:53":         func() error { return closed(net.Dial("udp", "192.0.2.1:53")) },
		"unix " + dead:             func() error { return closed(net.Dial("unix", dead)) },
		"tcp ":                     func() error { _, err := net.Listen("tcp", "127.0.0.1:0"); return err },
		"udp ":                     func() error { _, err := net.ListenPacket("udp", "127.0.0.1:0"); return err },
	} {
		forget()
		if err := open(); !errors.Is(err, refused) || !slices.Contains(look(), name) {
			t.Errorf("%s: got %v, seen %q", name, err, look())
		}
	}
	forget()
	_, _ = (&net.Resolver{PreferGo: true}).LookupHost(context.Background(), "wtsim.invalid")
	if len(look()) == 0 {
		t.Error("a look-up is not seen")
	}
	Watch(nil, nil)
	if err := closed(net.Dial("tcp", l.Addr().String())); err != nil {
		t.Error(err)
	}
}

func closed(c net.Conn, err error) error {
	if err == nil {
		_ = c.Close()
	}
	return err
}

// Where nothing is seen, people are told.
func TestUnseen(t *testing.T) {
	if got := unseen(true); got != "" {
		t.Errorf("got %q", got)
	}
	if got := unseen(false); !strings.Contains(got, runtime.GOOS) || !strings.Contains(got, "is not noticed") {
		t.Errorf("got %q", got)
	}
	if got := Unseen(true); got != "" {
		t.Errorf("patched: got %q", got)
	}
}
