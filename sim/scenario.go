// Package sim runs a scenario: an application, its workload and its
// properties, on a simulated serverless platform, in virtual time.
//
// A run is a pure function of the scenario and of the decisions that a
// [scheduler.Source] takes: the same decisions give the same events, byte
// for byte. [Compile] makes a scenario ready, [Simulation.Run] runs it once.
// Package search looks for a violation and reduces it, package report tells it.
//
// Words:
//
//   - A function is made by its constructor once per function instance (a
//     cold start) and invoked by HTTP requests, messages of a topic, events,
//     ticks of a job or tasks of a queue.
//   - A task is what wants to go on: a client's request, the delivery of a
//     message or event, what a function instance does by itself. Tasks are named by
//     their cause.
//   - An operation is one call to the outside; it waits at the tap until the
//     world lets it happen.
//   - A step is the one thing that happens between two quiescent points: a
//     task starts, an operation happens, an invocation's end is noticed, an
//     entry of the agenda falls due. Steps are 10 us of virtual time apart.
//   - A run is quiescent when nothing is live, waits for delivery or stands
//     on the agenda.
//
// What the platform may do is listed by [cloud.Kinds]; nothing else is injected.
package sim

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
)

// Scenario is an application with a workload and properties. It is a value:
// nothing of a run is kept in it.
type Scenario struct {
	Name       string            // e.g. "checkout/double-charge"
	Doc        string            // one line
	Expect     Expect            // what a search is expected to find; zero: the properties hold
	Platform   cloud.Platform    // where the functions run
	Services   []cloud.Service   // that functions use, and that invoke them
	Functions  []Function        // what is deployed
	Clients    []Client          // the workload
	Rules      []probe.Rule      // which operations are events
	Properties []*props.Property // what must hold
	Faults     Faults            // which deviations are allowed
	// Environ is what the environment of programs has besides the emulator
	// variables of the services, as "NAME=value". ${service} stands for a
	// service's address, ${service.host} and ${service.port} for its parts.
	Environ []string
	// Relies are the guarantees of the services without which the properties
	// would not hold, by name. `wtsim mutate` takes each away and wants a
	// property to notice.
	Relies []string
	// Meant names what a search takes for a mistake in the scenario, because it
	// then proves nothing, and is none: as the search has told it, such as
	// "no properties" or "rule REFUNDED".
	Meant []string
	// Generate, if not nil, makes the workload from inputs that it draws: it is
	// given a copy of the scenario to fill in, and is a function of what it
	// draws. Schedule i of a search has the inputs of seed i; see [Inputs].
	Generate func(*Inputs, *Scenario)
	Inputs   any           // what the workload was made from, for the counterexample file; of Generate: what it has drawn
	Epoch    time.Time     // when a run begins; default 2026-01-01T00:00:00Z
	Horizon  time.Duration // virtual time after which a run is given up; default 7 days
	MaxSteps int           // steps after which a run is given up; default 100 000

	without string // a guarantee that was taken away, see [Simulation.Without]
}

// Expect says what a search is expected to find.
type Expect struct {
	Violation  bool // a property is violated
	Deviations int  // the smallest counterexample has so many deviations
}

// Faults bounds what the platform does. The zero value allows every kind,
// at most three deviations that are faults, and any number of reorderings.
type Faults struct {
	Kinds     []string // the kinds that may occur; nil for all (see [cloud.Kinds])
	Most      int      // how many faults a run may have; 0 means 3, negative none
	Functions []string // the functions at which faults may occur; nil for all
	Services  []string // the services whose operations may fail; nil for all
	// Skew is how far the clock of a function instance may be off, as its
	// events show it; 0 for not at all. What time.Now returns to a handler is
	// not: a run has one clock.
	Skew time.Duration
	// Outage is how long a service may be down; 0 for not at all. From the call
	// on with which it begins, every call of the service is refused.
	Outage time.Duration
}

// Client is one source of requests, whose requests are made one after the
// other. Clients are concurrent.
type Client struct {
	Name     string
	Requests []Request
	// Retries is how often the client repeats a request that was not
	// answered, or answered with 5xx or 429; as its users do. Default 0.
	Retries int
	// Backoff is the time before a repetition; default 1 s.
	Backoff time.Duration
}

