package monitor

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// What an event costs with more properties: where all of them want it, and where
// one does.
func BenchmarkProperties(b *testing.B) {
	for _, n := range []int{1, 4, 16, 64} {
		for _, own := range []bool{false, true} {
			name := "all want it"
			if own {
				name = "one wants it"
			}
			b.Run(fmt.Sprintf("%d, %s", n, name), func(b *testing.B) { benchmarkProperties(b, n, own) })
		}
	}
}

func benchmarkProperties(b *testing.B, n int, own bool) {
	var all []*props.Property
	kind := func(i int) string {
		if own {
			return "PROCESSED_" + strconv.Itoa(i%n)
		}
		return "PROCESSED"
	}
	for i := range n {
		all = append(all, props.ForAll("user").Machine(fmt.Sprintf("only with consent %d", i),
			props.From("no").On(props.On(kind(i), "user")).To(props.Violated).On(props.On("CONSENT", "user")).To("yes"),
			props.From("yes").On(props.On("REVOKED", "user")).To("no"),
		))
	}
	p, err := Compile(all...)
	if err != nil {
		b.Fatal(err)
	}
	const users = 10_000
	m := p.Monitor(Options{NoWitness: true})
	trace := make([]event.Event, users)
	for i := range users {
		user := event.Str("user-" + strconv.Itoa(i))
		m.Observe(occurred(i, "CONSENT", "user", user))
		trace[i] = occurred(i, kind(i), "user", user)
	}
	b.ReportAllocs()
	spent, i := cpu(), 0
	for b.Loop() {
		m.Observe(trace[i])
		i = (i + 1) % users
	}
	b.ReportMetric(float64(cpu()-spent)/float64(b.N), "cpu-ns/op")
	for _, p := range m.Stats().Properties {
		if p.Instances != users {
			b.Errorf("%q has %d instances, wanted %d", p.Property, p.Instances, users)
		}
	}
}
