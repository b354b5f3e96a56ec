package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// A scenario can be run in a world that is weaker than the documented one:
// without one of the guarantees of its services, or of the platform. A
// scenario whose properties do not notice that tests nothing of what relies on
// it.

// promise is a guarantee of the platform's own, or one that the scenario gives
// itself: no page promises that clients repeat their requests.
type promise struct {
	probe.Guarantee
	used func(s *Scenario, benign *Result) bool
	// breaks takes it away from a scenario with its defaults filled in, whose
	// lists are its own. Nil where the world asks Scenario.lacks.
	breaks func(*Scenario)
}

const (
	deadLetters = "pubsub/dead-letters"
	taskNames   = "tasks/names"
)

// promises are in order of name.
var promises = []promise{
	{probe.Guarantee{Name: "clients/retries", Without: "clients do not repeat a request that was not answered"},
		func(s *Scenario, _ *Result) bool {
			return slices.ContainsFunc(s.Clients, func(c Client) bool { return c.Retries > 0 })
		},
		func(s *Scenario) {
			for i := range s.Clients {
				s.Clients[i].Retries = 0
			}
		}},
	{probe.Guarantee{Name: "eventarc/retries", Without: "an event whose invocation fails does not come again, and may be lost", Source: "https://docs.cloud.google.com/eventarc/docs/retry-events"},
		func(s *Scenario, _ *Result) bool { return s.anyTrigger(Trigger.retriesEvents) },
		func(s *Scenario) { s.once(Trigger.retriesEvents) }},
	{probe.Guarantee{Name: deadLetters, Without: "a message that has used up its attempts is lost, and reaches no dead-letter topic", Source: "https://docs.cloud.google.com/pubsub/docs/handling-failures"},
		func(s *Scenario, _ *Result) bool {
			return s.anyTrigger(func(t Trigger) bool { return t.DeadLetter != "" }) ||
				slices.ContainsFunc(s.Subscriptions, func(x Subscription) bool { return x.DeadLetter != "" })
		}, nil},
	{probe.Guarantee{Name: "pubsub/exactly-once", Without: "a message of a subscription that delivers exactly once may come again after it was acknowledged", Source: "https://docs.cloud.google.com/pubsub/docs/exactly-once-delivery"},
		func(s *Scenario, _ *Result) bool {
			return slices.ContainsFunc(s.Subscriptions, func(x Subscription) bool { return x.ExactlyOnce })
		},
		func(s *Scenario) {
			for i := range s.Subscriptions {
				s.Subscriptions[i].ExactlyOnce = false
			}
		}},
	{probe.Guarantee{Name: "pubsub/order", Without: "messages of one ordering key overtake each other", Source: "https://docs.cloud.google.com/pubsub/docs/ordering"},
		func(s *Scenario, _ *Result) bool {
			return s.anyTrigger(func(t Trigger) bool { return t.Ordered }) ||
				slices.ContainsFunc(s.Subscriptions, func(x Subscription) bool { return x.Ordered })
		},
		func(s *Scenario) { s.policies(func(p *Policy) { p.Ordered = false }) }},
	{probe.Guarantee{Name: "pubsub/retries", Without: "a message whose delivery fails does not come again, and may be lost", Source: "https://docs.cloud.google.com/pubsub/docs/handling-failures"},
		func(s *Scenario, _ *Result) bool {
			return len(s.Subscriptions) > 0 || s.anyTrigger(Trigger.retriesMessages)
		},
		func(s *Scenario) {
			s.once(Trigger.retriesMessages)
			for i := range s.Subscriptions {
				s.Subscriptions[i].Once = true
			}
		}},
	{probe.Guarantee{Name: "scheduler/retries", Without: "a tick whose invocation fails is not repeated", Source: "https://docs.cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs#RetryConfig"},
		func(s *Scenario, _ *Result) bool {
			return slices.ContainsFunc(s.Jobs, func(j Job) bool { return j.Retries > 0 })
		},
		func(s *Scenario) {
			for i := range s.Jobs {
				s.Jobs[i].Retries = 0
			}
		}},
	{probe.Guarantee{Name: taskNames, Without: "a queue takes a task although it knows, or knew, one of that name", Source: "https://docs.cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks/create"},
		func(_ *Scenario, r *Result) bool { return namesTasks(r) }, nil},
	{probe.Guarantee{Name: "tasks/retries", Without: "a queued task whose attempt fails is given up", Source: "https://docs.cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues#RetryConfig"},
		func(s *Scenario, _ *Result) bool { return len(s.Queues) > 0 },
		func(s *Scenario) {
			for i := range s.Queues {
				s.Queues[i].MaxAttempts = 1
			}
		}},
}

func (t Trigger) retriesMessages() bool { return t.Topic != "" && !t.Once }
func (t Trigger) retriesEvents() bool   { return t.Event != "" && !t.Once }

