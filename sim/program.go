package sim

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/program"
	"github.com/wtsim/wtsim/probe"
)

// Main is a program, a package main, that is a function: each function instance
// is a process of it, from its cold start to its death. docs/programs.md says
// what it finds there.
type Main struct {
	// Package is its import path, as the module in the current folder knows it,
	// or its folder, which may be in another module.
	Package string
	Args    []string // flags, and what else follows the program's name
	// Env is what its environment has besides what the platform and the services
	// put there, as "NAME=value". ${service}, ${service.host} and ${service.port}
	// stand for a service's address.
	Env []string
	Dir string // the working directory; default: the package's folder
	// Shared are the folders whose files all instances share, of all programs that name
	// the same, such as a mounted volume; from Dir, or absolute. In each run they begin
	// with what is there now. What is below /tmp is an instance's own, and ends with it;
	// what is written elsewhere is told as not simulated.
	Shared []string
	Port   int // at which it gets its requests; default 8080. PORT says so
	// Worker says that it gets no requests: it runs from the beginning, and is
	// started again when it ends.
	Worker bool
}

// Program returns the function whose instances are processes of a program, under
// the last element of its import path. The process that runs the scenario builds
// it; see [Main].
func Program(pkg string) Function {
	return Function{Name: path.Base(pkg), Main: &Main{Package: pkg}}
}

// defaultPort is where a container is called unless it is said otherwise.
const defaultPort = 8080

func (m Main) withDefaults() *Main {
	cloud.SetDefault(&m.Port, defaultPort)
	return &m
}

func (m *Main) validate() error {
	switch {
	case m.Package == "":
		return errors.New("names no package")
	case m.Port < 0 || m.Port > 65535:
		return fmt.Errorf("has port %d, wanted one from 1 to 65535", m.Port)
	}
	return m.badShared()
}

// buildPrograms builds what functions are programs of.
func (s *Scenario) buildPrograms() error {
	for _, f := range s.Functions {
		if f.Main == nil {
			continue
		}
		if _, err := program.Built(f.Main.Package); err != nil {
			return fmt.Errorf("function %q: %w", f.Name, err)
		}
	}
	return nil
}

// hasPrograms reports whether a function is one.
func (s *Scenario) hasPrograms() bool {
	return slices.ContainsFunc(s.Functions, func(f Function) bool { return f.Main != nil })
}

// pool has the processes of a function that is a program, started in time. It is
// called outside of bubbles first.
func (s *Scenario) pool(f *Function) (*program.Pool, error) {
	b, err := program.Built(f.Main.Package)
	if err != nil {
		return nil, err
	}
	return program.For(program.Spec{Binary: b.Path, Args: f.Main.Args, Env: s.container(f), Dir: f.Main.directory(b)}), nil
}

// directory is the working directory.
func (m *Main) directory(b program.Binary) string {
	if m.Dir != "" {
		return m.Dir
	}
	return b.Dir
}

// readyPrograms lets processes be started before a run wants them.
func (s *Scenario) readyPrograms() error {
	for i := range s.Functions {
		if s.Functions[i].Main == nil {
			continue
		}
		if _, err := s.pool(&s.Functions[i]); err != nil {
			return err
		}
	}
	return nil
}

// container is the environment of a function's processes: the same on every
// machine.
func (s *Scenario) container(f *Function) []string {
	env := []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/", "TZ=UTC", "GOMAXPROCS=1"}
	for _, e := range s.Platform.Container {
		if f.Concurrency == 1 && strings.Contains(e, "${concurrency}") {
			continue
		}
		env = append(env, os.Expand(e, func(name string) string {
			switch name {
			case "function":
				return f.Name
			case "port":
				return strconv.Itoa(f.Main.Port)
			case "concurrency":
				return strconv.Itoa(f.Concurrency)
			}
			return ""
		}))
	}
	env = append(env, s.environment()...)
	for _, e := range f.Main.Env {
		env = append(env, os.Expand(e, s.expand))
	}
	return append(env, f.Main.sharedFolders()...)
}

// startProgram is the constructor of a function instance that is a process: it
// returns when the program listens, or a worker runs.
func (e *env) startProgram() (cloud.Handler, error) {
	i := e.inst
	pool, err := e.world.sim.scenario.pool(&i.fn.Function)
	if err != nil {
		return cloud.Handler{}, err
	}
	taken, err := pool.Take()
	if err != nil {
		return cloud.Handler{}, err
	}
	if err := e.world.furnish(i.fn.Main, taken); err != nil {
		taken.Kill()
		return cloud.Handler{}, err
	}
	p := newProcess(i, taken, probe.Caller())
	i.process = p
	platform := &e.world.sim.scenario.Platform
	var asked <-chan error
	if platform.Runtime != nil && !i.fn.Main.Worker {
		p.fetches = platform.Runtime(i.fn.Name)
		asked = p.fetches.Started()
	}
	go p.follow() //wtsim:go what follows a process is a goroutine of its own
	limit := time.NewTimer(i.fn.Timeout)
	if within := platform.StartWithin; within > 0 {
		limit.Reset(within)
	}
	defer limit.Stop()
	select {
	case err = <-p.started:
	case err = <-asked:
	case <-i.ctx.Done():
		err = i.ctx.Err()
	case <-limit.C:
		err = i.fn.Main.idle(p.fetches != nil)
	}
	switch {
	case err != nil:
		return cloud.Handler{}, err
	case p.fetches != nil:
		p.up.Store(true)
		return p.fetches.Handler(), nil
	}
	return cloud.HTTPFunc(p.serve), nil
}

// idle says what a program has not done in time.
func (m *Main) idle(fetches bool) error {
	if fetches {
		return errors.New("it does not ask for an invocation, wanted a main that does by the platform's library")
	}
	return fmt.Errorf("it does not listen at port %d, wanted http.ListenAndServe or the like there (PORT says which)", m.Port)
}

// restarts reports whether a task only starts a program's instance, as it does
// again and again where a worker ends by itself: a run does not wait for that.
func (t *task) restarts() bool {
	_, ok := t.Cause.(*standby)
	return ok && t.fn.Main != nil
}

// serve passes a request to the program, on a connection of its own.
func (p *process) serve(w http.ResponseWriter, r *http.Request) {
	response, err := p.ask(r)
	if err != nil {
		w.WriteHeader(p.inst.world.sim.scenario.Platform.Abandoned)
		return
	}
	for name, values := range response.header { //wtsim:order headers are independent
		w.Header()[name] = values
	}
	w.WriteHeader(response.status)
	_, _ = w.Write(response.body)
}
