//go:build !wtsim_runtime

package seeded

import "os"

// Runtime reports whether the runtime is the patched one.
const Runtime = false

// Goroutine does nothing: plain Go draws at random.
func Goroutine(uint64) {}

// Route does nothing: plain Go's dials and transports have no hook.
func Route(Dial, RoundTrip) {}

// Spare does nothing: plain Go ends the process.
func Spare(func() bool) {}

// Signals does nothing: plain Go's signals are the process's.
func Signals(func(chan<- os.Signal, []os.Signal) bool, func(chan<- os.Signal) bool) {}

// Call does nothing: plain Go asks nobody.
func Call(uint32) {}

// Recall does nothing.
func Recall(uint32) {}

// Heir does nothing.
func Heir(uint32) {}

// Quiet does nothing.
func Quiet(bool) bool { return false }

// Chooser returns at once: plain Go asks nobody.
func Chooser(*Names, func(Choice) int) {}

// Stop does nothing.
func Stop() {}
