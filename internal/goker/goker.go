// Package goker is a yardstick: kernels of real bugs of concurrent Go
// programs, written afresh from the published descriptions of GoKer (the
// kernels of GoBench: Yuan, Li, Lu, Liu, Li, Xue: GoBench: a benchmark suite
// of real-world Go concurrency bugs, CGO 2021). A kernel keeps what the bug
// needs of the program that it was found in, under the number of the issue or
// pull request that tells of it.
//
// A kernel fails if one of its goroutines never ends, panics, or finds a
// wrong result. Its tests look for that in two ways: as go test -race does,
// and by schedules on the patched runtime.
package goker

import (
	"fmt"
	"sync/atomic"
)

// K is one run of a kernel.
type K struct {
	live   atomic.Int32
	failed atomic.Pointer[string]
}

// Go starts a goroutine of the kernel.
func (k *K) Go(f func()) {
	k.live.Add(1)
	go func() {
		defer k.ended()
		f()
	}()
}

func (k *K) ended() {
	if p := recover(); p != nil {
		k.Wrong("panic: %v", p)
	}
	k.live.Add(-1)
}

// Wrong says that the kernel has a wrong result.
func (k *K) Wrong(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	k.failed.CompareAndSwap(nil, &text)
}

// Live returns how many goroutines of the kernel have not ended.
func (k *K) Live() int { return int(k.live.Load()) }

// Failure returns what has gone wrong so far; empty if nothing has, or if
// goroutines have not ended.
func (k *K) Failure() string {
	if f := k.failed.Load(); f != nil {
		return *f
	}
	return ""
}

// Kernel is one bug.
type Kernel struct {
	Name string // project and number, as GoKer has it
	Bug  string // what kind it is of
	Run  func(*K)
}

// The kinds of bug.
const (
	doubleLock  = "double lock"
	lockOrder   = "lock order"
	readerLock  = "recursive read lock"
	lockChannel = "lock and channel"
	channels    = "channels"
	missing     = "missing wake-up or wait group"
	misuse      = "misuse of a channel"
	dataRace    = "data race"
)

// Kernels returns all kernels.
func Kernels() []Kernel {
	var all []Kernel
	for _, project := range [][]Kernel{cockroach, etcd, grpc, hugo, istio, kubernetes, moby, serving, syncthing} {
		all = append(all, project...)
	}
	return all
}
