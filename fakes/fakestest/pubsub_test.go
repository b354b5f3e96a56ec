package fakestest

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gpubsub "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/pubsub"
)

// prepared is a Pub/Sub with what the suite needs.
func prepared(change func(*pubsub.Subscription)) *pubsub.Service {
	s := pubsub.New("pubsub")
	for _, setup := range PubSubSetups() {
		x := pubsub.Subscription{Name: setup.Name, Topic: setup.Name, AckDeadline: setup.AckDeadline, ExactlyOnce: setup.ExactlyOnce,
			Policy: gcp.Policy{Ordered: setup.Ordered, Filter: setup.Filter, MaxAttempts: setup.MaxAttempts}}
		if setup.MaxAttempts > 0 {
			x.DeadLetter = setup.Name + "-dead"
			s = s.Pulled(pubsub.Subscription{Name: x.DeadLetter, Topic: x.DeadLetter, AckDeadline: setup.AckDeadline})
		}
		if change != nil {
			change(&x)
		}
		s = s.Pulled(x)
	}
	return s
}

// Our Pub/Sub keeps what Pub/Sub promises.
func TestPubSub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := Open(context.Background(), prepared(nil))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if err := PubSub(e.Context(), pubsub.Client(e, "pubsub")); err != nil {
			t.Error(err)
		}
		e.Die()
		time.Sleep(2 * time.Hour) // a receiver waits for what is never acknowledged for up to an hour
	})
}

// onTheWay changes what the client calls and is answered.
type onTheWay = grpc.UnaryClientInterceptor

// asked changes requests of one type; those for which change returns false do
// not get there, and seem to work.
func asked[R any](change func(R) bool) onTheWay {
	return func(ctx context.Context, method string, request, answer any, cc *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
		if r, ok := request.(R); ok && !change(r) {
			return nil
		}
		return call(ctx, method, request, answer, cc, options...)
	}
}

// answered changes answers of one type.
func answered[A any](change func(answer A, err error) error) onTheWay {
	return func(ctx context.Context, method string, request, answer any, cc *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
		err := call(ctx, method, request, answer, cc, options...)
		if a, ok := answer.(A); ok {
			return change(a, err)
		}
		return err
	}
}

// overtaken keeps every second message of an ordering key back until the next
// is published.
func overtaken() onTheWay {
	held := map[string]*pubsubpb.PublishRequest{}
	return func(ctx context.Context, method string, request, answer any, cc *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
		r, ok := request.(*pubsubpb.PublishRequest)
		if !ok || len(r.Messages) != 1 || r.Messages[0].OrderingKey == "" {
			return call(ctx, method, request, answer, cc, options...)
		}
		key := r.Topic + " " + r.Messages[0].OrderingKey
		first := held[key]
		if delete(held, key); first == nil {
			held[key] = proto.Clone(r).(*pubsubpb.PublishRequest)
			answer.(*pubsubpb.PublishResponse).MessageIds = []string{"held"}
			return nil
		}
		if err := call(ctx, method, r, answer, cc, options...); err != nil {
			return err
		}
		return call(ctx, method, first, &pubsubpb.PublishResponse{}, cc, options...)
	}
}

// brokenPubSub is broken on purpose: in how it is declared, by what it does
// not promise, or between the client and the service.
var brokenPubSub = []struct {
	name, notices string // the check that must notice it
	declared      func(*pubsub.Subscription)
	without       string // a guarantee
	onTheWay      onTheWay
}{
	{name: "acknowledged messages come again", notices: "what is acknowledged does not come again",
		onTheWay: asked(func(*pubsubpb.AcknowledgeRequest) bool { return false })},
	{name: "messages that are given back do not come again", notices: "what is given back comes again",
		onTheWay: asked(func(r *pubsubpb.ModifyAckDeadlineRequest) bool { return r.AckDeadlineSeconds > 0 })},
	{name: "messages never come again", notices: "a lease expires", without: "pubsub/retries"},
	{name: "leases do not expire", notices: "a lease expires", declared: func(x *pubsub.Subscription) { x.AckDeadline = 10 * time.Minute }},
	{name: "leases are not extended", notices: "an extended lease lasts",
		onTheWay: asked(func(r *pubsubpb.ModifyAckDeadlineRequest) bool { return r.AckDeadlineSeconds == 0 })},
	{name: "messages of a key overtake each other", notices: "messages of a key come in order", onTheWay: overtaken()},
	{name: "keys are ignored", notices: "what is given back comes before later messages of its key", without: "pubsub/order"},
	{name: "filters are ignored", notices: "a filter keeps out", declared: func(x *pubsub.Subscription) { x.Filter = "" }},
	{name: "attempts are not counted", notices: "attempts are counted", onTheWay: answered(func(a *pubsubpb.PullResponse, err error) error {
		for _, m := range a.ReceivedMessages {
			m.DeliveryAttempt = 0
		}
		return err
	})},
	{name: "there are no dead letters", notices: "attempts are counted", without: "pubsub/dead-letters"},
	{name: "attributes are lost", notices: "what is published is received", onTheWay: asked(func(r *pubsubpb.PublishRequest) bool {
		for _, m := range r.Messages {
			m.Attributes = nil
		}
		return true
	})},
	{name: "acknowledgements that come too late seem to work", notices: "exactly once: a late acknowledgement is refused", without: "pubsub/exactly-once"},
	{name: "what is not there takes messages all the same", notices: "what is not there is not found",
		onTheWay: answered(func(*pubsubpb.PublishResponse, error) error { return nil })},
}

// The suite notices each thing that is wrong, by the check that is for it; a
// Pub/Sub that is not broken passes the same way.
func TestPubSubNotices(t *testing.T) {
	if err := onBroken(t, prepared(nil), nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range brokenPubSub {
		t.Run(c.name, func(t *testing.T) {
			var s cloud.Service = prepared(c.declared)
			if c.without != "" {
				s = prepared(c.declared).Without(c.without)
			}
			err := onBroken(t, s, c.onTheWay)
			if err == nil {
				t.Fatal("nothing was noticed")
			}
			if !strings.Contains("\n"+err.Error(), "\n"+c.notices) {
				t.Errorf("%q did not notice it, but\n%v", c.notices, err)
			}
		})
	}
}

// onBroken runs the suite over a connection of gRPC's own.
func onBroken(t *testing.T, s cloud.Service, change onTheWay) (err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, openErr := Open(context.Background(), s)
		if openErr != nil {
			t.Fatal(openErr)
		}
		dial := grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			return e.Backend("pubsub").(cloud.Dialed).Dial(e), nil
		})
		options := []grpc.DialOption{dial, grpc.WithTransportCredentials(insecure.NewCredentials())}
		if change != nil {
			options = append(options, grpc.WithUnaryInterceptor(change))
		}
		conn, openErr := grpc.NewClient("passthrough:///pubsub", options...)
		if openErr != nil {
			t.Fatal(openErr)
		}
		client, openErr := gpubsub.NewClient(e.Context(), "p", option.WithGRPCConn(conn))
		if openErr != nil {
			t.Fatal(openErr)
		}
		err = PubSub(e.Context(), client, "what breaks a limit is refused") // gRPC's own limit is lower
		e.Die()
		time.Sleep(2 * time.Hour) // a receiver waits for what is never acknowledged for up to an hour
		_ = client.Close()
		e.Close()
	})
	return err
}
