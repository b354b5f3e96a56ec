package pubsub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/probe"
)

func publish(t *testing.T, e *fakestest.Env, client *pubsub.Client, texts ...string) {
	t.Helper()
	p := client.Publisher("orders")
	defer p.Stop()
	for _, text := range texts {
		if _, err := p.Publish(e.Context(), &pubsub.Message{Data: []byte(text)}).Get(e.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// The real subscriber receives what is published before and after it began,
// acknowledges it by calls of its own, and is gone when its context ends.
func TestReceive(t *testing.T) {
	run(t, func(t *testing.T, e *fakestest.Env, client *pubsub.Client) {
		publish(t, e, client, "a", "b")
		ctx, cancel := context.WithCancel(e.Context())
		var mu sync.Mutex
		var got []string
		ended := make(chan error)
		go func() {
			ended <- client.Subscriber("bill").Receive(ctx, func(_ context.Context, m *pubsub.Message) {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, string(m.Data))
				m.Ack()
			})
		}()
		time.Sleep(time.Second)
		publish(t, e, client, "c")
		time.Sleep(time.Minute)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		slices.Sort(got)
		if fmt.Sprint(got) != "[a b c]" {
			t.Errorf("got %v", got)
		}
		counts := map[string]int{}
		for _, op := range e.Operations() {
			counts[op.Method+" "+op.Resource]++
		}
		if counts["streamingPull bill"] != 1 || counts["acknowledge bill"] == 0 || counts["modifyAckDeadline bill"] == 0 || counts["publish orders"] != 3 {
			t.Errorf("got %v", counts)
		}
	})
}

// When its instance dies, Receive ends too, whatever its context, and nothing
// of it remains.
func TestReceiveDeath(t *testing.T) {
	run(t, func(t *testing.T, e *fakestest.Env, client *pubsub.Client) {
		publish(t, e, client, "a")
		ended := make(chan error)
		go func() {
			ended <- client.Subscriber("bill").Receive(context.Background(), func(_ context.Context, m *pubsub.Message) {})
		}()
		time.Sleep(time.Second)
		e.Die()
		if err := <-ended; status.Code(err) != codes.Canceled {
			t.Errorf("got %v", err)
		}
	})
}

// A stream that is refused, or breaks, is opened again by the client.
func TestReceiveFaults(t *testing.T) {
	run(t, func(t *testing.T, e *fakestest.Env, client *pubsub.Client) {
		e.Verdict = fakestest.InTurn("streamingPull", probe.Fate{Action: probe.Refuse, With: "UNAVAILABLE"}, probe.Fate{Action: probe.Lose, With: "reset"})
		publish(t, e, client, "a")
		ctx, cancel := context.WithCancel(e.Context())
		err := client.Subscriber("bill").Receive(ctx, func(_ context.Context, m *pubsub.Message) { m.Ack(); cancel() })
		if err != nil {
			t.Error(err)
		}
		if got := strings.Count(strings.Join(e.Entered(), ","), "streamingPull bill"); got != 3 {
			t.Errorf("%d streams: %q", got, e.Entered())
		}
	})
	run(t, func(t *testing.T, e *fakestest.Env, client *pubsub.Client) {
		e.Verdict = fakestest.InTurn("streamingPull", probe.Fate{Action: probe.Refuse, With: "RESOURCE_EXHAUSTED"})
		err := client.Subscriber("bill").Receive(e.Context(), func(context.Context, *pubsub.Message) {})
		if status.Code(err) != codes.ResourceExhausted {
			t.Errorf("got %v", err)
		}
	})
}

// A Receive whose stream is held at the tap can be ended: nobody waits for a
// lock meanwhile, which would stop the bubble.
func TestReceiveHeld(t *testing.T) {
	run(t, func(t *testing.T, e *fakestest.Env, client *pubsub.Client) {
		first := fakestest.InTurn("streamingPull", probe.Fate{Action: probe.GaveUp})
		e.Verdict = func(c *probe.Call) probe.Fate {
			<-c.GiveUp
			return first(c)
		}
		ctx, cancel := context.WithCancel(e.Context())
		ended := make(chan error)
		go func() { ended <- client.Subscriber("bill").Receive(ctx, func(context.Context, *pubsub.Message) {}) }()
		time.Sleep(2 * time.Minute) // the client has pinged, and looked for an answer
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		synctest.Wait()
	})
}
