package sim

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
)

// pendingRequest is a client's request that has not been answered for good.
type pendingRequest struct {
	Request
	http   cloud.Request
	world  *world
	client *Client
	number int         // among the client's, from 1
	order  int         // among the workload's
	call   *props.Call // once it has begun
}

func (r *pendingRequest) Words(int) string     { return r.http.String() }
func (r *pendingRequest) Limit() time.Duration { return 0 }
func (r *pendingRequest) Line() any            { return nil }
func (r *pendingRequest) Platform() bool       { return false }

func (r *pendingRequest) Invoke(ctx context.Context, h cloud.Handler, _ int) cloud.Ending {
	return r.http.Call(ctx, h)
}

// called notes that the client makes its request, or makes it again.
func (w *world) called(r *pendingRequest) {
	if r.call != nil {
		return
	}
	r.call = &props.Call{
		Client: r.client.Name, Number: r.number, Function: r.Function, Method: r.http.Verb(), Path: r.http.Target(), Body: r.Body,
		Called: time.Now().UTC(), //wtsim:clock the bubble's clock
	}
	w.calls = append(w.calls, r.call)
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
	w.schedule(w.taskOf(&cloud.Task{
		Name: cloud.NameTask(r.Function, cloud.Subject{Text: root}), Root: root, Attempt: 1,
		Cause: &pendingRequest{
			Request: r, http: cloud.Request{Method: r.Method, Path: r.Path, Header: r.Header, Body: r.Body},
			world: w, client: c, number: number, order: order,
		},
	}), time.Time{})
}

// Answered gives the client its response.
func (r *pendingRequest) Answered(t *cloud.Task, e cloud.Ending) {
	resp, w := e.Response, r.world
	if e.Aborted {
		r.Unanswered(t)
		return
	}
	if retried := resp.Status >= 500 || resp.Status == http.StatusTooManyRequests; retried && r.retry(t) {
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

// Unanswered is a request whose response does not come.
func (r *pendingRequest) Unanswered(t *cloud.Task) {
	if !r.retry(t) {
		r.world.nextRequest(r)
	}
}

func (r *pendingRequest) retry(t *cloud.Task) bool {
	if t.Attempt > r.client.Retries {
		return false
	}
	w := r.world
	w.schedule(w.taskOf(t.Next()), time.Now().Add(r.client.Backoff)) //wtsim:clock the bubble's clock
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
		w.clients[c.Name] = &instance{Instance: cloud.Instance{ID: c.Name}}
	}
	return w.clients[c.Name]
}
