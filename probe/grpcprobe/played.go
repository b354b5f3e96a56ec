package grpcprobe

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
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
}

// Played returns what a client dials with that is answered out of a recording, in
// place of [DialOptions]; no connection is made:
//
//	grpc.NewClient("passthrough:///recorded", grpcprobe.Played(player, gcpprobe.DescribePubSub)...)
//
// An error has the code and the text that it had, and none of its details. Streams
// are not played.
func Played(p Player, describe Describe) []grpc.DialOption {
	return append(DialOptions(p, describe),
		grpc.WithTransportCredentials(insecure.NewCredentials()), // of a connection that is not made
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, _, reply any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
			return played(ctx, p, method, reply)
		}),
		grpc.WithChainStreamInterceptor(func(_ context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, method string, _ grpc.Streamer, _ ...grpc.CallOption) (grpc.ClientStream, error) {
			return nil, status.Errorf(codes.Unimplemented, "%s is a stream, which a recording cannot answer", method)
		}))
}

// played answers a call.
func played(ctx context.Context, p Player, method string, reply any) error {
	op, ok := p.Answer(probe.CallOf(ctx))
	switch {
	case !ok:
		return status.Errorf(codes.Internal, "%s did not pass the player's tap", method)
	case !op.Result.OK:
		code, known := codeOf(op.Result.Status)
		if !known {
			code = codes.Unknown
		}
		return status.Error(code, string(op.Result.Body))
	}
	return proto.Unmarshal(op.Result.Wire, reply.(proto.Message))
}
