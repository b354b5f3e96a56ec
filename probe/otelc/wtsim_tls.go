//go:build ignore

package tls

import (
	"net"
	_ "unsafe" // for go:linkname
)

type wtsimWatcher = interface {
	Wrote(b []byte)
	Read(b []byte)
	Lost()
}

// wtsimWatch is what package net's is, for what is within TLS.
//
//go:linkname wtsimWatch
var wtsimWatch func(address string) wtsimWatcher

func wtsimClient(conn net.Conn, config *Config) wtsimWatcher {
	if wtsimWatch == nil || conn == nil {
		return nil
	}
	address := conn.RemoteAddr()
	if address == nil {
		return wtsimWatch("")
	}
	_, port, err := net.SplitHostPort(address.String())
	if err != nil || config == nil || config.ServerName == "" {
		return wtsimWatch(address.String())
	}
	return wtsimWatch(net.JoinHostPort(config.ServerName, port))
}
