// Package lambdaprobe makes each invocation of a function of AWS Lambda an
// invocation of a recorder's:
//
//	func main() { lambda.Start(lambdaprobe.Handler(recorder, handle)) }
//
// The rules:
//
//  1. A function is wrapped as what it is: whatever signature lambda.Start takes,
//     with its options, its event's type and a response that is a stream. Of a
//     lambda.Handler a stream is read whole, as by the library.
//  2. An invocation's name ends with its request id, which CloudWatch's logs have too;
//     attempts of one request are invocations each. Its events carry the traceparent of
//     its request's headers, else X-Ray's trace as one.
//  3. Events leave before the handler's answer, since the process stands still
//     after it: as far as the sink waits (a second, and not while sending fails), and
//     no longer than until 50 ms before the function's time limit. What
//     is recorded while a response streams leaves before its end, if the
//     function returns an [io.Reader], else within 100 ms of running.
//  4. From half a second before the time limit events leave each 20 ms: of an
//     invocation that is ended by it the last of them are lost, and no more.
//  5. What is recorded before the first invocation, while the instance starts, leaves
//     when [Handler] is called: the process may stand still after it, too. The
//     first invocation of an instance is its cold start: "/inv-1".
//  6. A recording has the payload as a request (see [recording.Begin]), its headers
//     those of the Runtime API: to [Path], of the event as its type encodes it.
//
// Programs that are built with `wtsim build --record` need none of this.
package lambdaprobe

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/awsprobe"
	"github.com/wtsim/wtsim/probe/recording"
)

// Path is where a payload goes in a recording, as to Lambda itself and to its
// emulator.
// https://docs.aws.amazon.com/lambda/latest/dg/images-test.html
const Path = "/2015-03-31/functions/function/invocations"

// invoker is a lambda.Handler.
type invoker interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Handler returns what is to be given to lambda.Start, or lambda.StartWithOptions,
// in a handler's place: a function of any signature that these take, or a
// lambda.Handler. What they do not take is returned as it is, for them to say so.
func Handler(r *probe.Recorder, handler any) any {
	start, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	r.Flush(start)
	if h, ok := handler.(invoker); ok {
		return wrapped{r, h}
	}
	f := reflect.ValueOf(handler)
	if f.Kind() != reflect.Func || !taken(f.Type()) {
		return handler
	}
	return function(r, f)
}

// wrapped is a lambda.Handler.
type wrapped struct {
	recorder *probe.Recorder
	handler  invoker
}

// Invoke invokes the handler.
func (w wrapped) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	b := begun{recorder: w.recorder, event: reflect.ValueOf(json.RawMessage(payload))}
	ctx, end := b.begin(ctx)
	defer end()
	out, err := w.handler.Invoke(ctx, payload)
	b.failed = err != nil
	return out, err
}

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
	readerType  = reflect.TypeFor[io.Reader]()
)

// takesContext tells whether a function's first argument is the context.
func takesContext(t reflect.Type) bool {
	return t.NumIn() > 0 && t.In(0).Kind() == reflect.Interface && t.In(0).NumMethod() > 0 && contextType.Implements(t.In(0))
}

// taken tells whether lambda.Start takes a function of this type.
// https://docs.aws.amazon.com/lambda/latest/dg/golang-handler.html
func taken(t reflect.Type) bool {
	events := t.NumIn()
	if takesContext(t) {
		events--
	}
	return !t.IsVariadic() && events <= 1 && t.NumOut() <= 2 && (t.NumOut() == 0 || t.Out(t.NumOut()-1).Implements(errorType))
}

// function returns a function as f is, which takes a context whether f does or
// not: the library tells the request id by it.
func function(r *probe.Recorder, f reflect.Value) any {
	t := f.Type()
	in := []reflect.Type{contextType}
	own := takesContext(t)
	for i := range t.NumIn() {
		if i > 0 || !own {
			in = append(in, t.In(i))
		}
	}
	var out []reflect.Type
	for i := range t.NumOut() {
		out = append(out, t.Out(i))
	}
	return reflect.MakeFunc(reflect.FuncOf(in, out, false), func(args []reflect.Value) []reflect.Value {
		b := begun{recorder: r}
		if len(args) > 1 {
			b.event = args[1]
		}
		ctx, end := b.begin(args[0].Interface().(context.Context))
		defer end()
		if args[0] = reflect.ValueOf(ctx); !own {
			args = args[1:]
		}
		results := f.Call(args)
		if n := len(results); n > 0 {
			b.failed = !nothing(results[n-1])
		}
		if len(results) == 2 && t.Out(0) == readerType && !results[0].IsNil() {
			limit, _ := ctx.Deadline()
			results[0] = reflect.ValueOf(streaming(r, results[0].Interface().(io.Reader), limit)).Convert(readerType)
		}
		return results
	}).Interface()
}

