// Package orchestrion is package autoprobe for teams that build with Orchestrion
// (https://datadoghq.dev/orchestrion): an import of it in orchestrion.tool.go has
// the aspects of orchestrion.yml woven into net/http's transports and servers and
// go-redis' dialers. The environment is autoprobe's, with the rules in WTSIM_RULES.
//
// What waits when the process ends, outside an invocation, is lost: within 100 ms of
// its happening.
package orchestrion

import (
	"context"
	"net/http"

	"github.com/wtsim/wtsim/probe/autoprobe"
	"github.com/wtsim/wtsim/probe/redisprobe"
)

var auto = autoprobe.Start("")

// within marks requests that are on their way through the recorder.
type within struct{}

// RoundTrip is asked by each transport; done says that it has carried out the
// request.
func RoundTrip(t *http.Transport, r *http.Request) (done bool, resp *http.Response, err error) {
	if auto == nil || r.Context().Value(within{}) != nil {
		return false, nil, nil
	}
	resp, err = auto.RoundTrip(r, beneath{t})
	return true, resp, err
}

// beneath is a transport below the recorder.
type beneath struct{ t *http.Transport }

func (b beneath) RoundTrip(r *http.Request) (*http.Response, error) {
	return b.t.RoundTrip(r.WithContext(context.WithValue(r.Context(), within{}, true)))
}

// served marks requests that are an invocation.
type served struct{}

// Serve is asked by each server; done says that it has served the request.
func Serve(h http.Handler, w http.ResponseWriter, r *http.Request) (done bool) {
	if auto == nil || r.Context().Value(served{}) != nil {
		return false
	}
	auto.Serve(h).ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), served{}, true)))
	return true
}

// Dialer is a dialer of go-redis whose connections are recorded.
func Dialer(dial redisprobe.Dial) redisprobe.Dial {
	if auto == nil {
		return dial
	}
	return auto.Dialer(dial)
}
