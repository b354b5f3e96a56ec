package monitor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// BenchmarkWindow is the cost of an event of a window that holds 10, 1 000 and
// 100 000 occurrences, an occurrence a millisecond: counted, summed up, and with
// skew; and of one that holds 10 and 1 000 different values.
func BenchmarkWindow(b *testing.B) {
	for _, size := range []int{10, 1_000, 100_000} {
		length := time.Duration(size) * time.Millisecond
		happened := props.On("A", "x")
		for _, c := range []struct {
			name string
			p    *props.Property
			skew time.Duration
		}{
			{"count", props.AtMost("p", event.Int(int64(size)), props.Occurrences(happened, length)), 0},
			{"sum", props.AtMost("p", event.Int(int64(2*size)), props.SumOf("n", happened, length)), 0},
			{"values", props.AtMost("p", event.Int(int64(size)), props.DistinctOf("v", happened, length)), 0},
			{"values with skew", props.AtMost("p", event.Int(int64(size)), props.DistinctOf("v", happened, length)), 3 * time.Millisecond},
			{"skew", props.AtMost("p", event.Int(int64(size+9)), props.Occurrences(happened, length)), 3 * time.Millisecond},
		} {
			if strings.HasPrefix(c.name, "values") && size > 1_000 {
				continue // what it costs grows with them
			}
			b.Run(fmt.Sprintf("%s/%d", c.name, size), func(b *testing.B) { benchWindow(b, c.p, c.skew, size) })
		}
	}
}

func benchWindow(b *testing.B, p *props.Property, skew time.Duration, size int) {
	program, err := Compile(p)
	if err != nil {
		b.Fatal(err)
	}
	s, err := program.Stream(StreamOptions{Skew: skew})
	if err != nil {
		b.Fatal(err)
	}
	const names = 1 << 18
	ids := make([]string, names)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	at, n := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 0
	inputs := make([]Input, 1)
	next := func() {
		n++
		at = at.Add(time.Millisecond)
		inputs[0] = Input{Event: event.Event{ID: ids[n%names], Source: ids[n%5], Type: "A", Time: at,
			Data: event.Data{{Name: "v", Value: event.Int(int64(n % size))}, {Name: "n", Value: event.Int(int64(1 + n%2))}, {Name: "x", Value: event.Int(1)}}}}
		if j := s.Judge(inputs); len(j.Findings) > 0 {
			b.Fatal(j.Findings)
		}
	}
	for range size {
		next()
	}
	b.ReportAllocs()
	for b.Loop() {
		next()
	}
}
