package rpc

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// Replies is the stream of a method that answers one request with any number
// of messages: answer makes them all, once the stream is accepted. done is
// closed with the connection; lacks is told what the server does not have.
func Replies(ctx context.Context, done <-chan struct{}, lacks func(string), answer func(context.Context, proto.Message) ([]proto.Message, error)) grpc.ClientStream {
	return &replies{ctx: WithGone(ctx, done), done: done, lacks: lacks, answer: answer}
}

// replies is such a stream. Its client sends, and then receives, from one
// goroutine.
type replies struct {
	ctx     context.Context
	done    <-chan struct{}
	lacks   func(string)
	answer  func(context.Context, proto.Message) ([]proto.Message, error)
	request proto.Message
	opened  bool
	err     error
	rest    []proto.Message
}

// Context returns the stream's context.
func (s *replies) Context() context.Context { return s.ctx }

// Trailer returns nothing.
func (s *replies) Trailer() metadata.MD { return nil }

// CloseSend does nothing: there is one request.
func (s *replies) CloseSend() error { return nil }

// SendMsg takes the request.
func (s *replies) SendMsg(m any) error {
	s.request = proto.Clone(m.(proto.Message))
	return nil
}

// Header carries the request out.
func (s *replies) Header() (metadata.MD, error) {
	if !s.opened {
		s.opened = true
		s.rest, s.err = s.answer(s.ctx, s.request)
		var l *Lack
		if errors.As(s.err, &l) {
			s.lacks(l.What)
			s.err = l.GRPCStatus().Err()
		}
	}
	return nil, s.err
}

// RecvMsg returns the next message, or the end.
func (s *replies) RecvMsg(m any) error {
	if _, err := s.Header(); err != nil {
		return err
	}
	return Recv(s.ctx, s.done, nil, m, func() (proto.Message, error) {
		if len(s.rest) == 0 {
			return nil, io.EOF
		}
		next := s.rest[0]
		s.rest = s.rest[1:]
		return next, nil
	})
}

type goneKey struct{}

// WithGone returns a context that knows when the connection of a call is gone.
func WithGone(ctx context.Context, done <-chan struct{}) context.Context {
	return context.WithValue(ctx, goneKey{}, done)
}

// Gone is closed when the connection of a call is gone that a server handles:
// nobody waits for its answer any more.
func Gone(ctx context.Context) <-chan struct{} {
	done, _ := ctx.Value(goneKey{}).(<-chan struct{})
	return done
}

// ErrClosed is what gRPC says of a connection that was closed.
func ErrClosed() error { return errClosed }
