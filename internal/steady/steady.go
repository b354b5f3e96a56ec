// Package steady prepares a process for runs: one thread for Go code, so that
// equal calls of parallel goroutines keep one order, and no collector but
// ours. Packages sim and sim/search share these settings, since runs and
// searches may overlap.
package steady

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// heapLimit is when a search collects garbage. The storage client allocates
// a 16 MiB buffer an object; it is never touched, so that it costs next to
// nothing while the collector is off, and a great deal when it runs often.
const heapLimit = 1 << 30

// Search prepares the process for many runs. It returns what undoes it, to be
// called once. Calls may overlap, as those of parallel tests do: the last undo
// counts.
func Search() (undo func()) {
	oneThread.hold()
	noCollector.hold()
	return func() {
		free(64 << 20) // the collector would not give it back, and the next search clear it again
		noCollector.release()
		oneThread.release()
	}
}

// OneThread holds the process to one thread for the length of a run. It
// returns what undoes it, as [Search] does.
func OneThread() (undo func()) {
	oneThread.hold()
	return oneThread.release
}

// Threads lets runs have so many threads, until undo is called: for tests of
// what the one thread is for.
func Threads(n int) (undo func()) {
	before := oneThread.value
	oneThread.value = n
	return func() { oneThread.value = before }
}

var (
	oneThread   = setting{set: runtime.GOMAXPROCS, value: 1}
	noCollector = setting{set: setCollector, value: -1}
)

// memoryLimit makes the collector run all the same where one run alone
// allocates as much.
const memoryLimit = 4 << 30

// setCollector sets the collector's percentage; while it is off, there is a
// limit.
func setCollector(percent int) (before int) {
	limit := int64(math.MaxInt64)
	if percent < 0 {
		limit = memoryLimit
	}
	if given := userLimit(); given < limit {
		limit = given
	}
	debug.SetMemoryLimit(limit)
	return debug.SetGCPercent(percent)
}

// userLimit is the limit that the process began with (GOMEMLIMIT).
var userLimit = sync.OnceValue(func() int64 { return debug.SetMemoryLimit(-1) })

// setting is one of the process that several goroutines want changed at the
// same time: the first to hold it changes it, the last to release it changes
// it back.
type setting struct {
	set   func(int) int // returns the value before
	value int

	mu      sync.Mutex
	holders int
	before  int
}

func (s *setting) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holders++; s.holders == 1 {
		s.before = s.set(s.value)
	}
}

func (s *setting) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holders--; s.holders == 0 {
		s.set(s.before)
	}
}

func (s *setting) held() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.holders > 0
}

// Collect frees memory between runs, while nobody else collects.
func Collect() {
	if noCollector.held() {
		free(heapLimit)
	}
}

// free frees memory above the limit, in bytes, and gives it back to the
// system: memory that comes back from there is zero already.
func free(limit uint64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Uint64() > limit {
		debug.FreeOSMemory()
	}
}
