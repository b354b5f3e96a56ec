package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// BenchmarkRich is the cost of an event where instances have registers or
// deadlines, against the same without: 10 000 orders, by turns.
func BenchmarkRich(b *testing.B) {
	placed, shipped := props.On("A", "x"), props.On("B", "x")
	price, n := props.Last("price"), props.Counter("n")
	inYAML := func(text string) *props.Property {
		ps, err := props.Parse("bench.yaml", []byte("properties:\n  - name: p\n"+text))
		if err != nil {
			b.Fatal(err)
		}
		return ps[0]
	}
	for _, c := range []struct {
		name string
		p    *props.Property
	}{
		{"plain", props.NeverBetween("p", props.On("C", "x"), placed, shipped)},
		{"guard in CEL", inYAML("    never: {on: A(x), when: event.price < 0}\n")},
		{"counter", props.ForAll("x").With(n).Machine("p", props.From("s").On(placed.GivenCount(n, "many", func(n int64) bool { return n > 1 })).To(props.Violated).
			On(placed).Do(n.Count(1)).Stay().On(shipped).Do(n.Count(-1)).Stay())},
		{"last value", props.ForAll("x").With(price).Machine("p", props.From("s").On(placed).Do(price.Store("price")).Stay().
			On(shipped.Given("other", func(m props.Memory) bool {
				v, _ := m.Param("price")
				w, ok := m.Last("price")
				return ok && !v.Equal(w)
			}, "price")).To(props.Violated))},
		{"last value in CEL", inYAML("    registers: {price: last}\n    states:\n      s:\n        - {on: A(x), do: {price: event.price}}\n        - {on: B(x), when: event.price != price, to: violated}\n")},
		{"deadline", props.Responds("p", placed, shipped, time.Minute)},
	} {
		b.Run(c.name, func(b *testing.B) { benchRich(b, c.p) })
	}
}

func benchRich(b *testing.B, p *props.Property) {
	program, err := Compile(p)
	if err != nil {
		b.Fatal(err)
	}
	m := program.Monitor(Options{NoWitness: true})
	const orders = 10_000
	events := make([]event.Event, 2*orders)
	for i := range events {
		order := int64(i / 2)
		events[i] = event.Event{ID: fmt.Sprint(i), Source: "s", Type: string("AB"[i%2]), Data: event.Data{
			{Name: "price", Value: event.Int(order % 100)}, {Name: "x", Value: event.Int(order)}}}
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		e := events[i%len(events)]
		at = at.Add(time.Millisecond)
		e.Time = at
		if len(m.Observe(e).Findings) > 0 {
			b.Fatal("violated")
		}
	}
}
