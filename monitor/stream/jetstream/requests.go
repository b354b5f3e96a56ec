package jetstream

import (
	"context"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// requestSubject is where events come to over NATS (package natssink).
const requestSubject = "wtsim.events"

const (
	mostRequests  = 64 // at once
	requestWithin = 5 * time.Second
)

// Serve answers batches of events that come over the cluster, each to one of the
// monitors that are there. take returns the status, as of HTTP, and the body. An
// error is told as NATS services do (ADR-32). It ends with the connection.
func (e *Engine) Serve(take func(ctx context.Context, batch []byte) (status int, body []byte)) error {
	free := make(chan struct{}, mostRequests)
	_, err := e.connection.QueueSubscribe(requestSubject, "wtsim", func(m *nats.Msg) {
		free <- struct{}{}
		go func() {
			defer func() { <-free }()
			ctx, cancel := context.WithTimeout(context.Background(), requestWithin)
			defer cancel()
			status, body := take(ctx, m.Data)
			answer := &nats.Msg{Data: body}
			if status/100 != 2 {
				answer.Header = nats.Header{"Nats-Service-Error-Code": {strconv.Itoa(status)}, "Nats-Service-Error": {"not taken"}}
			}
			_ = m.RespondMsg(answer) // who does not hear it sends again
		}()
	})
	return err
}
