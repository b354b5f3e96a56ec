// Package grpcrecording notes the calls that a server of gRPC answers, as
// [recording.Handler] does requests of HTTP, so that `wtsim debug` can run one again. It
// is a package of its own because it links gRPC.
//
//	server := grpc.NewServer(append(grpcprobe.ServerOptions(recorder), grpcrecording.ServerOptions(recorder)...)...)
//
// What is played is asked of a [grpc.Server], which is an [http.Handler]:
//
//	func Played(p *recording.Player) (http.Handler, error) {
//		server := grpc.NewServer()
//		pb.RegisterShopServer(server, shop.New(...))
//		return server, nil
//	}
//
// A call is kept with the first message that is sent: one that sends several is
// noted as cut, and cannot be played.
package grpcrecording

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/recording"
)

// ServerOptions note each call, and how it ends. They stand behind those of
// grpcprobe, which make it an invocation.
func ServerOptions(r *probe.Recorder) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			recording.Begin(r, request(ctx, info.FullMethod, req))
			defer recording.End(r, http.StatusOK)
			return handle(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			noted := &notedStream{ServerStream: s, recorder: r, method: info.FullMethod}
			if info.IsClientStream {
				noted.begin(nil)
			}
			defer recording.End(r, http.StatusOK)
			return handle(srv, noted)
		}),
	}
}

// notedStream notes its first message.
type notedStream struct {
	grpc.ServerStream
	recorder *probe.Recorder
	method   string
	once     sync.Once
}

// RecvMsg receives a message.
func (s *notedStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil {
		s.begin(m)
	}
	return err
}

func (s *notedStream) begin(m any) {
	s.once.Do(func() { recording.Begin(s.recorder, request(s.Context(), s.method, m)) })
}

// request is a call as a request of HTTP, which it is.
func request(ctx context.Context, method string, m any) *http.Request {
	r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: method}, Header: http.Header{}}
	md, _ := metadata.FromIncomingContext(ctx)
	for name, values := range md { // the recording sorts them
		switch {
		case name == ":authority":
			r.Host = strings.Join(values, "")
		case strings.HasPrefix(name, ":") || strings.HasSuffix(name, "-bin"): // HTTP/2's own, and what is no text
		default:
			r.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("Te", "trailers")
	if p, ok := m.(proto.Message); ok {
		wire, err := proto.Marshal(p)
		if err == nil {
			r.Body = io.NopCloser(bytes.NewReader(framed(wire)))
			return r
		}
	}
	r.ContentLength = -1 // of which nothing is kept
	return r
}

// framed is a message as gRPC sends it: not compressed, its length before it.
func framed(wire []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(wire))), wire...)
}
