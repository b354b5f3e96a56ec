package pubsub

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/fakestest"
)

// open opens the service with topic "orders" and its subscription "bill".
func open(t testing.TB) *fakestest.Env {
	t.Helper()
	e, err := fakestest.Open(context.Background(), New("pubsub").Pulled(Subscription{Name: "bill", Topic: "orders"}))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// run runs f in a bubble; nothing may be left behind.
func run(t *testing.T, f func(t *testing.T, e *fakestest.Env, client *pubsub.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := open(t)
		defer e.Close()
		f(t, e, Client(e, "pubsub"))
		e.Die()
		time.Sleep(10 * time.Second) // a goroutine of Receive's looks once more whether the service is there
	})
}

// backlog leases what the subscription holds.
func backlog(e *fakestest.Env) []received {
	out, _ := e.Backend("pubsub").(*Backend).lease(nil, "bill", 10)
	return out
}

// What is published within the batching delay is one operation, which shows
// the data.
func TestPublish(t *testing.T) {
	run(t, func(t *testing.T, e *fakestest.Env, client *pubsub.Client) {
		p := client.Publisher("orders")
		defer p.Stop()
		var results []*pubsub.PublishResult
		for i := range 3 {
			results = append(results, p.Publish(e.Context(), &pubsub.Message{Data: fmt.Appendf(nil, `{"order": "o-%d"}`, i), Attributes: map[string]string{"b": "2", "a": "1"}}))
		}
		var ids []string
		for i, r := range results {
			id, err := r.Get(e.Context())
			if err != nil || len(id) != 16 || slices.Contains(ids, id) {
				t.Errorf("message %d: got %q after %q, %v", i, id, ids, err)
			}
			ids = append(ids, id)
		}
		ops := e.Operations()
		if len(ops) != 1 {
			t.Fatalf("got %+v", ops)
		}
		op := ops[0]
		if op.Service != "pubsub" || op.Method != "publish" || op.Resource != "orders" || op.Access != event.Writes || op.Result.Status != "OK" || !op.Result.OK {
			t.Errorf("got %+v", op)
		}
		want := `{"messages":[{"attributes":{"a":"1","b":"2"},"data":{"order":"o-0"}},`
		if got := string(op.Request.Body); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, `],"topic":"projects/wtsim/topics/orders"}`) {
			t.Errorf("request %s", got)
		}
		if got, want := string(op.Result.Body), `{"messageIds":["`+strings.Join(ids, `","`)+`"]}`; got != want {
			t.Errorf("answer %s, wanted %s", got, want)
		}
	})
}
