package service

import (
	"testing"
	"time"
)

// Blocks are forgotten when they are not needed and their time is over, and
// never before; how long the time is does not make for more marks.
func TestKeeper(t *testing.T) {
	for _, keep := range []time.Duration{0, time.Minute, 24 * time.Hour} {
		k := keeper{keep: keep}
		unneeded := map[uint64]time.Time{}
		forgotten := uint64(0)
		now := begin
		for n := uint64(1); n < 1000; n++ {
			unneeded[n] = now
			if before := k.due(n, now); before > 0 {
				if at := unneeded[before]; now.Sub(at) < keep {
					t.Fatalf("keep %v: blocks before %d are forgotten after %v", keep, before, now.Sub(at))
				}
				if before < forgotten {
					t.Fatalf("keep %v: %d after %d", keep, before, forgotten)
				}
				forgotten = before
			}
			if len(k.marks) > marksOf+1 {
				t.Fatalf("keep %v: %d marks", keep, len(k.marks))
			}
			now = now.Add(keep/200 + time.Millisecond)
		}
		if at := unneeded[forgotten]; now.Sub(at) > keep+keep/10+time.Second {
			t.Errorf("keep %v: the blocks before %d, not needed for %v, are the last forgotten", keep, forgotten, now.Sub(at))
		}
	}
}
