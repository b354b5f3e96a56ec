package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/sim"
)

// Description is a scenario as `wtsim describe --json` prints it. What is a
// text here is one for people. Its fields are the object's.
type Description struct {
	Kind          string                `json:"kind"` // "scenario"
	Name          string                `json:"name"`
	Doc           string                `json:"doc"`
	Expect        string                `json:"expect"` // as in `wtsim list --json`
	Deviations    *int                  `json:"deviations,omitempty"`
	Relies        []string              `json:"relies"`
	Profile       string                `json:"profile"`
	Functions     []describedFunction   `json:"functions"`
	Topics        []string              `json:"topics"`
	Subscriptions []describedPart       `json:"subscriptions"`
	Jobs          []describedPart       `json:"jobs"`
	Queues        []describedPart       `json:"queues"`
	Clients       []describedPart       `json:"clients"`
	Services      []describedPart       `json:"services"`
	Events        []describedPart       `json:"events"` // and what they stand for
	Properties    []describedPart       `json:"properties"`
	Always        []string              `json:"always"` // what holds for every application
	Faults        describedFaults       `json:"faults"`
	Guarantees    []describedGuaranteed `json:"guarantees"` // that `wtsim mutate` takes away
	Flow          Flow                  `json:"flow"`
}

type describedFunction struct {
	Name         string   `json:"name"`
	Triggers     []string `json:"triggers"`
	Timeout      string   `json:"timeout"`
	Concurrency  int      `json:"concurrency"`
	MaxInstances int      `json:"max_instances"`
	MinInstances int      `json:"min_instances"`
	Notes        []string `json:"notes,omitempty"`
}

type describedPart struct {
	Name string `json:"name"`
	What string `json:"what"`
}

type describedFaults struct {
	Most      int      `json:"most"` // a run; 0 for none
	Kinds     []string `json:"kinds"`
	Functions []string `json:"functions"` // empty for all
	Services  []string `json:"services"`  // empty for all
	Skew      string   `json:"skew,omitempty"`
	Outage    string   `json:"outage,omitempty"`
}

type describedGuaranteed struct {
	Name    string `json:"name"`
	Without string `json:"without"`
	Used    bool   `json:"used"`
}

// Describe tells what a scenario consists of, and what its benign run shows of
// it.
func Describe(simulation *sim.Simulation, benign *sim.Result) *Description {
	s := simulation.Scenario()
	d := &Description{
		Kind: "scenario", Name: s.Name, Doc: s.Doc, Expect: "holds", Relies: orEmpty(s.Relies),
		Profile: s.Platform.Name, Functions: []describedFunction{}, Topics: []string{},
		Always: sim.EveryApplication(), Faults: describeFaults(s.Faults), Flow: FlowOf(s, benign),
	}
	if s.Expect.Violation {
		d.Expect, d.Deviations = "violation", &s.Expect.Deviations
	}
	for _, f := range s.Functions {
		d.Functions = append(d.Functions, describeFunction(f))
	}
	for _, n := range d.Flow.Nodes {
		if n.Kind == "topic" {
			d.Topics = append(d.Topics, n.Name)
		}
	}
	of := partsOf(&s)
	d.Subscriptions, d.Jobs, d.Queues = orEmpty(of["subscription"]), orEmpty(of["job"]), orEmpty(of["queue"])
	d.Clients = parts(s.Clients, describeClient)
	d.Services = parts(s.Services, func(v cloud.Service) describedPart { return describedPart{v.Name(), serviceWords(v)} })
	d.Events = append(parts(s.Rules, describeRule), otherEvents(s.Rules, benign)...)
	d.Properties = []describedPart{}
	for _, p := range s.Properties {
		d.Properties = append(d.Properties, describedPart{p.Name(), p.Sentence()})
	}
	for _, g := range simulation.Guarantees() {
		d.Guarantees = append(d.Guarantees, describedGuaranteed{g.Name, g.Without, simulation.Uses(g.Name, benign)})
	}
	return d
}

