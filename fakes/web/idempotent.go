package web

import (
	"net/http"
	"sync"

	"github.com/wtsim/wtsim/cloud"
)

// Idempotent returns an API that knows the header Idempotency-Key: a request
// with a key that api has answered with 2xx is not passed to it again, and
// answered alike, but with 200, so that a rule can tell the effect (201, 202)
// from its repetition; while api is at it, a repetition is answered with 409.
// What has no key is passed always. The result is [Stateful] if api is.
func Idempotent(api http.Handler) http.Handler {
	i := &idempotent{api: api, known: map[string]*answer{}}
	if s, ok := api.(Stateful); ok {
		return statefulIdempotent{i, s}
	}
	return i
}

type idempotent struct {
	api   http.Handler
	mu    sync.Mutex
	known map[string]*answer // by key; nil while the request is under way
}

// ServeHTTP answers a request.
func (i *idempotent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		i.api.ServeHTTP(w, r)
		return
	}
	a, again := i.begin(key)
	switch {
	case again && a == nil:
		http.Error(w, "a request with this Idempotency-Key is under way", http.StatusConflict)
	case again:
		a.copyTo(w, http.StatusOK)
	default:
		defer func() { i.end(key, a) }() // also if api drops the connection
		i.api.ServeHTTP(a, r)
		a.WriteHeader(http.StatusOK) // no effect after another
		a.copyTo(w, a.code)
	}
}

// begin returns the answer that a key has had, or begins another.
func (i *idempotent) begin(key string) (a *answer, again bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if a, again = i.known[key]; again {
		return a, true
	}
	i.known[key] = nil
	return &answer{header: http.Header{}}, false
}

// end remembers what succeeded.
func (i *idempotent) end(key string, a *answer) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.known, key)
	if a.code/100 == 2 {
		i.known[key] = a
	}
}

func (a *answer) copyTo(w http.ResponseWriter, code int) {
	for name, values := range a.sent { //wtsim:order a header has none
		w.Header()[name] = values
	}
	w.WriteHeader(code)
	_, _ = w.Write(a.body.Bytes())
}

type statefulIdempotent struct {
	*idempotent
	state Stateful
}

// Contents returns the API's state.
func (s statefulIdempotent) Contents() []cloud.Content { return s.state.Contents() }
