package web

import (
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
)

const (
	idempotencyKey = "web/idempotency-key"
	conditions     = "web/conditions"
)

const keyHeader = "Idempotency-Key"

// conditionHeaders are those that keep a request from happening.
var conditionHeaders = []string{"If-Match", "If-None-Match", "If-Unmodified-Since"}

// Guarantees lists what [Service.Without] can take away. The API's handler
// may know nothing of them: then nothing changes.
func (s *Service) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{{
		Name:    idempotencyKey,
		Without: "the third party takes every Idempotency-Key for a new one",
		Source:  "https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header",
		Used:    cloud.Asks(func(op *event.Operation) bool { return op.Request.Header[keyHeader] != "" }),
	}, {
		Name:    conditions,
		Without: "the third party carries out every conditional request, as if its condition held",
		Source:  "https://www.rfc-editor.org/rfc/rfc9110#name-preconditions",
		Used: cloud.Asks(func(op *event.Operation) bool {
			return op.Access&event.Writes != 0 &&
				slices.ContainsFunc(conditionHeaders, func(name string) bool { return op.Request.Header[name] != "" })
		}),
	}}
}

// Without returns the API without one of its guarantees. Its handler stays as
// it is, and sees other requests: conditions are left out of those that write,
// and keys are made different.
func (s *Service) Without(guarantee string) cloud.Service {
	out := *s
	out.without = append(slices.Clip(s.without), guarantee)
	return &out
}

// weakened is the handler behind what takes guarantees away.
func (s *Service) weakened(h http.Handler) http.Handler {
	if slices.Contains(s.without, conditions) {
		h = unconditional(h)
	}
	if slices.Contains(s.without, idempotencyKey) {
		h = freshKeys(h)
	}
	return h
}

func unconditional(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			for _, name := range conditionHeaders {
				r.Header.Del(name)
			}
		}
		h.ServeHTTP(w, r)
	})
}

func freshKeys(h http.Handler) http.Handler {
	var requests atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if key := r.Header.Get(keyHeader); key != "" {
			r.Header.Set(keyHeader, fmt.Sprintf("%s~%d", key, requests.Add(1)))
		}
		h.ServeHTTP(w, r)
	})
}
