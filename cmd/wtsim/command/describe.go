package command

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

// describeOptions are the flags of `wtsim describe`.
type describeOptions struct {
	format  string
	asJSON  bool
	subject search.Subject
}

const describeExamples = `  wtsim describe checkout
  wtsim describe checkout --format mermaid
  wtsim describe checkout --format dot | dot -Tsvg > checkout.svg
  wtsim describe ./shopsim:Scenario --json`

// description is a scenario as `wtsim describe --json` prints it. What is a
// text here is one for people.
type description struct {
	Kind          string                `json:"kind"` // "scenario"
	Name          string                `json:"name"`
	Doc           string                `json:"doc"`
	Expect        string                `json:"expect"` // as in `wtsim list --json`
	Deviations    *int                  `json:"deviations,omitempty"`
	Relies        []string              `json:"relies"`
	Isolated      bool                  `json:"isolated,omitempty"`
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
	Flow          report.Flow           `json:"flow"`
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
}

type describedGuaranteed struct {
	Name    string `json:"name"`
	Without string `json:"without"`
	Used    bool   `json:"used"`
}

func (a *app) describe(args []string) (int, error) {
	o := &describeOptions{}
	f := a.flags("describe", " SCENARIO [flags]", describeExamples)
	f.StringVar(&o.format, "format", "text", "text, or a drawing of the flow: mermaid or dot")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object")
	if done, err := parse(f, args, "SCENARIO"); done || err != nil {
		return exitHeld, err
	}
	if formats := []string{"text", "mermaid", "dot"}; !slices.Contains(formats, o.format) {
		return 0, fmt.Errorf("describe: --format is %q, wanted text, mermaid or dot; see wtsim describe --help", o.format)
	}
	if ref, ok := parseRef(f.Arg(0)); ok && !a.known(f.Arg(0)) {
		return a.runPackage(ref, append([]string{"describe"}, args...))
	}
	var err error
	if o.subject, err = a.scenario(f.Arg(0)); err != nil {
		return 0, err
	}
	if _, ok := workers.CurrentJob(); ok {
		return exitHeld, a.describeHere(o)
	}
	return a.inChild("describe", args, func(f *search.Fatal) (int, error) {
		name := o.subject.Scenario().Name
		return 0, fmt.Errorf("%s: its benign run ends the process: %s; see `wtsim trace %s`", name, f.Why, calledAs(name))
	})
}

func (a *app) describeHere(o *describeOptions) error {
	benign := o.subject.Run(scheduler.Benign{})
	d := describeScenario(o.subject, benign)
	switch {
	case o.asJSON:
		e := json.NewEncoder(a.stdout)
		e.SetEscapeHTML(false)
		return e.Encode(d)
	case o.format == "mermaid":
		fmt.Fprint(a.stdout, flowMermaid(d.Flow))
	case o.format == "dot":
		fmt.Fprint(a.stdout, flowDot(d.Name, d.Flow))
	default:
		fmt.Fprint(a.stdout, d.text())
	}
	return nil
}

func describeScenario(subject search.Subject, benign *sim.Result) description {
	s := subject.Scenario()
	l := listedOf(s)
	d := description{
		Kind: "scenario", Name: s.Name, Doc: s.Doc, Expect: l.Expect, Deviations: l.Deviations, Relies: orEmpty(s.Relies),
		Isolated: s.Isolated, Profile: s.Platform.Name, Functions: []describedFunction{}, Topics: []string{},
		Always: sim.EveryApplication(), Faults: describeFaults(s.Faults), Flow: report.FlowOf(s, benign),
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
	for _, g := range subject.Simulation.Guarantees() {
		d.Guarantees = append(d.Guarantees, describedGuaranteed{g.Name, g.Without, subject.Simulation.Uses(g.Name, benign)})
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
	for _, name := range sortedKeys(r.Where) {
		what += fmt.Sprintf(", %s = %s", name, r.Where[name])
	}
	var params []string
	for _, name := range sortedKeys(r.With) {
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

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
