package goker

import "sync"

var hugo = []Kernel{
	{"hugo3251", lockOrder, hugo3251},
	{"hugo5379", doubleLock, hugo5379},
}

// A remote resource is locked under the lock of the table of locks, which its
// holder needs to unlock it.
func hugo3251(k *K) {
	var table sync.RWMutex
	locks := map[string]*sync.Mutex{}
	lock := func(url string) {
		table.Lock()
		defer table.Unlock()
		if locks[url] == nil {
			locks[url] = new(sync.Mutex)
		}
		locks[url].Lock()
	}
	unlock := func(url string) {
		table.RLock()
		defer table.RUnlock()
		locks[url].Unlock()
	}
	for range 3 {
		k.Go(func() {
			lock("u")
			defer unlock("u")
		})
	}
}

// To render a page's short codes, under its lock, asks for its content.
func hugo5379(k *K) {
	var mu sync.Mutex
	content := ""
	var render func()
	initContent := func() {
		mu.Lock()
		defer mu.Unlock()
		if content == "" {
			render()
		}
	}
	render = func() {
		initContent()
		content = "done"
	}
	k.Go(initContent)
}
