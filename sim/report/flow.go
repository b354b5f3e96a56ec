package report

import (
	"cmp"
	"slices"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/sim"
)

// Flow is who invokes whom in a scenario, and who uses what.
type Flow struct {
	Nodes []FlowNode `json:"nodes"`
	Edges []FlowEdge `json:"edges"`
}

// FlowNode is a part of a scenario.
type FlowNode struct {
	Kind string `json:"kind"` // "client", "job", "function", "topic", "subscription", "queue" or "service"
	Name string `json:"name"`
}

// FlowEdge leads from one node to another, by their places in the list.
type FlowEdge struct {
	From  int    `json:"from"`
	To    int    `json:"to"`
	Label string `json:"label,omitempty"` // e.g. the event's type, or "reads, writes"
}

// FlowOf tells the flow of a scenario: what is declared, and what its benign run
// shows functions to use. Nodes come in the order in which the scenario
// declares them.
func FlowOf(s sim.Scenario, benign *sim.Result) Flow {
	f := &flow{scenario: &s}
	f.declared()
	for i := range benign.Steps {
		f.step(&benign.Steps[i])
	}
	for i, e := range f.Edges {
		if a := f.accesses[e]; a != 0 {
			f.Edges[i].Label = accessWords(a)
		}
	}
	slices.SortStableFunc(f.Edges, func(a, b FlowEdge) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return f.Flow
}

type flow struct {
	Flow
	scenario *sim.Scenario
	accesses map[FlowEdge]event.Access // of edges to services
	parts    map[string][]cloud.Part   // by kind
}

// node finds a node, -1 if there is none.
func (f *flow) node(kind, name string) int { return slices.Index(f.Nodes, FlowNode{kind, name}) }

// edge adds an edge, once.
func (f *flow) edge(from, to int, label string) {
	if e := (FlowEdge{from, to, label}); from >= 0 && to >= 0 && !slices.Contains(f.Edges, e) {
		f.Edges = append(f.Edges, e)
	}
}

// mapOrder is the order of the kinds of parts, where functions stand after
// what invokes them by itself.
var mapOrder = []string{"job", "function", "topic", "subscription", "queue", "service"}

// declared adds the nodes, and the edges that need no run.
func (f *flow) declared() {
	s := f.scenario
	f.accesses, f.parts = map[FlowEdge]event.Access{}, map[string][]cloud.Part{}
	d := s.Deployment()
	for _, x := range s.Functions {
		f.part(cloud.Part{Kind: "function", Name: x.Name})
	}
	var edges []cloud.Edge
	for _, v := range s.Services {
		m, ok := v.(cloud.Mapped)
		if !ok {
			f.part(cloud.Part{Kind: "service", Name: v.Name()})
			continue
		}
		parts, ways := m.Map(d)
		for _, p := range parts {
			f.part(p)
		}
		edges = append(edges, ways...)
	}
	for _, c := range s.Clients {
		f.Nodes = append(f.Nodes, FlowNode{"client", c.Name})
	}
	for _, kind := range mapOrder {
		for _, p := range f.parts[kind] {
			f.Nodes = append(f.Nodes, FlowNode{p.Kind, p.Name})
		}
	}
	for _, c := range s.Clients {
		for _, r := range c.Requests {
			f.edge(f.node("client", c.Name), f.node("function", r.Function), "")
		}
	}
	for _, e := range edges {
		f.way(e)
	}
}

func (f *flow) part(p cloud.Part) { f.parts[p.Kind] = append(f.parts[p.Kind], p) }

func (f *flow) way(e cloud.Edge) {
	f.edge(f.node(e.From.Kind, e.From.Name), f.node(e.To.Kind, e.To.Name), e.Label)
}

// step adds what a step of a run shows.
func (f *flow) step(s *sim.Step) {
	if s.From.Name != "" {
		f.edge(f.node(s.From.Kind, s.From.Name), f.node("function", s.Function), "")
	}
	op := s.Operation
	if op == nil {
		return
	}
	from := f.node("function", op.Caller.Function)
	for _, v := range f.scenario.Services {
		if m, ok := v.(cloud.Mapped); ok && v.Name() == op.Service {
			if e, ok := m.Way(op.Caller.Function, op); ok {
				f.way(e)
			}
			return
		}
	}
	if to := f.node("function", op.Service); to >= 0 {
		f.edge(from, to, "")
		return
	}
	e := FlowEdge{From: from, To: f.node("service", op.Service)}
	f.edge(e.From, e.To, "")
	f.accesses[e] |= op.Access
}

func accessWords(a event.Access) string {
	switch a {
	case event.Reads:
		return "reads"
	case event.Writes:
		return "writes"
	}
	return "reads, writes"
}
