//go:build ignore

package os

import (
	"internal/runtime/exithook"
	_ "unsafe" // for go:linkname
)

// wtsimAtExit has f called when the process ends, by Exit or by main's return.
//
//go:linkname wtsimAtExit
func wtsimAtExit(f func()) { exithook.Add(exithook.Hook{F: f, RunOnFailure: true}) }