// Request is one request of a client.
type Request struct {
	Function string // the function that it invokes
	Method   string // default POST
	Path     string // default /
	Header   map[string]string
	Body     string
	// Told says, as an event, what the client was told by a response that
	// it got; an empty type for nothing. May be nil.
	Told func(cloud.Response) (eventType string, params map[string]any)
}

// Simulation is a scenario made ready to run. It may be used by several
// goroutines; runs of one process take turns.
type Simulation struct {
	scenario Scenario
	rules    *probe.Rules
	program  *monitor.Program
	watchdog bubble.Options // zero but in tests, and see Impatient
	stopAt   int            // a step, see StopAt; 0 is none
	// stopProcess is called there where a program makes the operation.
	stopProcess func(pid int, work uint32)
	general     *Scenario // that draws inputs
	draws       *drawing  // that were made
	fixed       bool      // they are those of a file, whatever the seed
	benign      *benign
	timed       bool          // properties look at the time of events
	ofCalls     bool          // and at what clients have asked
	atEnd       func(*stores) // tests look at what is stored
	forget      string        // tests leave out a part of the state
}

// Compile checks a scenario and makes it ready; one that draws inputs with
// those of seed 1. The error is the first thing that is wrong with it.
func Compile(s Scenario) (*Simulation, error) {
	if s.Generate == nil {
		return compileDrawn(s)
	}
	return (&Simulation{general: &s}).Drawn(1)
}

func compileDrawn(s Scenario) (*Simulation, error) {
	s = s.withDefaults()
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("scenario %q: %w", s.Name, err)
	}
	rules, err := probe.CompileRules(s.Rules)
	if err != nil {
		return nil, fmt.Errorf("scenario %q: %w", s.Name, err)
	}
	program, err := monitor.Compile(s.Properties...)
	if err != nil {
		return nil, fmt.Errorf("scenario %q: %w", s.Name, err)
	}
	if err := s.buildPrograms(); err != nil {
		return nil, fmt.Errorf("scenario %q: %w", s.Name, err)
	}
	timed := slices.ContainsFunc(s.Properties, func(p *props.Property) bool { return p.Automaton() != nil && p.Automaton().LooksAtTime() })
	ofCalls := slices.ContainsFunc(s.Properties, (*props.Property).LooksAtCalls)
	return &Simulation{scenario: s, rules: rules, program: program, timed: timed, ofCalls: ofCalls, benign: &benign{}}, nil
}

// Scenario returns the scenario, with its defaults filled in.
func (s *Simulation) Scenario() Scenario { return s.scenario }

