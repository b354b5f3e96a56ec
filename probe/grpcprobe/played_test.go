package grpcprobe

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/gcpprobe"
	"github.com/wtsim/wtsim/probe/httpprobe"
	"github.com/wtsim/wtsim/probe/recording"
)

// tells publishes, acknowledges, which is answered by an empty message, and asks
// for what the server does not do; it says what came of that.
func tells(conn *grpc.ClientConn) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ids, err := pubsubpb.NewPublisherClient(conn).Publish(r.Context(), orders)
		_, topic := pubsubpb.NewPublisherClient(conn).GetTopic(r.Context(), &pubsubpb.GetTopicRequest{Topic: "t"})
		_, ack := pubsubpb.NewSubscriberClient(conn).Acknowledge(r.Context(), &pubsubpb.AcknowledgeRequest{Subscription: "s", AckIds: []string{"a"}})
		_, _ = w.Write([]byte(strings.Join([]string{strings.Join(ids.GetMessageIds(), " "), status.Convert(err).String(), status.Convert(topic).String(), status.Convert(ack).String()}, "; ")))
	})
}

// Acknowledge has nothing to say.
func (served) Acknowledge(context.Context, *pubsubpb.AcknowledgeRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// Calls of gRPC are answered out of a recording as they were, empty messages and
// errors included; one that was not made is a divergence.
func TestPlayed(t *testing.T) {
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer()
	pubsubpb.RegisterPublisherServer(server, served{})
	pubsubpb.RegisterSubscriberServer(server, served{})
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	rules, err := probe.CompileRules(nil)
	if err != nil {
		t.Fatal(err)
	}
	var kept bytes.Buffer
	recorder := probe.NewRecorder("f", "i-1", rules, probe.SinkFunc(func(event.Event) {}))
	recorder.Keep(probe.SinkFunc(func(e event.Event) { kept.Write(append(e.AppendJSON(nil), '\n')) }))
	dial := func(options ...grpc.DialOption) *grpc.ClientConn {
		conn, err := grpc.NewClient("passthrough:///bufconn", options...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	ask := func(h http.Handler) string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
		return w.Body.String()
	}
	conn := dial(append(DialOptions(recorder, gcpprobe.DescribePubSub), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))...)
	want := ask(httpprobe.Handler(recorder, recording.Handler(recorder, tells(conn))))
	all, err := recording.Read(&kept)
	if err != nil || len(all) != 1 || len(all[0].Operations) != 3 {
		t.Fatalf("%v %+v", err, all)
	}
	player := recording.NewPlayer(all[0])
	if got := ask(tells(dial(Played(player, gcpprobe.DescribePubSub)...))); got != want || !strings.Contains(got, "Unimplemented") || !strings.HasPrefix(got, "7;") {
		t.Errorf("it says %q, and was told %q", got, want)
	}
	if d := player.End(); d != nil {
		t.Error(d)
	}
	player = recording.NewPlayer(all[0])
	other := proto.Clone(orders).(*pubsubpb.PublishRequest)
	other.Messages[0].Data = []byte(`{"order":"o-2"}`)
	if _, err := pubsubpb.NewPublisherClient(dial(Played(player, gcpprobe.DescribePubSub)...)).Publish(t.Context(), other); err == nil {
		t.Error("a call that was not made is answered")
	}
	if d := player.End(); d == nil || d.Number != 1 || !strings.Contains(d.Expected, "o-1") || !strings.Contains(d.Actual, "o-2") {
		t.Errorf("%+v", d)
	}
}
