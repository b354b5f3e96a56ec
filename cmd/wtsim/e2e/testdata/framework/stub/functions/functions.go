// Package functions has the registrations of the Functions Framework, as far as
// the module that uses them needs them.
package functions

import (
	"context"
	"net/http"

	"github.com/cloudevents/sdk-go/v2/event"
)

// HTTP registers a function that serves requests.
func HTTP(name string, fn func(http.ResponseWriter, *http.Request)) {}

// CloudEvent registers a function that takes events.
func CloudEvent(name string, fn func(context.Context, event.Event) error) {}
