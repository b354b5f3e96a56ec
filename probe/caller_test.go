package probe

import (
	"context"
	"reflect"
	"runtime/pprof"
	"testing"
	"unsafe"
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
	if got := Caller(); got != "" {
		t.Errorf("outside: %q", got)
	}
	tap := &scripted{}
	got := in(func() string {
		ctx := Label(context.Background(), tap, "charge/1")
		seen := []string{Caller(), in(Caller), in(func() string { return in(Caller) })}
		pprof.Do(ctx, pprof.Labels("mine", "x"), func(context.Context) { seen = append(seen, Caller(), in(Caller)) })
		pprof.Do(context.WithoutCancel(ctx), pprof.Labels("a", "b", "zz", "y"), func(context.Context) { seen = append(seen, Caller()) })
		for i, s := range append(seen, Caller()) {
			if s != "charge/1" {
				t.Errorf("seen[%d] is %q", i, s)
			}
		}
		unlabel(context.Background())
		return Caller()
	})
	if got != "" {
		t.Errorf("after unlabel: %q", got)
	}
}

// pprof.Do with a context that does not descend from the invocation's takes
// the label away: the call is then attributed by the instance alone.
func TestCallerForeignLabels(t *testing.T) {
	got := in(func() string {
		Label(context.Background(), &scripted{}, "charge/1")
		var inside string
		pprof.Do(context.Background(), pprof.Labels("mine", "x"), func(context.Context) { inside = Caller() })
		return inside
	})
	if got != "" {
		t.Errorf("got %q", got)
	}
}

// The mirror of the label set's layout fits the installed Go: a set made by
// the public API is read back through it, whatever the order of its labels.
func TestLabelLayout(t *testing.T) {
	got := in(func() string {
		ctx := pprof.WithLabels(context.Background(), pprof.Labels("a", "1", labelKey, "charge/1", "zz", "2"))
		pprof.SetGoroutineLabels(ctx)
		labels := (*labelMap)(runtimeGetProfLabel())
		if labels == nil || len(labels.list) != 3 {
			t.Fatalf("labels %+v, wanted three", labels)
		}
		for _, l := range labels.list {
			if v, ok := pprof.Label(ctx, l.key); !ok || v != l.value {
				t.Errorf("%q is %q, pprof says %q", l.key, l.value, v)
			}
		}
		return Caller()
	})
	if got != "charge/1" {
		t.Errorf("got %q", got)
	}
	if size := unsafe.Sizeof(labelMap{}); size != reflect.TypeFor[[]string]().Size() {
		t.Errorf("labelMap has %d bytes", size)
	}
}

// Emit reaches the tap of the invocation's context, and no other.
func TestEmit(t *testing.T) {
	tap := &scripted{}
	Emit(context.Background(), "LOST", nil)
	in(func() string {
		ctx := Label(context.Background(), tap, "charge/1")
		Emit(context.WithoutCancel(ctx), "DECIDED", map[string]any{"order": "o-1"})
		return ""
	})
	if len(tap.events) != 1 || tap.events[0].Type != "DECIDED" || len(tap.events[0].Data) != 1 {
		t.Errorf("got %+v", tap.events)
	}
}

func BenchmarkCaller(b *testing.B) {
	in(func() string {
		Label(context.Background(), &scripted{}, "charge/1")
		for b.Loop() {
			Caller()
		}
		return ""
	})
}
