// Package early starts, before main, what programs start there.
package early

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var (
	started  = time.Now()
	work     = make(chan func())
	stop     = make(chan struct{})
	ticks    int
	slept    time.Duration
	dialled  = make(chan error, 1)
	drawn    = rand.Uint64()
	listener = must(net.Listen("tcp", "127.0.0.1:0"))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func init() {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	go func() {
		for f := range work {
			f()
		}
	}()
	go func() {
		every := time.NewTicker(time.Minute)
		for {
			select {
			case <-every.C:
				ticks++
			case <-stop:
				return
			}
		}
	}()
	go func() { _, _ = listener.Accept() }()
	go func() {
		_, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", "192.0.2.1:80")
		dialled <- err
	}()
	time.Sleep(time.Second)
	slept = time.Since(started)
}

// The goroutines, channels and timers of package initialisation are those of
// the process's first bubble, whose time goes on where they left it.
func TestEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if time.Now() != started.Add(time.Second) || slept != time.Second {
			t.Errorf("started %v, slept %v, it is %v", started, slept, time.Now())
		}
		answer := make(chan int)
		work <- func() { answer <- 1 }
		<-answer
		synctest.Wait() // although somebody waits for the network, and for signals
		time.Sleep(10*time.Minute - time.Second)
		synctest.Wait()
		fmt.Printf("early %d %d ticks at %s\n", drawn, ticks, time.Now().UTC().Format(time.RFC3339Nano))
		if err := <-dialled; err == nil || !strings.Contains(err.Error(), "when package initialisation has ended") {
			t.Errorf("dialled: %v", err)
		}
		close(stop)
		close(work)
		_ = listener.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		if time.Now().UTC().Year() != 2000 {
			t.Errorf("another bubble begins at %v", time.Now())
		}
	})
}
