package monitor

import (
	"strconv"
	"testing"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

func typical(b *testing.B) *Program {
	p, err := Compile(
		props.AtMostOnce("charged at most once", props.On("CHARGED", "order")),
		props.NeverAfter("nothing after cancel", props.On("SHIPPED", "order"), props.On("CANCELLED", "order")),
		props.Eventually("shipped in the end", props.On("CHARGED", "order"), props.On("SHIPPED", "order")),
	)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func BenchmarkStart(b *testing.B) {
	p := typical(b)
	b.ReportAllocs()
	for b.Loop() {
		p.Start()
	}
}

// A run of the simulator: a new monitor, three properties, 30 events, the end.
func BenchmarkRun(b *testing.B) {
	p := typical(b)
	var trace []event.Event
	for i := range 30 {
		kind := []string{"CHARGED", "SHIPPED", "SOMETHING_ELSE"}[i%3]
		trace = append(trace, occurred(i, kind, "order", event.Str("o-"+strconv.Itoa(i/3))))
	}
	b.ReportAllocs()
	for b.Loop() {
		m := p.Start()
		for _, e := range trace {
			m.Observe(e)
		}
		m.Quiesce(nil)
	}
}

// One property of one variable, 100 000 live instances.
func BenchmarkObserveOneVariable(b *testing.B) {
	for _, o := range []struct {
		name    string
		options Options
	}{{"witness", Options{}}, {"none", Options{NoWitness: true}}} {
		b.Run(o.name, func(b *testing.B) {
			p, err := Compile(props.ForAll("user").Machine("only with consent",
				props.From("no").On(props.On("PROCESSED", "user")).To(props.Violated).On(props.On("CONSENT", "user")).To("yes"),
				props.From("yes").On(props.On("REVOKED", "user")).To("no"),
			))
			if err != nil {
				b.Fatal(err)
			}
			const users = 100_000
			trace := make([]event.Event, 2*users)
			for i := range users {
				user := event.Str("user-" + strconv.Itoa(i))
				trace[i] = occurred(i, "CONSENT", "user", user)
				trace[users+i] = occurred(i, "PROCESSED", "user", user)
			}
			m := p.StartWith(o.options)
			for _, e := range trace[:users] {
				m.Observe(e)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				m.Observe(trace[users+i])
				i = (i + 1) % users
			}
		})
	}
}

func occurred(i int, kind string, param string, value event.Value) event.Event {
	return event.Event{ID: strconv.Itoa(i), Source: "/f/1", Type: kind, Data: event.Data{{Name: param, Value: value}}}
}
