package probe_test

import (
	"context"
	"runtime/pprof"
	"testing"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// in runs f on a goroutine of its own and returns what it says.
func in(f func() string) string {
	out := make(chan string)
	go func() { out <- f() }()
	return <-out
}

// Who is calling is known wherever the invocation's code runs: in goroutines
// that it starts, with any context, and within labels of its own.
func TestCaller(t *testing.T) {
	if got := probe.Caller(); got != "" {
		t.Errorf("outside: %q", got)
	}
	tap := &probetest.Tap{}
	in(func() string {
		ctx := probe.Label(context.Background(), tap, "charge/1")
		seen := []string{probe.Caller(), in(probe.Caller), in(func() string { return in(probe.Caller) })}
		pprof.Do(ctx, pprof.Labels("mine", "x"), func(context.Context) { seen = append(seen, probe.Caller(), in(probe.Caller)) })
		pprof.Do(context.WithoutCancel(ctx), pprof.Labels("a", "b", "zz", "y"), func(context.Context) { seen = append(seen, probe.Caller()) })
		for i, s := range append(seen, probe.Caller()) {
			if s != "charge/1" {
				t.Errorf("seen[%d] is %q", i, s)
			}
		}
		return ""
	})
}

// An invocation of a Recorder has a name of its own, and ends.
func TestInvocation(t *testing.T) {
	r := probetest.Recorder(new([]event.Event))
	for _, want := range []string{"i-1/inv-1", "i-1/inv-2"} {
		ctx, end := r.Invocation(t.Context())
		if got, _ := pprof.Label(ctx, probe.LabelKey); got != want || probe.Caller() != want {
			t.Errorf("the context says %q, the goroutine %q, wanted %q", got, probe.Caller(), want)
		}
		if end(); probe.Caller() != "" {
			t.Errorf("after the end: %q", probe.Caller())
		}
	}
}

// pprof.Do with a context that does not descend from the invocation's takes
// the label away: the call is then attributed by the instance alone.
func TestCallerForeignLabels(t *testing.T) {
	got := in(func() string {
		probe.Label(context.Background(), &probetest.Tap{}, "charge/1")
		var inside string
		pprof.Do(context.Background(), pprof.Labels("mine", "x"), func(context.Context) { inside = probe.Caller() })
		return inside
	})
	if got != "" {
		t.Errorf("got %q", got)
	}
}

// Emit reaches the tap of the invocation's context, and no other.
func TestEmit(t *testing.T) {
	tap := &probetest.Tap{}
	probe.Emit(context.Background(), "LOST", nil)
	in(func() string {
		ctx := probe.Label(context.Background(), tap, "charge/1")
		probe.Emit(context.WithoutCancel(ctx), "DECIDED", map[string]any{"order": "o-1"})
		return ""
	})
	if len(tap.Events) != 1 || tap.Events[0].Type != "DECIDED" || len(tap.Events[0].Data) != 1 {
		t.Errorf("got %+v", tap.Events)
	}
}

func BenchmarkCaller(b *testing.B) {
	in(func() string {
		probe.Label(context.Background(), &probetest.Tap{}, "charge/1")
		for b.Loop() {
			probe.Caller()
		}
		return ""
	})
}
