package goker

import (
	"errors"
	"sync"
	"time"
)

var moby = []Kernel{
	{"moby4395", channels, moby4395},
	{"moby4951", lockOrder, moby4951},
	{"moby7559", doubleLock, moby7559},
	{"moby17176", doubleLock, moby17176},
	{"moby25384", missing, moby25384},
	{"moby28462", lockChannel, moby28462},
	{"moby29733", missing, moby29733},
	{"moby30408", missing, moby30408},
	{"moby33781", channels, moby33781},
	{"moby36114", doubleLock, moby36114},
}

// A function's error is sent to one who does not wait for it.
func moby4395(k *K) {
	start := func(f func() error) chan error {
		ch := make(chan error)
		k.Go(func() { ch <- f() })
		return ch
	}
	k.Go(func() { _ = start(func() error { return errors.New("failed") }) })
}

// To delete a device gives the set's lock back for a while, and keeps the
// device's; another one takes them in order.
func moby4951(k *K) {
	var set, device sync.Mutex
	deleted := 0
	for range 2 {
		k.Go(func() { // DeleteDevice
			set.Lock()
			defer set.Unlock()
			device.Lock()
			defer device.Unlock()
			set.Unlock() // removeDeviceAndWait
			time.Sleep(time.Millisecond)
			set.Lock()
			deleted++
		})
	}
}

// A proxy's loop goes on after an error with the lock held.
func moby7559(k *K) {
	var mu sync.Mutex
	tracked := map[int]bool{}
	dial := func(client int) error {
		if client == 1 {
			return errors.New("refused")
		}
		return nil
	}
	k.Go(func() {
		for client := range 3 {
			mu.Lock()
			if err := dial(client); err != nil {
				continue
			}
			tracked[client] = true
			mu.Unlock()
		}
	})
}

// A clean-up that finds nothing to do returns with the lock held.
func moby17176(k *K) {
	var mu sync.Mutex
	deleted := 0
	cleanUp := func() {
		mu.Lock()
		if deleted == 0 {
			return
		}
		deleted = 0
		mu.Unlock()
	}
	k.Go(func() {
		cleanUp()
		cleanUp()
	})
}

// Plugins are waited for inside of the loop that starts them.
func moby25384(k *K) {
	plugins := []string{"a", "b"}
	var group sync.WaitGroup
	group.Add(len(plugins))
	k.Go(func() {
		for range plugins {
			k.Go(group.Done)
			group.Wait()
		}
	})
}

// Health checks are stopped by a message that is sent under the lock that the
// monitor needs for its result.
func moby28462(k *K) {
	var mu sync.Mutex
	stop, results := make(chan bool), 0
	k.Go(func() { // monitor
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				mu.Lock() // handleProbeResult
				results++
				mu.Unlock()
			}
		}
	})
	k.Go(func() { // StateChanged
		time.Sleep(time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		stop <- true
	})
}

// A plugin is activated without a word to those who wait for it.
func moby29733(k *K) {
	var mu sync.Mutex
	activated := sync.NewCond(&mu)
	active := false
	k.Go(func() { // waitActive
		mu.Lock()
		defer mu.Unlock()
		for !active {
			activated.Wait()
		}
	})
	k.Go(func() {
		mu.Lock()
		defer mu.Unlock()
		active = true
	})
}

// That a plugin could not be activated wakes those who wait, and they wait
// again, for a manifest that never comes.
func moby30408(k *K) {
	var mu sync.Mutex
	activated := sync.NewCond(&mu)
	var manifest, failure error
	k.Go(func() { // waitActive
		mu.Lock()
		defer mu.Unlock()
		for manifest == nil {
			activated.Wait()
		}
	})
	k.Go(func() {
		mu.Lock()
		defer mu.Unlock()
		failure = errors.New("no such plugin")
		if failure != nil {
			activated.Broadcast()
		}
	})
}

// A probe's result is for a monitor that has been stopped meanwhile.
func moby33781(k *K) {
	stop := make(chan bool)
	k.Go(func() { // monitor
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				results := make(chan error)
				k.Go(func() { results <- nil })
				select {
				case <-stop:
					return
				case <-results:
				}
			}
		}
	})
	k.Go(func() {
		time.Sleep(2 * time.Millisecond)
		close(stop)
	})
}

// Disks are added under the lock of the machine, which each of them takes
// again.
func moby36114(k *K) {
	var mu sync.Mutex
	attached := map[string]bool{}
	hotAdd := func(disk string) {
		mu.Lock()
		defer mu.Unlock()
		attached[disk] = true
	}
	k.Go(func() { // hotAddVHDsAtStart
		mu.Lock()
		defer mu.Unlock()
		for _, disk := range []string{"a", "b"} {
			if !attached[disk] {
				hotAdd(disk)
			}
		}
	})
}
