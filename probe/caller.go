package probe

import (
	"context"
	"runtime/pprof"
	"unsafe"
)

// LabelKey is the name of the pprof label that says which invocation a
// goroutine works for.
const LabelKey = "wtsim"

type emitter struct{}

// Label marks the calling goroutine, and all that it starts, as working for
// an invocation, and returns a context that carries the same mark, so that
// pprof.Do keeps it, and the tap that [Emit] reports to.
func Label(ctx context.Context, tap Tap, invocation string) context.Context {
	ctx = context.WithValue(ctx, emitter{}, tap)
	ctx = pprof.WithLabels(ctx, pprof.Labels(LabelKey, invocation))
	pprof.SetGoroutineLabels(ctx)
	return ctx
}

// unlabel ends what Label began: the goroutine works for ctx again.
func unlabel(ctx context.Context) { pprof.SetGoroutineLabels(ctx) }

// Emit records an event that no operation shows: a decision that the handler
// made, say. Outside an instrumented invocation it does nothing.
func Emit(ctx context.Context, eventType string, params map[string]any) {
	if tap, ok := ctx.Value(emitter{}).(Tap); ok {
		tap.Emit(eventType, params)
	}
}

// Caller returns the invocation that the calling goroutine works for, as set
// by [Label]; empty if there is none.
func Caller() string { return label(LabelKey) }

// label returns a pprof label of the calling goroutine.
func label(key string) string {
	labels := (*labelMap)(runtimeGetProfLabel())
	if labels == nil {
		return ""
	}
	for _, l := range labels.list {
		if l.key == key {
			return l.value
		}
	}
	return ""
}

// labelMap mirrors runtime/pprof.labelMap; a test holds it against the
// installed Go.
type labelMap struct {
	list []struct{ key, value string }
}

// The runtime tolerates this linkname by name: other instrumentation
// libraries use it too (see runtime/proflabel.go).
//
//go:linkname runtimeGetProfLabel runtime/pprof.runtime_getProfLabel
func runtimeGetProfLabel() unsafe.Pointer
