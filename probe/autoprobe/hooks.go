//go:build wtsim_record

package autoprobe

import (
	_ "crypto/rand" // holds what install sets
	_ "crypto/tls"
	_ "math/rand"
	_ "math/rand/v2"
	"net/http"
	_ "unsafe" // for go:linkname

	"github.com/wtsim/wtsim/probe/recording"
)

// install has the standard library hand its calls to a. It returns how many
// connections were made before.
func install(a *Auto) (early uint32) {
	watch := func(address string) watcher { return a.Watch(address) }
	netWatch, tlsWatch = watch, watch
	roundTrip, serve = a.RoundTrip, a.Serve
	if a.Keeping() {
		drawn = func(b string) { recording.Drawn(a.Recorder, []byte(b)) }
		numbered = func(x uint64) { recording.Numbered(a.Recorder, x) }
		numberedToo = numbered
	}
	atExit(a.finish)
	return netEarly
}

type watcher = interface {
	Wrote(b []byte)
	Read(b []byte)
	Lost()
}

// Without the overlay of wtsim build --record the linker reports that os.wtsimAtExit
// is not defined.
//
//go:linkname atExit os.wtsimAtExit
func atExit(f func())

//go:linkname netWatch net.wtsimWatch
var netWatch func(address string) watcher

//go:linkname netEarly net.wtsimEarly
var netEarly uint32

//go:linkname tlsWatch crypto/tls.wtsimWatch
var tlsWatch func(address string) watcher

//go:linkname roundTrip net/http.wtsimRoundTrip
var roundTrip func(*http.Request, http.RoundTripper) (*http.Response, error)

//go:linkname serve net/http.wtsimServe
var serve func(http.Handler) http.Handler

//go:linkname drawn crypto/internal/rand.WtsimDrawn
var drawn func(b string)

//go:linkname numbered math/rand.wtsimNumbered
var numbered func(x uint64)

//go:linkname numberedToo math/rand/v2.wtsimNumbered
var numberedToo func(x uint64)
