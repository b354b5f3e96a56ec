package grpcprobe

import (
	"context"
	"io"
	"net"
	"slices"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/gcpprobe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// served is a server of gRPC's.
type served struct {
	pubsubpb.UnimplementedPublisherServer
	pubsubpb.UnimplementedSubscriberServer
}

func (served) Publish(_ context.Context, r *pubsubpb.PublishRequest) (*pubsubpb.PublishResponse, error) {
	return &pubsubpb.PublishResponse{MessageIds: slices.Repeat([]string{"7"}, len(r.Messages))}, nil
}

func (served) StreamingPull(s pubsubpb.Subscriber_StreamingPullServer) error {
	if _, err := s.Recv(); err != nil {
		return err
	}
	return s.Send(&pubsubpb.StreamingPullResponse{ReceivedMessages: []*pubsubpb.ReceivedMessage{{AckId: "a"}}})
}

// In production the seam is interceptors on a connection of gRPC's; the events
// are the same.
func TestDialOptions(t *testing.T) {
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer()
	pubsubpb.RegisterPublisherServer(server, served{})
	pubsubpb.RegisterSubscriberServer(server, served{})
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	t.Run("recorder", func(t *testing.T) { dials(t, listener, func(r *probe.Recorder) probe.Tap { return r }) })
	t.Run("wrapped", func(t *testing.T) {
		dials(t, listener, func(r *probe.Recorder) probe.Tap { return probetest.Wrapped{Tap: r} })
	})
}

// dials makes a call and a stream.
func dials(t *testing.T, listener *bufconn.Listener, tap func(*probe.Recorder) probe.Tap) {
	t.Helper()
	rules, err := probe.CompileRules([]probe.Rule{
		{Service: "pubsub", Method: "publish", Resource: "{topic}", Each: "request.messages", Emit: "PUBLISHED",
			With: map[string]string{"order": "each.data.order", "topic": "{topic}", "id": "response.messageIds.#"}},
		{Service: "pubsub", Method: "streamingPull", Resource: "{sub}", Emit: "PULLS", With: map[string]string{"sub": "{sub}"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var events []string
	recorder := probe.NewRecorder("f", "i-1", rules, probe.SinkFunc(func(e event.Event) { events = append(events, e.Type+string(e.Data.AppendJSON(nil))) }))
	conn, err := grpc.NewClient("passthrough:///bufconn", append(DialOptions(tap(recorder), gcpprobe.DescribePubSub),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := pubsubpb.NewPublisherClient(conn).Publish(t.Context(), orders); err != nil {
		t.Error(err)
	}
	s, err := pubsubpb.NewSubscriberClient(conn).StreamingPull(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Send(&pubsubpb.StreamingPullRequest{Subscription: "projects/p/subscriptions/bill"})
	if m, err := s.Recv(); err != nil || m.ReceivedMessages[0].AckId != "a" {
		t.Error(m, err)
	}
	if header, err := s.Header(); err != nil || len(header) == 0 {
		t.Errorf("header %v, %v: the stream is a simulator's", header, err)
	}
	if _, err := s.Recv(); err != io.EOF {
		t.Error(err)
	}
	want := []string{`PUBLISHED{"id":"7","order":"o-1","topic":"orders"}`, `PULLS{"sub":"bill"}`}
	if !slices.Equal(events, want) {
		t.Errorf("got %q", events)
	}
}

// Messages have one form: fields by name, bytes decoded where they are JSON or
// text, lists sorted whose order says nothing.
func TestCanonicalProto(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{string(canonicalProto(&pubsubpb.PublishRequest{Topic: "t", Messages: []*pubsubpb.PubsubMessage{
			{Data: []byte("{ \"b\": 1,\n\"a\": [2] }"), Attributes: map[string]string{"z": "1", "a\"": "<é>"}, OrderingKey: "k"},
			{Data: []byte("text"), PublishTime: &timestamppb.Timestamp{Seconds: 1}},
			{Data: []byte{0xff, 0}},
		}})),
			`{"messages":[{"attributes":{"a\"":"\u003cé\u003e","z":"1"},"data":{"b":1,"a":[2]},"orderingKey":"k"},` +
				`{"data":"text","publishTime":"1970-01-01T00:00:01Z"},{"data":"/wA="}],"topic":"t"}`},
		{string(canonicalProto(&pubsubpb.AcknowledgeRequest{AckIds: []string{"b", "a"}})), `{"ackIds":["a","b"]}`},
		{string(canonicalProto(&pubsubpb.Subscription{State: pubsubpb.Subscription_ACTIVE, RetainAckedMessages: true, AckDeadlineSeconds: 10})),
			`{"ackDeadlineSeconds":10,"retainAckedMessages":true,"state":"ACTIVE"}`},
		{string(canonicalProto(&pubsubpb.StreamingPullRequest{MaxOutstandingBytes: 1 << 60})), `{"maxOutstandingBytes":"1152921504606846976"}`},
	} {
		if c.got != c.want {
			t.Errorf("got\n  %s, wanted\n  %s", c.got, c.want)
		}
	}
}
