package redisprobe

import (
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
