//go:build wtsim_record

package autoprobe

import (
	_ "crypto/tls" // holds what install sets
	"net/http"
	_ "unsafe" // for go:linkname
)

// install has the standard library hand its calls to a. It returns how many
// connections were made before.
func install(a *Auto) (early uint32) {
	watch := func(address string) watcher { return a.Watch(address) }
	netWatch, tlsWatch = watch, watch
	roundTrip, serve = a.RoundTrip, a.Serve
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
