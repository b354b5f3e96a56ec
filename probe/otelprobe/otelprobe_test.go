package otelprobe

import (
	"context"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// number returns an attribute of a span; 0 if it has none.
func number(s tracetest.SpanStub, name string) int64 {
	for _, kv := range s.Attributes {
		if string(kv.Key) == name {
			return kv.Value.AsInt64()
		}
	}
	return 0
}

// Spans that end at once are handed on in the order of their numbers, each with
// one of its own; those that are not sampled have a number too.
func TestNumbers(t *testing.T) {
	for _, starts := range []bool{false, true} {
		out := tracetest.NewInMemoryExporter()
		tracers := trace.NewTracerProvider(trace.WithSampler(Sampler(trace.TraceIDRatioBased(0.5))),
			trace.WithSpanProcessor(Processor(trace.NewSimpleSpanProcessor(out), Options{Starts: starts})))
		tracer := tracers.Tracer("test")
		const all = 400
		var wait sync.WaitGroup
		for range all {
			wait.Go(func() {
				_, s := tracer.Start(context.Background(), "x")
				s.End()
			})
		}
		wait.Wait()
		spans := out.GetSpans()
		if len(spans) < all/4 || len(spans) > 3*all/4 {
			t.Errorf("%d spans were sent, wanted about half", len(spans))
		}
		last, gaps, seen := int64(0), 0, map[int64]bool{}
		for _, s := range spans {
			n := number(s, "wtsim.sequence")
			if n <= last {
				t.Errorf("number %d behind %d", n, last)
			}
			gaps += int(n - last - 1)
			last = n
			if first := number(s, "wtsim.sequence.start"); (first > 0) != starts || seen[first] && starts || first >= n {
				t.Errorf("start %d, end %d, starts %v", first, n, starts)
			} else {
				seen[first] = true
			}
		}
		if gaps == 0 {
			t.Error("spans that are not sampled leave no gap")
		}
	}
}
