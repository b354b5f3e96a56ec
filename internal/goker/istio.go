package goker

import (
	"context"
	"sync"
)

var istio = []Kernel{
	{"istio8967", dataRace, istio8967},
	{"istio16224", lockChannel, istio16224},
	{"istio17860", channels, istio17860},
}

// A source's stop closes its channel and forgets it; the goroutine may look
// for it only then.
func istio8967(k *K) {
	var source struct{ done chan bool }
	source.done = make(chan bool)
	k.Go(func() {
		k.Go(func() { <-source.done }) // Start
		close(source.done)             // Stop
		source.done = nil
	})
}

// A configuration is created under a lock that the handler of its event
// needs.
func istio16224(k *K) {
	var mu sync.Mutex
	events, stop := make(chan int), make(chan bool)
	handled := 0
	k.Go(func() { // the monitor
		for {
			select {
			case <-events:
				mu.Lock()
				handled++
				mu.Unlock()
			case <-stop:
				return
			}
		}
	})
	k.Go(func() {
		mu.Lock()
		for i := range 2 {
			events <- i
		}
		mu.Unlock()
		close(stop)
	})
}

// A proxy says that it has ended to an agent that is not there any more.
func istio17860(k *K) {
	ctx, cancel := context.WithCancel(context.Background())
	statuses := make(chan int)
	k.Go(func() { // Run
		for range 2 {
			select {
			case <-statuses:
			case <-ctx.Done():
				return
			}
		}
	})
	for i := range 2 {
		k.Go(func() { statuses <- i }) // runWait
	}
	k.Go(cancel)
}
