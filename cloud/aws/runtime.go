package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
)

// runtime is the Runtime API of one instance. The library asks for the next
// invocation, and tells how it ended.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type runtime struct {
	front   Front
	started chan error
	next    chan *invocation

	mu    sync.Mutex
	open  map[string]*invocation // by request id
	stops bool                   // an invocation has reached its time limit, and the process is about to be killed
}

type invocation struct {
	id, arn  string
	caller   string // for whom it is
	deadline time.Time
	payload  []byte
	answer   chan answer
}

type answer struct {
	payload []byte
	err     error
}

func newRuntime(front Front) *runtime {
	return &runtime{front: front, started: make(chan error, 1), next: make(chan *invocation), open: map[string]*invocation{}}
}

// Started tells that the program asks for its first invocation, or has said that
// it cannot.
func (rt *runtime) Started() <-chan error { return rt.started }

// Handler is what invocations call.
func (rt *runtime) Handler() cloud.Handler {
	return fronted(&Function{handler: rt, remote: true}, rt.front)
}

// Invoke brings an invocation to the program, and waits for its answer.
func (rt *runtime) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	deadline, _ := ctx.Deadline()
	v := &invocation{id: requestID(ctx), arn: FunctionARN(cloud.InvocationOf(ctx).Function), caller: probe.Caller(), deadline: deadline, payload: payload, answer: make(chan answer, 1)}
	rt.mu.Lock()
	rt.open[v.id] = v
	rt.mu.Unlock()
	defer rt.forget(v.id)
	select {
	case rt.next <- v:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case a := <-v.answer:
		return a.payload, a.err
	case <-ctx.Done():
		rt.mu.Lock()
		rt.stops = true
		rt.mu.Unlock()
		return nil, context.Cause(ctx)
	}
}

func (rt *runtime) forget(id string) (v *invocation, stops bool) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	v = rt.open[id]
	delete(rt.open, id)
	return v, rt.stops
}

// ServeHTTP is the API.
func (rt *runtime) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, "/2018-06-01/runtime/")
	what := strings.Split(path, "/")
	switch {
	case ok && r.Method == http.MethodGet && path == "invocation/next":
		rt.serveNext(w, r)
	case ok && r.Method == http.MethodPost && path == "init/error":
		rt.begin(fmt.Errorf("it tells an init error: %s", failure(r).Message))
		w.WriteHeader(http.StatusAccepted)
	case ok && r.Method == http.MethodPost && len(what) == 3 && what[0] == "invocation" && (what[2] == "response" || what[2] == "error"):
		rt.serveAnswer(w, r, what[1], what[2] == "error")
	default:
		http.Error(w, `{"errorMessage":"wtsim has no such call of the Runtime API","errorType":"NotFound"}`, http.StatusNotFound)
	}
}

func (rt *runtime) begin(err error) {
	select {
	case rt.started <- err:
	default:
	}
}

func (rt *runtime) serveNext(w http.ResponseWriter, r *http.Request) {
	rt.begin(nil)
	select {
	case v := <-rt.next:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", v.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(v.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", v.arn)
		h.Set("Lambda-Runtime-Trace-Id", trace(v.id)+";Sampled=0")
		h.Set(cloud.WorksFor, v.caller)
		_, _ = w.Write(v.payload) // it is a recorder's
	case <-r.Context().Done():
		w.WriteHeader(http.StatusGone)
	}
}

func (rt *runtime) serveAnswer(w http.ResponseWriter, r *http.Request, id string, failed bool) {
	v, stops := rt.forget(id)
	if stops { // nobody hears it, nor an answer: the library takes one that refuses for a reason to exit
		<-r.Context().Done()
		return
	}
	if v == nil {
		http.Error(w, `{"errorMessage":"invalid request ID","errorType":"InvalidRequestID"}`, http.StatusBadRequest)
		return
	}
	var a answer
	if failed {
		a.err = failure(r)
	} else if a.payload, a.err = io.ReadAll(r.Body); a.err != nil {
		a.payload = nil
	}
	v.answer <- a
	w.WriteHeader(http.StatusAccepted)
}

// failure is what a program tells of an error.
func failure(r *http.Request) *Failure {
	text, err := io.ReadAll(r.Body)
	f := &Failure{}
	if err = errors.Join(err, json.Unmarshal(text, f)); err != nil {
		return &Failure{Message: string(text), Type: r.Header.Get("Lambda-Runtime-Function-Error-Type")}
	}
	return f
}
