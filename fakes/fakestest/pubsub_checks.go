package fakestest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func messagesArrive(ctx context.Context, r *pubsubRig) error {
	sent := map[string]*pubsub.Message{}
	for i := range 3 {
		m := &pubsub.Message{Data: fmt.Appendf(nil, "m-%d", i), Attributes: map[string]string{"n": fmt.Sprint(i), "all": "x"}}
		ids, err := r.publish(ctx, m)
		if err != nil {
			return err
		}
		sent[ids[0]] = m
	}
	if len(sent) != 3 {
		return fmt.Errorf("%d messages have %d ids", 3, len(sent))
	}
	got := map[string]*pubsub.Message{}
	err := r.receive(ctx, 30*time.Second, func(m *pubsub.Message) bool {
		got[m.ID] = m
		m.Ack()
		return len(got) == len(sent)
	})
	if err != nil {
		return err
	}
	for id, m := range sent { //wtsim:order any wrong one will do
		switch g := got[id]; {
		case g == nil:
			return fmt.Errorf("message %s has not come", id)
		case string(g.Data) != string(m.Data) || !maps.Equal(g.Attributes, m.Attributes):
			return fmt.Errorf("message %s is %q %v, wanted %q %v", id, g.Data, g.Attributes, m.Data, m.Attributes)
		case g.PublishTime.IsZero() || g.DeliveryAttempt != nil:
			return fmt.Errorf("message %s was published at %v, attempt %v, wanted a time and no attempt", id, g.PublishTime, g.DeliveryAttempt)
		}
	}
	return nil
}

func acknowledged(ctx context.Context, r *pubsubRig) error {
	_, err := r.publishText(ctx, "once")
	if err != nil {
		return err
	}
	m, err := r.one(ctx)
	if err == nil {
		err = r.acknowledge(ctx, m)
	}
	if err != nil {
		return err
	}
	return r.none(ctx, 2*ackDeadline)
}

func givenBack(ctx context.Context, r *pubsubRig) error {
	ids, err := r.publishText(ctx, "back")
	if err != nil {
		return err
	}
	m, err := r.one(ctx)
	if err == nil {
		err = r.extend(ctx, m, 0)
	}
	if err != nil {
		return err
	}
	again, err := r.pull(ctx, r.setup.Name, 1, ackDeadline/2)
	if err != nil {
		return err
	}
	if len(again) != 1 || again[0].Message.MessageId != ids[0] {
		return fmt.Errorf("got %v, wanted message %s again", again, ids[0])
	}
	return r.acknowledge(ctx, again[0])
}

func receiverNacks(ctx context.Context, r *pubsubRig) error {
	if _, err := r.publishText(ctx, "nack"); err != nil {
		return err
	}
	times := 0
	err := r.receive(ctx, ackDeadline/2, func(m *pubsub.Message) bool {
		if times++; times < 3 {
			m.Nack()
			return false
		}
		m.Ack()
		return true
	})
	if err == nil && times != 3 {
		err = fmt.Errorf("it came %d times, wanted 3", times)
	}
	return err
}

func leaseExpires(ctx context.Context, r *pubsubRig) error {
	ids, err := r.publishText(ctx, "lease")
	if err != nil {
		return err
	}
	first, err := r.one(ctx)
	if err == nil {
		err = r.none(ctx, ackDeadline*8/10)
	}
	if err != nil {
		return err
	}
	again, err := r.one(ctx)
	if err != nil {
		return err
	}
	if again.Message.MessageId != ids[0] || again.AckId == first.AckId {
		return fmt.Errorf("got message %s under ack id %q, wanted %s under a new one", again.Message.MessageId, again.AckId, ids[0])
	}
	return r.acknowledge(ctx, again)
}

func leaseExtended(ctx context.Context, r *pubsubRig) error {
	if _, err := r.publishText(ctx, "extended"); err != nil {
		return err
	}
	m, err := r.one(ctx)
	if err == nil {
		err = r.extend(ctx, m, 6*ackDeadline)
	}
	if err == nil {
		err = r.none(ctx, 3*ackDeadline)
	}
	if err != nil {
		return err
	}
	return r.acknowledge(ctx, m)
}

func receiverExtends(ctx context.Context, r *pubsubRig) error {
	if _, err := r.publishText(ctx, "slow"); err != nil {
		return err
	}
	times := 0
	err := r.receive(ctx, 10*ackDeadline, func(m *pubsub.Message) bool {
		times++
		time.Sleep(4 * ackDeadline)
		m.Ack()
		return true
	})
	if err == nil && times != 1 {
		err = fmt.Errorf("it came %d times while it was worked on", times)
	}
	if err != nil {
		return err
	}
	return r.none(ctx, 2*ackDeadline)
}

func lateAcknowledged(ctx context.Context, r *pubsubRig) error {
	if _, err := r.publishText(ctx, "late"); err != nil {
		return err
	}
	m, err := r.one(ctx)
	if err != nil {
		return err
	}
	time.Sleep(2 * ackDeadline)
	return r.acknowledge(ctx, m)
}

