package sim

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
)

// env is what a function instance is made of.
type env struct {
	world *world
	inst  *instance
}

// Tap is the instance's way to the outside.
func (e *env) Tap() probe.Tap { return e.inst.tap }

// Context is cancelled when the instance ends.
func (e *env) Context() context.Context { return &handlerContext{e.inst.ctx, e.inst} }

// Backend returns the run's backend of a service.
func (e *env) Backend(service string) cloud.Backend {
	b := e.world.services.backend(service)
	if b == nil {
		panic(probe.Mistake(fmt.Sprintf("scenario %q has no service %q, wanted one of its Services", e.world.sim.scenario.Name, service)))
	}
	return b
}

// HTTPClient returns a client that reaches what has a host name.
func (e *env) HTTPClient() *http.Client { return &http.Client{Transport: e.inst.router} }

// OnTerminate asks for f to be called at SIGTERM.
func (e *env) OnTerminate(f func(context.Context)) {
	e.world.gate.mu.Lock()
	defer e.world.gate.mu.Unlock()
	e.inst.onTerminate = append(e.inst.onTerminate, f)
}

// TempDir returns a directory of the instance's own.
func (e *env) TempDir() (string, error) {
	e.world.gate.mu.Lock()
	defer e.world.gate.mu.Unlock()
	if e.inst.tempDir != "" {
		return e.inst.tempDir, nil
	}
	dir, err := os.MkdirTemp("", "wtsim-*")
	if err != nil {
		return "", fmt.Errorf("sim: a directory for %s: %w", e.inst.ID, err)
	}
	e.inst.tempDir = dir
	return dir, nil
}
