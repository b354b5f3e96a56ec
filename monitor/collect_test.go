package monitor

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// heapInUse is what is alive.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var st runtime.MemStats
	runtime.ReadMemStats(&st)
	return int64(st.HeapAlloc)
}

// shortLived pushes events of bindings that live for two events each, from
// sources that live for a hundred; every tenth binding is never settled.
func shortLived(s *Stream, from, to int) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := from; i < to; i++ {
		kind := "BEGIN"
		if i%2 == 1 && i/2%10 != 0 {
			kind = "END"
		}
		e := event.Event{
			ID: fmt.Sprint(i), Source: fmt.Sprintf("/f/%d", i/100), Type: kind, Time: start.Add(time.Duration(i) * time.Millisecond),
			Data: event.Data{{Name: "job", Value: event.Str(fmt.Sprintf("job-%d", i/2))}, {Name: "user", Value: event.Str(fmt.Sprintf("user-%d", i/20))}},
		}
		push(s, &e, i)
	}
}

func jobs(t testing.TB) *Program {
	begin, end := props.On("BEGIN", "job"), props.On("END", "job")
	p, err := Compile(
		props.ForAll("job").Machine("ends once", props.From("no").On(begin).To("begun").On(end).To(props.Violated),
			props.From("begun").On(end).To(props.Satisfied).On(props.On("BROKEN", "job")).To(props.Violated)),
		props.ForAll("job", "user").Machine("of its user", props.From("no").On(props.On("BEGIN", "job", "user")).To("begun"),
			props.From("begun").On(props.On("END", "user")).To(props.Satisfied).On(props.On("BROKEN", "user")).To(props.Violated)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// An endless stream of short-lived bindings, from sources that come and go,
// keeps a constant heap: with a time to live all is bounded by what is alive.
func TestHeapSoak(t *testing.T) {
	events := 400_000
	if os.Getenv("WTSIM_SOAK") != "" {
		events = 20_000_000
	}
	few := usual()
	few.firstSweep = 1 << 10
	for _, skew := range []time.Duration{0, 5 * time.Millisecond} {
		s, err := jobs(t).Stream(StreamOptions{Skew: skew, Lateness: time.Second, TTL: 5 * time.Second, limits: &few})
		if err != nil {
			t.Fatal(err)
		}
		shortLived(s, 0, events/4)
		before := heapInUse()
		shortLived(s, events/4, events/2)
		half := heapInUse()
		shortLived(s, events/2, events)
		after := heapInUse()
		t.Logf("skew %v: %d, %d, %d bytes after a quarter, a half and all of %d events", skew, before, half, after, events)
		if after > max(before, half)*3/2 { // it swings with the sweeps
			t.Errorf("skew %v: the heap grows", skew)
		}
		if sum := finish(s); sum.Expired == 0 || sum.Late > 0 || sum.Violations > 0 {
			t.Errorf("%+v", sum)
		}
		runtime.KeepAlive(s)
	}
}

// Without a time to live, what is settled leaves its name and nothing else:
// no notes and no records.
func TestSettledLeavesNoTrail(t *testing.T) {
	p, err := Compile(jobs(t).plans[0].property)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Stream(StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const events = 200_000
	shortLived(s, 0, events)
	s.engine.sweepTrails()
	live := s.Stats()[0].Instances
	if got := s.engine.trails.notes.n; got > 2*live+1 || live < events/20 {
		t.Errorf("%d notes for %d live instances", got, live)
	}
}