// parts describes the members of a list.
func parts[T any](list []T, describe func(T) describedPart) []describedPart {
	out := []describedPart{}
	for _, x := range list {
		out = append(out, describe(x))
	}
	return out
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func serviceWords(v cloud.Service) string {
	if s, ok := v.(fmt.Stringer); ok {
		return s.String()
	}
	return "a service of the scenario's own"
}

func describeFaults(f sim.Faults) describedFaults {
	d := describedFaults{Most: max(f.Most, 0), Kinds: f.Kinds, Functions: orEmpty(f.Functions), Services: orEmpty(f.Services)}
	if d.Kinds == nil {
		for _, k := range cloud.Kinds() {
			d.Kinds = append(d.Kinds, k.Kind)
		}
	}
	if f.Skew > 0 {
		d.Skew = f.Skew.String()
	}
	if f.Outage > 0 {
		d.Outage = cloud.Short(f.Outage)
	}
	return d
}

func describeFunction(f sim.Function) describedFunction {
	d := describedFunction{Name: f.Name, Triggers: []string{}, Timeout: cloud.Short(f.Timeout), Concurrency: f.Concurrency,
		MaxInstances: f.MaxInstances, MinInstances: f.MinInstances}
	for _, t := range f.Triggers {
		d.Triggers = append(d.Triggers, t.String())
	}
	if f.ColdStart > 0 {
		d.Notes = append(d.Notes, "starts in "+cloud.Short(f.ColdStart))
	}
	if f.AlwaysOn {
		d.Notes = append(d.Notes, "CPU always on")
	}
	if f.Old != nil {
		d.Notes = append(d.Notes, "a rollout is under way")
	}
	return d
}

// partsOf describes what is in the services, by its kind.
func partsOf(s *sim.Scenario) map[string][]describedPart {
	out := map[string][]describedPart{}
	for _, v := range s.Services {
		if m, ok := v.(cloud.Mapped); ok {
			inside, _ := m.Map(s.Deployment())
			for _, p := range inside {
				out[p.Kind] = append(out[p.Kind], describedPart{p.Name, p.Doc})
			}
		}
	}
	return out
}

func describeClient(c sim.Client) describedPart {
	var requests []string
	for _, r := range c.Requests {
		method, path := r.Method, r.Path
		if method == "" {
			method = "POST"
		}
		if path == "" {
			path = "/"
		}
		requests = append(requests, fmt.Sprintf("%s %s %s", r.Function, method, path))
	}
	what := strings.Join(requests, ", then ")
	if c.Retries > 0 {
		what += fmt.Sprintf("; %s, %s apart", cloud.Times(c.Retries, "retry", "retries"), cloud.Short(c.Backoff))
	}
	return describedPart{c.Name, what}
}

// describeRule tells an event by the operations that it stands for.
func describeRule(r probe.Rule) describedPart {
	what := strings.Join(strings.Fields(r.Service+" "+r.Method+" "+r.Resource), " ")
	if r.Each != "" {
		what += ", each of " + r.Each
	}
	for _, name := range slices.Sorted(maps.Keys(r.Where)) {
		what += fmt.Sprintf(", %s = %s", name, r.Where[name])
	}
	var params []string
	for _, name := range slices.Sorted(maps.Keys(r.With)) {
		params = append(params, name+" = "+valueWords(r.With[name]))
	}
	return describedPart{fmt.Sprintf("%s(%s)", r.Emit, strings.Join(params, ", ")), what}
}

// valueWords tells an expression of a rule; a text of its own in quotes.
func valueWords(expr string) string {
	if text, ok := strings.CutPrefix(expr, "="); ok {
		return strconv.Quote(text)
	}
	return expr
}

// otherEvents are those of the benign run that no rule makes: what clients are
// told, and what functions say themselves.
func otherEvents(rules []probe.Rule, benign *sim.Result) []describedPart {
	var out []describedPart
	for i := range benign.Steps {
		for _, e := range benign.Steps[i].Events {
			if slices.ContainsFunc(rules, func(r probe.Rule) bool { return r.Emit == e.Type }) {
				continue
			}
			var params []string
			for _, p := range e.Data {
				params = append(params, p.Name)
			}
			p := describedPart{fmt.Sprintf("%s(%s)", e.Type, strings.Join(params, ", ")), "clients are told"}
			if source, ok := strings.CutPrefix(e.Source, "/functions/"); ok {
				function, _, _ := strings.Cut(source, "/")
				p.What = function + " says"
			}
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}
