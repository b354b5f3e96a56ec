//go:build !wtsim_runtime

package seeded

// Runtime reports whether the runtime is the patched one.
const Runtime = false

// Goroutine does nothing: plain Go draws at random.
func Goroutine(uint64) {}

// Route does nothing: plain Go's dials and transports have no hook.
func Route(Dial, RoundTrip) {}