func (s Scenario) withDefaults() Scenario {
	if s.Epoch.IsZero() {
		s.Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if s.Horizon == 0 {
		s.Horizon = 7 * 24 * time.Hour
	}
	if s.MaxSteps == 0 {
		s.MaxSteps = 100_000
	}
	if s.Faults.Most == 0 {
		s.Faults.Most = 3
	}
	s.Functions = slices.Clone(s.Functions)
	for i, f := range s.Functions {
		s.Functions[i] = f.withDefaults(&s.Platform)
	}
	s.Clients = slices.Clone(s.Clients)
	for i := range s.Clients {
		if s.Clients[i].Backoff == 0 {
			s.Clients[i].Backoff = time.Second
		}
	}
	return s
}

// Deployment is what services see of it.
func (s *Scenario) Deployment() cloud.Deployment {
	d := cloud.Deployment{Services: s.Services}
	for _, f := range s.Functions {
		d.Functions = append(d.Functions, f.Name)
		for i, t := range f.Triggers {
			name := f.Name
			if i > 0 {
				name = fmt.Sprintf("%s-%d", f.Name, i+1)
			}
			d.Bindings = append(d.Bindings, cloud.Binding{Name: name, Function: f.Name, Trigger: t})
		}
	}
	return d
}

func (s *Scenario) validate() error {
	if err := s.Platform.Check(); err != nil {
		return err
	}
	functions := map[string]bool{}
	for i, f := range s.Functions {
		switch {
		case f.Name == "":
			return fmt.Errorf("functions[%d] has no name", i)
		case functions[f.Name]:
			return fmt.Errorf("two functions are named %q", f.Name)
		}
		if err := f.validate(&s.Platform); err != nil {
			return err
		}
		functions[f.Name] = true
	}
	services := map[string]bool{}
	for _, v := range s.Services {
		if services[v.Name()] || functions[v.Name()] {
			return fmt.Errorf("two services, or a service and a function, are named %q", v.Name())
		}
		services[v.Name()] = true
	}
	for _, r := range s.Rules {
		if store, ok := RestOf(r.Service); !services[r.Service] && !functions[r.Service] && !(ok && services[store]) {
			return fmt.Errorf("rule for %q: there is no service %q", r.Emit, r.Service)
		}
	}
	if len(s.Environ) > 0 && !s.hasPrograms() {
		return fmt.Errorf("it has an Environ, wanted a program (Main): the environment is a process's")
	}
	return firstOf(s.validateServices(services), s.validateClients(functions), s.Faults.validate(functions, services), s.validateRelies(), s.checkMeant())
}

// validateServices checks how services are declared, and that triggers are of
// one.
func (s *Scenario) validateServices(services map[string]bool) error {
	d := s.Deployment()
	for _, b := range d.Bindings {
		if of := b.Trigger.Service(); !services[of] {
			return fmt.Errorf("function %q is triggered by %s: there is no service %q", b.Function, b.Trigger, of)
		}
	}
	places := map[string]string{}
	for _, v := range s.Services {
		if err := checkPlaces(v, places); err != nil {
			return err
		}
		if c, ok := v.(cloud.Checker); ok {
			if err := c.Check(d); err != nil {
				return err
			}
		}
	}
	if what := s.Missing(); what != "" {
		return errors.New(what)
	}
	return nil
}

// Missing says what is to be installed on this machine before the scenario can run,
// in a sentence; empty if nothing is.
func (s *Scenario) Missing() string {
	for _, v := range s.Services {
		if i, ok := v.(cloud.Installed); ok && i.Missing() != "" {
			return fmt.Sprintf("service %q: %s", v.Name(), i.Missing())
		}
	}
	return ""
}

// prepare starts what services rest on, before a run in which time is virtual and
// who does nothing is watched.
func (s *Scenario) prepare() {
	for _, v := range s.Services {
		if i, ok := v.(cloud.Installed); ok {
			i.Prepare()
		}
	}
}

// checkPlaces checks the addresses of a service; taken are those of services
// before it.
func checkPlaces(v cloud.Service, taken map[string]string) error {
	p, ok := v.(cloud.Placed)
	if !ok {
		return nil
	}
	for _, a := range p.Addresses() {
		if err := cloud.CheckPlace(a); err != nil {
			return fmt.Errorf("service %q: %w", v.Name(), err)
		}
		host, port := cloud.PlaceOf(a)
		place := net.JoinHostPort(host, port)
		if other := taken[place]; other != "" {
			return fmt.Errorf("services %q and %q are both at %s", other, v.Name(), a)
		}
		taken[place] = v.Name()
	}
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Scenario) validateClients(functions map[string]bool) error {
	clients := map[string]bool{}
	for i, c := range s.Clients {
		if c.Name == "" {
			return fmt.Errorf("clients[%d] has no name", i)
		}
		if clients[c.Name] {
			return fmt.Errorf("two clients are named %q", c.Name)
		}
		clients[c.Name] = true
		for j, r := range c.Requests {
			if !functions[r.Function] {
				return fmt.Errorf("client %q, requests[%d]: there is no function %q", c.Name, j, r.Function)
			}
		}
	}
	driven := slices.ContainsFunc(s.Services, func(v cloud.Service) bool { d, ok := v.(cloud.Driver); return ok && d.Drives() })
	worker := slices.ContainsFunc(s.Functions, func(f Function) bool { return f.Main != nil && f.Main.Worker })
	if len(s.Clients) == 0 && !driven && !worker {
		return fmt.Errorf("it has neither clients nor jobs, wanted a workload")
	}
	return nil
}

func (f Faults) validate(functions, services map[string]bool) error {
	for _, k := range f.Kinds {
		if !cloud.IsKind(k) {
			return fmt.Errorf("faults: unknown kind %q, wanted one that `wtsim faults` lists", k)
		}
	}
	for _, name := range f.Functions {
		if !functions[name] {
			return fmt.Errorf("faults: there is no function %q", name)
		}
	}
	for _, name := range f.Services {
		if !services[name] {
			return fmt.Errorf("faults: there is no service %q", name)
		}
	}
	return nil
}
