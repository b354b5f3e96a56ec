package probe

import (
	"context"
	"strings"
)

// traceKey is the pprof label that carries a traceparent, as [LabelKey] does an
// invocation.
const traceKey = "wtsim.traceparent"

type traceParent struct{}

// WithTraceParent returns a context with the traceparent of a request, of W3C's
// trace context: the events of a [Recorder.Invocation] in it carry that along.
// What is none is ignored, as W3C wants it; it came from outside.
func WithTraceParent(ctx context.Context, header string) context.Context {
	if !isTraceParent(header) {
		return ctx
	}
	return context.WithValue(ctx, traceParent{}, header)
}

// isTraceParent tells whether a header is version, trace, parent and flags, each
// in lower-case hexadecimal. A later version may have more behind these; it is
// not carried, for nothing bounds it.
func isTraceParent(header string) bool {
	parts := strings.Split(header, "-")
	if len(parts) != 4 || parts[0] == "ff" {
		return false
	}
	for i, width := range [...]int{2, 32, 16, 2} {
		if p := parts[i]; len(p) != width || strings.Trim(p, "0123456789abcdef") != "" {
			return false
		}
	}
	return strings.Trim(parts[1], "0") != "" && strings.Trim(parts[2], "0") != ""
}
