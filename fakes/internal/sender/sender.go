// Package sender makes calls of gRPC clients say who makes them, in the
// process of an isolated run. Such a client's connection belongs to the
// process, and its goroutines to nobody.
//
// The patched runtime initialises this package as soon as gRPC itself, so
// that clients in package-level variables have it too. So it may import gRPC
// and the standard library alone.
package sender

import (
	"context"
	"os"
	_ "unsafe" // for go:linkname

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// key is binary: names may hold any letters.
const key = "wtsim-caller-bin"

// caller is set by [Name].
var caller func() string

// Name says how the caller of a call is found, on its goroutine.
func Name(f func() string) { caller = f }

// Of returns who makes the call that a server handles; empty if that is not
// known.
func Of(ctx context.Context) string {
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		if v := md.Get(key); len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// addOptions is gRPC's way of giving options to all connections of a process,
// a func(...grpc.DialOption).
//
//go:linkname addOptions google.golang.org/grpc/internal.AddGlobalDialOptions
var addOptions any

func init() {
	add, ok := addOptions.(func(...grpc.DialOption))
	if !ok || os.Getenv("WTSIM_EPOCH") == "" {
		return // without it, callers are guessed
	}
	add(grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return invoke(named(ctx), method, req, reply, cc, opts...)
	}), grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		return open(named(ctx), desc, cc, method, opts...)
	}))
}

func named(ctx context.Context) context.Context {
	if caller != nil {
		if name := caller(); name != "" {
			return metadata.AppendToOutgoingContext(ctx, key, name)
		}
	}
	return ctx
}
