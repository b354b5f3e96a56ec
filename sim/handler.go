package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
)

// Handler is what invocations of a function call: one of [HTTP], [OnEvent],
// [OnMessage] and [OnData].
type Handler struct {
	http    http.Handler
	event   func(context.Context, event.Event) error
	message func(context.Context, Message) error
}

// HTTP returns the handler of a function that HTTP requests invoke: those of
// clients and functions, of Cloud Scheduler and Cloud Tasks, and the HTTP
// requests that push subscriptions and Eventarc make of messages and events.
// An answer of 2xx acknowledges those.
func HTTP(h http.Handler) Handler { return Handler{http: h} }

// HTTPFunc is [HTTP] for a function, as the Functions Framework registers it.
func HTTPFunc(f func(http.ResponseWriter, *http.Request)) Handler {
	return Handler{http: http.HandlerFunc(f)}
}

// OnEvent returns the handler of a function that events invoke, as the
// Functions Framework registers it. A message comes as an event of type
// google.cloud.pubsub.topic.v1.messagePublished. An error makes the platform
// deliver the event again, where retries are on.
// https://docs.cloud.google.com/eventarc/docs/cloudevents
func OnEvent(f func(context.Context, event.Event) error) Handler { return Handler{event: f} }

// OnMessage returns the handler of a function that messages invoke, in our
// own terms. An error makes the platform deliver the message again.
func OnMessage(f func(context.Context, Message) error) Handler { return Handler{message: f} }

// OnData returns the handler of a function of one's own type, which the data
// of a message or event holds as JSON. Data that does not decode is an error:
// it comes again until the platform gives it up.
func OnData[T any](f func(context.Context, T) error) Handler {
	return Handler{message: func(ctx context.Context, m Message) error {
		var v T
		if err := json.Unmarshal(m.Data, &v); err != nil {
			return fmt.Errorf("message %s: %w", m.ID, err)
		}
		return f(ctx, v)
	}}
}

func (h Handler) empty() bool { return h.http == nil && h.event == nil && h.message == nil }

// Message is what a topic delivers.
type Message struct {
	ID          string // the same for every delivery of a message
	Data        []byte
	Attributes  map[string]string
	OrderingKey string
	Published   time.Time
	Attempt     int // 1 for the first delivery
}
