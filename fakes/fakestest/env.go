package fakestest

import (
	"context"
	"errors"
	"fmt"
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

	ctx      context.Context
	end      context.CancelFunc
	backend  cloud.Backend
	instance *cloud.Instance

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
	return newEnv(ctx, k, k.backends[len(others)]), nil
}

func newEnv(ctx context.Context, k *Kernel, b cloud.Backend) *Env {
	e := &Env{Kernel: k, backend: b, instance: k.instance()}
	e.ctx, e.end = context.WithCancel(ctx)
	return e
}

// Another returns another function instance of the same service.
func (e *Env) Another() *Env { return newEnv(context.WithoutCancel(e.ctx), e.Kernel, e.backend) }

// End ends the function instance, which goes on with what it still does.
func (e *Env) End() { e.end() }

// Die ends it as a crash does: its calls reach nobody any more.
func (e *Env) Die() {
	e.instance.Die()
	e.end()
}

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
	c.Ref = e.Kernel.origin(e.instance)
	e.mu.Lock()
	e.entered = append(e.entered, strings.TrimSpace(c.Op.Method+" "+c.Op.Resource))
	e.mu.Unlock()
	switch {
	case e.instance.Dead():
		return probe.Fate{Action: probe.Cut}
	case e.Verdict == nil:
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

// InTurn is a Verdict by which the calls of a method meet these fates, one
// each; all else passes.
func InTurn(method string, fates ...probe.Fate) func(*probe.Call) probe.Fate {
	var mu sync.Mutex
	return func(c *probe.Call) (next probe.Fate) {
		mu.Lock()
		defer mu.Unlock()
		if c.Op.Method == method && len(fates) > 0 {
			next, fates = fates[0], fates[1:]
		}
		return next
	}
}

// tried is a check's error. One that stumbles over what an answer lacks is not kept.
func tried(check func() error) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("an answer lacks something: %v", x)
		}
	}()
	return check()
}

// Contents returns what a backend stores as one line: key=value,...
func Contents(b cloud.Backend) string {
	var out []string
	for _, c := range b.Contents() {
		out = append(out, c.Key+"="+c.Value)
	}
	return strings.Join(out, ",")
}
