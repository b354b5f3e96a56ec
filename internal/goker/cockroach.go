package goker

import (
	"context"
	"errors"
	"sync"
)

var cockroach = []Kernel{
	{"cockroach584", doubleLock, cockroach584},
	{"cockroach2448", channels, cockroach2448},
	{"cockroach3710", readerLock, cockroach3710},
	{"cockroach6181", readerLock, cockroach6181},
	{"cockroach7504", lockOrder, cockroach7504},
	{"cockroach9935", doubleLock, cockroach9935},
	{"cockroach10214", lockOrder, cockroach10214},
	{"cockroach10790", channels, cockroach10790},
	{"cockroach13197", channels, cockroach13197},
	{"cockroach13755", channels, cockroach13755},
	{"cockroach16167", readerLock, cockroach16167},
	{"cockroach18101", channels, cockroach18101},
	{"cockroach24808", channels, cockroach24808},
	{"cockroach25456", channels, cockroach25456},
	{"cockroach35073", channels, cockroach35073},
}

// A loop leaves with the lock held when gossip is closed; the next one waits
// for it.
func cockroach584(k *K) {
	g := struct {
		mu     sync.Mutex
		closed bool
	}{closed: true}
	loop := func() {
		for {
			g.mu.Lock()
			if g.closed {
				break
			}
			g.mu.Unlock()
		}
	}
	k.Go(func() {
		loop() // bootstrap
		loop() // manage
	})
}

// The store answers a raft event by a callback that the state's loop must
// take; that loop may be sending the next event.
func cockroach2448(k *K) {
	events, callbacks := make(chan func()), make(chan func())
	k.Go(func() { // the state's loop
		for left, handled := 2, 0; left > 0 || handled < 2; {
			select {
			case f := <-callbacks:
				f()
				handled++
			default:
				if left > 0 {
					left--
					events <- func() { callbacks <- func() {} }
				}
			}
		}
		close(events)
	})
	k.Go(func() { // the store's
		for callback := range events {
			callback()
		}
	})
}

// The scan of the raft log holds the store's lock for reading and takes it
// again for each replica; a writer may have come between.
func cockroach3710(k *K) {
	var store, queue sync.RWMutex
	replicas, scanned := 2, 0
	status := func() int {
		store.RLock()
		defer store.RUnlock()
		return replicas
	}
	k.Go(func() { // ForceRaftLogScanAndProcess
		store.RLock()
		defer store.RUnlock()
		for range 2 {
			queue.Lock()
			scanned += status()
			queue.Unlock()
		}
	})
	k.Go(func() { // processRaft
		store.Lock()
		defer store.Unlock()
		replicas++
	})
}

// A lookup in the range cache prints the cache while it holds its lock for
// reading.
func cockroach6181(k *K) {
	var cache sync.RWMutex
	entries := map[string]int{"a": 1}
	size := func() int { // String
		cache.RLock()
		defer cache.RUnlock()
		return len(entries)
	}
	for _, key := range []string{"b", "c"} {
		k.Go(func() {
			cache.RLock()
			_, found := entries[key]
			if !found {
				_ = size()
			}
			cache.RUnlock()
			cache.Lock()
			entries[key]++
			cache.Unlock()
		})
	}
}

// The cache of table names locks itself, then a lease; to release a lease
// locks the lease, then the cache.
func cockroach7504(k *K) {
	var cache, lease sync.Mutex
	names, refs := map[string]bool{"t": true}, 1
	k.Go(func() { // tableNameCache.get
		cache.Lock()
		defer cache.Unlock()
		if names["t"] {
			lease.Lock()
			defer lease.Unlock()
			refs++
		}
	})
	k.Go(func() { // tableState.release
		lease.Lock()
		defer lease.Unlock()
		if refs--; refs == 0 {
			cache.Lock()
			defer cache.Unlock()
			delete(names, "t")
		}
	})
}

// To log an entry locks; that the file cannot be made is told to exit, which
// locks too.
func cockroach9935(k *K) {
	var mu sync.Mutex
	exited := false
	exit := func() {
		mu.Lock()
		defer mu.Unlock()
		exited = true
	}
	createFile := func() error { return errors.New("disk is full") }
	k.Go(func() {
		mu.Lock()
		defer mu.Unlock()
		if err := createFile(); err != nil && !exited {
			exit()
		}
	})
}

