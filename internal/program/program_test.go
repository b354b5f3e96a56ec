package program

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// hello is built once.
var hello = sync.OnceValues(func() (Binary, error) { return Build("./testdata/hello") })

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newHello(t *testing.T) *Process {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the standard library; runs without -short")
	}
	b, err := hello()
	if err != nil {
		t.Fatal(err)
	}
	p, err := start(&Spec{Binary: b.Path, Env: []string{"PORT=8080", "GOMAXPROCS=1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// talk is a conversation as text.
type talk struct {
	t    *testing.T
	p    *Process
	next int64
}

func (c *talk) exchange(after time.Duration, in ...Record) (string, error) {
	next, out, err := c.p.Exchange(epoch.Add(after).UnixNano(), uint64(after)+1, in)
	c.next = next
	var text strings.Builder
	for _, r := range out {
		fmt.Fprintf(&text, "%d %d %d %s\n", r.Kind, r.ID, r.Work, strings.SplitN(string(r.Data), "\x00", 2)[0])
	}
	return text.String(), err
}

// must fails the test unless the process has done what is wanted.
func (c *talk) must(want string, after time.Duration, in ...Record) string {
	c.t.Helper()
	got, err := c.exchange(after, in...)
	if err != nil || !strings.Contains(got, want) {
		c.t.Fatalf("after %v: %q, %v, wanted %q; printed %s", after, got, err, want, c.p.Output())
	}
	return got
}

func call(path string) []Record {
	return []Record{{Kind: Accept, ID: 1 << 31, Work: 7, Data: []byte("8080")},
		{Kind: Data, ID: 1 << 31, Data: []byte("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")}}
}

// What a process does is a function of what it is told, from the
// initialisation of its packages on: time is the world's.
func TestExchange(t *testing.T) {
	want := ""
	for range 5 {
		c := &talk{t: t, p: newHello(t)}
		c.must("3 8080 0 \n", time.Minute)
		if at := time.Unix(0, c.next).UTC().Sub(epoch); at != time.Minute+time.Second {
			t.Fatalf("the next timer is due after %v", at)
		}
		c.must("", 2*time.Minute, call("/hello")...)
		got := c.must("5 2147483648 7 HTTP/1.1 200 OK", 2*time.Minute+time.Second)
		if want == "" {
			want = got
		}
		if got != want || !strings.Contains(got, " 1m1s 2026-01-01 00:01:01 +0000 UTC") {
			t.Fatalf("got %q, wanted %q", got, want)
		}
		if got := c.p.Output(); got != "serving on 8080\n" {
			t.Errorf("printed %q", got)
		}
	}
}

// A process tells how it ends.
func TestEnds(t *testing.T) {
	for name, in := range map[string][]Record{"/fatal": call("/fatal"), "SIGTERM": {{Kind: Signal, ID: 15}}} {
		c := &talk{t: t, p: newHello(t)}
		c.must("3 8080", 0)
		got := c.must("os.Exit", time.Second, in...)
		if _, err := c.exchange(2 * time.Second); !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
		t.Log(name, got, c.p.Ended(), c.p.Output())
	}
	c := &talk{t: t, p: newHello(t)}
	c.must("3 8080", 0)
	c.must("10 0 7 boom", time.Second, call("/panic")...)
}

// How long it takes from the start of a process to its first operation, which
// here is that it listens: to be started, which is done before it is wanted, and
// to initialise its packages and begin, which is not.
func BenchmarkStart(b *testing.B) {
	built, err := hello()
	if err != nil {
		b.Fatal(err)
	}
	var started, begun time.Duration
	for b.Loop() {
		began := time.Now()
		p, err := start(&Spec{Binary: built.Path, Env: []string{"PORT=8080", "GOMAXPROCS=1"}})
		if err != nil {
			b.Fatal(err)
		}
		started += time.Since(began)
		began = time.Now()
		if _, _, err := p.Exchange(epoch.UnixNano(), 1, nil); err != nil {
			b.Fatal(err)
		}
		begun += time.Since(began)
		p.Kill()
	}
	b.ReportMetric(started.Seconds()*1000/float64(b.N), "ms/exec")
	b.ReportMetric(begun.Seconds()*1000/float64(b.N), "ms/begin")
}

// What one exchange costs.
func BenchmarkExchange(b *testing.B) {
	built, err := hello()
	if err != nil {
		b.Fatal(err)
	}
	p, err := start(&Spec{Binary: built.Path, Env: []string{"PORT=8080", "GOMAXPROCS=1"}})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Kill()
	for b.Loop() {
		if _, _, err := p.Exchange(epoch.UnixNano(), 1, nil); err != nil {
			b.Fatal(err)
		}
	}
}
