package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/internal/async"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// Backend is the API during one run.
type Backend struct {
	*awswire.Wire
	kernel  cloud.Kernel
	service *Service
	events  map[string]int // asynchronous ones, by function, for people
	shards  []*shard
}

// Contents returns nothing.
func (b *Backend) Contents() []cloud.Content { return nil }

// mostBytes are those of a payload.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	mostBytes      = 6 << 20
	mostAsyncBytes = 1 << 20
)

// handle carries out a request.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func (b *Backend) handle(w *awswire.Request) (any, error) {
	name, ok := invoked(w.URL.Path)
	if !ok || w.Method != http.MethodPost {
		return nil, &awswire.Lack{What: "Lambda's " + w.Method + " " + w.URL.Path, Advice: "it has Invoke alone: functions are declared in the scenario"}
	}
	if q := w.URL.Query().Get("Qualifier"); q != "" && q != "$LATEST" {
		return nil, &awswire.Lack{What: "Lambda's qualifiers", Advice: "invoke " + name + " without " + q}
	}
	if w.Header.Get("X-Amz-Client-Context") != "" {
		return nil, &awswire.Lack{What: "Lambda's client context", Advice: "do without"}
	}
	if w.Header.Get("X-Amz-Log-Type") == "Tail" {
		return nil, &awswire.Lack{What: "Lambda's LogType Tail", Advice: "invoke " + name + " without: what functions print is told by the run"}
	}
	if !b.kernel.Deployment().Has(name) {
		return nil, &awswire.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: "Function not found: " + aws.FunctionARN(name)}
	}
	most := mostBytes
	kind := w.Header.Get("X-Amz-Invocation-Type")
	if kind == "Event" {
		most = mostAsyncBytes
	}
	if len(w.Body) > most {
		return nil, &awswire.Error{Code: "RequestTooLargeException", Status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("%d byte payload is too large for the %s invocation type (limit %d bytes)", len(w.Body), kind, most)}
	}
	payload := w.Body
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	if !json.Valid(payload) {
		return nil, &awswire.Error{Code: "InvalidRequestContentException", Message: "Could not parse request body into json"}
	}
	o := b.kernel.Origin(w.Call)
	about := cloud.Numbered(o.Task.With(".Invoke "+name), o.Number, 1)
	switch kind {
	case "", "RequestResponse":
		return b.wait(w, &call{payload: payload, caller: o.Instance.Function, reply: make(chan cloud.Ending, 1)}, name, about, o.Root)
	case "Event":
		b.kernel.Lock()
		defer b.kernel.Unlock()
		b.later(name, about, o.Root, payload)
		return answer(http.StatusAccepted, nil, ""), nil
	case "DryRun":
		return answer(http.StatusNoContent, nil, ""), nil
	}
	return nil, &awswire.Error{Code: "InvalidParameterValueException", Message: "Value " + kind + " of the invocation type is invalid"}
}

// invoked is the function that a path names, by its name or ARN.
func invoked(path string) (name string, ok bool) {
	name, ok = strings.CutPrefix(path, "/2015-03-31/functions/")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, "/invocations")
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	if _, after, arn := strings.Cut(name, ":function:"); arn {
		name = after
	}
	return strings.TrimSuffix(name, ":$LATEST"), ok
}

func answer(status int, payload []byte, failed string) *http.Response {
	h := http.Header{"X-Amz-Executed-Version": {"$LATEST"}, "Content-Type": {"application/json"}}
	if failed != "" {
		h.Set("X-Amz-Function-Error", failed)
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(bytes.NewReader(payload)), ContentLength: int64(len(payload))}
}

// wait invokes a function and waits for how that ends. A caller that gives up
// does not stop it.
func (b *Backend) wait(w *awswire.Request, c *call, name string, about cloud.Subject, root string) (any, error) {
	b.kernel.Lock()
	b.kernel.Invoke(&cloud.Task{Name: cloud.NameTask(name, about), Root: root, Attempt: 1, Cause: c}, time.Time{})
	b.kernel.Unlock()
	select {
	case e := <-c.reply:
		if e.Response.Status == http.StatusTooManyRequests {
			return nil, &awswire.Error{Code: "TooManyRequestsException", Status: http.StatusTooManyRequests, Message: "Rate Exceeded.",
				Fields: map[string]any{"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User"}}
		}
		if e.Success {
			return answer(http.StatusOK, e.Response.Body, ""), nil
		}
		return answer(http.StatusOK, async.Failure(e), "Unhandled"), nil
	case <-w.Context().Done():
		return nil, context.Cause(w.Context())
	}
}

// call is the cause of a function that another one invokes synchronously.
type call struct {
	payload []byte
	caller  string
	reply   chan cloud.Ending
}

func (c *call) Words(int) string { return "is invoked by " + c.caller }
func (c *call) InvokedBy() cloud.InvokedBy {
	return cloud.InvokedBy{Kind: "invocation by " + c.caller}
}
func (c *call) Limit() time.Duration { return 0 }
func (c *call) Line() any            { return nil }
func (c *call) Platform() bool       { return false }

func (c *call) Invoke(ctx context.Context, h cloud.Handler, _ int) cloud.Ending {
	f := aws.FunctionOf(h)
	if f == nil {
		return aws.Unsuited(h)
	}
	return f.Invoke(ctx, c.payload)
}

func (c *call) Answered(_ *cloud.Task, e cloud.Ending) {
	select {
	case c.reply <- e:
	default: // it was answered when its time was up
	}
}

// Unanswered is what the caller of an instance that has died is told.
func (c *call) Unanswered(t *cloud.Task) { c.Answered(t, cloud.Ending{}) }
