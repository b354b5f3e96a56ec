package sim

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/wtsim/wtsim/cloud"
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
	c := &functionCall{caller: v.inst.fn.Name, reply: make(chan cloud.Response, 1), abandoned: w.sim.scenario.Platform.Abandoned,
		Request: cloud.Request{Method: r.Method, Path: r.URL.RequestURI(), Header: map[string]string{}, Body: body}}
	for name := range r.Header { //wtsim:order a map to a map
		c.Header[name] = r.Header.Get(name)
	}
	subject := cloud.Numbered(k.owner.With("."+k.Op.Method+" "+cloud.Mask(k.Op.Resource)), k.k, 1)
	w.gate.mu.Lock()
	w.services.kernel.Invoke(&cloud.Task{Name: cloud.NameTask(v.fn.Name, subject), Root: k.task.Root, Attempt: 1, Cause: c}, time.Time{})
	w.gate.mu.Unlock()
	select {
	case resp := <-c.reply:
		return httpResponse(resp, r), nil
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

// httpResponse is a response as a client gets it.
func httpResponse(r cloud.Response, req *http.Request) *http.Response {
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
	cloud.Request
	caller    string // the function
	reply     chan cloud.Response
	abandoned int // the status where its instance has died
}

func (c *functionCall) Words(int) string     { return c.Request.String() }
func (c *functionCall) Limit() time.Duration { return 0 }
func (c *functionCall) InvokedBy() cloud.InvokedBy {
	return cloud.InvokedBy{Kind: "called by " + c.caller, Route: c.Request.String()}
}
func (c *functionCall) Line() any      { return nil }
func (c *functionCall) Platform() bool { return false }

func (c *functionCall) Invoke(ctx context.Context, h cloud.Handler, _ int) cloud.Ending {
	return c.Call(ctx, h)
}

func (c *functionCall) Answered(_ *cloud.Task, e cloud.Ending) {
	select {
	case c.reply <- e.Response:
	default: // it was answered when its time was up
	}
}

// Unanswered is what the caller of an instance that has died is told.
func (c *functionCall) Unanswered(t *cloud.Task) {
	c.Answered(t, cloud.Ending{Response: cloud.Response{Status: c.abandoned}})
}
