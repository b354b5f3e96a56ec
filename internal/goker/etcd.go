package goker

import (
	"errors"
	"sync"
	"time"
)

var etcd = []Kernel{
	{"etcd5509", doubleLock, etcd5509},
	{"etcd6708", doubleLock, etcd6708},
	{"etcd6857", channels, etcd6857},
	{"etcd6873", lockChannel, etcd6873},
	{"etcd7492", lockChannel, etcd7492},
	{"etcd10492", doubleLock, etcd10492},
}

// A request on a closed client returns with the read lock held; to switch the
// connection then takes the lock for writing.
func etcd5509(k *K) {
	var mu sync.RWMutex
	closed := true
	acquire := func() error {
		mu.RLock()
		if closed {
			return errors.New("client is closed")
		}
		mu.RUnlock()
		return nil
	}
	k.Go(func() {
		if acquire() != nil {
			mu.Lock()
			defer mu.Unlock()
			closed = true
		}
	})
}

// New endpoints are set under the lock; the leader among them is asked for by
// a request, which takes it for reading.
func etcd6708(k *K) {
	var mu sync.RWMutex
	endpoints := []string{"a"}
	do := func() string {
		mu.RLock()
		defer mu.RUnlock()
		return endpoints[0]
	}
	k.Go(func() { // SetEndpoints
		mu.Lock()
		defer mu.Unlock()
		endpoints = append(endpoints, do())
	})
}

// A node's status is asked for on a channel that its loop, once stopped, does
// not read.
func etcd6857(k *K) {
	status, stop, done := make(chan chan int), make(chan bool), make(chan bool)
	k.Go(func() { // run
		for {
			select {
			case c := <-status:
				c <- 1
			case <-stop:
				close(done)
				return
			}
		}
	})
	k.Go(func() { // Status
		c := make(chan int)
		status <- c
		<-c
	})
	k.Go(func() { // Stop
		select {
		case stop <- true:
		case <-done:
			return
		}
		<-done
	})
}

// Watch broadcasts are stopped under the lock that the goroutine needs whose
// end is waited for.
func etcd6873(k *K) {
	var mu sync.Mutex
	updates, done := make(chan int, 1), make(chan bool)
	sum := 0
	k.Go(func() {
		defer close(done)
		for u := range updates {
			mu.Lock() // coalesce
			sum += u
			mu.Unlock()
		}
	})
	k.Go(func() {
		select { // update
		case updates <- 1:
		default:
		}
		mu.Lock() // stop
		defer mu.Unlock()
		close(updates)
		<-done
	})
}

// A token is assigned under the lock and sent to its keeper, which may need
// the lock to delete an old one.
func etcd7492(k *K) {
	var mu sync.Mutex
	tokens := map[string]bool{"old": true}
	add, stop := make(chan string), make(chan bool)
	k.Go(func() { // the keeper
		expiry := map[string]time.Time{"old": time.Now()}
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case t := <-add:
				expiry[t] = time.Now().Add(time.Hour)
			case <-ticker.C:
				for t, at := range expiry {
					if time.Now().After(at) {
						mu.Lock()
						delete(tokens, t)
						mu.Unlock()
						delete(expiry, t)
					}
				}
			case <-stop:
				return
			}
		}
	})
	k.Go(func() { // assign
		time.Sleep(time.Millisecond)
		mu.Lock()
		tokens["new"] = true
		add <- "new"
		mu.Unlock()
		close(stop)
	})
}

// To renew a lease calls back, under the lock, what locks.
func etcd10492(k *K) {
	var mu sync.Mutex
	remaining := 10
	checkpoint := func() {
		mu.Lock()
		defer mu.Unlock()
		remaining = 0
	}
	k.Go(func() { // Renew
		mu.Lock()
		defer mu.Unlock()
		if remaining > 0 {
			checkpoint()
		}
	})
}
