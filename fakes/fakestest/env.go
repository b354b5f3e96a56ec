package fakestest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Env is a function instance with one service alone. It is its own tap, which
// lets everything happen, unless Verdict says otherwise, and remembers it.
type Env struct {
	// Verdict decides on a call; nil lets it pass. Set it before the call.
	Verdict func(*probe.Call) probe.Fate
	// Kernel is the run that it is in.
	Kernel *Kernel

	ctx     context.Context
	end     context.CancelFunc
	backend cloud.Backend

	mu      sync.Mutex
	ops     []event.Operation
	entered []string
}

// Open opens a service, and before it others of the same run, and a function
// instance of it. The error is the services'.
func Open(ctx context.Context, s cloud.Service, others ...cloud.Service) (*Env, error) {
	k, err := NewKernel(append(others, s)...)
	if err != nil {
		return nil, err
	}
	e := &Env{Kernel: k, backend: k.backends[len(others)]}
	e.ctx, e.end = context.WithCancel(ctx)
	return e, nil
}

// Another returns another function instance of the same service.
func (e *Env) Another() *Env {
	other := &Env{Kernel: e.Kernel, backend: e.backend}
	other.ctx, other.end = context.WithCancel(context.WithoutCancel(e.ctx))
	return other
}

// End ends the function instance.
func (e *Env) End() { e.end() }

// Close ends the function instance and the service.
func (e *Env) Close() {
	e.end()
	e.backend.Close()
}

// Tap returns the instance itself.
func (e *Env) Tap() probe.Tap { return e }

// Backend returns the one backend, under any name.
func (e *Env) Backend(string) cloud.Backend { return e.backend }

// HTTPClient returns the default client: there is nothing behind it.
func (e *Env) HTTPClient() *http.Client { return http.DefaultClient }

// OnTerminate does nothing: nobody sends SIGTERM.
func (e *Env) OnTerminate(func(context.Context)) {}

// TempDir has none.
func (e *Env) TempDir() (string, error) { return "", errors.ErrUnsupported }

// Context ends with the instance.
func (e *Env) Context() context.Context { return e.ctx }

// Enter notes that a call has begun, and asks Verdict.
func (e *Env) Enter(c *probe.Call) probe.Fate {
	e.mu.Lock()
	e.entered = append(e.entered, strings.TrimSpace(c.Op.Method+" "+c.Op.Resource))
	e.mu.Unlock()
	if e.Verdict == nil {
		return probe.Fate{}
	}
	return e.Verdict(c)
}

// Leave remembers the operation.
func (e *Env) Leave(c *probe.Call) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ops = append(e.ops, c.Op)
	return nil
}

// Emit does nothing.
func (e *Env) Emit(string, map[string]any) {}

// Passive is false, as of a world's tap: the suites see the simulator's path.
func (e *Env) Passive() bool { return false }

// Operations returns what has happened so far.
func (e *Env) Operations() []event.Operation {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.ops)
}

// Entered returns the calls so far, answered or not, as "METHOD resource".
func (e *Env) Entered() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.entered)
}

// Contents returns what a backend stores as one line: key=value,...
func Contents(b cloud.Backend) string {
	var out []string
	for _, c := range b.Contents() {
		out = append(out, c.Key+"="+c.Value)
	}
	return strings.Join(out, ",")
}
