package pubsub

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/broker"
	"github.com/wtsim/wtsim/probe"
)

// env is a function instance with Pub/Sub alone. It does as it is told, and
// remembers what passes.
type env struct {
	ctx     context.Context
	cancel  context.CancelFunc
	broker  *broker.Broker
	backend cloud.Backend
	fates   map[string][]probe.Fate // by method, one for each call; then Pass
	before  func(*probe.Call)       // called by Enter, may block; may be nil

	mu    sync.Mutex
	dead  bool
	calls []string // "method resource"
	ops   []event.Operation
}

func (e *env) Tap() probe.Tap               { return e }
func (e *env) Backend(string) cloud.Backend { return e.backend }
func (e *env) Context() context.Context     { return e.ctx }
func (e *env) Emit(string, map[string]any)  {}
func (e *env) Passive() bool                { return false }

func (e *env) Enter(c *probe.Call) probe.Fate {
	e.mu.Lock()
	e.calls = append(e.calls, c.Op.Method+" "+c.Op.Resource)
	var v probe.Fate
	if list := e.fates[c.Op.Method]; len(list) > 0 {
		v, e.fates[c.Op.Method] = list[0], list[1:]
	}
	if e.dead {
		v = probe.Fate{Action: probe.Cut}
	}
	e.mu.Unlock()
	if e.before != nil {
		e.before(c)
	}
	return v
}

func (e *env) Leave(c *probe.Call) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ops = append(e.ops, c.Op)
	return nil
}

// die is the end of the instance, as the simulator ends one.
func (e *env) die() {
	e.mu.Lock()
	e.dead = true
	e.mu.Unlock()
	e.cancel()
}

// open opens the service with topic "orders" and its subscription "bill".
func open(t testing.TB) *env {
	t.Helper()
	b := broker.New(broker.None)
	b.AddSubscription("bill", probe.SubscriptionInfo{Topic: "orders", AckDeadline: 10e9})
	backend, err := New().Open(b)
	if err != nil {
		t.Fatal(err)
	}
	e := &env{broker: b, backend: backend, fates: map[string][]probe.Fate{}}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

func (e *env) close() {
	e.die()
	e.broker.Close()
	e.backend.Close()
}

// run runs f in a bubble; nothing may be left behind.
func run(t *testing.T, f func(t *testing.T, e *env, client *pubsub.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := open(t)
		defer e.close()
		f(t, e, Client(e))
		e.die()
		time.Sleep(10 * time.Second) // a goroutine of Receive's looks once more whether the service is there
	})
}

// What is published within the batching delay is one operation, which shows
// the data.
func TestPublish(t *testing.T) {
	run(t, func(t *testing.T, e *env, client *pubsub.Client) {
		p := client.Publisher("orders")
		defer p.Stop()
		var results []*pubsub.PublishResult
		for i := range 3 {
			results = append(results, p.Publish(e.ctx, &pubsub.Message{Data: fmt.Appendf(nil, `{"order": "o-%d"}`, i), Attributes: map[string]string{"b": "2", "a": "1"}}))
		}
		for i, r := range results {
			if id, err := r.Get(e.ctx); id != fmt.Sprintf("%08d", i+1) || err != nil {
				t.Errorf("got %q, %v", id, err)
			}
		}
		if len(e.ops) != 1 {
			t.Fatalf("got %+v", e.ops)
		}
		op := e.ops[0]
		if op.Service != "pubsub" || op.Method != "publish" || op.Resource != "orders" || op.Access != event.Writes || op.Result.Status != "OK" || !op.Result.OK {
			t.Errorf("got %+v", op)
		}
		want := `{"messages":[{"attributes":{"a":"1","b":"2"},"data":{"order":"o-0"}},`
		if got := string(op.Request.Body); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, `],"topic":"projects/wtsim/topics/orders"}`) {
			t.Errorf("request %s", got)
		}
		if got, want := string(op.Result.Body), `{"messageIds":["00000001","00000002","00000003"]}`; got != want {
			t.Errorf("answer %s", got)
		}
	})
}
