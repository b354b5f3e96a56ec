package redisprobe

import (
	"context"
	"fmt"
	"net"
	"testing"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// BenchmarkRecorded is a command through a recorder whose rule makes an event of
// it, without the sink: the difference to BenchmarkDirect is what a call that is
// recorded costs in production.
func BenchmarkRecorded(b *testing.B) {
	rules, err := probe.CompileRules([]probe.Rule{{Emit: "COUNTED", Service: "redis", Method: "INCR", Resource: "{key}", With: map[string]string{"key": "{key}"}}})
	if err != nil {
		b.Fatal(err)
	}
	events := 0
	recorder := probe.NewRecorder("bench", "b-1", rules, probe.SinkFunc(func(event.Event) { events++ }))
	benchmark(b, func(d Dial) Dial { return Dialer(recorder, "redis", d) })
	if events == 0 {
		b.Error("nothing was recorded")
	}
}

// BenchmarkRecordedAlone is the seam and the recorder without a client and a
// server: what is to be added to a client's own cost.
func BenchmarkRecordedAlone(b *testing.B) {
	rules, err := probe.CompileRules([]probe.Rule{{Emit: "COUNTED", Service: "redis", Method: "INCR", Resource: "{key}", With: map[string]string{"key": "{key}"}}})
	if err != nil {
		b.Fatal(err)
	}
	tap := probe.NewRecorder("bench", "b-1", rules, probe.SinkFunc(func(event.Event) {}))
	for _, recorded := range []bool{false, true} {
		dial := func(context.Context, string, string) (net.Conn, error) { return &echo{}, nil }
		if recorded {
			dial = Dialer(tap, "redis", dial)
		}
		b.Run(fmt.Sprint(recorded), func(b *testing.B) {
			b.ReportAllocs()
			c, err := dial(b.Context(), "tcp", "")
			if err != nil {
				b.Fatal(err)
			}
			in := make([]byte, 64)
			for range b.N {
				_, err := c.Write([]byte("*2\r\n$4\r\nincr\r\n$1\r\nn\r\n"))
				n, err2 := c.Read(in)
				if err != nil || err2 != nil || n != 8 {
					b.Fatal(n, err, err2)
				}
			}
		})
	}
}

// echo is a connection to a server that always answers the same.
type echo struct{ net.Conn }

func (*echo) Write(b []byte) (int, error) { return len(b), nil }
func (*echo) Read(b []byte) (int, error)  { return copy(b, ":12345\r\n"), nil }
