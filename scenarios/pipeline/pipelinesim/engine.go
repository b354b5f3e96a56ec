package pipelinesim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/stream"
	"github.com/wtsim/wtsim/probe"
)

// engine declares the service that keeps logs and states, as JetStream does:
// see monitor/stream/jetstream, and docs/production.md for what that promises.
type engine struct {
	unsynced bool // without synced
	unfenced bool // without expected
}

// The guarantees that the pipeline stands on.
const (
	synced   = "log/synced"
	expected = "log/expected-last"
)

const engineName = "log"

// Name returns the service's name.
func (*engine) Name() string { return engineName }

// String tells in short what it is.
func (*engine) String() string { return "logs and states" }

// Open starts it for a run.
func (s *engine) Open(k cloud.Kernel) (cloud.Backend, error) {
	return &backend{service: s, kernel: k, logs: map[string][]stream.Record{}, first: map[string]uint64{}, states: map[string][]byte{}}, nil
}

// Guarantees lists what can be taken away.
func (s *engine) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{
		{Name: synced, Without: "a record that was acknowledged may be gone after a crash of the server", Source: "https://docs.nats.io/running-a-nats-service/configuration",
			Used: cloud.Asks(func(op *event.Operation) bool { return op.Method == "append" })},
		{Name: expected, Without: "a record is appended whatever the last one is", Source: "https://docs.nats.io/nats-concepts/jetstream/headers",
			Used: cloud.Asks(func(op *event.Operation) bool { return op.Method == "append-if" })},
	}
}

// Without returns the service without one of them.
func (s *engine) Without(name string) cloud.Service {
	out := *s
	out.unsynced = out.unsynced || name == synced
	out.unfenced = out.unfenced || name == expected
	return &out
}

// backend is the logs and states during one run. The kernel's lock guards it.
type backend struct {
	service *engine
	kernel  cloud.Kernel
	logs    map[string][]stream.Record
	first   map[string]uint64 // the first record that is not forgotten
	states  map[string][]byte
}

// Contents are all records that there are or were, by log and number: those
// that are forgotten too, for who wants to know whether that was right.
func (b *backend) Contents() (out []cloud.Content) {
	for _, log := range slices.Sorted(maps.Keys(b.logs)) {
		for _, r := range b.logs[log] {
			out = append(out, cloud.Content{Key: fmt.Sprintf("%s/%06d", log, r.Seq), Value: string(r.Data)})
		}
	}
	return out
}

// Close does nothing.
func (*backend) Close() {}

// Touches reports true: logs and states are named.
func (*backend) Touches(*event.Operation) bool { return true }

// Losable is how many of the newest blocks are acknowledged and not synced.
func (b *backend) Losable() int {
	if !b.service.unsynced {
		return 0
	}
	return min(2, len(b.logs[eventLog]))
}

// FailOver cuts the newest blocks off.
func (b *backend) FailOver(n int) {
	all := b.logs[eventLog]
	b.logs[eventLog] = all[:len(all)-n]
}

func (b *backend) last(log string) (r stream.Record) {
	if all := b.logs[log]; len(all) > 0 {
		r = all[len(all)-1]
	}
	return r
}

func (b *backend) add(log string, data []byte) uint64 {
	seq := b.last(log).Seq + 1
	b.logs[log] = append(b.logs[log], stream.Record{Seq: seq, Data: bytes.Clone(data)})
	return seq
}

// client is how a function instance reaches it.
type client struct {
	tap     probe.Tap
	backend *backend
}

func newClient(env cloud.Env) *client {
	return &client{env.Tap(), env.Backend(engineName).(*backend)}
}

// do passes an operation through the seam. The effect returns the answer's
// status and body.
func (c *client) do(ctx context.Context, method, resource string, access event.Access, body []byte, effect func() (string, []byte)) (string, error) {
	op := event.Operation{Service: engineName, Method: method, Resource: resource, Access: access, Fails: []string{"503"}, Request: event.Payload{Body: body}}
	r, err := probe.Do(ctx, c.tap, op, func() event.Result {
		c.backend.kernel.Lock()
		defer c.backend.kernel.Unlock()
		status, body := effect()
		return event.Result{Status: status, Body: body, OK: status != "conflict"}
	})
	return r.Status, err
}

