package fakestest

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/broker"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/probe"
)

// pubsubInstance is a function instance with Pub/Sub; everything passes.
type pubsubInstance struct {
	ctx     context.Context
	backend cloud.Backend
}

func (i pubsubInstance) Tap() probe.Tap                 { return i }
func (i pubsubInstance) Backend(string) cloud.Backend   { return i.backend }
func (i pubsubInstance) Context() context.Context       { return i.ctx }
func (pubsubInstance) Enter(*probe.Call) (v probe.Fate) { return v }
func (pubsubInstance) Leave(*probe.Call) error          { return nil }
func (pubsubInstance) Emit(string, map[string]any)      {}
func (pubsubInstance) Passive() bool                    { return false }

// prepared is a broker with what the suite needs.
func prepared(f broker.Fault) *broker.Broker {
	b := broker.New(f)
	for _, s := range PubSubSetups() {
		info := probe.SubscriptionInfo{Topic: s.Name, AckDeadline: s.AckDeadline, Ordered: s.Ordered, ExactlyOnce: s.ExactlyOnce, Filter: s.Filter}
		if s.MaxAttempts > 0 {
			info.DeadLetter, info.MaxAttempts = s.Name+"-dead", s.MaxAttempts
			b.AddSubscription(s.Name+"-dead", probe.SubscriptionInfo{Topic: s.Name + "-dead", AckDeadline: s.AckDeadline})
		}
		b.AddSubscription(s.Name, info)
	}
	return b
}

// pubsubOn runs the suite on a broker, behind the wires.
func pubsubOn(t *testing.T, f broker.Fault) (err error) {
	synctest.Test(t, func(t *testing.T) {
		b := prepared(f)
		defer b.Close()
		backend, openErr := pubsub.New("pubsub").Open(b)
		if openErr != nil {
			t.Fatal(openErr)
		}
		ctx, cancel := context.WithCancel(context.Background())
		err = PubSub(ctx, pubsub.Client(pubsubInstance{ctx, backend}))
		cancel()
		time.Sleep(2 * time.Hour) // a receiver waits for what is never acknowledged for up to an hour
	})
	return err
}

// Our wires keep what Pub/Sub promises, if the platform does.
func TestPubSub(t *testing.T) {
	if err := pubsubOn(t, broker.None); err != nil {
		t.Error(err)
	}
}

// The suite notices each thing that is wrong, and blames the right promise.
func TestPubSubBroken(t *testing.T) {
	for f, check := range map[broker.Fault]string{
		broker.AcksIgnored:  "what is acknowledged does not come again",
		broker.NacksIgnored: "what is given back comes again",
		broker.NeverExpires: "a lease expires",
		broker.NoExtension:  "an extended lease lasts",
		broker.Reorders:     "messages of a key come in order",
		broker.NoFilter:     "a filter keeps out",
		broker.NoAttempts:   "attempts are counted",
		broker.NoDeadLetter: "attempts are counted",
		broker.NoAttributes: "what is published is received",
		broker.SilentAcks:   "exactly once: a late acknowledgement is refused",
		broker.AnyTopic:     "what is not there is not found",
	} {
		if err := pubsubOn(t, f); err == nil || !strings.Contains(err.Error(), check) {
			t.Errorf("%s: got %v, wanted %s", f, err, check)
		}
	}
}
