package probe

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// pubs is a service of gRPC in process: it publishes, and its streams answer
// each request once.
type pubs struct {
	published int
	opened    int
	causes    []*Call
	fails     error
}

func (p *pubs) Invoke(ctx context.Context, _ string, _, reply any, _ ...grpc.CallOption) error {
	p.causes = append(p.causes, CallOf(ctx))
	if p.fails != nil {
		return p.fails
	}
	p.published++
	proto.Merge(reply.(proto.Message), &pubsubpb.PublishResponse{MessageIds: []string{"7"}})
	return nil
}

func (p *pubs) NewStream(ctx context.Context, _ *grpc.StreamDesc, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	p.opened++
	p.causes = append(p.causes, CallOf(ctx))
	return &repeater{ctx: ctx, fails: p.fails, in: make(chan struct{}, 10)}, nil
}

type repeater struct {
	ctx   context.Context
	fails error
	in    chan struct{}
}

func (e *repeater) Header() (metadata.MD, error) { return nil, e.fails }
func (e *repeater) Trailer() metadata.MD         { return nil }
func (e *repeater) Context() context.Context     { return e.ctx }
func (e *repeater) CloseSend() error             { close(e.in); return nil }
func (e *repeater) SendMsg(any) error            { e.in <- struct{}{}; return nil }
func (e *repeater) RecvMsg(any) error {
	select {
	case _, more := <-e.in:
		if !more {
			return io.EOF
		}
		return nil
	case <-e.ctx.Done():
		return status.FromContextError(e.ctx.Err()).Err()
	}
}

var orders = &pubsubpb.PublishRequest{Topic: "projects/p/topics/orders", Messages: []*pubsubpb.PubsubMessage{{Data: []byte(`{"order":"o-1"}`)}}}

// A unary call: all that the tap may make of it, and what the caller sees.
func TestGRPCVerdicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			v       Verdict
			effects int
			code    codes.Code
			after   time.Duration
			text    string
		}{
			{Verdict{}, 1, codes.OK, 0, ""},
			{Verdict{Refuse, "UNAVAILABLE"}, 0, codes.Unavailable, 0, "unable to fulfill"},
			{Verdict{Refuse, "RESOURCE_EXHAUSTED"}, 0, codes.ResourceExhausted, 0, "RESOURCE_EXHAUSTED"},
			{Verdict{Refuse, "refused"}, 0, codes.Unavailable, 0, "connection refused"},
			{Verdict{Cut, ""}, 0, codes.Canceled, 0, "closing"},
			{Verdict{GaveUp, ""}, 0, codes.Canceled, 0, "canceled"},
			{Verdict{Lose, "reset"}, 1, codes.Unavailable, 0, "connection reset"},
			{Verdict{Lose, "timeout"}, 1, codes.DeadlineExceeded, time.Minute, "deadline"},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			base, tap := &pubs{}, &scripted{verdicts: map[string][]Verdict{"publish": {c.v}}}
			began := time.Now()
			answer, err := pubsubpb.NewPublisherClient(GRPC(tap, base, DescribePubSub)).Publish(ctx, orders)
			if base.published != c.effects || status.Code(err) != c.code || time.Since(began) != c.after || !strings.Contains(status.Convert(err).Message(), c.text) {
				t.Errorf("%v: %d effects, %v after %v", c.v, base.published, err, time.Since(began))
			}
			if (err == nil) != (len(answer.GetMessageIds()) == 1) {
				t.Errorf("%v: answer %v", c.v, answer)
			}
			if c.effects == 1 && (len(tap.left) != 1 || tap.left[0].Result.Status != "OK" || base.causes[0] != tap.calls[0]) {
				t.Errorf("%v: left %+v", c.v, tap.left)
			}
			if call := tap.calls[0]; !call.Timed || call.GiveUp == nil || call.Op.Resource != "orders" || call.Op.Service != "pubsub" {
				t.Errorf("%v: call %+v", c.v, call)
			}
			cancel()
		}
	})
}

// What the service says is the operation's status; what happens while an
// instance dies is not seen; nor is what comes after the caller's deadline.
func TestGRPCOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap := &scripted{}
		base := &pubs{fails: status.Error(codes.NotFound, "Resource not found")}
		client := pubsubpb.NewPublisherClient(GRPC(tap, base, DescribePubSub))
		_, err := client.Publish(t.Context(), orders)
		if got := tap.left[0].Result; status.Code(err) != codes.NotFound || got.Status != "NOT_FOUND" || got.OK || string(got.Body) != "Resource not found" {
			t.Errorf("%v, %+v", err, got)
		}
		base.fails, tap.dead = nil, true
		if _, err := client.Publish(t.Context(), orders); status.Code(err) != codes.Canceled || base.published != 1 {
			t.Errorf("dead: %v", err)
		}
		tap.dead = false
		tap.before = func(*Call) { time.Sleep(time.Minute) }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := client.Publish(ctx, orders); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("late: %v", err)
		}
		_, _ = pubsubpb.NewPublisherClient(GRPC(tap, base, nil)).Publish(t.Context(), orders)
		if op := tap.calls[3].Op; op.Service != "google.pubsub.v1.Publisher" || op.Method != "Publish" || op.Access != both || !slices.Equal(op.Fails, rpcFails) {
			t.Errorf("undescribed: %+v", op)
		}
	})
}