// keyed publishes messages of two ordering keys, by turns.
func keyed(ctx context.Context, r *pubsubRig) error {
	for i := range 5 {
		for _, key := range []string{"a", "b"} {
			if _, err := r.publish(ctx, &pubsub.Message{Data: fmt.Append(nil, i), OrderingKey: key}); err != nil {
				return err
			}
		}
	}
	return nil
}

// receiveKeyed receives what keyed has published; the first message is given
// back so often.
func receiveKeyed(ctx context.Context, r *pubsubRig, nacks int) error {
	got := map[string]string{}
	total := 0
	err := r.receive(ctx, time.Minute, func(m *pubsub.Message) bool {
		if nacks > 0 {
			nacks--
			m.Nack()
			return false
		}
		got[m.OrderingKey] += string(m.Data)
		m.Ack()
		total++
		return total == 10
	})
	if err == nil && (got["a"] != "01234" || got["b"] != "01234") {
		err = fmt.Errorf("got %v, wanted 01234 of each key", got)
	}
	return err
}

func inOrder(ctx context.Context, r *pubsubRig) error {
	if err := keyed(ctx, r); err != nil {
		return err
	}
	return receiveKeyed(ctx, r, 0)
}

func inOrderAgain(ctx context.Context, r *pubsubRig) error {
	if err := keyed(ctx, r); err != nil {
		return err
	}
	return receiveKeyed(ctx, r, 1)
}

func filtered(ctx context.Context, r *pubsubRig) error {
	_, err := r.publish(ctx,
		&pubsub.Message{Data: []byte("fits not"), Attributes: map[string]string{"kind": "b"}},
		&pubsub.Message{Data: []byte("has none")},
		&pubsub.Message{Data: []byte("fits"), Attributes: map[string]string{"kind": "a"}})
	if err != nil {
		return err
	}
	got, err := r.pull(ctx, r.setup.Name, 3, ackDeadline/2)
	if err == nil && (len(got) != 1 || string(got[0].Message.Data) != "fits") {
		err = fmt.Errorf("got %v, wanted one message that fits", got)
	}
	if err != nil {
		return err
	}
	return r.acknowledge(ctx, got[0])
}

func deadLetters(ctx context.Context, r *pubsubRig) error {
	if _, err := r.publishText(ctx, "poison"); err != nil {
		return err
	}
	for attempt := range r.setup.MaxAttempts {
		m, err := r.one(ctx)
		if err == nil && int(m.DeliveryAttempt) != attempt+1 {
			err = fmt.Errorf("attempt %d is told as %d", attempt+1, m.DeliveryAttempt)
		}
		if err == nil {
			err = r.extend(ctx, m, 0)
		}
		if err != nil {
			return err
		}
	}
	if err := r.none(ctx, ackDeadline); err != nil {
		return err
	}
	dead, err := r.pull(ctx, r.setup.Name+"-dead", 1, 30*time.Second)
	if err == nil && (len(dead) != 1 || string(dead[0].Message.Data) != "poison") {
		err = fmt.Errorf("got %v from the dead-letter topic, wanted the message", dead)
	}
	return err
}

func confirmed(ctx context.Context, r *pubsubRig) error {
	if _, err := r.publishText(ctx, "once"); err != nil {
		return err
	}
	var result *pubsub.AckResult
	err := r.receive(ctx, 30*time.Second, func(m *pubsub.Message) bool {
		result = m.AckWithResult()
		return true
	})
	if err == nil && result == nil {
		err = errors.New("no message has come within 30 s")
	}
	if err != nil {
		return err
	}
	if s, err := result.Get(ctx); s != pubsub.AcknowledgeStatusSuccess || err != nil {
		return fmt.Errorf("the acknowledgement has status %v, %w", s, orNone(err))
	}
	return r.none(ctx, 2*ackDeadline)
}

func lateRefused(ctx context.Context, r *pubsubRig) error {
	if _, err := r.publishText(ctx, "late"); err != nil {
		return err
	}
	m, err := r.one(ctx)
	if err != nil {
		return err
	}
	time.Sleep(2 * ackDeadline)
	for what, do := range map[string]func() error{ //wtsim:order both are refused
		"acknowledge":       func() error { return r.acknowledge(ctx, m) },
		"modifyAckDeadline": func() error { return r.extend(ctx, m, ackDeadline) },
	} {
		if err := do(); failure(err, m.AckId) != "PERMANENT_FAILURE_INVALID_ACK_ID" {
			return fmt.Errorf("%s after the lease: %w, wanted the permanent failure of an invalid ack id", what, orNone(err))
		}
	}
	again, err := r.one(ctx)
	if err != nil {
		return err
	}
	return r.acknowledge(ctx, again)
}

// failure is what an error says of an ack id.
func failure(err error, ackID string) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.Metadata[ackID]
		}
	}
	return ""
}