// nothing tells whether a value is nil.
func nothing(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		return v.IsNil()
	}
	return false
}

// begun is an invocation.
type begun struct {
	recorder *probe.Recorder
	event    reflect.Value // the payload, or what it was decoded to; may be zero
	failed   bool          // or ended by a panic
}

// begin begins it, and returns how to end it.
func (b *begun) begin(ctx context.Context) (labelled context.Context, end func()) {
	by := probe.Invoked{}
	lc, _ := lambdacontext.FromContext(ctx)
	if lc != nil {
		by.Request = lc.AwsRequestID
	}
	by.Limit, _ = ctx.Deadline()
	trace, _ := ctx.Value("x-amzn-trace-id").(string)
	parent := headerOf(b.event, "traceparent")
	if parent == "" {
		parent = awsprobe.TraceParent(trace)
	}
	ctx, over := b.recorder.Invoke(probe.WithTraceParent(ctx, parent), by)
	if !b.recorder.Keeping() {
		return ctx, over
	}
	recording.Begin(b.recorder, request(b.event, lc, by.Limit, trace))
	b.failed = true // by a panic, unless it is said otherwise
	return ctx, func() {
		status := http.StatusOK
		if b.failed {
			status = http.StatusInternalServerError
		}
		recording.End(b.recorder, status)
		over()
	}
}

// request is an invocation as a request of HTTP, with the Runtime API's headers.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next
func request(event reflect.Value, lc *lambdacontext.LambdaContext, limit time.Time, trace string) *http.Request {
	payload := []byte("null")
	if event.IsValid() && event.CanInterface() {
		if text, err := json.Marshal(event.Interface()); err == nil {
			payload = text
		}
	}
	h := http.Header{"Content-Type": {"application/json"}}
	if lc != nil {
		h.Set("Lambda-Runtime-Aws-Request-Id", lc.AwsRequestID)
		h.Set("Lambda-Runtime-Invoked-Function-Arn", lc.InvokedFunctionArn)
	}
	if !limit.IsZero() {
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(limit.UnixMilli(), 10))
	}
	if trace != "" {
		h.Set("Lambda-Runtime-Trace-Id", trace)
	}
	return &http.Request{Method: http.MethodPost, URL: &url.URL{Path: Path}, Header: h, Body: io.NopCloser(bytes.NewReader(payload))}
}

// headerOf is a header of a request that is an event: of a function URL, API Gateway
// or a load balancer.
func headerOf(event reflect.Value, name string) string {
	for event.IsValid() && (event.Kind() == reflect.Pointer || event.Kind() == reflect.Interface) {
		event = event.Elem()
	}
	if !event.IsValid() {
		return ""
	}
	var headers any
	switch x := event.Interface().(type) {
	case json.RawMessage:
		headers = headersOf(x)
	case []byte:
		headers = headersOf(x)
	case map[string]any:
		headers = x["headers"]
	default:
		if event.Kind() != reflect.Struct {
			return ""
		}
		if f := event.FieldByName("Headers"); f.IsValid() && f.CanInterface() {
			headers = f.Interface()
		}
	}
	return valueOf(headers, name)
}

func headersOf(payload []byte) any {
	var x struct{ Headers map[string]any }
	_ = json.Unmarshal(payload, &x) // what is no request has none
	return x.Headers
}

func valueOf(headers any, name string) string {
	switch h := headers.(type) {
	case map[string]string:
		for k, v := range h {
			if strings.EqualFold(k, name) {
				return v
			}
		}
	case map[string]any:
		for k, v := range h {
			if text, ok := v.(string); ok && strings.EqualFold(k, name) {
				return text
			}
		}
	}
	return ""
}
