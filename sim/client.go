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

// workload is what clients ask for.
type workload struct {
	scenario *Scenario
	kernel   *kernel
	gate     *gate
	clients  map[string]*instance // as sources of events
	calls    []*props.Call        // in the order in which they began
	reach    Reach
	gaveUp   *pendingRequest // the first that was not repeated any more
}

// pendingRequest is a client's request that has not been answered for good.
type pendingRequest struct {
	Request
	http   cloud.Request
	of     *workload
	client *Client
	number int         // among the client's, from 1
	order  int         // among the workload's
	call   *props.Call // once it has begun
}

func (r *pendingRequest) Words(int) string           { return r.http.String() }
func (r *pendingRequest) Limit() time.Duration       { return 0 }
func (r *pendingRequest) Line() any                  { return nil }
func (r *pendingRequest) InvokedBy() cloud.InvokedBy { return cloud.InvokedBy{Route: r.http.String()} }

// From is the client.
func (r *pendingRequest) From() cloud.Part { return cloud.Part{Kind: "client", Name: r.client.Name} }

func (r *pendingRequest) Platform() bool { return false }

func (r *pendingRequest) Invoke(ctx context.Context, h cloud.Handler, _ int) cloud.Ending {
	return r.http.Call(ctx, h)
}

// called notes that the client makes its request, or makes it again.
func (wl *workload) called(r *pendingRequest) {
	if r.call != nil {
		return
	}
	r.call = &props.Call{
		Client: r.client.Name, Number: r.number, Function: r.Function, Method: r.http.Verb(), Path: r.http.Target(), Body: r.Body,
		Called: time.Now().UTC(), //wtsim:clock the bubble's clock
	}
	wl.calls = append(wl.calls, r.call)
}

// addClients makes each client's first request pending.
func (wl *workload) addClients() {
	order := 0
	for i := range wl.scenario.Clients {
		c := &wl.scenario.Clients[i]
		if len(c.Requests) > 0 {
			wl.request(c, 1, order)
		}
		order += len(c.Requests)
	}
}

func (wl *workload) request(c *Client, number, order int) {
	r := c.Requests[number-1]
	root := fmt.Sprintf("%s/%d", c.Name, number)
	wl.kernel.Invoke(&cloud.Task{
		Name: cloud.NameTask(r.Function, cloud.About(cloud.Named(root))), Root: root, Attempt: 1,
		Cause: &pendingRequest{
			Request: r, http: cloud.Request{Method: r.Method, Path: r.Path, Header: r.Header, Body: r.Body},
			of: wl, client: c, number: number, order: order,
		},
	}, time.Time{})
}

// Answered gives the client its response.
func (r *pendingRequest) Answered(t *cloud.Task, e cloud.Ending) {
	resp := e.Response
	if e.Aborted {
		r.Unanswered(t)
		return
	}
	if retried := resp.Status >= 500 || resp.Status == http.StatusTooManyRequests; retried && r.retry(t) {
		return
	}
	r.of.reach.answered(resp)
	if c := r.call; c != nil { // else no instance has had room
		c.Status, c.Answer, c.Returned = resp.Status, string(resp.Body), time.Now().UTC() //wtsim:clock the bubble's clock
	}
	if r.Told != nil {
		if eventType, params := r.Told(resp); eventType != "" {
			r.of.told(r.client, eventType, params)
		}
	}
	r.of.nextRequest(r)
}

// Unanswered is a request whose response does not come.
func (r *pendingRequest) Unanswered(t *cloud.Task) {
	if !r.retry(t) {
		r.of.nextRequest(r)
	}
}

func (r *pendingRequest) retry(t *cloud.Task) bool {
	if t.Attempt > r.client.Retries {
		if r.of.gaveUp == nil {
			r.of.gaveUp = r
		}
		return false
	}
	r.of.kernel.Invoke(t.Next(), time.Now().Add(r.client.Backoff)) //wtsim:clock the bubble's clock
	return true
}

// hint says of a violation that it may be the workload's: a client has given up
// that was to try less often than the run had faults. Of none it is empty.
func (wl *workload) hint(faults int) string {
	if wl.gaveUp == nil || wl.gaveUp.client.Retries >= faults {
		return ""
	}
	c := wl.gaveUp.client
	return fmt.Sprintf("%s gave up after the attempts that it has (Retries: %d), where a run may have %d faults: if a property wants its request done, let it try more often",
		c.Name, c.Retries, wl.scenario.Faults.Most)
}

func (wl *workload) nextRequest(r *pendingRequest) {
	if r.number < len(r.client.Requests) {
		wl.request(r.client, r.number+1, r.order+1)
	}
}

// told records what a client was told, as an event of the client's own.
func (wl *workload) told(c *Client, eventType string, params map[string]any) {
	data, err := event.DataOf(params)
	if err != nil {
		data = event.Data{{Name: "error", Value: event.Str(err.Error())}}
	}
	wl.gate.mu.Lock()
	defer wl.gate.mu.Unlock()
	wl.gate.emitted = append(wl.gate.emitted, emission{inst: wl.clientInstance(c), Emitted: probe.Emitted{Type: eventType, Data: data}})
}

// clientInstance is a client as a source of events.
func (wl *workload) clientInstance(c *Client) *instance {
	if wl.clients == nil {
		wl.clients = map[string]*instance{}
	}
	if wl.clients[c.Name] == nil {
		wl.clients[c.Name] = &instance{Instance: cloud.Instance{ID: c.Name}}
	}
	return wl.clients[c.Name]
}
