//go:build wtsim_runtime

package seeded

import (
	"context"
	"net"
	"net/http"
	"os"
	_ "os/signal" // holds what Signals sets
	_ "unsafe"    // for go:linkname
)

// Runtime reports whether the runtime is the patched one.
const Runtime = true

// Goroutine seeds what the runtime draws for the calling goroutine: map
// iteration, select, math/rand and all else. Goroutines that it starts draw
// from streams that begin with a draw from its own. The bubble that it is in
// is a seeded one from then on; without a bubble nothing changes.
func Goroutine(seed uint64) { wtsimSeed(seed) }

// Call names the calling goroutine by a number of [Names]: it takes part in
// what a chooser is asked, and so do those that it starts from now on, under
// names that begin with its own.
func Call(number uint32) { wtsimCall(number, false) }

// Recall is [Call] for a goroutine that has a name; others stay without.
func Recall(number uint32) { wtsimCall(number, true) }

// Heir names the next goroutine that the caller starts: it takes part before
// it runs.
func Heir(number uint32) { wtsimHeir(number) }

// Quiet says that the calling goroutine passes through the simulator, or not
// any more: at its locks and channels nobody else goes on, and what it starts
// has no name. It returns what was said before.
func Quiet(quiet bool) (before bool) { return wtsimQuiet(quiet) }

// Chooser makes the calling goroutine the chooser of its bubble, in which the
// goroutines' order is then a decision: choose is asked whenever another
// goroutine with a name could go on in the place of one, and when several
// cases of its select are ready. It must not wait for other goroutines of the
// bubble. Chooser returns after [Stop].
func Chooser(names *Names, choose func(Choice) int) {
	a, answer := new(asked), 0
	for wtsimChoose(int32(answer), a) {
		answer = choose(names.choice(a))
	}
}

// Stop ends the chooser of the caller's bubble, if there is one: goroutines
// go on first come, first served.
func Stop() { wtsimStop() }

// Without the overlay the linker reports that runtime.wtsimSeed is not
// defined.
//
//go:linkname wtsimSeed runtime.wtsimSeed
func wtsimSeed(seed uint64)

// Route makes every connection, and the requests of every HTTP transport, be
// answered by these functions, until it is called with nil.
func Route(dial Dial, roundTrip RoundTrip) { wtsimDial, wtsimRoundTrip = dial, roundTrip }

// Spare makes a goroutine of a bubble that is about to end the process, by a
// panic or by os.Exit, end alone if spare says so. With nil nobody is asked.
func Spare(spare func() bool) { wtsimSpare = spare }

// Signals gives what goroutines ask os/signal for to these functions, until it
// is called with nil. They report whether that is all; else it is the process's.
func Signals(notify func(chan<- os.Signal, []os.Signal) bool, stop func(chan<- os.Signal) bool) {
	wtsimNotify, wtsimStopped = notify, stop
}

//go:linkname wtsimNotify os/signal.wtsimNotify
var wtsimNotify func(chan<- os.Signal, []os.Signal) bool

//go:linkname wtsimStopped os/signal.wtsimStop
var wtsimStopped func(chan<- os.Signal) bool

//go:linkname wtsimSpare runtime.wtsimSpare
var wtsimSpare func() bool

//go:linkname wtsimDial net.wtsimDial
var wtsimDial func(ctx context.Context, network, address string) (net.Conn, error)

//go:linkname wtsimRoundTrip net/http.wtsimRoundTrip
var wtsimRoundTrip func(*http.Request) (*http.Response, error)

//go:linkname wtsimCall runtime.wtsimCall
func wtsimCall(base uint32, rename bool)

//go:linkname wtsimHeir runtime.wtsimHeir
func wtsimHeir(base uint32)

//go:linkname wtsimQuiet runtime.wtsimQuiet
func wtsimQuiet(quiet bool) bool

//go:linkname wtsimChoose runtime.wtsimChoose
func wtsimChoose(answer int32, c *asked) bool

//go:linkname wtsimStop runtime.wtsimStop
func wtsimStop()