func (s *Scenario) anyTrigger(is func(Trigger) bool) bool {
	return slices.ContainsFunc(s.Functions, func(f Function) bool { return slices.ContainsFunc(f.Triggers, is) })
}

// once switches the retries of triggers off.
func (s *Scenario) once(which func(Trigger) bool) {
	for _, f := range s.Functions {
		for i := range f.Triggers {
			if which(f.Triggers[i]) {
				f.Triggers[i].Once = true
			}
		}
	}
}

// policies changes those of all triggers and subscriptions.
func (s *Scenario) policies(change func(*Policy)) {
	for _, f := range s.Functions {
		for i := range f.Triggers {
			change(&f.Triggers[i].Policy)
		}
	}
	for i := range s.Subscriptions {
		change(&s.Subscriptions[i].Policy)
	}
}

// namesTasks reports whether a run has given a name to a queued task.
func namesTasks(r *Result) bool {
	return anyOperation(r, func(op *event.Operation) bool {
		return op.Service == "tasks" && op.Method == "createTask" && strings.Contains(op.Resource, "/")
	})
}

func anyOperation(r *Result, is func(*event.Operation) bool) bool {
	return slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Operation != nil && is(s.Operation) })
}

// lacks reports whether a guarantee of the platform was taken away.
func (s *Scenario) lacks(guarantee string) bool { return s.without == guarantee }

// Guarantees returns the guarantees that can be taken away from the scenario:
// those of its services and those of the platform, each once, in order of
// name.
func (s *Simulation) Guarantees() []probe.Guarantee { return s.scenario.guarantees() }

func (s *Scenario) guarantees() []probe.Guarantee {
	var all []probe.Guarantee
	for _, p := range promises {
		all = append(all, p.Guarantee)
	}
	for _, v := range s.Services {
		if g, ok := v.(probe.Guarantor); ok {
			all = append(all, g.Guarantees()...)
		}
	}
	slices.SortStableFunc(all, func(a, b probe.Guarantee) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(all, func(a, b probe.Guarantee) bool { return a.Name == b.Name })
}

// Uses reports whether the scenario asks for a guarantee, as its benign run
// shows.
func (s *Simulation) Uses(guarantee string, benign *Result) bool {
	for _, p := range promises {
		if p.Name == guarantee && p.used(&s.scenario, benign) {
			return true
		}
	}
	for _, v := range s.scenario.Services {
		g, ok := v.(probe.Guarantor)
		if !ok {
			continue
		}
		for _, x := range g.Guarantees() {
			if x.Name == guarantee && (x.Used == nil || anyOperation(benign, func(op *event.Operation) bool { return op.Service == v.Name() && x.Used(op) })) {
				return true
			}
		}
	}
	return false
}

// Without returns the scenario in a world without one of its guarantees. The
// error is a name that is none of [Simulation.Guarantees].
func (s *Simulation) Without(guarantee string) (*Simulation, error) {
	if err := s.scenario.checkGuarantee(guarantee); err != nil {
		return nil, err
	}
	out := *s
	out.benign = &benign{} // of that world
	out.scenario = s.scenario.ownLists()
	out.scenario.without = guarantee
	for _, p := range promises {
		if p.Name == guarantee && p.breaks != nil {
			p.breaks(&out.scenario)
		}
	}
	for i, v := range out.scenario.Services {
		if g, ok := v.(probe.Guarantor); ok && slices.ContainsFunc(g.Guarantees(), func(x probe.Guarantee) bool { return x.Name == guarantee }) {
			out.scenario.Services[i] = g.Without(guarantee)
		}
	}
	return &out, nil
}

// Lacks returns the guarantee that was taken away; empty if none was.
func (s *Simulation) Lacks() string { return s.scenario.without }

// ownLists returns the scenario with copies of the lists that a weaker world
// changes.
func (s Scenario) ownLists() Scenario {
	s.Services, s.Functions, s.Subscriptions = slices.Clone(s.Services), slices.Clone(s.Functions), slices.Clone(s.Subscriptions)
	s.Jobs, s.Queues, s.Clients = slices.Clone(s.Jobs), slices.Clone(s.Queues), slices.Clone(s.Clients)
	for i := range s.Functions {
		s.Functions[i].Triggers = slices.Clone(s.Functions[i].Triggers)
	}
	return s
}

func (s *Scenario) checkGuarantee(name string) error {
	var names []string
	for _, g := range s.guarantees() {
		if g.Name == name {
			return nil
		}
		names = append(names, g.Name)
	}
	return fmt.Errorf("there is no guarantee %q, wanted one of its services or of the platform: %s", name, strings.Join(names, ", "))
}

// validateRelies checks that what a scenario relies on is there.
func (s Scenario) validateRelies() error {
	for _, name := range s.Relies {
		if err := s.checkGuarantee(name); err != nil {
			return fmt.Errorf("relies: %w", err)
		}
	}
	return nil
}
