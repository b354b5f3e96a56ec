package otlp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Rules make events of spans.
type Rules struct{ all []rule }

// rule is one of package probe's, and of which spans it is.
type rule struct {
	when
	anyService bool
	rules      *probe.Rules // one
}

// when is of which spans a rule is, and of which end of them.
type when struct {
	kind    string // empty: any
	start   bool   // the event is at its start
	outcome outcome
}

type outcome string

const (
	succeeded outcome = "ok"
	failed    outcome = "failed"
	either    outcome = "any"
)

// ruleFile is a file of rules.
type ruleFile struct {
	Rules []ruleText `yaml:"rules"`
}

type ruleText struct {
	Emit     string            `yaml:"emit"`
	At       string            `yaml:"at"`
	Kind     string            `yaml:"kind"`
	Outcome  string            `yaml:"outcome"`
	Service  string            `yaml:"service"`
	Method   string            `yaml:"method"`
	Resource string            `yaml:"resource"`
	Where    map[string]string `yaml:"where"`
	With     map[string]string `yaml:"with"`
}

// ParseRules reads a file of rules; the error is one line with its name.
func ParseRules(name string, text []byte) (*Rules, error) {
	var f ruleFile
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %s", name, oneLine(yaml.FormatError(err, false, false)))
	}
	if len(f.Rules) == 0 {
		return nil, fmt.Errorf("%s: no rules, wanted a list under \"rules\"", name)
	}
	out := &Rules{}
	for i := range f.Rules {
		r, err := f.Rules[i].compile()
		if err != nil {
			return nil, fmt.Errorf("%s: rule %d (%s): %w", name, i+1, f.Rules[i].Emit, err)
		}
		out.all = append(out.all, r)
	}
	return out, nil
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func (t *ruleText) compile() (r rule, err error) {
	if r.when, err = t.when(); err != nil {
		return r, err
	}
	r.anyService = t.Service == ""
	of := probe.Rule{Service: t.Service, Method: t.Method, Resource: t.Resource, Emit: t.Emit, Where: map[string]string{}, With: map[string]string{}}
	if r.anyService {
		of.Service = "any"
	}
	for expr, text := range t.Where { //wtsim:order each stands for itself
		if err := known(expr); err != nil {
			return r, err
		}
		of.Where[spelled(expr)] = text
	}
	for param, expr := range t.With { //wtsim:order each stands for itself
		if err := known(expr); err != nil {
			return r, err
		}
		of.With[param] = spelled(expr)
	}
	r.rules, err = probe.CompileRules([]probe.Rule{of})
	if err != nil { // it names the rule by its place, which is ours to say
		_, why, _ := strings.Cut(err.Error(), "): ")
		err = errors.New(why)
	}
	return r, err
}

func (t *ruleText) when() (w when, err error) {
	switch w = (when{t.Kind, t.At == "start", outcome(t.Outcome)}); {
	case t.At != "" && t.At != "start" && t.At != "end":
		return w, fmt.Errorf("at is %q, wanted start or end", t.At)
	case t.Kind != "" && !slices.Contains(kinds[:], t.Kind):
		return w, fmt.Errorf("kind is %q, wanted internal, server, client, producer or consumer", t.Kind)
	case t.Outcome == "" && w.start:
		w.outcome = either
	case t.Outcome == "":
		w.outcome = succeeded
	case w.outcome != succeeded && w.outcome != failed && w.outcome != either:
		return w, fmt.Errorf("outcome is %q, wanted ok, failed or any", t.Outcome)
	}
	return w, nil
}

// known refuses expressions that find nothing in a span.
func known(expr string) error {
	head, _, _ := strings.Cut(expr, ".")
	if slices.Contains([]string{"request", "response", "header", "answer", "each", "arg", "body"}, head) && !strings.HasPrefix(expr, "{") {
		return fmt.Errorf("a span has no %s, wanted {name}, attribute.X, status, method, resource or =text", expr)
	}
	return nil
}

// spelled is an expression with an attribute's newest name.
func spelled(expr string) string {
	if name, ok := strings.CutPrefix(expr, "attribute."); ok {
		return "attribute." + canonical(name)
	}
	return expr
}

// apply returns the events that a span stands for, at its start and at its end.
func (r *Rules) apply(x *span) (starts, ends []probe.Emitted) {
	for i := range r.all {
		one := &r.all[i]
		if one.kind != "" && one.kind != x.kind || one.outcome == succeeded && x.failed || one.outcome == failed && !x.failed {
			continue
		}
		op := x.op
		if one.anyService {
			op.Service = "any"
		}
		op.Result.OK = true // the rule's outcome has said
		if one.start {
			starts = append(starts, one.rules.Apply(&op)...)
		} else {
			ends = append(ends, one.rules.Apply(&op)...)
		}
	}
	return starts, ends
}

func sortData(d event.Data) {
	slices.SortFunc(d, func(a, b event.Field) int { return strings.Compare(a.Name, b.Name) })
}
