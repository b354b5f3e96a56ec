//go:build ignore

package net

import (
	"sync/atomic"
	_ "unsafe" // for go:linkname
)

// wtsimWatcher looks on at a connection. It changes nothing.
type wtsimWatcher = interface {
	Wrote(b []byte) // before it is
	Read(b []byte)  // after it was
	Lost()          // what follows is not seen
}

// wtsimWatch, if it is set, returns who looks on at a connection that was made
// to an address; nil is nobody. It is set while packages are initialised.
//
//go:linkname wtsimWatch
var wtsimWatch func(address string) wtsimWatcher

// wtsimEarly counts the connections that were made before it was set.
//
//go:linkname wtsimEarly
var wtsimEarly uint32

func wtsimDialed(c Conn, address string) {
	if wtsimWatch == nil {
		atomic.AddUint32(&wtsimEarly, 1)
		return
	}
	switch c := c.(type) {
	case *TCPConn:
		c.fd.wtsim = wtsimWatch(address)
	case *UnixConn:
		if c.fd.net == "unix" { // a stream
			c.fd.wtsim = wtsimWatch(address)
		}
	}
}
