package goker

import (
	"sync"
	"time"
)

var grpc = []Kernel{
	{"grpc660", channels, grpc660},
	{"grpc795", doubleLock, grpc795},
	{"grpc1275", channels, grpc1275},
	{"grpc1424", channels, grpc1424},
	{"grpc1460", lockChannel, grpc1460},
	{"grpc1687", misuse, grpc1687},
	{"grpc3017", doubleLock, grpc3017},
	{"grpc3090", dataRace, grpc3090},
}

// A benchmark's call says that it is done on a channel that nobody reads once
// the benchmark is stopped.
func grpc660(k *K) {
	stop := make(chan bool)
	k.Go(func() { // doCloseLoop
		for range 3 {
			done := make(chan bool)
			k.Go(func() { done <- true })
			select {
			case <-stop:
				return
			case <-done:
			}
		}
	})
	k.Go(func() { close(stop) })
}

// A graceful stop that finds the server draining locks again where it should
// unlock, and the first does not unlock at all.
func grpc795(k *K) {
	var mu sync.Mutex
	draining := false
	stop := func() {
		mu.Lock()
		if draining {
			mu.Lock()
			return
		}
		draining = true
	}
	k.Go(func() {
		stop()
		stop()
	})
}

// A stream's reader is not told that the stream is closed.
func grpc1275(k *K) {
	received, streamClosed := make(chan int), false
	read := make(chan bool)
	k.Go(func() {
		<-received
		close(read)
	})
	k.Go(func() {
		streamClosed = true // CloseStream
		if streamClosed {
			<-read
		}
	})
}

// A dial waits for the balancer's first addresses; that there will be none is
// not told.
func grpc1424(k *K) {
	addresses, done := make(chan []string), make(chan bool)
	stop := make(chan bool)
	k.Go(func() { // lbWatcher
		first := true
		for range addresses {
			if first {
				close(done)
				first = false
			}
		}
	})
	k.Go(func() { // the balancer
		defer close(addresses)
		select {
		case addresses <- []string{"a"}:
		case <-stop:
		}
	})
	k.Go(func() { close(stop) })
	k.Go(func() { <-done }) // DialContext
}

// The keepalive waits for a stream under the lock that a new stream needs.
func grpc1460(k *K) {
	var mu sync.Mutex
	awaken, streams := make(chan bool), 0
	k.Go(func() { // keepalive
		mu.Lock()
		if streams == 0 {
			<-awaken
		}
		mu.Unlock()
	})
	k.Go(func() { // NewStream
		mu.Lock()
		defer mu.Unlock()
		streams++
		if streams == 1 {
			awaken <- true
		}
	})
}

// A status ends the writes of a stream; a late write is sent to the channel
// that was closed.
func grpc1687(k *K) {
	writes, closed := make(chan func()), make(chan bool)
	do := func(f func()) {
		select {
		case <-closed:
			return
		default:
		}
		select {
		case writes <- f:
		case <-closed:
		}
	}
	k.Go(func() { // runStream
		defer close(closed)
		for f := range writes {
			f()
		}
	})
	k.Go(func() { // WriteStatus
		do(func() {})
		close(writes)
	})
	k.Go(func() { do(func() {}) }) // Write
}

// The timer that removes a cached connection returns with the lock held if it
// comes too late.
func grpc3017(k *K) {
	var mu sync.Mutex
	cached := false
	var timer *time.Timer
	var aborted *bool
	remove := func() {
		mu.Lock()
		defer mu.Unlock()
		cached = true
		abort := new(bool)
		aborted = abort
		timer = time.AfterFunc(time.Millisecond, func() {
			mu.Lock()
			if *abort {
				return
			}
			cached = false
			mu.Unlock()
		})
	}
	again := func() { // NewSubConn
		mu.Lock()
		defer mu.Unlock()
		if cached && !timer.Stop() {
			*aborted = true
		}
		cached = false
	}
	k.Go(func() {
		for range 3 {
			remove()
			time.Sleep(time.Millisecond)
			again()
		}
		time.Sleep(time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		cached = false
	})
}

// A resolver reports its first state before its builder has returned it.
func grpc3090(k *K) {
	type resolver struct{ resolved int }
	var wrapper struct{ resolver *resolver }
	build := func(update func()) *resolver {
		k.Go(update)
		return &resolver{}
	}
	k.Go(func() {
		wrapper.resolver = build(func() { wrapper.resolver.resolved++ })
	})
}
