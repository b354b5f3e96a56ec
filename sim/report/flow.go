package report

import (
	"cmp"
	"slices"
	"strings"

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
}

// node finds a node, -1 if there is none.
func (f *flow) node(kind, name string) int { return slices.Index(f.Nodes, FlowNode{kind, name}) }

// edge adds an edge, once.
func (f *flow) edge(from, to int, label string) {
	if e := (FlowEdge{from, to, label}); from >= 0 && to >= 0 && !slices.Contains(f.Edges, e) {
		f.Edges = append(f.Edges, e)
	}
}

// declared adds the nodes, and the edges that need no run.
func (f *flow) declared() {
	s := f.scenario
	f.accesses = map[FlowEdge]event.Access{}
	for _, c := range s.Clients {
		f.Nodes = append(f.Nodes, FlowNode{"client", c.Name})
	}
	for _, j := range s.Jobs {
		f.Nodes = append(f.Nodes, FlowNode{"job", j.Name})
	}
	for _, x := range s.Functions {
		f.Nodes = append(f.Nodes, FlowNode{"function", x.Name})
	}
	for _, t := range s.AllTopics() {
		f.Nodes = append(f.Nodes, FlowNode{"topic", t})
	}
	for _, x := range s.Subscriptions {
		f.Nodes = append(f.Nodes, FlowNode{"subscription", x.Name})
	}
	for _, q := range s.Queues {
		f.Nodes = append(f.Nodes, FlowNode{"queue", q.Name})
	}
	for _, v := range s.Services {
		if v.Name() != "pubsub" && v.Name() != "tasks" { // topics and queues stand for them
			f.Nodes = append(f.Nodes, FlowNode{"service", v.Name()})
		}
	}
	f.triggers()
}

func (f *flow) triggers() {
	s := f.scenario
	for _, c := range s.Clients {
		for _, r := range c.Requests {
			f.edge(f.node("client", c.Name), f.node("function", r.Function), "")
		}
	}
	for _, j := range s.Jobs {
		f.edge(f.node("job", j.Name), max(f.node("function", j.Function), f.node("topic", j.Topic)), "")
	}
	for _, x := range s.Functions {
		to := f.node("function", x.Name)
		for _, t := range x.Triggers {
			f.edge(f.node("topic", t.Topic), to, t.Filter)
			if t.Event != "" {
				f.edge(f.eventSource(t.Event), to, t.Event[strings.LastIndexByte(t.Event, '.')+1:])
			}
			f.edge(f.node("topic", t.Topic), f.node("topic", t.DeadLetter), "dead letters")
		}
	}
	for _, x := range s.Subscriptions {
		f.edge(f.node("topic", x.Topic), f.node("subscription", x.Name), x.Filter)
		f.edge(f.node("subscription", x.Name), f.node("topic", x.DeadLetter), "dead letters")
	}
}

// eventSource is the service that an event's type is of.
func (f *flow) eventSource(eventType string) int {
	if strings.HasPrefix(eventType, "google.cloud.storage.") {
		return f.node("service", "gcs")
	}
	return -1
}

// step adds what a step of a run shows.
func (f *flow) step(s *sim.Step) {
	from := f.node("function", s.Function)
	for _, q := range f.scenario.Queues {
		if s.RunsTaskOf(q.Name) {
			f.edge(f.node("queue", q.Name), from, "")
		}
	}
	if s.Operation == nil {
		return
	}
	op := s.Operation
	from = f.node("function", op.Caller.Function)
	resource, _, _ := strings.Cut(op.Resource, "/")
	switch {
	case op.Service == "pubsub" && strings.EqualFold(op.Method, "publish"):
		f.edge(from, f.node("topic", resource), "")
	case op.Service == "pubsub":
		f.edge(f.node("subscription", resource), from, "")
	case op.Service == "tasks":
		f.edge(from, f.node("queue", resource), "")
	case f.node("function", op.Service) >= 0:
		f.edge(from, f.node("function", op.Service), "")
	default:
		e := FlowEdge{From: from, To: f.node("service", op.Service)}
		f.edge(e.From, e.To, "")
		f.accesses[e] |= op.Access
	}
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
