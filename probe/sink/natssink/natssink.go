// Package natssink takes the events of a recorder to a monitor over NATS: what
// package sink does over HTTP. It alone of the sinks links NATS.
package natssink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wtsim/wtsim/probe/sink"
)

// Subject is where monitors listen that have their log in a NATS cluster.
const Subject = "wtsim.events"

// New returns a sink that sends batches of CloudEvents to a monitor, as requests
// to a subject (empty is [Subject]) on a connection, which stays the caller's. A
// batch that nobody answers in 5 s, or whose answer asks for it, is sent again;
// what comes twice is a duplicate to the monitor. A batch that is refused otherwise is
// dropped. A batch must fit into a message of the servers' (1 MiB unless
// configured): see Batch of the options.
func New(c *nats.Conn, subject string, o sink.Options) *sink.Sink {
	if subject == "" {
		subject = Subject
	}
	return sink.New(func(ctx context.Context, batch [][]byte) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		answer, err := c.RequestWithContext(ctx, subject, slices.Concat([]byte{'['}, bytes.Join(batch, []byte{','}), []byte{']'}))
		switch {
		case errors.Is(err, nats.ErrMaxPayload):
			return err
		case err != nil:
			return sink.Later(err, 0)
		}
		return verdict(answer.Header)
	}, o)
}

// verdict is what an answer means for the batch. Its text is not logged: it may
// have values of parameters.
func verdict(h nats.Header) error {
	switch code := h.Get("Nats-Service-Error-Code"); code {
	case "":
		return nil
	case "429", "503":
		return sink.Later(fmt.Errorf("the monitor answers %s", code), time.Second)
	default:
		return fmt.Errorf("the monitor answers %s", code)
	}
}
