package simtest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// recorder is a test that may fail: it keeps what a real one prints.
type recorder struct {
	testing.TB
	name string

	mu      sync.Mutex
	errors  []string // messages of failures
	logs    []string
	failed  bool
	skipped string
}

// record runs f as a test of that name.
func record(t *testing.T, name string, f func(testing.TB)) *recorder {
	t.Helper()
	r := &recorder{TB: t, name: name}
	done := make(chan any)
	go func() {
		defer func() { done <- recover() }()
		f(r)
	}()
	if p := <-done; p != nil {
		t.Fatalf("panic: %v", p)
	}
	return r
}

func (r *recorder) Name() string { return r.name }
func (r *recorder) Helper()      {}

func (r *recorder) Log(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs = append(r.logs, fmt.Sprint(args...))
}

func (r *recorder) Logf(format string, args ...any) { r.Log(fmt.Sprintf(format, args...)) }

func (r *recorder) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprint(args...))
	r.failed = true
}

func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }

func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	r.FailNow()
}

func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

func (r *recorder) Fail()    { r.failed = true }
func (r *recorder) FailNow() { r.failed = true; runtime.Goexit() }

func (r *recorder) Failed() bool { return r.failed }

func (r *recorder) Skip(args ...any) {
	r.skipped = fmt.Sprint(args...)
	runtime.Goexit()
}

func (r *recorder) Skipf(format string, args ...any) { r.Skip(fmt.Sprintf(format, args...)) }

func (r *recorder) SkipNow() { r.Skip("skipped") }

// log is all that was logged.
func (r *recorder) log() string { return strings.Join(r.logs, "\n") }

// wantPass expects a test that has passed and has logged the words.
func (r *recorder) wantPass(t *testing.T, words ...string) {
	t.Helper()
	if r.failed || r.skipped != "" {
		t.Fatalf("failed %t, skipped %q, wanted a pass:\n%v\n%s", r.failed, r.skipped, r.errors, r.log())
	}
	wantWords(t, r.log(), words)
}

// wantFailure expects a test that has failed with the one message and has
// logged the words, in order.
func (r *recorder) wantFailure(t *testing.T, message string, words ...string) {
	t.Helper()
	if len(r.errors) != 1 || r.errors[0] != message {
		t.Fatalf("failed with %q, wanted %q alone; it logged\n%s", r.errors, message, r.log())
	}
	wantWords(t, r.log(), words)
}

func wantWords(t *testing.T, text string, words []string) {
	t.Helper()
	rest := text
	for _, w := range words {
		_, after, found := strings.Cut(rest, w)
		if !found {
			t.Fatalf("logged\n%s\nwanted (in this order) %q", text, w)
		}
		rest = after
	}
}

// setFlag sets a flag of the test binary for the length of a test.
func setFlag(t *testing.T, name, value string) {
	t.Helper()
	before := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := flag.Set(name, before); err != nil {
			t.Error(err)
		}
	})
}

// fresh makes a test run as in a process of its own: in an empty folder,
// without flags, nothing run before.
func fresh(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	setFlag(t, "test.short", "false")
	setFlag(t, "wtsim.first", "true") // what is behind it takes its time
	anotherProcess(t)
}

// anotherProcess forgets what this one has run, until the test ends.
func anotherProcess(t *testing.T) {
	t.Helper()
	ran, called := searched.taken, pasts.of
	searched.taken, pasts.of = map[string]int{}, map[string]*past{}
	t.Cleanup(func() { searched.taken, pasts.of = ran, called })
}

// wantFiles expects files in testdata/wtsim, by name.
func wantFiles(t *testing.T, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.FromSlash(folder))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".html" { // a page beside
			got = append(got, e.Name())
		}
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Fatalf("%s has %q, wanted %q", folder, got, names)
	}
}
