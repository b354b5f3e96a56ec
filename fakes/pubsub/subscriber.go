package pubsub

import (
	"context"
	"errors"
	"slices"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wtsim/wtsim/probe"
)

// Pull leases messages: what is there, or what comes within PullWait.
func (s *server) Pull(ctx context.Context, r *pubsubpb.PullRequest) (*pubsubpb.PullResponse, error) {
	name, err := s.subscription(r.Subscription)
	if err != nil {
		return nil, err
	}
	if r.MaxMessages <= 0 {
		return nil, status.Errorf(codes.InvalidArgument, "The value for max_messages is too small. You passed %d in the request, but the minimum value is 1.", r.MaxMessages)
	}
	leased, err := s.broker.lease(probe.CallOf(ctx), name, int(r.MaxMessages))
	if err != nil {
		return nil, told(err, name)
	}
	//lint:ignore SA1019 deprecated, and still sent
	if len(leased) == 0 && !r.ReturnImmediately {
		if leased, err = s.wait(ctx, name); err != nil {
			return nil, err
		}
	}
	answer := &pubsubpb.PullResponse{}
	for _, d := range leased {
		answer.ReceivedMessages = append(answer.ReceivedMessages, d.told())
	}
	return answer, nil
}

// wait waits for one message.
func (s *server) wait(ctx context.Context, name string) ([]received, error) {
	first := make(chan received, 1)
	settings := func() streamSettings { return streamSettings{messages: 1} }
	stop, err := s.broker.stream(probe.CallOf(ctx), name, settings, func(d received) { first <- d })
	if err != nil {
		return nil, told(err, name)
	}
	defer stop()
	timer := time.NewTimer(PullWait)
	defer timer.Stop()
	select {
	case d := <-first:
		return []received{d}, nil
	case <-timer.C:
		return nil, nil
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
}

// told is a delivery as clients see it.
func (d received) told() *pubsubpb.ReceivedMessage {
	return &pubsubpb.ReceivedMessage{
		AckId: d.ackID, DeliveryAttempt: int32(d.Attempt),
		Message: &pubsubpb.PubsubMessage{
			Data: d.Data, Attributes: d.Attributes, MessageId: d.ID,
			OrderingKey: d.OrderingKey, PublishTime: timestamppb.New(d.Published),
		},
	}
}

// Acknowledge ends leases for good.
func (s *server) Acknowledge(ctx context.Context, r *pubsubpb.AcknowledgeRequest) (*emptypb.Empty, error) {
	name, err := s.subscription(r.Subscription)
	if err == nil && len(r.AckIds) == 0 {
		err = noAckIDs()
	}
	if err != nil {
		return nil, err
	}
	ids := slices.Sorted(slices.Values(r.AckIds)) // the client collects them in map order
	return ackResult(ids, s.broker.acknowledge(probe.CallOf(ctx), name, ids))
}

// ModifyAckDeadline sets the deadline of leases anew; zero gives the messages
// back.
func (s *server) ModifyAckDeadline(ctx context.Context, r *pubsubpb.ModifyAckDeadlineRequest) (*emptypb.Empty, error) {
	name, err := s.subscription(r.Subscription)
	switch {
	case err != nil:
		return nil, err
	case len(r.AckIds) == 0:
		return nil, noAckIDs()
	case r.AckDeadlineSeconds < 0 || r.AckDeadlineSeconds > 600:
		return nil, status.Errorf(codes.InvalidArgument, "Invalid ack deadline given: %d seconds, wanted 0 to 600.", r.AckDeadlineSeconds)
	}
	ids := slices.Sorted(slices.Values(r.AckIds)) // the client collects them in map order
	return ackResult(ids, s.broker.modify(name, ids, time.Duration(r.AckDeadlineSeconds)*time.Second))
}

func noAckIDs() error {
	return status.Error(codes.InvalidArgument, "No ack ids specified.")
}

// ackResult tells which leases had ended, as the service does where delivery
// is exactly once. A client tries again what begins with TRANSIENT_.
// https://docs.cloud.google.com/pubsub/docs/exactly-once-delivery;
// the words are those of https://github.com/googleapis/nodejs-pubsub/issues/1951
func ackResult(ids []string, errs []error) (*emptypb.Empty, error) {
	failed := map[string]string{}
	for i, err := range errs {
		switch {
		case err == nil:
		case errors.Is(err, errAckID):
			failed[ids[i]] = "PERMANENT_FAILURE_INVALID_ACK_ID"
		default:
			failed[ids[i]] = "TRANSIENT_FAILURE_SERVICE_UNAVAILABLE"
		}
	}
	if len(failed) == 0 {
		return &emptypb.Empty{}, nil
	}
	s, err := status.New(codes.InvalidArgument, "Some acknowledgement ids in the request were invalid. This could be because the acknowledgement ids have expired or the acknowledgement ids were malformed.").
		WithDetails(&errdetails.ErrorInfo{Reason: "EXACTLY_ONCE_ACKID_FAILURE", Domain: "pubsub.googleapis.com", Metadata: failed})
	if err != nil {
		panic(err) // texts always encode
	}
	return nil, s.Err()
}

// GetSubscription tells about a subscription.
func (s *server) GetSubscription(_ context.Context, r *pubsubpb.GetSubscriptionRequest) (*pubsubpb.Subscription, error) {
	name, err := s.subscription(r.Subscription)
	if err != nil {
		return nil, err
	}
	return s.broker.find(name).described(r.Subscription), nil
}

// ListSubscriptions lists the scenario's pull subscriptions, all on one page.
func (s *server) ListSubscriptions(_ context.Context, r *pubsubpb.ListSubscriptionsRequest) (*pubsubpb.ListSubscriptionsResponse, error) {
	answer := &pubsubpb.ListSubscriptionsResponse{}
	for _, name := range s.broker.subscriptionNames() {
		answer.Subscriptions = append(answer.Subscriptions, s.broker.find(name).described(r.Project))
	}
	return answer, nil
}

// described is a subscription as clients see it, in the project of another
// name.
func (x *subscription) described(other string) *pubsubpb.Subscription {
	s := &pubsubpb.Subscription{
		Name: subscriptionName(other, x.Name), Topic: topicName(other, x.topic),
		AckDeadlineSeconds: int32(x.AckDeadline / time.Second), Filter: x.Policy.Filter,
		EnableMessageOrdering: x.Policy.Ordered, EnableExactlyOnceDelivery: x.exactlyOnce(),
		State: pubsubpb.Subscription_ACTIVE,
	}
	if to := x.Policy.DeadLetter; to != "" {
		s.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topicName(other, to), MaxDeliveryAttempts: int32(x.Policy.MaxAttempts)}
	}
	return s
}

// subscription checks a name projects/p/subscriptions/s and returns its last
// part.
func (s *server) subscription(name string) (string, error) {
	last, err := short(name, "subscriptions")
	if err == nil && s.broker.find(last) == nil {
		err = notFound(last)
	}
	return last, err
}
