package bubble

import (
	"math/rand"
	"os"
	"sync"
)

// showLabels makes the runtime write the pprof labels of goroutines into
// their headers.
var showLabels = sync.OnceFunc(func() { setDebug("tracebacklabels=1") })

// seedable makes rand.Seed work: Go switches it off by default.
var seedable = sync.OnceFunc(func() { setDebug("randseednop=0") })

func setDebug(setting string) {
	v := os.Getenv("GODEBUG")
	if v != "" {
		v += ","
	}
	_ = os.Setenv("GODEBUG", v+setting) // a name without = or NUL cannot fail
}

// SeedMathRand seeds what math/rand draws for the process as a whole, so that
// libraries that use it (the backoff of Google's clients does) draw the same
// in every run. There is no other way to make it repeat.
func SeedMathRand(seed int64) {
	seedable()
	rand.Seed(seed) //lint:ignore SA1019 see above
}
