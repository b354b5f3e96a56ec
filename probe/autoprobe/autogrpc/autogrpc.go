// Package autogrpc is package autoprobe's part for programs with gRPC, which it
// alone links. Calls of Google Cloud's clients are named as package gcpprobe has it. It
// reaches the options that gRPC keeps for all of a process's
// clients and servers; clients that are made while packages are initialised may
// be made before that.
package autogrpc

import (
	_ "unsafe" // for go:linkname

	"google.golang.org/grpc"

	"github.com/wtsim/wtsim/probe/autoprobe"
	"github.com/wtsim/wtsim/probe/gcpprobe"
	"github.com/wtsim/wtsim/probe/grpcprobe"
	"github.com/wtsim/wtsim/probe/recording/grpcrecording"
)

// Start has calls of gRPC recorded; those of servers are invocations.
func Start(a *autoprobe.Auto) {
	if a == nil {
		return
	}
	addDialOptions.(func(...grpc.DialOption))(grpcprobe.DialOptions(a, gcpprobe.Describe)...)
	options := grpcprobe.ServerOptions(a.Recorder)
	if a.Keeping() {
		options = append(options, grpcrecording.ServerOptions(a.Recorder)...)
	}
	addServerOptions.(func(...grpc.ServerOption))(options...)
}

// Both are set by package grpc, as soon as it is initialised.
//
//go:linkname addDialOptions google.golang.org/grpc/internal.AddGlobalDialOptions
var addDialOptions any

//go:linkname addServerOptions google.golang.org/grpc/internal.AddGlobalServerOptions
var addServerOptions any
