package rpc

import (
	"context"
	"net"

	"google.golang.org/api/option"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/grpcprobe"
)

// Backend is what the backends of services that speak gRPC have in common: a
// server that keeps nothing, since what it carries is the platform's.
type Backend struct {
	methods  *Methods
	server   any
	describe grpcprobe.Describe
	lacks    func(what string)
	wires    Wires
}

// NewBackend returns the backend of a server, which implements the interfaces
// of all services that methods has. lacks is told what that does not have.
func NewBackend(methods *Methods, server any, describe grpcprobe.Describe, lacks func(what string)) Backend {
	return Backend{methods: methods, server: server, describe: describe, lacks: lacks}
}

// Contents returns nothing.
func (b *Backend) Contents() []cloud.Content { return nil }

// Close ends the connections of clients that have dialled by themselves; the
// others end with their function instances.
func (b *Backend) Close() { b.wires.Close() }

// Dial returns a connection for a client that dials by itself.
func (b *Backend) Dial(tap probe.Tap) net.Conn {
	return b.wires.Dial(grpcprobe.Conn(tap, Dial(context.Background(), b.methods, b.server, b.lacks), b.describe))
}

// Option returns the option that connects a client of a function instance.
func (b *Backend) Option(env cloud.Env) option.ClientOption {
	conn := Dial(env.Context(), b.methods, b.server, b.lacks)
	return conn.Option(grpcprobe.Conn(env.Tap(), conn, b.describe))
}
