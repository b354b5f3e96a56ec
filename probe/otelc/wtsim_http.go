//go:build ignore

package http

import _ "unsafe" // for go:linkname

// wtsimRoundTrip, if it is set, carries out the requests of every Transport; base
// is the Transport without it. It is set while packages are initialised.
//
//go:linkname wtsimRoundTrip
var wtsimRoundTrip func(r *Request, base RoundTripper) (*Response, error)

// wtsimServe, if it is set, returns what serves a request of a Server in its
// handler's place.
//
//go:linkname wtsimServe
var wtsimServe func(Handler) Handler

// wtsimBase is a Transport that nobody looks on at.
type wtsimBase struct{ t *Transport }

func (b wtsimBase) RoundTrip(r *Request) (*Response, error) { return b.t.roundTrip(r) }
