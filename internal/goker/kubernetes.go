package goker

import (
	"context"
	"sync"
	"time"
)

var kubernetes = []Kernel{
	{"kubernetes1321", lockChannel, kubernetes1321},
	{"kubernetes5316", channels, kubernetes5316},
	{"kubernetes6632", lockChannel, kubernetes6632},
	{"kubernetes10182", lockChannel, kubernetes10182},
	{"kubernetes25331", channels, kubernetes25331},
	{"kubernetes26980", lockChannel, kubernetes26980},
	{"kubernetes30872", lockOrder, kubernetes30872},
	{"kubernetes38669", channels, kubernetes38669},
	{"kubernetes62464", readerLock, kubernetes62464},
	{"kubernetes70277", channels, kubernetes70277},
	{"kubernetes81091", dataRace, kubernetes81091},
}

// Events are given to a watcher under the lock that the watcher needs to
// stop.
func kubernetes1321(k *K) {
	var mu sync.Mutex
	watchers := map[int]chan int{1: make(chan int)}
	result := watchers[1]
	k.Go(func() { // distribute
		mu.Lock()
		defer mu.Unlock()
		for _, w := range watchers {
			w <- 1
		}
	})
	k.Go(func() { // Stop
		mu.Lock()
		defer mu.Unlock()
		delete(watchers, 1)
		close(result)
	})
}

// A request that is not finished in time leaves its function behind, whose
// result nobody takes.
func kubernetes5316(k *K) {
	const timeout = 5 * time.Millisecond
	k.Go(func() { // finishRequest
		result := make(chan int)
		k.Go(func() {
			time.Sleep(timeout)
			result <- 1
		})
		select {
		case <-result:
		case <-time.After(timeout):
		}
	})
}

// A frame resets the idle timer under the lock that the monitor needs when
// the connection closes.
func kubernetes6632(k *K) {
	var mu sync.Mutex
	reset, connClosed := make(chan bool), make(chan bool)
	k.Go(func() { // monitor
		for {
			select {
			case <-reset:
			case <-connClosed:
				mu.Lock()
				reset = nil
				mu.Unlock()
				return
			}
		}
	})
	k.Go(func() { // WriteFrame
		mu.Lock()
		defer mu.Unlock()
		if reset != nil {
			reset <- true
		}
	})
	k.Go(func() { close(connClosed) })
}

// A pod's status is sent under the lock that its receiver needs for the one
// before.
func kubernetes10182(k *K) {
	var mu sync.Mutex
	statuses, pods := make(chan string), map[string]int{}
	k.Go(func() { // syncBatch, twice
		for range 2 {
			pod := <-statuses
			mu.Lock() // DeletePodStatus
			delete(pods, pod)
			mu.Unlock()
		}
	})
	for _, pod := range []string{"a", "b"} {
		k.Go(func() { // SetPodStatus
			mu.Lock()
			defer mu.Unlock()
			pods[pod]++
			statuses <- pod
		})
	}
}

// A watch reports its error on a channel that nobody reads any more, without
// a look at its context.
func kubernetes25331(k *K) {
	ctx, cancel := context.WithCancel(context.Background())
	errs, results := make(chan error), make(chan error)
	k.Go(func() { // run
		select {
		case err := <-errs:
			cancel()
			results <- err
		case <-ctx.Done():
		}
	})
	k.Go(func() { // a failing watch, and its reader
		select {
		case errs <- context.Canceled:
		case <-ctx.Done():
		}
		select {
		case <-results:
		case <-ctx.Done():
		}
	})
	k.Go(cancel)
}

// Notifications are handed on under the lock that is needed to add one.
func kubernetes26980(k *K) {
	var mu sync.Mutex
	added := sync.NewCond(&mu)
	var pending []int
	next, stop := make(chan int), make(chan bool)
	k.Go(func() { // pop
		mu.Lock()
		defer mu.Unlock()
		for len(pending) == 0 {
			added.Wait()
		}
		select {
		case next <- pending[0]:
		case <-stop:
		}
	})
	k.Go(func() {
		for i := range 2 {
			mu.Lock()
			pending = append(pending, i)
			added.Broadcast()
			mu.Unlock()
		}
		close(stop)
	})
}

// The queue is popped under its lock, which calls the informer; the informer,
// under its own, asks the queue whether it has synced.
func kubernetes30872(k *K) {
	var queue, informer sync.Mutex
	items, clusters := 1, 0
	hasSynced := func() bool {
		queue.Lock()
		defer queue.Unlock()
		return items == 0
	}
	k.Go(func() { // Pop
		queue.Lock()
		defer queue.Unlock()
		items--
		informer.Lock() // addCluster
		defer informer.Unlock()
		clusters++
	})
	k.Go(func() { // ClustersSynced
		informer.Lock()
		defer informer.Unlock()
		if !hasSynced() {
			clusters = 0
		}
	})
}

// A watcher sends its first events to one who has stopped it already.
func kubernetes38669(k *K) {
	input, result := make(chan int), make(chan int, 1)
	k.Go(func() { // process
		defer close(result)
		for i := range 2 {
			result <- i
		}
		for e := range input {
			result <- e
		}
	})
	k.Go(func() { close(input) }) // Stop
}

// A set of processors is read under the read lock, which the default of it
// takes again; a writer may have come between.
func kubernetes62464(k *K) {
	var mu sync.RWMutex
	sets, fallback := map[string]int{}, 8
	get := func(id string) int {
		mu.RLock()
		defer mu.RUnlock()
		return sets[id]
	}
	k.Go(func() { // GetCPUSetOrDefault
		mu.RLock()
		defer mu.RUnlock()
		if get("c") == 0 {
			_ = fallback
		}
	})
	k.Go(func() { // SetDefaultCPUSet
		mu.Lock()
		defer mu.Unlock()
		fallback = 4
	})
}

// A poller without a time limit ticks for one who has what it waited for, and
// does not say so.
func kubernetes70277(k *K) {
	done := make(chan bool)
	poll := func() <-chan bool {
		c := make(chan bool)
		k.Go(func() {
			defer close(c)
			for range 3 {
				select {
				case c <- true:
				case <-done:
					return
				}
			}
		})
		return c
	}
	k.Go(func() { // WaitFor
		for range poll() {
			return
		}
	})
}

// Nodes are filtered in parallel by a plugin that counts without a lock.
func kubernetes81091(k *K) {
	calls := 0
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		k.Go(func() {
			defer wg.Done()
			calls++
		})
	}
	k.Go(func() {
		wg.Wait()
		if calls != 4 {
			k.Wrong("%d calls are counted, wanted 4", calls)
		}
	})
}
