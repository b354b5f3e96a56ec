package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
)

// A scenario can be run in a world that is weaker than the documented one:
// without one of the guarantees of its services. A scenario whose properties
// do not notice that tests nothing of what relies on it.

// clientRetries is a guarantee that the scenario gives itself: no page
// promises that clients repeat their requests.
const clientRetries = "clients/retries"

func (s *Scenario) ownGuarantees() []cloud.Guarantee {
	return []cloud.Guarantee{{Name: clientRetries, Without: "clients do not repeat a request that was not answered",
		Used: func(cloud.Usage) bool {
			return slices.ContainsFunc(s.Clients, func(c Client) bool { return c.Retries > 0 })
		}}}
}

// Guarantees lists the guarantees of the scenario's services, and its own, in
// order of name.
func (s *Simulation) Guarantees() []cloud.Guarantee { return s.scenario.guarantees() }

func (s *Scenario) guarantees() []cloud.Guarantee {
	all := s.ownGuarantees()
	for _, v := range s.Services {
		if g, ok := v.(cloud.Guarantor); ok {
			all = append(all, g.Guarantees()...)
		}
	}
	slices.SortStableFunc(all, func(a, b cloud.Guarantee) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(all, func(a, b cloud.Guarantee) bool { return a.Name == b.Name })
}

// Uses reports whether the scenario asks for a guarantee, as its benign run
// shows.
func (s *Simulation) Uses(guarantee string, benign *Result) bool {
	asks := func(of []cloud.Guarantee, u cloud.Usage) bool {
		return slices.ContainsFunc(of, func(g cloud.Guarantee) bool { return g.Name == guarantee && (g.Used == nil || g.Used(u)) })
	}
	usage := cloud.Usage{Deployment: s.scenario.Deployment()}
	if asks(s.scenario.ownGuarantees(), usage) {
		return true
	}
	for _, v := range s.scenario.Services {
		if g, ok := v.(cloud.Guarantor); ok {
			usage.Operations = operationsOf(benign, v.Name())
			if asks(g.Guarantees(), usage) {
				return true
			}
		}
	}
	return false
}

func operationsOf(r *Result, service string) []*event.Operation {
	var out []*event.Operation
	for _, s := range r.Steps {
		if s.Operation != nil && s.Operation.Service == service {
			out = append(out, s.Operation)
		}
	}
	return out
}

// Without returns the scenario in a world without one of its guarantees. The
// error is a name that is none of [Simulation.Guarantees].
func (s *Simulation) Without(guarantee string) (*Simulation, error) {
	if err := s.scenario.checkGuarantee(guarantee); err != nil {
		return nil, err
	}
	out := *s
	out.benign = &benign{} // of that world
	out.scenario.Services, out.scenario.Clients = slices.Clone(s.scenario.Services), slices.Clone(s.scenario.Clients)
	out.scenario.without = guarantee
	if guarantee == clientRetries {
		for i := range out.scenario.Clients {
			out.scenario.Clients[i].Retries = 0
		}
	}
	for i, v := range out.scenario.Services {
		if g, ok := v.(cloud.Guarantor); ok && slices.ContainsFunc(g.Guarantees(), func(x cloud.Guarantee) bool { return x.Name == guarantee }) {
			out.scenario.Services[i] = g.Without(guarantee)
		}
	}
	return &out, nil
}

// Lacks returns the guarantee that was taken away; empty if none was.
func (s *Simulation) Lacks() string { return s.scenario.without }

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
func (s *Scenario) validateRelies() error {
	for _, name := range s.Relies {
		if err := s.checkGuarantee(name); err != nil {
			return fmt.Errorf("relies: %w", err)
		}
	}
	return nil
}
