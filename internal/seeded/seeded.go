// Package seeded is the way to a Go runtime that wtsim has patched (see
// internal/runtimepatch). The build tag wtsim_runtime, which `wtsim test` and
// `wtsim build` give, says that it is there.
package seeded

import (
	"context"
	"net"
	"net/http"
)

// Dial is [net.Dialer.DialContext].
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// RoundTrip is [http.Transport.RoundTrip].
type RoundTrip = func(*http.Request) (*http.Response, error)
