package goker

import "sync"

var serving = []Kernel{{"serving2137", lockChannel, serving2137}}

var syncthing = []Kernel{
	{"syncthing4829", doubleLock, syncthing4829},
	{"syncthing5795", channels, syncthing5795},
}

// Requests pass a breaker one at a time; they are let go, and awaited, in the
// order in which they were made, which may not be that in which they pass.
func serving2137(k *K) {
	pending, active := make(chan bool, 2), make(chan bool, 1)
	maybe := func(thunk func()) bool {
		select {
		case pending <- true:
			active <- true
			thunk()
			<-active
			<-pending
			return true
		default:
			return false
		}
	}
	type request struct {
		mu       sync.Mutex
		accepted chan bool
	}
	var requests []*request
	thunks := 0
	for range 2 {
		r := &request{accepted: make(chan bool, 1)}
		r.mu.Lock()
		requests = append(requests, r)
		k.Go(func() {
			r.accepted <- maybe(func() {
				r.mu.Lock()
				thunks++
				r.mu.Unlock()
			})
		})
	}
	k.Go(func() {
		for _, r := range requests {
			r.mu.Unlock()
			<-r.accepted
		}
	})
}

// A mapping's addresses are cleared under its lock; those who are notified
// take it for reading.
func syncthing4829(k *K) {
	var mu sync.RWMutex
	addresses := map[string]bool{"a": true}
	notify := func() int {
		mu.RLock()
		defer mu.RUnlock()
		return len(addresses)
	}
	k.Go(func() { // clearAddresses
		mu.Lock()
		defer mu.Unlock()
		clear(addresses)
		_ = notify()
	})
}

// A connection is closed by the model, whom its dispatcher calls, and waits
// for the dispatcher to end.
func syncthing5795(k *K) {
	closed, stopped, inbox := make(chan bool), make(chan bool), make(chan func(), 1)
	var once sync.Once
	closeConn := func() {
		once.Do(func() {
			close(closed)
			<-stopped
		})
	}
	k.Go(func() { // dispatcherLoop
		defer close(stopped)
		for {
			select {
			case message := <-inbox:
				message()
			case <-closed:
				return
			}
		}
	})
	k.Go(func() { inbox <- closeConn }) // ClusterConfig
}
