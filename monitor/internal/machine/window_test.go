package machine

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/props"
)

func total(n int64) props.Total { t, _ := props.TotalOf(event.Int(n)); return t }

// A window in exact order answers what a list does, also after sweeps and where
// two go on with one.
func TestHistoryIsAList(t *testing.T) {
	type list struct {
		top   uint32
		times []int64
	}
	r := rand.New(rand.NewPCG(1, 2))
	h := newHistory(true, 16)
	windows := []list{{}, {}, {}}
	const length = 50
	for now := int64(0); now < 5_000; now += r.Int64N(3) {
		w := &windows[r.IntN(len(windows))]
		if r.IntN(20) == 0 {
			other := windows[r.IntN(len(windows))]
			*w = list{other.top, slices.Clone(other.times)}
		}
		w.top, w.times = h.add(w.top, order.Instant{Sec: now}, total(now)), append(w.times, now)
		if len(h.all) > h.due {
			live := make([]bool, len(h.all))
			for _, w := range windows {
				h.mark(live, w.top, order.Instant{Sec: now - length})
			}
			moved := h.sweep(live)
			for i := range windows {
				windows[i].top = moved[windows[i].top]
			}
			h.due = 16 + 2*len(h.all)
		}
		limit := now - r.Int64N(length+1)
		size, sum := int64(0), int64(0)
		for _, at := range w.times {
			if at > limit {
				size, sum = size+1, sum+at
			}
		}
		if got := h.size(w.top, order.Instant{Sec: limit}); got != size {
			t.Fatalf("at %d since %d: %d, want %d", now, limit, got, size)
		}
		if got := h.sum(w.top, order.Instant{Sec: limit}); !got.Equal(total(sum)) {
			t.Fatalf("at %d since %d: %v, want %d", now, limit, got.Value(), sum)
		}
	}
	if len(h.all) > 500 {
		t.Errorf("%d occurrences are held", len(h.all))
	}
}

// Sets of occurrences are sets: equal ones have one number, whatever the way to
// them, and know their size and sum.
func TestHoldingsAreSets(t *testing.T) {
	worth := func(n uint32) props.Total { return total(int64(n % 10)) }
	r := rand.New(rand.NewPCG(3, 4))
	h := newHoldings(16)
	for range 200 {
		limit, set, want := uint32(1)<<r.IntN(14), uint32(0), map[uint32]bool{}
		for range 200 {
			n, there := r.Uint32N(limit), r.IntN(3) > 0
			set, want[n] = h.change(set, n, there, worth), there
		}
		var all []uint32
		again, sum := uint32(0), int64(0)
		for n := range limit {
			if want[n] {
				all, again, sum = append(all, n), h.change(again, n, true, worth), sum+int64(n%10)
			}
		}
		if got := h.list(set); !slices.Equal(got, all) || again != set || int(h.sizes[set]) != len(all) || !h.sums[set].Equal(total(sum)) {
			t.Fatalf("set %d is %v of %d, sum %v; want %v, %d, sum %d", set, got, h.sizes[set], h.sums[set].Value(), all, again, sum)
		}
		if r.IntN(10) == 0 {
			live := make([]bool, len(h.nodes))
			h.mark(live, set)
			if set = h.sweep(live)[set]; !slices.Equal(h.list(set), all) {
				t.Fatal("a sweep changes a set")
			}
		}
	}
}
