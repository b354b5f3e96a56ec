package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/wtsim/wtsim/probe"
)

// invoker carries out the HTTP calls of one function to another.
type invoker struct {
	inst *instance
	fn   *function
}

// RoundTrip invokes the function and waits for its answer. A caller that gives
// up does not stop it.
func (v *invoker) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	w := v.inst.world
	k := probe.CallOf(r.Context()).Ref.(*call)
	c := &functionCall{reply: make(chan Response, 1), Request: Request{Method: r.Method, Path: r.URL.RequestURI(), Header: map[string]string{}, Body: body}}
	for name := range r.Header { //wtsim:order a map to a map
		c.Header[name] = r.Header.Get(name)
	}
	w.mu.Lock()
	w.tasks = append(w.tasks, &task{name: fmt.Sprintf("%s(%s.%s %s/%d)", v.fn.Name, k.owner, k.Op.Method, mask(k.Op.Resource), k.k),
		root: k.task.root, fn: v.fn, attempt: 1, stage: pending, cause: c})
	w.mu.Unlock()
	select {
	case resp := <-c.reply:
		return resp.http(r), nil
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
}

func bodyOf(r *http.Request) (string, error) {
	if r.Body == nil {
		return "", nil
	}
	b, err := io.ReadAll(r.Body)
	return string(b), err
}

// http is the response as a client gets it.
func (r Response) http(req *http.Request) *http.Response {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	return &http.Response{
		StatusCode: r.Status, Status: strconv.Itoa(r.Status) + " " + http.StatusText(r.Status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: r.Header,
		Body: io.NopCloser(bytes.NewReader(r.Body)), ContentLength: int64(len(r.Body)), Request: req,
	}
}

// functionCall is the cause of a function that another one calls.
type functionCall struct {
	Request
	reply chan Response
}

func (c *functionCall) words(int) string     { return c.people() }
func (c *functionCall) limit() time.Duration { return 0 }
func (c *functionCall) line() any            { return nil }
func (c *functionCall) platform() bool       { return false }

func (c *functionCall) invoke(ctx context.Context, h Handler, _ int) ending { return c.call(ctx, h) }

func (c *functionCall) answered(_ *world, _ *task, e ending) {
	select {
	case c.reply <- e.resp:
	default: // it was answered when its time was up
	}
}

// unanswered is what Cloud Run tells the caller of an instance that has died.
// https://docs.cloud.google.com/run/docs/troubleshooting
func (c *functionCall) unanswered(w *world, t *task) {
	c.answered(w, t, ending{resp: Response{Status: http.StatusServiceUnavailable}})
}
