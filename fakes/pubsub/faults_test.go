package pubsub

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/probe"
)

// The client publishes again what was refused, and what it was not told of:
// each attempt is an operation, and the latter makes a second message.
func TestPublishFaults(t *testing.T) {
	run(t, func(t *testing.T, e *fakestest.Env, client *pubsub.Client) {
		e.Verdict = fakestest.InTurn("publish", probe.Fate{Action: probe.Refuse, With: "UNAVAILABLE"}, probe.Fate{Action: probe.Refuse, With: "RESOURCE_EXHAUSTED"}, probe.Fate{Action: probe.Lose, With: "reset"})
		publish(t, e, client, "once")
		if got := backlog(e); len(got) != 2 || len(e.Entered()) != 4 {
			t.Errorf("%d messages after %q", len(got), e.Entered())
		}
	})
	run(t, func(t *testing.T, e *fakestest.Env, client *pubsub.Client) {
		e.Verdict = fakestest.InTurn("publish", probe.Fate{Action: probe.Lose, With: "timeout"})
		p := client.Publisher("orders")
		defer p.Stop()
		began := time.Now()
		_, err := p.Publish(e.Context(), &pubsub.Message{Data: []byte("x")}).Get(e.Context())
		if status.Code(err) != codes.DeadlineExceeded && err != context.DeadlineExceeded || time.Since(began) != time.Minute+10*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// What a dead instance publishes is lost, and its publisher can be stopped.
func TestPublishDead(t *testing.T) {
	run(t, func(t *testing.T, e *fakestest.Env, client *pubsub.Client) {
		p := client.Publisher("orders")
		r := p.Publish(e.Context(), &pubsub.Message{Data: []byte("x")})
		e.Die()
		if _, err := r.Get(context.Background()); err == nil {
			t.Error("a dead instance has published")
		}
		p.Stop()
		if got := backlog(e); len(got) != 0 {
			t.Errorf("got %v", got)
		}
	})
}

// A closed client says so.
func TestClosed(t *testing.T) {
	run(t, func(t *testing.T, e *fakestest.Env, client *pubsub.Client) {
		stream, err := client.SubscriptionAdminClient.StreamingPull(e.Context())
		if err == nil {
			err = stream.Send(&pubsubpb.StreamingPullRequest{Subscription: "projects/p/subscriptions/bill", StreamAckDeadlineSeconds: 10})
		}
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() {
			_, err := stream.Recv()
			ended <- err
		}()
		synctest.Wait()
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; status.Code(err) != codes.Canceled {
			t.Errorf("stream: %v", err)
		}
		_, err = client.TopicAdminClient.GetTopic(e.Context(), &pubsubpb.GetTopicRequest{Topic: "projects/p/topics/orders"})
		if status.Code(err) != codes.Canceled || !strings.Contains(err.Error(), "closing") {
			t.Errorf("call: %v", err)
		}
	})
}

// A Pull waits for a message, for a while, unless it is told not to; the
// names of all projects are the same.
func TestPull(t *testing.T) {
	run(t, func(t *testing.T, e *fakestest.Env, client *pubsub.Client) {
		pull := func(now bool, most int32) (int, time.Duration, error) {
			began := time.Now()
			//lint:ignore SA1019 deprecated, and still sent
			request := &pubsubpb.PullRequest{Subscription: "projects/other/subscriptions/bill", MaxMessages: most, ReturnImmediately: now}
			a, err := client.SubscriptionAdminClient.Pull(e.Context(), request)
			return len(a.GetReceivedMessages()), time.Since(began), err
		}
		if n, d, err := pull(true, 1); n != 0 || d != 0 || err != nil {
			t.Error(n, d, err)
		}
		if n, d, err := pull(false, 1); n != 0 || d != PullWait || err != nil {
			t.Error(n, d, err)
		}
		go func() {
			time.Sleep(time.Second)
			publish(t, e, client, "a", "b")
		}()
		if n, d, err := pull(false, 2); n != 1 || d != time.Second+10*time.Millisecond || err != nil {
			t.Error(n, d, err)
		}
		if _, _, err := pull(false, 0); status.Code(err) != codes.InvalidArgument {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if n, _, err := pull(false, 2); n != 1 || err != nil {
			t.Error(n, err)
		}
	})
}

// What is not there says what to do instead; names must be names.
func TestUnsupported(t *testing.T) {
	run(t, func(t *testing.T, e *fakestest.Env, client *pubsub.Client) {
		_, err := client.TopicAdminClient.CreateTopic(e.Context(), &pubsubpb.Topic{Name: "projects/p/topics/new"})
		if got, want := status.Convert(err).Message(), "wtsim does not have /google.pubsub.v1.Publisher/CreateTopic: topics and subscriptions are declared in the scenario"; status.Code(err) != codes.Unimplemented || got != want {
			t.Errorf("got %v", err)
		}
		if !slices.Equal(e.Entered(), []string{"createTopic new"}) {
			t.Errorf("got %q", e.Entered())
		}
		_, err = client.TopicAdminClient.GetTopic(e.Context(), &pubsubpb.GetTopicRequest{Topic: "orders"})
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "Invalid [topics] name: (name=orders)") {
			t.Errorf("got %v", err)
		}
		stream, err := client.SubscriptionAdminClient.StreamingPull(e.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = stream.Send(&pubsubpb.StreamingPullRequest{Subscription: "projects/p/subscriptions/bill", StreamAckDeadlineSeconds: 10})
		publish(t, e, client, "a")
		got, err := stream.Recv()
		if err != nil || len(got.ReceivedMessages) != 1 {
			t.Fatal(got, err)
		}
		_ = stream.Send(&pubsubpb.StreamingPullRequest{AckIds: []string{got.ReceivedMessages[0].AckId}})
		if _, err := stream.Recv(); status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "call Acknowledge") {
			t.Errorf("got %v", err)
		}
		for _, seconds := range []int32{0, 9, 601} {
			stream, _ := client.SubscriptionAdminClient.StreamingPull(e.Context())
			_ = stream.Send(&pubsubpb.StreamingPullRequest{Subscription: "projects/p/subscriptions/bill", StreamAckDeadlineSeconds: seconds})
			if _, err := stream.Recv(); status.Code(err) != codes.InvalidArgument {
				t.Errorf("%d s: %v", seconds, err)
			}
		}
	})
}
