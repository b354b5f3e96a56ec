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
