package autoprobe

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/awsprobe"
	"github.com/wtsim/wtsim/probe/recording"
)

// invocations is where Lambda's Runtime API has them.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
const invocations = "/2018-06-01/runtime/invocation/"

// ofLambda tells the paths of the Runtime API, and of those for extensions.
func ofLambda(path string) bool {
	return strings.HasPrefix(path, "/2018-06-01/runtime/") || strings.HasPrefix(path, "/2020-01-01/extension/") || strings.HasPrefix(path, "/2022-07-01/telemetry")
}

// lambda carries out a request to the Runtime API: none is an operation. A program
// asks for an invocation, works for it, and answers it on one goroutine.
func (a *Auto) lambda(r *http.Request, base http.RoundTripper) (*http.Response, error) {
	id, what, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, invocations), "/")
	switch {
	case r.URL.Path == invocations+"next":
		a.Flush(r.Context()) // of the instance's start, say
		resp, err := base.RoundTrip(r)
		if err == nil && resp.StatusCode == http.StatusOK {
			a.invoked(resp)
		}
		return resp, err
	case strings.HasPrefix(r.URL.Path, invocations) && (what == "response" || what == "error"):
		status := http.StatusOK
		if what == "error" {
			status = http.StatusInternalServerError
		}
		return a.answered(r, base, id, status)
	}
	return base.RoundTrip(r)
}

// lambdaEnd is how an invocation ends.
type lambdaEnd struct {
	over  func()
	limit time.Time
}

// invoked begins an invocation.
func (a *Auto) invoked(resp *http.Response) {
	h := resp.Header
	by := probe.Invoked{Request: h.Get("Lambda-Runtime-Aws-Request-Id")}
	if ms, err := strconv.ParseInt(h.Get("Lambda-Runtime-Deadline-Ms"), 10, 64); err == nil {
		by.Limit = time.UnixMilli(ms)
	}
	ctx := probe.WithTraceParent(context.Background(), awsprobe.TraceParent(h.Get("Lambda-Runtime-Trace-Id")))
	_, over := a.Invoke(ctx, by)
	a.ends.Store(by.Request, lambdaEnd{over, by.Limit})
	if a.Keeping() {
		payload := resp.Request.Clone(ctx)
		payload.Method, payload.URL.Path, payload.Header, payload.Body = http.MethodPost, "/2015-03-31/functions/function/invocations", h, resp.Body
		recording.Begin(a.Recorder, payload)
		resp.Body = payload.Body
	}
}

// answered ends an invocation: what it has recorded leaves before its answer, and
// what it records while that streams before its end.
func (a *Auto) answered(r *http.Request, base http.RoundTripper, id string, status int) (*http.Response, error) {
	began, ok := a.ends.LoadAndDelete(id)
	if !ok {
		return base.RoundTrip(r)
	}
	end := began.(lambdaEnd)
	if a.Keeping() {
		recording.End(a.Recorder, status)
	}
	end.over()
	if r.Body != nil {
		out := r.WithContext(r.Context())
		out.Body = &answer{r.Body, a, end.limit}
		r = out
	}
	return base.RoundTrip(r)
}

// answer is the body of one.
type answer struct {
	io.ReadCloser
	auto  *Auto
	limit time.Time
}

// Read reads.
func (b *answer) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.auto.FlushBefore(context.Background(), b.limit)
	}
	return n, err
}
