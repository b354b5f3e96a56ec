package bubble

import (
	"context"
	"errors"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Time is virtual and the function's goroutines end: no error.
func TestRun(t *testing.T) {
	began := time.Now()
	var slept time.Duration
	err := Run(Options{}, func(*Beat) {
		start := time.Now()
		time.Sleep(time.Hour)
		slept = time.Since(start)
	})
	if err != nil || slept != time.Hour || time.Since(began) > 10*time.Second {
		t.Errorf("err %v, slept %v in %v", err, slept, time.Since(began))
	}
}

// A goroutine that is left behind is told with its stack.
func TestLeak(t *testing.T) {
	err := Run(Options{}, func(*Beat) {
		go leakHere(make(chan int))
	})
	var leak *Leak
	if !errors.As(err, &leak) {
		t.Fatalf("got %+v", err)
	}
	if left := leak.Goroutines(); len(left) != 1 || !strings.Contains(left[0].Caller(), "bubble.leakHere (bubble_test.go:") {
		t.Fatalf("got %+v", left)
	}
}

func leakHere(c chan int) { <-c }

// A wait for a mutex whose holder sleeps cannot end: the bubble is abandoned,
// and the next one works.
func TestStuck(t *testing.T) {
	err := Run(Options{}, func(*Beat) {
		var mu sync.Mutex
		mu.Lock()
		go func() { mu.Lock() }()
		synctest.Wait()
	})
	var stuck *Stuck
	if !errors.As(err, &stuck) || stuck.Busy || len(stuck.Goroutines) != 1 || !strings.Contains(stuck.Goroutines[0].State, "Mutex") {
		t.Fatalf("got %+v", err)
	}
	if err := Run(Options{}, func(*Beat) {}); err != nil {
		t.Error(err)
	}
}

// A bubble that was abandoned stays where it is when what held it up ends
// after all: its handlers' time is over.
func TestAbandoned(t *testing.T) {
	outside, went := make(chan struct{}), make(chan struct{})
	err := Run(Options{}, func(b *Beat) {
		go func() { <-outside }()
		b.Wait()
		close(went)
	})
	var stuck *Stuck
	if !errors.As(err, &stuck) || stuck.Goroutines[0].State != "chan receive" {
		t.Fatalf("got %+v", err)
	}
	close(outside)
	select {
	case <-went:
		t.Error("the bubble went on")
	case <-time.After(20 * time.Millisecond):
	}
}

// An endless computation is given up after Busy, and not before.
func TestBusy(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	err := Run(Options{Blocked: 20 * time.Millisecond, Busy: 100 * time.Millisecond}, func(*Beat) {
		for spin(stop) {
		}
	})
	var stuck *Stuck
	if !errors.As(err, &stuck) || !stuck.Busy {
		t.Fatalf("got %+v", err)
	}
}

// A system call may take longer than Blocked: a disk can be slow.
func TestSystemCall(t *testing.T) {
	for busy, wanted := range map[time.Duration]bool{time.Minute: true, 100 * time.Millisecond: false} {
		ends := make([]int, 2)
		if err := syscall.Pipe(ends); err != nil {
			t.Fatal(err)
		}
		written := time.AfterFunc(300*time.Millisecond, func() { _, _ = syscall.Write(ends[1], []byte{1}) })
		err := Run(Options{Blocked: 20 * time.Millisecond, Busy: busy}, func(*Beat) {
			_, _ = syscall.Read(ends[0], make([]byte, 1))
		})
		var stuck *Stuck
		if ended := !errors.As(err, &stuck); ended != wanted || !ended && !strings.HasPrefix(stuck.Goroutines[0].State, "syscall") {
			t.Errorf("given up after %v: got %+v", busy, err)
		}
		written.Stop()
		_, _ = syscall.Write(ends[1], []byte{1}) // so that the reader ends
		for _, end := range ends {
			_ = syscall.Close(end)
		}
	}
}

func spin(stop chan struct{}) bool {
	select {
	case <-stop:
		return false
	default:
		return true
	}
}

// A panic of the function is the caller's.
func TestPanic(t *testing.T) {
	defer func() {
		if p := recover(); p != "boom" {
			t.Errorf("recovered %v", p)
		}
	}()
	_ = Run(Options{}, func(*Beat) { panic("boom") })
}

// Stacks are found by a label's value, which goroutines inherit.
func TestLabelled(t *testing.T) {
	ready, stop := make(chan struct{}), make(chan struct{})
	defer close(stop)
	pprof.Do(context.Background(), pprof.Labels("wtsim-test", `a "b"`), func(context.Context) {
		go func() { close(ready); <-stop }()
	})
	<-ready
	showLabels()
	if got := Labelled("wtsim-test")[`a "b"`]; len(got) != 1 || !strings.Contains(got[0].Stack, "TestLabelled") {
		t.Errorf("got %q", got)
	}
}

func BenchmarkRun(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = Run(Options{}, func(*Beat) {})
	}
}
