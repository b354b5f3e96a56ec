// Package otelprobe numbers the spans of OpenTelemetry's SDK, so that a monitor
// knows of each whether it is missing: what rests on absence is decided then, and
// not inconclusive (docs/production.md).
//
//	tracers := trace.NewTracerProvider(
//		trace.WithSampler(otelprobe.Sampler(sampler)),
//		trace.WithSpanProcessor(otelprobe.Processor(trace.NewBatchSpanProcessor(exporter), otelprobe.Options{})))
//
// The rules:
//
//  1. Spans are numbered as they end, from 1, in the attribute wtsim.sequence; with
//     Starts as they start too, in wtsim.sequence.start, of the same numbers.
//  2. Spans that are not sampled are numbered too, and not sent: they are missing,
//     and counted. The SDK shows a processor those alone that its sampler has
//     recorded, so that [Sampler] is wanted.
//  3. The numbers are of a process: the resource's service.instance.id must be one
//     that no other process has, nor this one after a restart.
//
// Out of scope: log records, which keep no order of their own.
package otelprobe

import (
	"context"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace"
)

// Options say what is numbered.
type Options struct {
	// Starts numbers the starts of spans too. The monitor's rules that are "at:
	// start" want it. Each start is then as late as its span is long.
	Starts bool
}

// Processor numbers spans on their way to another processor. Of one process there
// is one.
func Processor(next trace.SpanProcessor, o Options) trace.SpanProcessor {
	return &processor{SpanProcessor: next, options: o}
}

type processor struct {
	trace.SpanProcessor
	options Options
	mu      sync.Mutex // spans are handed on in the order of their numbers
	last    int64
}

// OnStart is of the SDK.
func (p *processor) OnStart(parent context.Context, s trace.ReadWriteSpan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.options.Starts {
		p.last++
		s.SetAttributes(attribute.Int64("wtsim.sequence.start", p.last))
	}
	p.SpanProcessor.OnStart(parent, s)
}

// OnEnd is of the SDK.
func (p *processor) OnEnd(s trace.ReadOnlySpan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.SpanProcessor.OnEnd(numbered{s, p.last})
}

// numbered is a span with its number.
type numbered struct {
	trace.ReadOnlySpan
	n int64
}

// Attributes are those of the span, and its number.
func (s numbered) Attributes() []attribute.KeyValue {
	return append(slices.Clip(s.ReadOnlySpan.Attributes()), attribute.Int64("wtsim.sequence", s.n))
}

// Sampler records what another sampler drops, and samples what that samples.
func Sampler(s trace.Sampler) trace.Sampler { return sampler{s} }

type sampler struct{ trace.Sampler }

// ShouldSample is of the SDK.
func (s sampler) ShouldSample(p trace.SamplingParameters) trace.SamplingResult {
	r := s.Sampler.ShouldSample(p)
	if r.Decision == trace.Drop {
		r.Decision = trace.RecordOnly
	}
	return r
}
