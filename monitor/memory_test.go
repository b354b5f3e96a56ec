package monitor

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/wtsim/wtsim/event"
)

// What does a live instance hold? The heap is measured before and after
// 100 000 were begun by one event each, with texts as they are in production.
// Of tests-iv, half of them are users and half are articles.
//
//	go test ./monitor -run '^$' -bench Memory -benchtime 1x
func BenchmarkMemory(b *testing.B) {
	const instances = 100_000
	for _, shape := range []struct {
		name    string
		program func(testing.TB) *Program
		event   func(int) event.Event
	}{
		{"one variable", consent, func(i int) event.Event {
			return occurred(i, "CONSENT", "user", event.Str("user-"+strconv.Itoa(i)))
		}},
		{"tests-iv", testsIV, func(i int) event.Event {
			if i%2 == 0 {
				return occurred(i, "LOGGED_IN", "user", event.Str("user-"+strconv.Itoa(i)))
			}
			return occurred(i, "PUBLISHED", "slug", event.Str("an-article-"+strconv.Itoa(i)))
		}},
	} {
		for _, o := range []struct {
			name    string
			options Options
		}{{"witness", Options{}}, {"none", Options{NoWitness: true}}} {
			b.Run(shape.name+"/"+o.name, func(b *testing.B) {
				p := shape.program(b)
				for b.Loop() {
					before := heapInUse()
					m := p.Monitor(o.options)
					for i := range instances {
						m.Observe(shape.event(i))
					}
					live := m.Stats().Properties[0].Instances
					b.ReportMetric(float64(heapInUse()-before)/float64(live), "B/instance")
					if live != instances {
						b.Fatal(live)
					}
					runtime.KeepAlive(m)
				}
			})
		}
	}
}
