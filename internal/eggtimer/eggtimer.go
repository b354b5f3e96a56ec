// Package eggtimer is the smallest service that has everything a service may
// have: timers that are set now and invoke a function when they ring. No
// platform offers it. Tests show with it that a new service is a folder of its
// own and a line where a scenario is wired; read it before you write one.
//
// A timer that is set twice for one egg is one timer: an egg is known for a
// while. A ring whose invocation fails comes again.
package eggtimer

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

const (
	again    = 10 * time.Second // after a ring that nobody has heard
	attempts = 3
)

// OneTimer is the guarantee that an egg has one timer.
const OneTimer = "eggtimer/one-timer"

// Service declares egg timers.
type Service struct {
	name      string
	knownFor  time.Duration
	forgetful bool // without OneTimer
}

// New declares egg timers under a name; an egg is known for a time since its
// timer was set.
func New(name string, knownFor time.Duration) *Service {
	return &Service{name: name, knownFor: knownFor}
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// Open starts it for a run.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	return &Backend{service: s, kernel: k, known: map[string]time.Time{}, on: map[string]int{}}, nil
}

// Guarantees lists what can be taken away.
func (s *Service) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{{Name: OneTimer, Without: "an egg whose timer is set twice has two", Source: "package eggtimer",
		Used: cloud.Asks(func(op *event.Operation) bool { return op.Method == "set" })}}
}

// Without returns the service without its guarantee.
func (s *Service) Without(string) cloud.Service {
	out := *s
	out.forgetful = true
	return &out
}

// Rings is the trigger of a function: the timers of a service ring.
type Rings struct{ From string }

// Service is the name of the service that it is of.
func (r Rings) Service() string { return r.From }

// String tells people what it is.
func (r Rings) String() string { return "timers of " + r.From }

// Check finds nothing wrong.
func (r Rings) Check() error { return nil }

// OnRing returns the handler of a function that rings invoke.
func OnRing(f func(ctx context.Context, egg string) error) cloud.Handler { return cloud.Of(f) }

// Client is the client of a function instance.
type Client struct {
	tap     probe.Tap
	backend *Backend
}

// NewClient returns the client of a function instance.
func NewClient(env cloud.Env, service string) *Client {
	return &Client{env.Tap(), env.Backend(service).(*Backend)}
}

// Set sets the timer of an egg, unless the egg is known, and reports whether
// it has.
func (c *Client) Set(ctx context.Context, egg string, after time.Duration) (isNew bool, err error) {
	return c.do(ctx, "set", egg, func(call *probe.Call) bool { return c.backend.set(call, egg, after) })
}

// Off switches a timer of an egg off, and reports whether one was on.
func (c *Client) Off(ctx context.Context, egg string) (wasOn bool, err error) {
	return c.do(ctx, "off", egg, func(*probe.Call) bool { return c.backend.off(egg) })
}

func (c *Client) do(ctx context.Context, method, egg string, effect func(*probe.Call) bool) (bool, error) {
	tap := &callTap{Tap: c.tap}
	op := event.Operation{Service: c.backend.service.name, Method: method, Resource: egg, Access: event.Reads | event.Writes, Fails: []string{"503"}}
	r, err := probe.Do(ctx, tap, op, func() event.Result {
		return event.Result{Status: strconv.FormatBool(effect(tap.call)), OK: true}
	})
	return r.Status == "true", err
}

// callTap remembers the call that passes it: what follows is named after it.
type callTap struct {
	probe.Tap
	call *probe.Call
}

// Enter parks the call until the world decides.
func (t *callTap) Enter(c *probe.Call) probe.Fate {
	t.call = c
	return t.Tap.Enter(c)
}

// Backend is the timers during one run. The kernel's lock guards it.
type Backend struct {
	service *Service
	kernel  cloud.Kernel
	known   map[string]time.Time // until when
	on      map[string]int       // timers that nobody has switched off
}

func (b *Backend) set(cause *probe.Call, egg string, after time.Duration) bool {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	now := b.kernel.Now()
	if now.Before(b.known[egg]) && !b.service.forgetful {
		return false
	}
	b.known[egg] = now.Add(b.service.knownFor)
	b.on[egg]++
	o := b.kernel.Origin(cause)
	about := cloud.Numbered(o.Task.With("."+egg), o.Number, o.Next())
	for _, x := range b.kernel.Deployment().Of(b.service.name) {
		b.kernel.Invoke(&cloud.Task{Name: cloud.NameTask(x.Function, about), Root: o.Root, Attempt: 1, Cause: &ring{b.kernel, egg}}, now.Add(after))
	}
	return true
}

func (b *Backend) off(egg string) bool {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	if b.on[egg] == 0 {
		return false
	}
	b.on[egg]--
	return true
}

// Contents are the timers that are on.
func (b *Backend) Contents() (out []cloud.Content) {
	for _, egg := range slices.Sorted(maps.Keys(b.on)) {
		out = append(out, cloud.Content{Key: egg, Value: strconv.Itoa(b.on[egg])})
	}
	return out
}

// Close does nothing.
func (b *Backend) Close() {}

// Touches reports true: eggs are named.
func (b *Backend) Touches(*event.Operation) bool { return true }

// AppendState adds what the order of operations does not tell: the instants.
func (b *Backend) AppendState(d *cloud.Digest) {
	for _, egg := range slices.Sorted(maps.Keys(b.known)) {
		d.Text(egg)
		d.Time(b.known[egg])
	}
}

// ring is the cause of an invocation.
type ring struct {
	kernel cloud.Kernel
	egg    string
}

func (r *ring) Words(int) string         { return "hears the timer of " + r.egg }
func (r *ring) Limit() time.Duration     { return 0 }
func (r *ring) Line() any                { return nil }
func (r *ring) Platform() bool           { return true }
func (r *ring) Retries(attempt int) bool { return attempt < attempts }

func (r *ring) Invoke(ctx context.Context, h cloud.Handler, _ int) cloud.Ending {
	return cloud.Returned(h.Form().(func(context.Context, string) error)(ctx, r.egg))
}

func (r *ring) Answered(t *cloud.Task, e cloud.Ending) {
	if !e.Success {
		r.Unanswered(t)
	}
}

func (r *ring) Unanswered(t *cloud.Task) {
	if !t.Copy && r.Retries(t.Attempt) {
		r.kernel.Invoke(t.Next(), r.kernel.Now().Add(again))
	}
}