// Heartbeats are sent under the lock of the queue and report unreachable
// replicas under raft's; a tick takes them the other way round.
func cockroach10214(k *K) {
	var coalesced, raft sync.Mutex
	beats, unreachable := 1, 0
	k.Go(func() { // sendQueuedHeartbeats
		coalesced.Lock()
		defer coalesced.Unlock()
		for ; beats > 0; beats-- {
			raft.Lock()
			unreachable++
			raft.Unlock()
		}
	})
	k.Go(func() { // tick
		raft.Lock()
		defer raft.Unlock()
		coalesced.Lock()
		defer coalesced.Unlock()
		beats++
	})
}

// When its context ends, a command waits in the background for all it depends
// on; what it has received already never comes again.
func cockroach10790(k *K) {
	ctx, cancel := context.WithCancel(context.Background())
	done := []chan bool{make(chan bool), make(chan bool)}
	k.Go(func() { // beginCmds
		for _, ch := range done {
			select {
			case <-ch:
			case <-ctx.Done():
				k.Go(func() {
					for _, ch := range done {
						<-ch
					}
				})
				return
			}
		}
	})
	k.Go(func() {
		for _, ch := range done {
			select {
			case ch <- true:
			case <-ctx.Done():
				return
			}
		}
	})
	k.Go(cancel)
}

// A transaction waits for the end of its context, which nobody brings about.
func cockroach13197(k *K) {
	type tx struct {
		ctx    context.Context
		cancel context.CancelFunc
	}
	begin := func(parent context.Context) *tx {
		t := &tx{}
		t.ctx, t.cancel = context.WithCancel(parent)
		k.Go(func() { <-t.ctx.Done() }) // awaitDone
		return t
	}
	k.Go(func() { begin(context.Background()) })
}

// Rows that nobody closes keep their watcher.
func cockroach13755(k *K) {
	type rows struct {
		close   context.CancelFunc
		scanned int
	}
	query := func() *rows {
		r := &rows{}
		var ctx context.Context
		ctx, r.close = context.WithCancel(context.Background())
		k.Go(func() { <-ctx.Done() })
		return r
	}
	k.Go(func() {
		r := query()
		r.scanned++
	})
}

// A statement is executed under the read lock of the system configuration,
// which its preparation takes again; an update may have come between.
func cockroach16167(k *K) {
	var config sync.RWMutex
	version := 1
	prepare := func() int {
		config.RLock()
		defer config.RUnlock()
		return version
	}
	k.Go(func() { // execParsed
		config.RLock()
		defer config.RUnlock()
		_ = prepare()
	})
	k.Go(func() { // updateSystemConfig
		config.Lock()
		defer config.Unlock()
		version++
	})
}

// A restore stops to receive when its context ends; who sends goes on.
func cockroach18101(k *K) {
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan bool, 1)
	k.Go(func() { // splitAndScatter
		defer close(ready)
		for range 4 {
			ready <- true
		}
	})
	k.Go(func() {
		for range ready {
			select {
			case <-ctx.Done():
				return
			default:
			}
		}
	})
	k.Go(cancel)
}

// The compactor's start signals itself on a channel that is full already.
func cockroach24808(k *K) {
	signal, stop := make(chan bool, 1), make(chan bool)
	k.Go(func() {
		defer close(stop)
		signal <- true
		signal <- true // Start
		k.Go(func() {
			for {
				select {
				case <-signal:
				case <-stop:
					return
				}
			}
		})
	})
}

// A checksum is awaited that nobody computes, until a stop that comes after.
func cockroach25456(k *K) {
	quiesce, notify := make(chan bool), make(chan bool)
	k.Go(func() {
		select { // getChecksum
		case <-notify:
		case <-quiesce:
		}
		close(quiesce)
	})
}

// An outbox that cannot start leaves its rows' senders alone.
func cockroach35073(k *K) {
	rows, setup := make(chan int, 2), errors.New("no connection")
	k.Go(func() {
		for i := range 3 {
			rows <- i
		}
	})
	k.Go(func() { // outbox.run
		if setup != nil {
			return
		}
		for range rows {
		}
	})
}
