package workers

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Partial orders are packed and unpacked.
func TestTally(t *testing.T) {
	a, b := newTally(), newTally()
	for n, hash := range []uint64{1 << 63, 5, 5, 0, 7, 1} {
		a.add(&ended{Number: 1000*n + 1, Order: hash, Taken: []string{fmt.Sprint("case ", n%2)}, Missing: []string{"never"}})
	}
	if err := b.unpack(a.packed()); err != nil || !maps.Equal(a.orders, b.orders) || len(b.orders) != 4 {
		t.Errorf("%v: got %v, want %v", err, b.orders, a.orders)
	}
	if err := b.unpack(a.packed()[:12]); err == nil {
		t.Error("what is cut short is taken for whole")
	}
	if o := a.statistics(1001); o.Behaviours != 2 || o.Covered != 2 || o.Coverable != 3 || !slices.Equal(o.Uncovered, []string{"never"}) {
		t.Errorf("up to 1001: %+v", o)
	}
	if o := a.statistics(1); o.Behaviours != 1 || o.Covered != 1 || o.Coverable != 2 {
		t.Errorf("up to 1: %+v", o)
	}
}

// Statistics of a search count all schedules, also of a very long one.
func TestLongSearch(t *testing.T) {
	seen := newTally()
	seen.add(&ended{Number: 3_000_000, Order: 7, Taken: []string{"a case"}})
	var m Merged
	s := &Shard{Shard: 1, Shards: 1, Strategy: "random", Through: 4_000_000, Ran: 4_000_000, seen: seen}
	if _, err := m.Add("file", s); err != nil {
		t.Fatal(err)
	}
	if o := m.End(); o.Behaviours != 1 || o.Covered != 1 || o.Schedules != 4_000_000 {
		t.Errorf("got %+v", o)
	}
}

// Of what a child prints on standard error a fatal error's beginning is kept,
// however much comes before and after.
func TestTail(t *testing.T) {
	var through bytes.Buffer
	out := tail{through: &through}
	noise := []byte(strings.Repeat("noise\n", 1000))
	for range 1000 {
		_, _ = out.Write(noise)
	}
	_, _ = out.Write([]byte("panic: at last\n\ngoroutine 1 [running]:\n"))
	for range 1000 {
		_, _ = out.Write(noise)
	}
	if s := out.String(); !strings.Contains(s, "\npanic: at last\n\ngoroutine 1") || len(s) > 4*tailSize {
		t.Errorf("%d bytes are kept, without the fatal error or too many", len(s))
	}
	if through.Len() != 1000*len(noise) {
		t.Errorf("%d bytes are passed on, wanted the %d before the fatal error", through.Len(), 1000*len(noise))
	}
}
