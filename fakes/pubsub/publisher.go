package pubsub

import (
	"context"
	"errors"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/probe"
)

// The limits of a publish request.
// https://cloud.google.com/pubsub/quotas#resource_limits
const (
	mostMessages       = 1000
	mostRequestBytes   = 10_000_000
	mostAttributes     = 100
	mostKeyBytes       = 256
	mostValueBytes     = 1024
	mostOrderingKey    = 1024
	reservedAttributes = "goog"
)

// Publish publishes a batch of messages, all or none.
func (s *server) Publish(ctx context.Context, r *pubsubpb.PublishRequest) (*pubsubpb.PublishResponse, error) {
	topic, err := s.topic(r.Topic)
	if err == nil {
		err = validate(r)
	}
	if err != nil {
		return nil, err
	}
	answer := &pubsubpb.PublishResponse{MessageIds: make([]string, len(r.Messages))}
	for i, m := range r.Messages {
		id, err := s.broker.PublishTo(probe.CallOf(ctx), topic, gcp.Message{Data: m.Data, Attributes: m.Attributes, OrderingKey: m.OrderingKey})
		if err != nil {
			return nil, told(err, topic)
		}
		answer.MessageIds[i] = id
	}
	return answer, nil
}

// validate checks a request against the service's limits.
func validate(r *pubsubpb.PublishRequest) error {
	switch n := len(r.Messages); {
	case n == 0:
		return status.Error(codes.InvalidArgument, "The publish request must contain at least one message.")
	case n > mostMessages:
		return status.Errorf(codes.InvalidArgument, "The value for message_count is too large. You passed %d in the request, but the maximum value is %d.", n, mostMessages)
	case proto.Size(r) > mostRequestBytes:
		return status.Errorf(codes.InvalidArgument, "Request payload size exceeds the limit: %d bytes.", mostRequestBytes)
	}
	for _, m := range r.Messages {
		if err := validateMessage(m); err != nil {
			return err
		}
	}
	return nil
}

func validateMessage(m *pubsubpb.PubsubMessage) error {
	switch {
	case len(m.Data) == 0 && len(m.Attributes) == 0:
		return status.Error(codes.InvalidArgument, "One or more messages in the publish request is empty. Each message must contain either non-empty data, or at least one attribute.")
	case len(m.Attributes) > mostAttributes:
		return status.Errorf(codes.InvalidArgument, "The request contains %d attributes, but the maximum allowed is %d.", len(m.Attributes), mostAttributes)
	case len(m.OrderingKey) > mostOrderingKey:
		return status.Errorf(codes.InvalidArgument, "The ordering key has %d bytes, but the maximum allowed is %d.", len(m.OrderingKey), mostOrderingKey)
	}
	for key, value := range m.Attributes { //wtsim:order any wrong one is told by its kind alone
		switch {
		case key == "" || len(key) > mostKeyBytes:
			return status.Errorf(codes.InvalidArgument, "The attribute key must have 1 to %d bytes.", mostKeyBytes)
		case strings.HasPrefix(strings.ToLower(key), reservedAttributes):
			return status.Errorf(codes.InvalidArgument, "The attribute key must not begin with %q.", reservedAttributes)
		case len(value) > mostValueBytes:
			return status.Errorf(codes.InvalidArgument, "The attribute value must have at most %d bytes.", mostValueBytes)
		}
	}
	return nil
}

// GetTopic tells about a topic.
func (s *server) GetTopic(_ context.Context, r *pubsubpb.GetTopicRequest) (*pubsubpb.Topic, error) {
	topic, err := s.topic(r.Topic)
	if err != nil {
		return nil, err
	}
	return &pubsubpb.Topic{Name: topicName(r.Topic, topic), State: pubsubpb.Topic_ACTIVE}, nil
}

// ListTopics lists the scenario's topics, all on one page.
func (s *server) ListTopics(_ context.Context, r *pubsubpb.ListTopicsRequest) (*pubsubpb.ListTopicsResponse, error) {
	answer := &pubsubpb.ListTopicsResponse{}
	for _, t := range s.broker.topicNames() {
		answer.Topics = append(answer.Topics, &pubsubpb.Topic{Name: topicName(r.Project, t), State: pubsubpb.Topic_ACTIVE})
	}
	return answer, nil
}

// ListTopicSubscriptions lists a topic's pull subscriptions, all on one page.
func (s *server) ListTopicSubscriptions(_ context.Context, r *pubsubpb.ListTopicSubscriptionsRequest) (*pubsubpb.ListTopicSubscriptionsResponse, error) {
	topic, err := s.topic(r.Topic)
	if err != nil {
		return nil, err
	}
	answer := &pubsubpb.ListTopicSubscriptionsResponse{}
	for _, name := range s.broker.subscriptionNames() {
		if x := s.broker.find(name); x.topic == topic {
			answer.Subscriptions = append(answer.Subscriptions, subscriptionName(r.Topic, name))
		}
	}
	return answer, nil
}

// topic finds the topic of a name projects/p/topics/t.
func (s *server) topic(name string) (string, error) {
	topic, err := short(name, "topics")
	if err == nil && !s.broker.hasTopic(topic) {
		err = notFound(topic)
	}
	return topic, err
}

// short is the last part of a full name.
func short(name, kind string) (string, error) {
	parts := strings.Split(name, "/")
	if len(parts) != 4 || parts[0] != "projects" || parts[1] == "" || parts[2] != kind || parts[3] == "" {
		return "", status.Errorf(codes.InvalidArgument, "Invalid [%s] name: (name=%s)", kind, name)
	}
	return parts[3], nil
}

// topicName and subscriptionName are full names, in the project of another.
func topicName(other, topic string) string { return project(other) + "/topics/" + topic }

func subscriptionName(other, subscription string) string {
	return project(other) + "/subscriptions/" + subscription
}

func project(name string) string {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 2 {
		return "projects/" + Project
	}
	return "projects/" + parts[1]
}

func notFound(name string) error {
	return status.Errorf(codes.NotFound, "Resource not found (resource=%s).", name)
}

// told is an error as the service tells it.
func told(err error, name string) error {
	if errors.Is(err, errNotFound) {
		return notFound(name)
	}
	return status.Error(codes.Internal, err.Error())
}
