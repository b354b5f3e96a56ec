package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
)

// pendingRequest is a client's request that has not been answered for good.
type pendingRequest struct {
	Request
	client *Client
	number int         // among the client's, from 1
	order  int         // among the workload's
	call   *props.Call // once it has begun
}

func (r *pendingRequest) words(int) string     { return r.people() }
func (r *pendingRequest) limit() time.Duration { return 0 }
func (r *pendingRequest) line() any            { return nil }
func (r *pendingRequest) platform() bool       { return false }

func (r *pendingRequest) invoke(ctx context.Context, h Handler, _ int) ending {
	return r.Request.call(ctx, h)
}

// called notes that the client makes its request, or makes it again.
func (w *world) called(r *pendingRequest) {
	if r.call != nil {
		return
	}
	r.call = &props.Call{
		Client: r.client.Name, Number: r.number, Function: r.Function, Method: r.method(), Path: r.path(), Body: r.Body,
		Called: time.Now().UTC(), //wtsim:clock the bubble's clock
	}
	w.calls = append(w.calls, r.call)
}

func (r *Request) people() string { return r.method() + " " + r.path() }

func (r *Request) method() string {
	if r.Method == "" {
		return http.MethodPost
	}
	return r.Method
}

func (r *Request) path() string {
	if r.Path == "" {
		return "/"
	}
	return r.Path
}

// addClients makes each client's first request pending.
func (w *world) addClients() {
	order := 0
	for i := range w.sim.scenario.Clients {
		c := &w.sim.scenario.Clients[i]
		if len(c.Requests) > 0 {
			w.request(c, 1, order)
		}
		order += len(c.Requests)
	}
}

func (w *world) request(c *Client, number, order int) {
	r := c.Requests[number-1]
	root := fmt.Sprintf("%s/%d", c.Name, number)
	w.tasks = append(w.tasks, &task{
		name: r.Function + "(" + root + ")", root: root, fn: w.function(r.Function), attempt: 1, stage: pending,
		cause: &pendingRequest{Request: r, client: c, number: number, order: order},
	})
}

// answered gives the client its response.
func (r *pendingRequest) answered(w *world, t *task, e ending) {
	resp := e.resp
	if e.aborted {
		r.unanswered(w, t)
		return
	}
	if retried := resp.Status >= 500 || resp.Status == http.StatusTooManyRequests; retried && r.retry(w, t) {
		return
	}
	if c := r.call; c != nil { // else no instance has had room
		c.Status, c.Answer, c.Returned = resp.Status, string(resp.Body), time.Now().UTC() //wtsim:clock the bubble's clock
	}
	if r.Told != nil {
		if eventType, params := r.Told(resp); eventType != "" {
			w.told(r.client, eventType, params)
		}
	}
	w.nextRequest(r)
}

// unanswered is a request whose response does not come.
func (r *pendingRequest) unanswered(w *world, t *task) {
	if !r.retry(w, t) {
		w.nextRequest(r)
	}
}

func (r *pendingRequest) retry(w *world, t *task) bool {
	if t.attempt > r.client.Retries {
		return false
	}
	w.again(t, time.Now().Add(r.client.Backoff)) //wtsim:clock the bubble's clock
	return true
}

func (w *world) nextRequest(r *pendingRequest) {
	if r.number < len(r.client.Requests) {
		w.request(r.client, r.number+1, r.order+1)
	}
}

// told records what a client was told, as an event of the client's own.
func (w *world) told(c *Client, eventType string, params map[string]any) {
	data, err := event.DataOf(params)
	if err != nil {
		data = event.Data{{Name: "error", Value: event.Str(err.Error())}}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.emitted = append(w.emitted, emission{inst: w.clientInstance(c), Emitted: probe.Emitted{Type: eventType, Data: data}})
}

// clientInstance is a client as a source of events.
func (w *world) clientInstance(c *Client) *instance {
	if w.clients == nil {
		w.clients = map[string]*instance{}
	}
	if w.clients[c.Name] == nil {
		w.clients[c.Name] = &instance{id: c.Name}
	}
	return w.clients[c.Name]
}

// call calls a handler with the request.
func (r *Request) call(ctx context.Context, h Handler) ending {
	if h.http == nil {
		return ending{status: "the function takes messages, not requests", resp: Response{Status: 500}}
	}
	return r.serve(ctx, h.http)
}

// serve calls an HTTP handler with the request.
func (r *Request) serve(ctx context.Context, h http.Handler) ending {
	req, err := http.NewRequestWithContext(ctx, r.method(), "https://functions.example"+r.path(), strings.NewReader(r.Body))
	if err != nil {
		return ending{status: "bad request: " + err.Error(), resp: Response{Status: 400}}
	}
	for name, value := range r.Header { //wtsim:order headers are independent
		req.Header.Set(name, value)
	}
	req.RequestURI, req.RemoteAddr = r.path(), "192.0.2.1:1234"
	w := &responseWriter{header: http.Header{}}
	h.ServeHTTP(w, req)
	_, _ = io.Copy(io.Discard, req.Body)
	w.WriteHeader(http.StatusOK) // no effect after another
	return ending{
		status: strconv.Itoa(w.status), success: w.status < 500,
		resp: Response{Status: w.status, Header: w.header, Body: w.body.Bytes()},
	}
}

// responseWriter keeps a handler's response.
type responseWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *responseWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
