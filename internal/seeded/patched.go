//go:build wtsim_runtime

package seeded

import (
	"context"
	"net"
	"net/http"
	_ "unsafe" // for go:linkname
)

// Runtime reports whether the runtime is the patched one.
const Runtime = true

// Goroutine seeds what the runtime draws for the calling goroutine: map
// iteration, select, math/rand and all else. Goroutines that it starts draw
// from streams that begin with a draw from its own. The bubble that it is in
// is a seeded one from then on; without a bubble nothing changes.
func Goroutine(seed uint64) { wtsimSeed(seed) }

// Without the overlay the linker reports that runtime.wtsimSeed is not
// defined.
//
//go:linkname wtsimSeed runtime.wtsimSeed
func wtsimSeed(seed uint64)

// Route makes every connection, and the requests of every HTTP transport, be
// answered by these functions, until it is called with nil.
func Route(dial Dial, roundTrip RoundTrip) { wtsimDial, wtsimRoundTrip = dial, roundTrip }

//go:linkname wtsimDial net.wtsimDial
var wtsimDial func(ctx context.Context, network, address string) (net.Conn, error)

//go:linkname wtsimRoundTrip net/http.wtsimRoundTrip
var wtsimRoundTrip func(*http.Request) (*http.Response, error)
