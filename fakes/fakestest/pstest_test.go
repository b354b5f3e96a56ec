package fakestest

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/fakes/internal/rpc"
)

// pstestCannot is what Google's own fake does not do.
var pstestCannot = []string{
	"exactly once: a late acknowledgement is refused", // acknowledgements are never refused
	"what breaks a limit is refused",                  // there are no limits
	"a stream has at most what it asks for",           // flow control is the client's alone
}

// The suite holds against Google's own fake too, as far as that goes: it is
// not our wires alone that it describes. What pstest cannot do is named, and
// tried, so that the list stays true.
func TestPubSubOnPstest(t *testing.T) {
	server := pstest.NewServer() // it listens, and so must be made outside of the bubble
	defer func() { _ = server.Close() }()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		conn := rpc.Dial(ctx, rpc.NewMethods("", &pubsubpb.Publisher_ServiceDesc, &pubsubpb.Subscriber_ServiceDesc), &pstestServer{&server.GServer}, nil)
		client, err := pubsub.NewClient(ctx, "p", conn.Option(conn))
		if err != nil {
			t.Fatal(err)
		}
		createAll(t, client)
		if err := PubSub(ctx, client, pstestCannot...); err != nil {
			t.Error(err)
		}
		err = PubSub(ctx, client, others()...)
		for _, name := range pstestCannot {
			if err == nil || !strings.Contains(err.Error(), name+": ") {
				t.Errorf("pstest can do it by now: %s (%v)", name, err)
			}
		}
		deleteAll(t, client)
		cancel()
		time.Sleep(2 * time.Hour)
	})
}

// others are the checks that pstest passes.
func others() []string {
	var names []string
	for _, c := range pubsubChecks {
		if !slices.Contains(pstestCannot, c.name) {
			names = append(names, c.name)
		}
	}
	return names
}

func createAll(t *testing.T, client *pubsub.Client) {
	create := func(topic string, s *pubsubpb.Subscription) {
		if _, err := client.TopicAdminClient.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topic}); err != nil {
			t.Fatal(err)
		}
		s.Topic, s.Name = topic, strings.Replace(topic, "/topics/", "/subscriptions/", 1)
		if _, err := client.SubscriptionAdminClient.CreateSubscription(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range PubSubSetups() {
		topic := "projects/p/topics/" + s.Name
		seconds := int32(s.AckDeadline / time.Second)
		p := &pubsubpb.Subscription{AckDeadlineSeconds: seconds, EnableMessageOrdering: s.Ordered, EnableExactlyOnceDelivery: s.ExactlyOnce, Filter: s.Filter}
		if s.MaxAttempts > 0 {
			p.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topic + "-dead", MaxDeliveryAttempts: int32(s.MaxAttempts)}
			create(topic+"-dead", &pubsubpb.Subscription{AckDeadlineSeconds: seconds})
		}
		create(topic, p)
	}
}

// deleteAll ends the goroutines that pstest has for each subscription.
func deleteAll(t *testing.T, client *pubsub.Client) {
	for s, err := range client.SubscriptionAdminClient.ListSubscriptions(t.Context(), &pubsubpb.ListSubscriptionsRequest{Project: "projects/p"}).All() {
		if err == nil {
			err = client.SubscriptionAdminClient.DeleteSubscription(t.Context(), &pubsubpb.DeleteSubscriptionRequest{Subscription: s.Name})
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// pstestServer is pstest's server with its stream in process.
type pstestServer struct{ *pstest.GServer }

func (s *pstestServer) OpenStream(ctx context.Context, _ string, done <-chan struct{}) grpc.ClientStream {
	p := &pipe{ctx: ctx, done: done, requests: make(chan *pubsubpb.StreamingPullRequest, 100), answers: make(chan *pubsubpb.StreamingPullResponse), ended: make(chan struct{})}
	go func() {
		p.err = s.StreamingPull(&serverEnd{pipe: p})
		close(p.ended)
	}()
	return p
}

// pipe is the client's end of a stream.
type pipe struct {
	ctx      context.Context
	done     <-chan struct{}
	requests chan *pubsubpb.StreamingPullRequest
	answers  chan *pubsubpb.StreamingPullResponse
	ended    chan struct{}
	err      error
}

func (p *pipe) Header() (metadata.MD, error) { return nil, nil }
func (p *pipe) Trailer() metadata.MD         { return nil }
func (p *pipe) Context() context.Context     { return p.ctx }
func (p *pipe) CloseSend() error             { close(p.requests); return nil }

func (p *pipe) SendMsg(m any) error {
	p.requests <- proto.Clone(m.(proto.Message)).(*pubsubpb.StreamingPullRequest)
	return nil
}

func (p *pipe) RecvMsg(m any) error {
	select {
	case a := <-p.answers:
		proto.Merge(m.(proto.Message), a)
		return nil
	case <-p.ended:
		if p.err == nil {
			return io.EOF
		}
		return p.err
	case <-p.ctx.Done():
		return status.FromContextError(p.ctx.Err()).Err()
	case <-p.done:
		return status.Error(codes.Canceled, "closed")
	}
}

// serverEnd is the server's end of it.
type serverEnd struct {
	grpc.ServerStream
	*pipe
}

func (s *serverEnd) Context() context.Context     { return s.ctx }
func (s *serverEnd) SendMsg(any) error            { return nil }
func (s *serverEnd) RecvMsg(any) error            { return nil }
func (s *serverEnd) SendHeader(metadata.MD) error { return nil }
func (s *serverEnd) SetTrailer(metadata.MD)       {}

func (s *serverEnd) Send(a *pubsubpb.StreamingPullResponse) error {
	select {
	case s.answers <- proto.Clone(a).(*pubsubpb.StreamingPullResponse):
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

func (s *serverEnd) Recv() (*pubsubpb.StreamingPullRequest, error) {
	select {
	case r, ok := <-s.requests:
		if !ok {
			return nil, io.EOF
		}
		return r, nil
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
}
