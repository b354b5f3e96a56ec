package pubsub

import (
	"context"
	"io"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe"
)

// OpenStream makes a stream of StreamingPull.
func (s *server) OpenStream(ctx context.Context, method string, done <-chan struct{}) grpc.ClientStream {
	if method != pubsubpb.Subscriber_StreamingPull_FullMethodName {
		return nil
	}
	return &stream{server: s, ctx: ctx, done: done, wake: make(chan struct{}, 1)}
}

// stream is one StreamingPull as its client sees it. The world hands it
// messages, which wait here until the client takes them, one answer each.
type stream struct {
	server *server
	ctx    context.Context
	done   <-chan struct{} // closed with the connection
	wake   chan struct{}   // there is something to receive

	mu       sync.Mutex
	first    *pubsubpb.StreamingPullRequest
	sub      *subscription
	settings streamSettings
	answers  []*pubsubpb.StreamingPullResponse
	end      error // the stream ends with it, when answers are taken
	stop     func()
}

// Context returns the stream's context.
func (s *stream) Context() context.Context { return s.ctx }

// Trailer returns nothing.
func (s *stream) Trailer() metadata.MD { return nil }

// Header opens the stream, with the first request that was sent, and tells
// whether the service accepts it.
func (s *stream) Header() (metadata.MD, error) {
	s.mu.Lock()
	first, end := s.first, s.end
	s.mu.Unlock()
	switch {
	case end != nil:
		return nil, end
	case first == nil:
		return nil, status.Error(codes.InvalidArgument, "The first request of a stream must name a subscription.")
	}
	name, err := s.server.subscription(first.Subscription)
	if err == nil {
		err = s.adjust(first, s.server.broker.find(name))
	}
	if err != nil {
		return nil, err
	}
	stop, err := s.server.broker.stream(probe.CallOf(s.ctx), name, s.asked, s.deliver)
	if err != nil {
		return nil, told(err, name)
	}
	s.mu.Lock()
	s.stop = stop
	s.mu.Unlock()
	context.AfterFunc(s.ctx, stop)
	return nil, nil
}

// adjust takes the settings of a request.
func (s *stream) adjust(r *pubsubpb.StreamingPullRequest, sub *subscription) error {
	if d := r.StreamAckDeadlineSeconds; d < 10 || d > 600 {
		return status.Errorf(codes.InvalidArgument, "Invalid stream ack deadline given: %d seconds, wanted 10 to 600.", d)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sub = sub
	s.settings = streamSettings{
		ackDeadline: time.Duration(r.StreamAckDeadlineSeconds) * time.Second,
		messages:    r.MaxOutstandingMessages, bytes: r.MaxOutstandingBytes,
	}
	return nil
}

// asked is what the client asks of the stream now.
func (s *stream) asked() streamSettings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings
}

// deliver takes a message from the world.
func (s *stream) deliver(d received) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer(d.told())
}

// answer adds an answer, with messages or without. mu is held.
func (s *stream) answer(messages ...*pubsubpb.ReceivedMessage) {
	s.answers = append(s.answers, &pubsubpb.StreamingPullResponse{
		ReceivedMessages: messages,
		SubscriptionProperties: &pubsubpb.StreamingPullResponse_SubscriptionProperties{
			ExactlyOnceDeliveryEnabled: s.sub.exactlyOnce(), MessageOrderingEnabled: s.sub.Policy.Ordered,
		},
	})
	s.signal()
}

func (s *stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// SendMsg takes a request of the client: the first, a change of settings, or
// one that keeps the stream alive, which the service answers with an empty
// response.
func (s *stream) SendMsg(m any) error {
	r := m.(*pubsubpb.StreamingPullRequest)
	if len(r.AckIds) > 0 || len(r.ModifyDeadlineAckIds) > 0 {
		l := &rpc.Lack{What: "acknowledgements on a stream", Advice: "call Acknowledge and ModifyAckDeadline, as the client library does"}
		s.server.broker.kernel.Lacks(l.What)
		s.finish(l.GRPCStatus().Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.end != nil:
		return io.EOF
	case s.first == nil:
		s.first = proto.Clone(r).(*pubsubpb.StreamingPullRequest)
		return nil
	case r.StreamAckDeadlineSeconds != 0:
		s.settings.ackDeadline = time.Duration(r.StreamAckDeadlineSeconds) * time.Second
	}
	s.later(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.answer()
	})
	return nil
}

// answerTime is how long the answer to a request on a stream takes. The client
// library cannot live with none: it takes a server for silent that answers in
// the instant in which it was asked, and opens a stream again whose end it sees
// before it has noted that it has closed it.
const answerTime = time.Millisecond

// later answers a request.
func (s *stream) later(answer func()) {
	time.AfterFunc(answerTime, answer) //wtsim:go wakes the client's goroutine, and ends
}

// CloseSend ends the stream: a client that sends nothing more is not
// delivered anything more.
func (s *stream) CloseSend() error {
	s.mu.Lock()
	stop := s.stop
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
	s.later(func() { s.finish(io.EOF) })
	return nil
}

// finish ends the stream once what was delivered is taken. The world may ask
// for mu while it holds what stop needs.
func (s *stream) finish(err error) {
	s.mu.Lock()
	stop := s.stop
	if s.end == nil {
		s.end = err
	}
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
	s.signal()
}

// RecvMsg waits for an answer.
func (s *stream) RecvMsg(m any) error {
	return rpc.Recv(s.ctx, s.done, s.wake, m, func() (proto.Message, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.answers) > 0 {
			next := s.answers[0]
			s.answers = s.answers[1:]
			return next, nil
		}
		return nil, s.end
	})
}
