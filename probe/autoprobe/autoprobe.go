// Package autoprobe records a program of which no line was changed: `wtsim build
// --record` builds it in (docs/production.md). It is configured by the environment:
//
//	WTSIM_RECORD        where events go: the URL of a monitor, a file (they are appended),
//	                    or - for standard output. Empty: nothing is recorded
//	WTSIM_RULES         a file of rules, in JSON; those of the build unless given
//	WTSIM_SERVICES      names of services, as ADDRESS=NAME,...: what rules call the service at
//	                    an address, as the program writes it: the host of a URL, with its port if
//	                    it has one, and host:port of Redis. Unless named, a service of HTTP is
//	                    its host, and one of Redis is "redis"
//	WTSIM_KEYS          keys of DynamoDB's tables, as TABLE=PARTITION or TABLE=PARTITION+SORT, ...: rules
//	                    then name items (orders/o-1), else tables
//	WTSIM_FUNCTION      the function's name; what the platform calls it unless given
//	WTSIM_KEEP          where recordings go, for wtsim derive and wtsim debug: a directory (DIR/) or a
//	                    bucket (gs://BUCKET/PREFIX) has a file an invocation, a file has all of it appended
//	WTSIM_TOKEN         the monitor's token
//	WTSIM_REDACT        parameters whose values are replaced by keyed hashes, as NAME,..., or *
//	WTSIM_REDACT_KEY    their key, at least 16 bytes
//
// What is wrong there ends the program at its start, with code 2 and one line.
//
// The rules of what is seen:
//
//  1. A request of an [http.Server] is an invocation, as of [httpprobe.Handler].
//  2. A request of an [http.Client] is an operation of HTTP, if it comes to an
//     [http.Transport]: its attempts and redirects each. One to AWS, of whatever client, is
//     named as package awsprobe has it.
//  3. A connection by a [net.Dialer] that begins as a client of Redis does is one, within
//     TLS too. Others are let be.
//  4. Calls of gRPC's clients and servers are seen where gRPC itself takes
//     interceptors (package autogrpc), above its own attempts.
//  5. Statements of database/sql are seen where it is given a driver's connection
//     (package autosql); databases are the service "sql", unless named.
//  6. What an invocation draws of crypto/rand and of math/rand's own functions is
//     noted where recordings are kept.
//  7. An invocation of Lambda's is one from the answer of the Runtime API that brings it
//     until the program's answer goes there: its events leave before the end of that,
//     for the process stands still after it (package lambdaprobe has the same rules).
//  8. What was connected before the recorder began is counted and logged.
//
// Out of scope: what package net does not dial (cgo, system calls), HTTP/2 that
// is not net/http's own, and what another program on the way adds.
package autoprobe

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/awsprobe"
	"github.com/wtsim/wtsim/probe/httpprobe"
	"github.com/wtsim/wtsim/probe/recording"
	"github.com/wtsim/wtsim/probe/redisprobe"
)

// Auto is the recorder of a program.
type Auto struct {
	*probe.Recorder
	services map[string]string
	keys     awsprobe.Tables
	runtime  string   // the address of Lambda's Runtime API; empty elsewhere
	ends     sync.Map // of invocations of Lambda's, by request id: func()
	close    []func(context.Context) error
}

// Start begins to record, if the environment asks for it; else it returns nil.
// rules, in JSON, hold unless the environment names others. It is called once, while packages are
// initialised.
func Start(rules string) *Auto {
	a, err := read(os.Getenv, rules)
	if err != nil {
		fmt.Fprintf(os.Stderr, "wtsim: %v\n", err)
		os.Exit(2)
	}
	if a == nil {
		return nil
	}
	if early := install(a); early > 0 {
		slog.Warn("connections were made before the recorder began: they are not recorded", "connections", early)
	}
	return a
}

// finish lets events leave that have not when the process ends.
func (a *Auto) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, f := range a.close {
		if err := f(ctx); err != nil {
			slog.Warn("events are lost at the process's end", "err", err)
		}
	}
}

// Leave records what the operation stands for, by the service's name.
func (a *Auto) Leave(c *probe.Call) error {
	c.Op.Service = a.named(c.Op.Service)
	return a.Recorder.Leave(c)
}

// Wants is the recorder's, by the service's name.
func (a *Auto) Wants(op *event.Operation) bool {
	named := *op
	named.Service = a.named(op.Service)
	return a.Recorder.Wants(&named)
}

// Bodies is the recorder's, by the service's name.
func (a *Auto) Bodies(op *event.Operation) (request, response bool) {
	named := *op
	named.Service = a.named(op.Service)
	return a.Recorder.Bodies(&named)
}

// named is the name of the service at an address.
func (a *Auto) named(address string) string {
	if name, ok := a.services[address]; ok {
		return name
	}
	return address
}

// RoundTrip carries a request out by base, and records it.
func (a *Auto) RoundTrip(r *http.Request, base http.RoundTripper) (*http.Response, error) {
	switch {
	case r.Context().Value(own{}) != nil:
		return base.RoundTrip(r)
	case a.runtime != "" && r.URL.Host == a.runtime && ofLambda(r.URL.Path):
		return a.lambda(r, base)
	}
	return httpprobe.Headed(a, base, a.describe, awsprobe.ByHead).RoundTrip(r)
}

// describe tells an operation of AWS; an address that has a name keeps it.
func (a *Auto) describe(r *http.Request, op *event.Operation) {
	awsprobe.Describer(a.keys.Keys)(r, op)
	if name, ok := a.services[r.URL.Host]; ok {
		op.Service = name
	}
}

// Serve makes each request that h serves an invocation.
func (a *Auto) Serve(h http.Handler) http.Handler {
	if a.Keeping() {
		h = recording.Handler(a.Recorder, h)
	}
	return httpprobe.Handler(a.Recorder, h)
}

// store is the name of the Redis at an address.
func (a *Auto) store(address string) string {
	if name, ok := a.services[address]; ok {
		return name
	}
	return "redis"
}

// Watch returns who looks on at a connection that a client has made to an
// address.
func (a *Auto) Watch(address string) *redisprobe.Watcher {
	return redisprobe.Watch(a, a.store(address), func(err error) {
		slog.Warn("a connection is not recorded any more", "address", address, "err", err)
	})
}

// own marks requests of the recorder's.
type own struct{}

// unseen sends requests that are not recorded.
type unseen struct{ base http.RoundTripper }

func (u unseen) RoundTrip(r *http.Request) (*http.Response, error) {
	return u.base.RoundTrip(r.WithContext(context.WithValue(r.Context(), own{}, true)))
}
