package grpcprobe

import (
	"context"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Player is a tap that knows the answers of the calls that it lets pass: a
// [recording.Player].
type Player interface {
	probe.Tap
	Answer(*probe.Call) (op event.Operation, ok bool)
	Next(stream uint64) (m event.Result, ok bool)
}

// Played returns what a client dials with that is answered out of a recording, in
// place of [DialOptions]; no connection is made:
//
//	grpc.NewClient("passthrough:///recorded", grpcprobe.Played(player, gcpprobe.DescribePubSub)...)
//
// An error has the code and the text that it had, and none of its details. Of a stream what
// came in comes again; what is sent after its first message is not compared.
func Played(p Player, describe Describe) []grpc.DialOption {
	return append(DialOptions(p, describe),
		grpc.WithTransportCredentials(insecure.NewCredentials()), // of a connection that is not made
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, _, reply any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
			return played(ctx, p, method, reply)
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, method string, _ grpc.Streamer, _ ...grpc.CallOption) (grpc.ClientStream, error) {
			op, ok := p.Answer(probe.CallOf(ctx))
			if !ok {
				return nil, unseen(method)
			}
			if !op.Result.OK {
				return nil, failed(&op.Result)
			}
			return &playedStream{ctx: ctx, player: p, number: op.Result.Stream}, nil
		}))
}

func unseen(method string) error {
	return status.Errorf(codes.Internal, "%s did not pass the player's tap", method)
}

// failed is the error of an answer that is one.
func failed(r *event.Result) error {
	code, known := codeOf(r.Status)
	if !known {
		code = codes.Unknown
	}
	return status.Error(code, string(r.Body))
}

// playedStream is a stream whose messages come out of a recording.
type playedStream struct {
	ctx    context.Context
	player Player
	number uint64
}

// Header returns nothing: a recording has none.
func (s *playedStream) Header() (metadata.MD, error) { return nil, nil }

// Trailer returns nothing.
func (s *playedStream) Trailer() metadata.MD { return nil }

// CloseSend has nothing to do.
func (s *playedStream) CloseSend() error { return nil }

// Context returns the stream's context.
func (s *playedStream) Context() context.Context { return s.ctx }

// SendMsg has nothing to do.
func (s *playedStream) SendMsg(any) error { return nil }

// RecvMsg receives what was received.
func (s *playedStream) RecvMsg(m any) error {
	came, ok := s.player.Next(s.number)
	switch {
	case !ok:
		return status.Error(codes.DataLoss, "the recording has no further message of this stream")
	case !came.OK:
		return failed(&came)
	case came.Status != "":
		return io.EOF
	}
	return proto.Unmarshal(came.Wire, m.(proto.Message))
}

// played answers a call.
func played(ctx context.Context, p Player, method string, reply any) error {
	op, ok := p.Answer(probe.CallOf(ctx))
	switch {
	case !ok:
		return unseen(method)
	case !op.Result.OK:
		return failed(&op.Result)
	}
	return proto.Unmarshal(op.Result.Wire, reply.(proto.Message))
}
