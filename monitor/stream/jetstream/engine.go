// Package jetstream keeps the logs and states of package stream in NATS
// JetStream: on a server within the process, with its data in a directory, or
// on a cluster.
//
// A message that was acknowledged is on the disk: the embedded server syncs
// each. A cluster must be told to (sync_interval: always); what it was told
// cannot be seen from here.
package jetstream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/wtsim/wtsim/monitor/stream"
)

// Engine is a connection to the server that keeps the logs.
type Engine struct {
	connection *nats.Conn
	js         jetstream.JetStream
	server     *server.Server // of an embedded one
	lock       *os.File
	dir        string // of an embedded one
	events     []jetstream.Stream
	commits    jetstream.Stream
	cursors    jetstream.Stream
	states     jetstream.ObjectStore // of a cluster
}

// maxPayload bounds what the embedded server takes in one message.
const maxPayload = 8 << 20

// Embed starts a server in the process, with its data in a directory that no
// other process uses.
func Embed(dir string) (*Engine, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	e := &Engine{lock: lock, dir: dir}
	if err := e.serve(); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// lockDir refuses a directory that another process has. The lock goes with the
// process, however it ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: another monitor uses it, wanted a directory of its own; stop that one, or give another with --data", dir)
		}
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return f, nil
}

func (e *Engine) serve() (err error) {
	e.server, err = server.NewServer(&server.Options{
		ServerName: "wtsim", DontListen: true, NoSigs: true, NoLog: true, MaxPayload: maxPayload,
		JetStream: true, StoreDir: filepath.Join(e.dir, "streams"), SyncAlways: true,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", e.dir, err)
	}
	go e.server.Start()
	if !e.server.ReadyForConnections(30 * time.Second) {
		return fmt.Errorf("%s: the log's server is not ready after 30s", e.dir)
	}
	e.connection, err = nats.Connect("", nats.InProcessServer(e.server), nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("%s: %w", e.dir, err)
	}
	return e.begin()
}

// Connect connects to a cluster.
func Connect(url string, options ...nats.Option) (*Engine, error) {
	options = append([]nats.Option{nats.Name("wtsim monitor"), nats.MaxReconnects(-1)}, options...)
	c, err := nats.Connect(url, options...)
	if err != nil {
		return nil, fmt.Errorf("--nats %s: %w", url, err)
	}
	e := &Engine{connection: c}
	return e, e.begin()
}

// Unavailable tells whether an error is of a cluster that may answer soon: it
// has no leader yet, or a node is being restarted.
func Unavailable(err error) bool {
	for _, x := range []error{context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, nats.ErrNoServers, nats.ErrConnectionReconnecting, jetstream.ErrNoStreamResponse, errMonitoring} {
		if errors.Is(err, x) {
			return true
		}
	}
	var api *jetstream.APIError
	return errors.As(err, &api) && api.Code == 503
}

// Environment are the options that say who we are, in the variables that the
// nats command has.
func Environment(env func(string) string) (all []nats.Option) {
	if file := env("NATS_CREDS"); file != "" {
		all = append(all, nats.UserCredentials(file))
	}
	if file := env("NATS_CA"); file != "" {
		all = append(all, nats.RootCAs(file))
	}
	if cert, key := env("NATS_CERT"), env("NATS_KEY"); cert != "" || key != "" {
		all = append(all, nats.ClientCert(cert, key))
	}
	return all
}

func (e *Engine) begin() (err error) {
	e.js, err = jetstream.New(e.connection, jetstream.WithDefaultTimeout(5*time.Second))
	return err
}

// Close ends the connection, and the embedded server.
func (e *Engine) Close() {
	if e.connection != nil {
		e.connection.Close()
	}
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}
	if e.lock != nil {
		e.lock.Close()
	}
}

// Embedded tells whether no other process can have a part in this.
func (e *Engine) Embedded() bool { return e.server != nil }