// stream opens a stream and sends its first request.
func stream(t *testing.T, tap Tap, base *pubs) pubsubpb.Subscriber_StreamingPullClient {
	t.Helper()
	s, err := pubsubpb.NewSubscriberClient(GRPC(tap, base, DescribePubSub)).StreamingPull(t.Context())
	if err == nil {
		err = s.Send(&pubsubpb.StreamingPullRequest{Subscription: "projects/p/subscriptions/bill"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// To open a stream is one operation, which begins when something is received;
// what was sent before is passed on, and what is sent later is no operation.
func TestGRPCStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap, base := &scripted{}, &pubs{}
		s := stream(t, tap, base)
		_ = s.Send(&pubsubpb.StreamingPullRequest{})
		if len(tap.calls) != 0 || base.opened != 0 {
			t.Error("it is open although nothing was received")
		}
		for range 2 {
			if _, err := s.Recv(); err != nil {
				t.Error(err)
			}
		}
		_ = s.Send(&pubsubpb.StreamingPullRequest{})
		if _, err := s.Recv(); err != nil {
			t.Error(err)
		}
		_ = s.CloseSend()
		if _, err := s.Recv(); err != io.EOF {
			t.Error(err)
		}
		if got := tap.ops(); !slices.Equal(got, []string{"streamingPull bill"}) || tap.left[0].Result.Status != "OK" || base.causes[0] != tap.calls[0] {
			t.Errorf("got %q, %+v", got, tap.left)
		}
		if got, want := string(tap.calls[0].Op.Request.Body), `{"subscription":"projects/p/subscriptions/bill"}`; got != want {
			t.Errorf("request %s", got)
		}
	})
}

// A stream that is refused, or breaks, says so where it is received from, and
// is over then.
func TestGRPCStreamVerdicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			v      Verdict
			dead   bool
			fails  error
			opened int
			code   codes.Code
		}{
			{Verdict{Refuse, "UNAVAILABLE"}, false, nil, 0, codes.Unavailable},
			{Verdict{Cut, ""}, false, nil, 0, codes.Canceled},
			{Verdict{GaveUp, ""}, false, nil, 0, codes.Canceled},
			{Verdict{Lose, "reset"}, false, nil, 1, codes.Unavailable},
			{Verdict{}, true, nil, 1, codes.Canceled},
			{Verdict{}, false, status.Error(codes.NotFound, ""), 1, codes.NotFound},
		} {
			tap, base := &scripted{verdicts: map[string][]Verdict{"streamingPull": {c.v}}, dead: c.dead}, &pubs{fails: c.fails}
			s := stream(t, tap, base)
			for range 2 {
				if _, err := s.Recv(); status.Code(err) != c.code || base.opened != c.opened {
					t.Errorf("%+v: %v, %d opened", c, err, base.opened)
				}
			}
			if err := s.Send(&pubsubpb.StreamingPullRequest{}); !errors.Is(err, io.EOF) || s.Context().Err() == nil {
				t.Errorf("%+v: %v, context %v", c, err, s.Context().Err())
			}
		}
	})
}

// While a stream is held at the tap, its client can send, and give it up.
func TestGRPCStreamHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap, base := &scripted{verdicts: map[string][]Verdict{"streamingPull": {{GaveUp, ""}}}}, &pubs{}
		tap.before = func(c *Call) { <-c.GiveUp }
		ctx, cancel := context.WithCancel(t.Context())
		s, err := pubsubpb.NewSubscriberClient(GRPC(tap, base, DescribePubSub)).StreamingPull(ctx)
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan error)
		go func() {
			_, err := s.Recv()
			got <- err
		}()
		synctest.Wait()
		if s.Send(&pubsubpb.StreamingPullRequest{}) != nil || s.CloseSend() != nil {
			t.Error("a client cannot send")
		}
		cancel()
		if err := <-got; status.Code(err) != codes.Canceled || base.opened != 0 {
			t.Errorf("%v, %d opened", err, base.opened)
		}
	})
}
