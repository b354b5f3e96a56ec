package grpcprobe

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

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/gcpprobe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// pubs is a service of gRPC in process: it publishes, and its streams answer
// each request once.
type pubs struct {
	published int
	opened    int
	causes    []*probe.Call
	fails     error
}

func (p *pubs) Invoke(ctx context.Context, _ string, _, reply any, _ ...grpc.CallOption) error {
	p.causes = append(p.causes, probe.CallOf(ctx))
	if p.fails != nil {
		return p.fails
	}
	p.published++
	proto.Merge(reply.(proto.Message), &pubsubpb.PublishResponse{MessageIds: []string{"7"}})
	return nil
}

func (p *pubs) NewStream(ctx context.Context, _ *grpc.StreamDesc, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	p.opened++
	p.causes = append(p.causes, probe.CallOf(ctx))
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
func TestFates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			v       probe.Fate
			effects int
			code    codes.Code
			after   time.Duration
			text    string
		}{
			{probe.Fate{}, 1, codes.OK, 0, ""},
			{probe.Fate{Action: probe.Refuse, With: "UNAVAILABLE"}, 0, codes.Unavailable, 0, "unable to fulfill"},
			{probe.Fate{Action: probe.Refuse, With: "RESOURCE_EXHAUSTED"}, 0, codes.ResourceExhausted, 0, "RESOURCE_EXHAUSTED"},
			{probe.Fate{Action: probe.Refuse, With: "refused"}, 0, codes.Unavailable, 0, "connection refused"},
			{probe.Fate{Action: probe.Cut}, 0, codes.Canceled, 0, "closing"},
			{probe.Fate{Action: probe.GaveUp}, 0, codes.Canceled, 0, "canceled"},
			{probe.Fate{Action: probe.Lose, With: "reset"}, 1, codes.Unavailable, 0, "connection reset"},
			{probe.Fate{Action: probe.Lose, With: "timeout"}, 1, codes.DeadlineExceeded, time.Minute, "deadline"},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			base, tap := &pubs{}, &probetest.Tap{Fates: map[string][]probe.Fate{"publish": {c.v}}}
			began := time.Now()
			answer, err := pubsubpb.NewPublisherClient(Conn(tap, base, gcpprobe.DescribePubSub)).Publish(ctx, orders)
			if base.published != c.effects || status.Code(err) != c.code || time.Since(began) != c.after || !strings.Contains(status.Convert(err).Message(), c.text) {
				t.Errorf("%v: %d effects, %v after %v", c.v, base.published, err, time.Since(began))
			}
			if (err == nil) != (len(answer.GetMessageIds()) == 1) {
				t.Errorf("%v: answer %v", c.v, answer)
			}
			if c.effects == 1 && (len(tap.Left) != 1 || tap.Left[0].Result.Status != "OK" || base.causes[0] != tap.Calls[0]) {
				t.Errorf("%v: left %+v", c.v, tap.Left)
			}
			if call := tap.Calls[0]; !call.Timed || call.GiveUp == nil || call.Op.Resource != "orders" || call.Op.Service != "pubsub" {
				t.Errorf("%v: call %+v", c.v, call)
			}
			cancel()
		}
	})
}

// What the service says is the operation's status; what happens while an
// instance dies is not seen; nor is what comes after the caller's deadline.
func TestOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap := &probetest.Tap{}
		base := &pubs{fails: status.Error(codes.NotFound, "Resource not found")}
		client := pubsubpb.NewPublisherClient(Conn(tap, base, gcpprobe.DescribePubSub))
		_, err := client.Publish(t.Context(), orders)
		if got := tap.Left[0].Result; status.Code(err) != codes.NotFound || got.Status != "NOT_FOUND" || got.OK || string(got.Body) != "Resource not found" {
			t.Errorf("%v, %+v", err, got)
		}
		base.fails, tap.Dead = nil, true
		if _, err := client.Publish(t.Context(), orders); status.Code(err) != codes.Canceled || base.published != 1 {
			t.Errorf("dead: %v", err)
		}
		tap.Dead = false
		tap.Before = func(*probe.Call) { time.Sleep(time.Minute) }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := client.Publish(ctx, orders); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("late: %v", err)
		}
		_, _ = pubsubpb.NewPublisherClient(Conn(tap, base, nil)).Publish(t.Context(), orders)
		if op := tap.Calls[3].Op; op.Service != "google.pubsub.v1.Publisher" || op.Method != "Publish" || op.Access != event.Reads|event.Writes || !slices.Equal(op.Fails, fails) {
			t.Errorf("undescribed: %+v", op)
		}
	})
}

// stream opens a stream and sends its first request.
func stream(t *testing.T, tap probe.Tap, base *pubs) pubsubpb.Subscriber_StreamingPullClient {
	t.Helper()
	s, err := pubsubpb.NewSubscriberClient(Conn(tap, base, gcpprobe.DescribePubSub)).StreamingPull(t.Context())
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
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap, base := &probetest.Tap{}, &pubs{}
		s := stream(t, tap, base)
		_ = s.Send(&pubsubpb.StreamingPullRequest{})
		if len(tap.Calls) != 0 || base.opened != 0 {
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
		if got := tap.Ops(); !slices.Equal(got, []string{"streamingPull bill"}) || tap.Left[0].Result.Status != "OK" || base.causes[0] != tap.Calls[0] {
			t.Errorf("got %q, %+v", got, tap.Left)
		}
		if got, want := string(tap.Calls[0].Op.Request.Body), `{"subscription":"projects/p/subscriptions/bill"}`; got != want {
			t.Errorf("request %s", got)
		}
	})
}

// A stream that is refused, or breaks, says so where it is received from, and
// is over then.
func TestStreamFates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			v      probe.Fate
			dead   bool
			fails  error
			opened int
			code   codes.Code
		}{
			{probe.Fate{Action: probe.Refuse, With: "UNAVAILABLE"}, false, nil, 0, codes.Unavailable},
			{probe.Fate{Action: probe.Cut}, false, nil, 0, codes.Canceled},
			{probe.Fate{Action: probe.GaveUp}, false, nil, 0, codes.Canceled},
			{probe.Fate{Action: probe.Lose, With: "reset"}, false, nil, 1, codes.Unavailable},
			{probe.Fate{}, true, nil, 1, codes.Canceled},
			{probe.Fate{}, false, status.Error(codes.NotFound, ""), 1, codes.NotFound},
		} {
			tap, base := &probetest.Tap{Fates: map[string][]probe.Fate{"streamingPull": {c.v}}, Dead: c.dead}, &pubs{fails: c.fails}
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
func TestStreamHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap, base := &probetest.Tap{Fates: map[string][]probe.Fate{"streamingPull": {{Action: probe.GaveUp}}}}, &pubs{}
		tap.Before = func(c *probe.Call) { <-c.GiveUp }
		ctx, cancel := context.WithCancel(t.Context())
		s, err := pubsubpb.NewSubscriberClient(Conn(tap, base, gcpprobe.DescribePubSub)).StreamingPull(ctx)
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