var errNoError = errors.New("no error")

func orNone(err error) error {
	if err == nil {
		return errNoError
	}
	return err
}

func bounded(ctx context.Context, r *pubsubRig) error {
	if _, err := r.publishText(ctx, "1", "2", "3"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ackDeadline/2)
	defer cancel()
	s, err := r.client.SubscriptionAdminClient.StreamingPull(ctx)
	if err == nil {
		err = s.Send(&pubsubpb.StreamingPullRequest{Subscription: r.subscriptionName(r.setup.Name), StreamAckDeadlineSeconds: 60, MaxOutstandingMessages: 2})
	}
	if err != nil {
		return err
	}
	var got []*pubsubpb.ReceivedMessage
	for {
		answer, err := s.Recv()
		if err != nil {
			if len(got) != 2 || ctx.Err() == nil {
				return fmt.Errorf("the stream ended with %d messages and %w, wanted 2 until its time is over", len(got), err)
			}
			return nil
		}
		got = append(got, answer.ReceivedMessages...)
	}
}

func notThere(ctx context.Context, r *pubsubRig) error {
	topics, subscriptions := r.client.TopicAdminClient, r.client.SubscriptionAdminClient
	topic, subscription := r.topicName("absent"), r.subscriptionName("absent")
	_, published := topics.Publish(ctx, &pubsubpb.PublishRequest{Topic: topic, Messages: []*pubsubpb.PubsubMessage{{Data: []byte("x")}}})
	_, got := topics.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: topic})
	_, pulled := subscriptions.Pull(ctx, &pubsubpb.PullRequest{Subscription: subscription, MaxMessages: 1})
	_, described := subscriptions.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: subscription})
	acked := subscriptions.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: subscription, AckIds: []string{"x"}})
	received := r.client.Subscriber("absent").Receive(ctx, func(_ context.Context, m *pubsub.Message) { m.Ack() })
	for i, err := range []error{published, got, pulled, described, acked, received} {
		if status.Code(err) != codes.NotFound {
			what := []string{"publish", "getTopic", "pull", "getSubscription", "acknowledge", "receive"}[i]
			return fmt.Errorf("%s: %w, wanted NotFound", what, orNone(err))
		}
	}
	return nil
}

func limits(ctx context.Context, r *pubsubRig) error {
	many := map[string]string{}
	for i := range 101 {
		many[fmt.Sprint(i)] = ""
	}
	long := strings.Repeat("x", 1025)
	for what, m := range map[string]*pubsubpb.PubsubMessage{ //wtsim:order all are refused
		"an empty message":     {},
		"101 attributes":       {Attributes: many},
		"a long key":           {Attributes: map[string]string{long[:257]: "x"}},
		"a long value":         {Attributes: map[string]string{"x": long}},
		"a reserved attribute": {Attributes: map[string]string{"googclient": "x"}},
		"a long ordering key":  {Data: []byte("x"), OrderingKey: long},
		"a long message":       {Data: make([]byte, 10_000_001)},
	} {
		_, err := r.client.TopicAdminClient.Publish(ctx, &pubsubpb.PublishRequest{Topic: r.topicName(r.setup.Name), Messages: []*pubsubpb.PubsubMessage{m}})
		if status.Code(err) != codes.InvalidArgument {
			return fmt.Errorf("%s: %w, wanted InvalidArgument", what, orNone(err))
		}
	}
	return nil
}

func lookedUp(ctx context.Context, r *pubsubRig) error {
	topic, name := r.topicName(r.setup.Name), r.subscriptionName(r.setup.Name)
	t, err := r.client.TopicAdminClient.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: topic})
	if err != nil || t.Name != topic {
		return fmt.Errorf("got %v, %w, wanted %s", t, orNone(err), topic)
	}
	s, err := r.client.SubscriptionAdminClient.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: name})
	if err != nil || s.Name != name || s.Topic != topic || s.AckDeadlineSeconds != int32(ackDeadline/time.Second) || !s.EnableMessageOrdering || s.Filter != r.setup.Filter {
		return fmt.Errorf("got %v, %w", s, orNone(err))
	}
	var topics, subscriptions []string
	for t, err := range r.client.TopicAdminClient.ListTopics(ctx, &pubsubpb.ListTopicsRequest{Project: "projects/" + r.client.Project()}).All() {
		if err != nil {
			return err
		}
		topics = append(topics, t.Name)
	}
	for s, err := range r.client.SubscriptionAdminClient.ListSubscriptions(ctx, &pubsubpb.ListSubscriptionsRequest{Project: "projects/" + r.client.Project()}).All() {
		if err != nil {
			return err
		}
		subscriptions = append(subscriptions, s.Name)
	}
	if !slices.Contains(topics, topic) || !slices.Contains(subscriptions, name) {
		return fmt.Errorf("listed are %q and %q, wanted %s among them, and %s", topics, subscriptions, topic, name)
	}
	return nil
}
