// Package wtsim holds the sources of the recorder, for `wtsim build --record`,
// which builds them into a program as packages of its own module: that gets no
// dependency, and none of its dependencies another version.
package wtsim

import "embed"

// Recorder has the recorder's packages, by their folders in this module; tests
// among them.
//
//go:embed event/*.go probe/*.go probe/sink/*.go probe/httpprobe/*.go probe/awsprobe/*.go probe/redisprobe/*.go probe/grpcprobe/*.go probe/gcpprobe/*.go probe/sqlprobe/*.go
//go:embed probe/recording/*.go probe/recording/bucket/*.go probe/recording/grpcrecording/*.go
//go:embed probe/autoprobe/*.go probe/autoprobe/autogrpc/*.go probe/autoprobe/autosql/*.go
var Recorder embed.FS