// Manifest is what was said when the logs were made; nil if they were not.
func (e *Engine) Manifest(ctx context.Context) ([]byte, error) {
	if e.Embedded() {
		data, err := os.ReadFile(filepath.Join(e.dir, manifestFile))
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		return data, err
	}
	s, err := e.js.Stream(ctx, cursorStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, ok, err := subjectLog{e, s, cursorSubject("manifest")}.Last(ctx)
	if !ok {
		return nil, err
	}
	return r.Data, err
}

const manifestFile = "wtsim.json"

// Create makes the logs of shards, and last of all keeps the manifest: where
// it is, they are.
func (e *Engine) Create(ctx context.Context, shards int, manifest []byte) error {
	if err := e.open(ctx, shards, e.create); err != nil {
		return err
	}
	return e.Describe(ctx, manifest)
}

// Describe keeps another manifest.
func (e *Engine) Describe(ctx context.Context, manifest []byte) error {
	if !e.Embedded() {
		_, err := e.Cursor("manifest").Append(ctx, manifest)
		return err
	}
	return writeSynced(filepath.Join(e.dir, manifestFile), manifest)
}

// Open opens the logs of shards, which Create has made.
func (e *Engine) Open(ctx context.Context, shards int) error {
	return e.open(ctx, shards, func(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
		s, err := e.js.Stream(ctx, c.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, fmt.Errorf("the log %s is gone, and it was there: restore the data from a backup, or begin with new data", c.Name)
		}
		return s, err
	})
}

func (e *Engine) create(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	return e.js.CreateOrUpdateStream(ctx, c)
}

const (
	commitStream = "WTSIM_COMMITS"
	cursorStream = "WTSIM_CURSORS"
	stateBucket  = "WTSIM_STATES"
)

func eventSubject(shard int) string    { return fmt.Sprintf("wtsim.ev.%d", shard) }
func commitSubject(shard int) string   { return fmt.Sprintf("wtsim.cp.%d", shard) }
func cursorSubject(name string) string { return "wtsim.cur." + name }

func (e *Engine) open(ctx context.Context, shards int, open func(context.Context, jetstream.StreamConfig) (jetstream.Stream, error)) (err error) {
	replicas := 1
	if e.connection.ConnectedClusterName() != "" && len(e.connection.Servers()) >= 3 { // those that were given, and those that they told of
		replicas = 3
	}
	config := func(name, subject string) jetstream.StreamConfig {
		return jetstream.StreamConfig{Name: name, Subjects: []string{subject}, Storage: jetstream.FileStorage, Replicas: replicas, Discard: jetstream.DiscardNew}
	}
	e.events = nil
	for n := range shards {
		c := config(fmt.Sprintf("WTSIM_EV_%d", n), eventSubject(n))
		c.AllowDirect = true // a record that a replica has is the same in all
		s, err := open(ctx, c)
		if err != nil {
			return err
		}
		e.events = append(e.events, s)
	}
	if e.commits, err = open(ctx, config(commitStream, "wtsim.cp.*")); err != nil {
		return err
	}
	c := config(cursorStream, "wtsim.cur.*")
	c.MaxMsgsPerSubject, c.Discard = 1, jetstream.DiscardOld
	if e.cursors, err = open(ctx, c); err != nil || e.Embedded() {
		return err
	}
	e.states, err = e.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: stateBucket, Replicas: replicas})
	return err
}

// Events is the log of a shard's blocks.
func (e *Engine) Events(shard int) stream.Log {
	return subjectLog{e, e.events[shard], eventSubject(shard)}
}

// Commits is the log of a shard's commits.
func (e *Engine) Commits(shard int) stream.Log {
	return subjectLog{e, e.commits, commitSubject(shard)}
}

// Verdicts is the log of all commits, to be read.
func (e *Engine) Verdicts() stream.Log { return subjectLog{e, e.commits, "wtsim.cp.*"} }

// Cursor is a log of which only the last record stays. That named * is all
// cursors, to be read.
func (e *Engine) Cursor(name string) stream.Log {
	return subjectLog{e, e.cursors, cursorSubject(name)}
}
