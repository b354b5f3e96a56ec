package httpprobe

import (
	"net/http"

	"github.com/wtsim/wtsim/probe"
)

// Handler makes every request of an HTTP function an invocation, so that the
// events of its operations name it.
func Handler(r *probe.Recorder, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, end := r.Invocation(req.Context())
		defer end()
		h.ServeHTTP(w, req.WithContext(ctx))
	})
}