// log is one log; it implements stream.Log.
type log struct {
	*client
	name string
}

func (c *client) log(name string) stream.Log { return log{c, name} }

// Append is for stream.Log.
func (l log) Append(ctx context.Context, data []byte) (seq uint64, err error) {
	_, err = l.do(ctx, "append", l.name, event.Reads|event.Writes, data, func() (string, []byte) {
		seq = l.backend.add(l.name, data)
		return strconv.FormatUint(seq, 10), nil
	})
	return seq, err
}

// AppendIf is for stream.Log.
func (l log) AppendIf(ctx context.Context, data []byte, last uint64) (seq uint64, err error) {
	status, err := l.do(ctx, "append-if", l.name, event.Reads|event.Writes, data, func() (string, []byte) {
		if l.backend.last(l.name).Seq != last && !l.backend.service.unfenced {
			return "conflict", nil
		}
		seq = l.backend.add(l.name, data)
		return strconv.FormatUint(seq, 10), nil
	})
	if err == nil && status == "conflict" {
		return 0, stream.ErrConflict
	}
	return seq, err
}

// Read is for stream.Log.
func (l log) Read(ctx context.Context, from uint64, _ int) (out []stream.Record, err error) {
	_, err = l.do(ctx, "read", l.name, event.Reads, []byte(strconv.FormatUint(from, 10)), func() (string, []byte) {
		var body []byte
		for _, r := range l.backend.logs[l.name] {
			if r.Seq >= max(from, l.backend.first[l.name]) {
				out, body = append(out, r), append(body, r.Data...)
			}
		}
		return cloud.Times(len(out), "record", "records"), body
	})
	return out, err
}

// Last is for stream.Log.
func (l log) Last(ctx context.Context) (r stream.Record, ok bool, err error) {
	_, err = l.do(ctx, "last", l.name, event.Reads, nil, func() (string, []byte) {
		r = l.backend.last(l.name)
		ok = r.Seq > 0
		return strconv.FormatUint(r.Seq, 10), r.Data
	})
	return r, ok, err
}

// Forget is for stream.Log.
func (l log) Forget(ctx context.Context, before uint64) error {
	_, err := l.do(ctx, "forget", l.name, event.Writes, []byte(strconv.FormatUint(before, 10)), func() (string, []byte) {
		l.backend.first[l.name] = max(l.backend.first[l.name], before)
		return "ok", nil
	})
	return err
}

// store keeps states; it implements stream.Store.
type store struct{ *client }

// Put is for stream.Store.
func (s store) Put(ctx context.Context, name string, state []byte) error {
	_, err := s.do(ctx, "put", name, event.Writes, state, func() (string, []byte) {
		s.backend.states[name] = bytes.Clone(state)
		return "ok", nil
	})
	return err
}

// Get is for stream.Store.
func (s store) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	var state []byte
	status, err := s.do(ctx, "get", name, event.Reads, nil, func() (string, []byte) {
		var ok bool
		if state, ok = s.backend.states[name]; !ok {
			return "absent", nil
		}
		return "ok", state
	})
	if err == nil && status == "absent" {
		err = stream.ErrNoState
	}
	if err != nil {
		return nil, err
	}
	return io.NopCloser(strings.NewReader(string(state))), nil
}

// Delete is for stream.Store.
func (s store) Delete(ctx context.Context, name string) error {
	_, err := s.do(ctx, "delete", name, event.Writes, nil, func() (string, []byte) {
		delete(s.backend.states, name)
		return "ok", nil
	})
	return err
}

// List is for stream.Store.
func (s store) List(ctx context.Context) (names []string, err error) {
	_, err = s.do(ctx, "list", "states", event.Reads, nil, func() (string, []byte) {
		names = slices.Sorted(maps.Keys(s.backend.states))
		return cloud.Times(len(names), "state", "states"), []byte(strings.Join(names, " "))
	})
	return names, err
}
