package lambdaprobe_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/lambdaprobe"
	"github.com/wtsim/wtsim/probe/recording"
)

// kept is a sink that keeps what has been put, and how much of it was flushed.
type kept struct {
	mu      sync.Mutex
	events  []event.Event
	flushed int
	until   time.Time // the deadline of the last flush
}

func (k *kept) Put(e event.Event) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.events = append(k.events, e)
}

func (k *kept) Flush(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flushed = len(k.events)
	k.until, _ = ctx.Deadline()
	return nil
}

func recorder(t *testing.T, to probe.Sink) *probe.Recorder {
	t.Helper()
	rules, err := probe.CompileRules(nil)
	if err != nil {
		t.Fatal(err)
	}
	return probe.NewRecorder("orders", "i-7", rules, to)
}

type order struct {
	ID string `json:"id"`
}

type plain struct{}

func (plain) Invoke(_ context.Context, payload []byte) ([]byte, error) { return payload, nil }

// failure is an error that is no pointer and no interface.
type failure struct{}

func (failure) Error() string { return "no" }

// Whatever lambda.Start takes is answered as without the recorder, and what it does
// not take is refused in the library's words.
func TestSignatures(t *testing.T) {
	for _, h := range []any{
		func() {},
		func() error { return errors.New("out of stock") },
		func(o order) error { return nil },
		func() (order, error) { return order{"o-1"}, nil },
		func(o order) (order, error) { return o, nil },
		func(ctx context.Context) error { return ctx.Err() },
		func(ctx context.Context) (string, error) { return "yes", ctx.Err() },
		func(_ context.Context, o *order) (*order, error) { return o, nil },
		func(_ context.Context, o map[string]any) (any, error) { return o, nil },
		func(o any) (any, error) { return o, nil },
		func(_ context.Context, raw json.RawMessage) (json.RawMessage, error) { return raw, nil },
		func() (io.Reader, error) { return strings.NewReader("streamed"), nil },
		func() (failure, error) { return failure{}, nil },
		func() failure { return failure{} },
		func(_ context.Context, o order) (*events.LambdaFunctionURLStreamingResponse, error) {
			return &events.LambdaFunctionURLStreamingResponse{StatusCode: 201, Body: strings.NewReader(o.ID)}, nil
		},
		plain{}, lambda.NewHandler(func(o order) (order, error) { return o, nil }),
		nil, 7, func(a, b order) error { return nil }, func(order) (a, b order) { return }, func(order) order { return order{} },
		func(...order) error { return nil },
	} {
		want, wantErr := lambda.NewHandler(h).Invoke(t.Context(), []byte(`{"id":"o-1"}`))
		k := &kept{}
		got, err := lambda.NewHandler(lambdaprobe.Handler(recorder(t, k), h)).Invoke(t.Context(), []byte(`{"id":"o-1"}`))
		if string(got) != string(want) || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("%T: got %s, %v, wanted %s, %v", h, got, err, want, wantErr)
		}
	}
}

// invocation is a context as the library makes it.
func invocation(ctx context.Context, trace string) context.Context {
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "r-1", InvokedFunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:orders"})
	//lint:ignore SA1029 the library does so
	return context.WithValue(ctx, "x-amzn-trace-id", trace)
}

// Events name the attempt and its request, carry the trace of the request, or
// X-Ray's, and have left when the handler's answer goes out; the end waits no longer
// than a little before the limit.
func TestInvocation(t *testing.T) {
	const xray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	const w3c = "00-4efaaf4d1e8720b39541901950019ee5-53995c3f42cd8ad8-01"
	k := &kept{}
	r := recorder(t, k)
	emit := func(ctx context.Context) error { probe.Emit(ctx, "ORDERED", nil); return nil }
	handlers := []any{emit, func(ctx context.Context, _ events.APIGatewayV2HTTPRequest) error { return emit(ctx) },
		func(ctx context.Context, _ map[string]any) error { return emit(ctx) },
		lambda.NewHandler(func(ctx context.Context, _ json.RawMessage) error { return emit(ctx) })}
	for i, h := range handlers {
		ctx, cancel := context.WithTimeout(invocation(t.Context(), xray), time.Minute)
		defer cancel()
		limit, _ := ctx.Deadline()
		if _, err := lambda.NewHandler(lambdaprobe.Handler(r, h)).Invoke(ctx, []byte(`{"headers":{"Traceparent":"`+w3c+`"}}`)); err != nil {
			t.Fatal(err)
		}
		e := k.events[i]
		want := "i-7/inv-" + string(rune('1'+i)) + "/r-1"
		trace := w3c
		if i == 0 {
			trace = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"
		}
		if e.Invocation != want || e.TraceParent != trace || k.flushed != i+1 || probe.Caller() != "" || !k.until.Equal(limit.Add(-50*time.Millisecond)) {
			t.Errorf("%d: %s, %s, flushed %d, until %v of %v", i, e.Invocation, e.TraceParent, k.flushed, k.until, limit)
		}
	}
}

// What is recorded while a response streams has left before its end; it stays what
// it is to the library.
func TestStream(t *testing.T) {
	k := &kept{}
	r := recorder(t, k)
	h := lambdaprobe.Handler(r, func(ctx context.Context) (io.Reader, error) {
		return readerFunc(func([]byte) (int, error) { r.Emit("SENT", nil); return 0, io.EOF }), nil
	}).(func(context.Context) (io.Reader, error))
	body, err := h(t.Context())
	if err != nil || len(k.events) != 0 {
		t.Fatal(err, k.events)
	}
	if _, err := io.ReadAll(body); err != nil || k.flushed != 1 {
		t.Error(err, k.flushed)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A recording has an invocation with its payload, and it can be run again.
func TestRecording(t *testing.T) {
	k, operations := &kept{}, &kept{}
	r := recorder(t, k)
	r.Keep(operations)
	handle := func(_ context.Context, o order) (order, error) {
		if o.ID == "" {
			return o, errors.New("no id")
		}
		return o, nil
	}
	h := lambda.NewHandler(lambdaprobe.Handler(r, handle))
	for _, payload := range []string{`{"id":"o-1"}`, `{}`} {
		_, _ = h.Invoke(invocation(t.Context(), ""), []byte(payload))
	}
	var text strings.Builder
	for _, e := range operations.events {
		text.Write(append(e.AppendJSON(nil), '\n'))
	}
	all, err := recording.Read(strings.NewReader(text.String()))
	if err != nil || len(all) != 2 {
		t.Fatal(err, text.String())
	}
	for i, want := range []struct {
		body   string
		status int
	}{{`{"id":"o-1"}`, 200}, {`{"id":""}`, 500}} {
		if got := all[i]; string(got.Request.Body) != want.body || got.Status != want.status || got.Request.Target != lambdaprobe.Path {
			t.Errorf("%+v", got)
		}
	}
}
