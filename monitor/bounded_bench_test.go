package monitor

import (
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// Ten million instances, of which a hundred thousand live at a time: memory and
// the checkpoint follow those, not the others.
func BenchmarkBounded(b *testing.B) {
	p, err := Compile(props.AtMostOnce("once", props.On("PAID", "order")))
	if err != nil {
		b.Fatal(err)
	}
	for _, instances := range []int{1_000_000, 10_000_000} {
		b.Run(fmt.Sprint(instances), func(b *testing.B) {
			for b.Loop() {
				bounded(b, p, instances)
			}
		})
	}
}

// bounded has an instance each millisecond, which is forgotten after a hundred
// seconds.
func bounded(b *testing.B, p *Program, instances int) {
	s, err := p.Stream(StreamOptions{Lateness: 2 * time.Second, TTL: 100 * time.Second, Names: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	inputs := make([]Input, 1000)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := 0; n < instances; n += len(inputs) {
		for i := range inputs {
			at = at.Add(time.Millisecond)
			inputs[i] = Input{Event: event.Event{ID: fmt.Sprint(n + i), Source: "s", Type: "PAID", Time: at,
				Data: event.Data{{Name: "order", Value: event.Int(int64(n + i))}}}}
		}
		s.Push(inputs)
	}
	var size counter
	started := time.Now()
	if err := s.Checkpoint(&size); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Since(started).Microseconds())/1000, "checkpoint-ms")
	started = time.Now()
	write, err := s.Snapshot() // for so long nothing is judged
	b.ReportMetric(float64(time.Since(started).Microseconds())/1000, "snapshot-ms")
	if err != nil || write(&size) != nil {
		b.Fatal(err)
	}
	size /= 2
	b.ReportMetric(float64(heap()-before)/1e6, "heap-MB")
	b.ReportMetric(float64(size)/1e6, "checkpoint-MB")
	b.ReportMetric(float64(s.Stats()[0].Instances), "live")
}

type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

var _ io.Writer = (*counter)(nil)

// For how long does nothing happen while a state of many live instances is saved: taken
// down, to be written beside, or written at once?
//
//	go test ./monitor -run '^$' -bench Snapshot -benchtime 20x -cpuprofile cpu.out
func BenchmarkSnapshot(b *testing.B) {
	p, err := Compile(props.AtMostOnce("once", props.On("PAID", "order")))
	if err != nil {
		b.Fatal(err)
	}
	s, err := p.Stream(StreamOptions{Lateness: 200 * time.Millisecond, Names: 10 * time.Minute, Coverage: true})
	if err != nil {
		b.Fatal(err)
	}
	inputs := make([]Input, 1000)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := 0; n < 400_000; n += len(inputs) {
		for i := range inputs {
			at = at.Add(30 * time.Microsecond)
			inputs[i] = Input{Event: event.Event{ID: fmt.Sprint("i-", n+i), Source: "s", Type: "PAID", Time: at,
				Data: event.Data{{Name: "order", Value: event.Str(fmt.Sprint("o-", n+i))}}}}
		}
		s.Push(inputs)
	}
	b.Run("taken down", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Snapshot(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("written", func(b *testing.B) {
		for b.Loop() {
			if err := s.Checkpoint(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
}
