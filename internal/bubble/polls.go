package bubble

import (
	"bytes"
	"compress/gzip"
	"io"
	"runtime/pprof"
	"time"
)

// pollTime is how long a computation is looked at.
const pollTime = 500 * time.Millisecond

// lookouts are what a loop calls that waits without sleeping.
var lookouts = [][]byte{[]byte("time.Now"), []byte("time.Since"), []byte("time.Until"), []byte("time.now"), []byte("runtime.Gosched"),
	[]byte("runtime.chanrecv"), []byte("runtime.selectnb"), []byte("sync.(*"), []byte("internal/sync.(*"), []byte("context.(*")}

// polls reports whether a goroutine of the process asks for the time, yields or
// looks at what others do, again and again: then what keeps it may be that
// virtual time stands still while it computes. Stacks do not show it, since no
// goroutine is stopped there; a profile does. Where there is another profile
// already it may.
func polls() bool {
	var profile bytes.Buffer
	if pprof.StartCPUProfile(&profile) != nil {
		return true
	}
	time.Sleep(pollTime)
	pprof.StopCPUProfile()
	r, err := gzip.NewReader(&profile)
	if err != nil {
		return true
	}
	names, err := io.ReadAll(r) // of the functions, among others
	if err != nil {
		return true
	}
	for _, name := range lookouts {
		if bytes.Contains(names, name) {
			return true
		}
	}
	return false
}
