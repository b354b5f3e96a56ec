package httpprobe

import (
	"net/http"

	"github.com/wtsim/wtsim/probe"
)

// Handler makes every request of an HTTP function an invocation, so that the
// events of its operations name it, and the traceparent of the request.
//
// They leave the process when h has returned, which is before the end of its
// response. Only a response that has left by then, since h flushed it or told
// its length and has written more than the server buffers (some KiB),
// can be before them.
func Handler(r *probe.Recorder, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, end := r.Invocation(probe.WithTraceParent(req.Context(), req.Header.Get("Traceparent")))
		defer end()
		h.ServeHTTP(w, req.WithContext(ctx))
	})
}
