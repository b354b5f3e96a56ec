package redisprobe

import (
	"context"
	"net"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/probe"
)

// passes is a tap that lets everything happen, as a world would that has
// nothing against it.
type passes struct{}

func (passes) Enter(*probe.Call) probe.Fate { return probe.Fate{} }
func (passes) Leave(*probe.Call) error      { return nil }
func (passes) Emit(string, map[string]any)  {}
func (passes) Passive() bool                { return false }

// BenchmarkDirect is what a command costs without a seam.
func BenchmarkDirect(b *testing.B) {
	benchmark(b, func(d Dial) Dial { return d })
}

// BenchmarkThroughSeam is the same command through the tap: the
// difference to BenchmarkDirect is the seam's price.
func BenchmarkThroughSeam(b *testing.B) {
	benchmark(b, func(d Dial) Dial { return Dialer(passes{}, "redis", d) })
}

func benchmark(b *testing.B, wrap func(Dial) Dial) {
	b.ReportAllocs()
	err := bubble.Run(bubble.Options{}, func(beat *bubble.Beat) {
		m := miniredis.NewMiniRedis()
		defer m.Close()
		client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Dialer: wrap(func(context.Context, string, string) (net.Conn, error) { return m.Dial() })})
		defer func() { _ = client.Close() }()
		ctx := context.Background()
		for range b.N { // the timer runs outside: time in the bubble is virtual
			if err := client.Incr(ctx, "n").Err(); err != nil {
				b.Error(err)
			}
			beat.Tick()
		}
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPipelineThroughSeam is one command of a pipeline of a hundred.
func BenchmarkPipelineThroughSeam(b *testing.B) {
	b.ReportAllocs()
	m := miniredis.NewMiniRedis()
	defer m.Close()
	dial := Dialer(passes{}, "redis", func(context.Context, string, string) (net.Conn, error) { return m.Dial() })
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Dialer: dial})
	defer func() { _ = client.Close() }()
	for n := 0; n < b.N; n += 100 {
		_, err := client.Pipelined(b.Context(), func(p redis.Pipeliner) error {
			for range 100 {
				p.Incr(b.Context(), "n")
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
