package probe

import (
	"context"
	"reflect"
	"runtime/pprof"
	"testing"
	"unsafe"
)

// The mirror of the label set's layout fits the installed Go: a set made by
// the public API is read back through it, whatever the order of its labels.
func TestLabelLayout(t *testing.T) {
	defer pprof.SetGoroutineLabels(context.Background())
	ctx := pprof.WithLabels(context.Background(), pprof.Labels("a", "1", LabelKey, "charge/1", "zz", "2"))
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
	if got := Caller(); got != "charge/1" {
		t.Errorf("got %q", got)
	}
	if size := unsafe.Sizeof(labelMap{}); size != reflect.TypeFor[[]string]().Size() {
		t.Errorf("labelMap has %d bytes", size)
	}
}
