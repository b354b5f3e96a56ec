package fakestest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// PubSubSetup is a topic with a pull subscription of the same name, which a
// check of [PubSub] uses alone.
type PubSubSetup struct {
	Name        string
	AckDeadline time.Duration
	Ordered     bool // by ordering key
	ExactlyOnce bool
	Filter      string
	MaxAttempts int // after which a message goes to the topic Name-dead, which has a subscription of that name; 0 for never
}

// PubSubSetups returns what must be there before [PubSub] is called.
func PubSubSetups() []PubSubSetup {
	var out []PubSubSetup
	for _, c := range pubsubChecks {
		if c.setup.AckDeadline == 0 {
			c.setup.AckDeadline = ackDeadline
		}
		out = append(out, c.setup)
	}
	return out
}

// PubSub checks what a handler may rely on of Pub/Sub, through its real
// client: publishing, both ways of pulling, and what subscriptions promise.
// The topics and subscriptions of [PubSubSetups] must be there, in the client's
// project, and empty. The error names every check that fails; those whose
// names are in except are left out.
//
// It takes about five minutes of (virtual) time.
func PubSub(ctx context.Context, client *pubsub.Client, except ...string) error {
	var failed []error
	for _, c := range pubsubChecks {
		if slices.Contains(except, c.name) {
			continue
		}
		if err := c.check(ctx, &pubsubRig{client, c.setup}); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(failed...)
}

// ackDeadline is the shortest that the service knows.
const ackDeadline = 10 * time.Second

type pubsubCheck struct {
	name  string
	setup PubSubSetup
	check func(context.Context, *pubsubRig) error
}

var pubsubChecks = []pubsubCheck{
	{"what is published is received", PubSubSetup{Name: "trip"}, messagesArrive},
	{"what is acknowledged does not come again", PubSubSetup{Name: "acked"}, acknowledged},
	{"what is given back comes again", PubSubSetup{Name: "nacked"}, givenBack},
	{"a receiver's nack gives back", PubSubSetup{Name: "nacks"}, receiverNacks},
	{"a lease expires", PubSubSetup{Name: "lease"}, leaseExpires},
	{"an extended lease lasts", PubSubSetup{Name: "extended"}, leaseExtended},
	{"a receiver extends the leases of what it works on", PubSubSetup{Name: "slow"}, receiverExtends},
	{"a late acknowledgement is taken", PubSubSetup{Name: "late"}, lateAcknowledged},
	{"messages of a key come in order", PubSubSetup{Name: "ordered", Ordered: true}, inOrder},
	{"what is given back comes before later messages of its key", PubSubSetup{Name: "reordered", Ordered: true}, inOrderAgain},
	{"a filter keeps out what does not fit", PubSubSetup{Name: "filtered", Filter: `attributes.kind = "a"`}, filtered},
	{"attempts are counted, and the last is followed by the dead-letter topic", PubSubSetup{Name: "poison", MaxAttempts: 5}, deadLetters},
	{"exactly once: an acknowledgement is confirmed", PubSubSetup{Name: "once", ExactlyOnce: true}, confirmed},
	{"exactly once: a late acknowledgement is refused", PubSubSetup{Name: "once-late", ExactlyOnce: true}, lateRefused},
	{"a stream has at most what it asks for", PubSubSetup{Name: "bounded"}, bounded},
	{"what is not there is not found", PubSubSetup{Name: "there"}, notThere},
	{"what breaks a limit is refused", PubSubSetup{Name: "limits"}, limits},
	{"topics and subscriptions can be looked up", PubSubSetup{Name: "described", Ordered: true, Filter: "attributes:kind"}, lookedUp},
}

// pubsubRig is what a check has.
type pubsubRig struct {
	client *pubsub.Client
	setup  PubSubSetup
}

func (r *pubsubRig) topicName(name string) string {
	return "projects/" + r.client.Project() + "/topics/" + name
}

func (r *pubsubRig) subscriptionName(name string) string {
	return "projects/" + r.client.Project() + "/subscriptions/" + name
}

// publish publishes messages, one after the other, and returns their ids.
func (r *pubsubRig) publish(ctx context.Context, messages ...*pubsub.Message) ([]string, error) {
	p := r.client.Publisher(r.setup.Name)
	p.EnableMessageOrdering = true
	defer p.Stop()
	var ids []string
	for _, m := range messages {
		id, err := p.Publish(ctx, m).Get(ctx)
		if err != nil {
			return nil, fmt.Errorf("publishing %q: %w", m.Data, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (r *pubsubRig) publishText(ctx context.Context, texts ...string) ([]string, error) {
	var messages []*pubsub.Message
	for _, t := range texts {
		messages = append(messages, &pubsub.Message{Data: []byte(t)})
	}
	return r.publish(ctx, messages...)
}

// pull leases messages, so many or what comes within a time. The service may
// answer with fewer than there are.
func (r *pubsubRig) pull(ctx context.Context, name string, most int, within time.Duration) ([]*pubsubpb.ReceivedMessage, error) {
	limit := time.Now().Add(within) //wtsim:clock a test's
	var out []*pubsubpb.ReceivedMessage
	for {
		left := time.Until(limit) //wtsim:clock a test's
		if left <= 0 || len(out) >= most {
			return out, nil
		}
		attempt, cancel := context.WithTimeout(ctx, left)
		answer, err := r.client.SubscriptionAdminClient.Pull(attempt, &pubsubpb.PullRequest{
			Subscription: r.subscriptionName(name), MaxMessages: int32(most - len(out))})
		// At the limit either side may say so first: the service knows it too.
		over := attempt.Err() != nil || status.Code(err) == codes.DeadlineExceeded
		cancel()
		switch {
		case err == nil:
			out = append(out, answer.ReceivedMessages...)
			time.Sleep(100 * time.Millisecond) // some services answer at once that there is nothing
		case !over || ctx.Err() != nil:
			return nil, fmt.Errorf("pulling: %w", err)
		}
	}
}

// one leases a message, which must come.
func (r *pubsubRig) one(ctx context.Context) (*pubsubpb.ReceivedMessage, error) {
	got, err := r.pull(ctx, r.setup.Name, 1, 30*time.Second)
	if err == nil && len(got) == 0 {
		err = errors.New("no message has come within 30 s")
	}
	if err != nil {
		return nil, err
	}
	return got[0], nil
}

// none checks that no message comes for a time.
func (r *pubsubRig) none(ctx context.Context, d time.Duration) error {
	got, err := r.pull(ctx, r.setup.Name, 1, d)
	if err == nil && len(got) > 0 {
		err = fmt.Errorf("message %q has come, wanted none for %v", got[0].Message.Data, d)
	}
	return err
}

func (r *pubsubRig) acknowledge(ctx context.Context, m *pubsubpb.ReceivedMessage) error {
	return r.client.SubscriptionAdminClient.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{
		Subscription: r.subscriptionName(r.setup.Name), AckIds: []string{m.AckId}})
}

func (r *pubsubRig) extend(ctx context.Context, m *pubsubpb.ReceivedMessage, d time.Duration) error {
	return r.client.SubscriptionAdminClient.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{
		Subscription: r.subscriptionName(r.setup.Name), AckIds: []string{m.AckId}, AckDeadlineSeconds: int32(d / time.Second)})
}

// receive runs the client's receiver for a time, one message at a time, or
// until f says that it has enough.
func (r *pubsubRig) receive(ctx context.Context, d time.Duration, f func(*pubsub.Message) (enough bool)) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	s := r.client.Subscriber(r.setup.Name)
	s.ReceiveSettings.MaxOutstandingMessages = 1
	err := s.Receive(ctx, func(_ context.Context, m *pubsub.Message) {
		if f(m) {
			cancel()
		}
	})
	if err != nil {
		return fmt.Errorf("receiving: %w", err)
	}
	return nil
}
