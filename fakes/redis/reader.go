package redis

import (
	"context"
	"fmt"
	"net"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
)

// ReadEndpoint declares where the read replicas of a Redis are.
type ReadEndpoint struct {
	cloud.Places

	name, of string
}

// Reader declares the read endpoint of a Redis that stands before it in the scenario:
// a client that dials its addresses, or what ${name} stands for, has the read replicas
// there, as those of [Replica] have.
func Reader(name, of string) *ReadEndpoint { return &ReadEndpoint{name: name, of: of} }

// At returns the endpoint with addresses at which programs look for it that have them
// written down, such as "redis-ro:6379".
func (r *ReadEndpoint) At(addresses ...string) *ReadEndpoint {
	out := *r
	out.Places = r.And(addresses...)
	return &out
}

// Name returns the endpoint's name.
func (r *ReadEndpoint) Name() string { return r.name }

// String tells in short what it is.
func (r *ReadEndpoint) String() string { return "read replicas of " + r.of }

// Open finds the Redis. The error is that there is none of its name before.
func (r *ReadEndpoint) Open(k cloud.Kernel) (cloud.Backend, error) {
	for _, b := range k.Backends() {
		if b, ok := b.(*Backend); ok && b.name == r.of {
			return replicas{b}, nil
		}
	}
	return nil, fmt.Errorf("service %q is the read endpoint of %q, wanted a Redis of this name before it", r.name, r.of)
}

// replicas are a read endpoint during one run.
type replicas struct{ of *Backend }

// Contents are those of the Redis, told there.
func (replicas) Contents() []cloud.Content { return nil }

// Close does nothing.
func (replicas) Close() {}

// Dial returns a connection to a replica.
func (r replicas) Dial(tap probe.Tap) net.Conn { return r.of.connect(tap, true) }

// connect returns a connection for a client that dials by itself.
func (b *Backend) connect(tap probe.Tap, replica bool) net.Conn {
	conn, err := b.dialer(context.Background(), tap, replica)(context.Background(), "tcp", b.name)
	if err != nil {
		return closedConn()
	}
	return conn
}
