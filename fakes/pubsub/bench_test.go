package pubsub

import (
	"testing"

	"cloud.google.com/go/pubsub/v2"

	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/internal/bubble"
)

// BenchmarkRun is what Pub/Sub costs a run: a bubble, the service, a client
// and three messages, one after the other.
func BenchmarkRun(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		inBubble(b, func(e *fakestest.Env) {
			client := Client(e, "pubsub")
			p := client.Publisher("orders")
			for range 3 {
				if _, err := p.Publish(e.Context(), &pubsub.Message{Data: []byte(`{"order":"o-1","total":100}`)}).Get(e.Context()); err != nil {
					b.Fatal(err)
				}
			}
			p.Stop()
		})
	}
}

// BenchmarkClient is the part of it that is the bubble, the service and the
// client.
func BenchmarkClient(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		inBubble(b, func(e *fakestest.Env) { Client(e, "pubsub") })
	}
}

// BenchmarkBubble is the bubble and the service alone.
func BenchmarkBubble(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		inBubble(b, func(*fakestest.Env) {})
	}
}

func inBubble(b *testing.B, f func(*fakestest.Env)) {
	err := bubble.Run(bubble.Options{}, func(*bubble.Beat) {
		e := open(b)
		defer e.Close()
		f(e)
	})
	if err != nil {
		b.Fatal(err)
	}
}
