//go:build !wtsim_runtime

package seeded

// Runtime reports whether the runtime is the patched one.
const Runtime = false

// Goroutine does nothing: plain Go draws at random.
func Goroutine(uint64) {}
