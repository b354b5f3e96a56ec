package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// told is a rule about what a client is told: the answers of the statuses that it
// names are an event.
type told struct {
	Status []string          `yaml:"status" doc:"the statuses of the answers that it is about; all that are no errors, if there are none"`
	Where  map[string]string `yaml:"where" doc:"expressions, as of rules, and the texts that they must have"`
	Emit   string            `yaml:"emit" doc:"the event's type"`
	With   map[string]string `yaml:"with" doc:"its parameters: names to expressions, as of rules"`
}

// client is the service whose operations are the answers that clients get, for
// rules.
const clientService = "client"

// tells returns what makes events of a request's answers; nil if nothing does.
func (r *request) tells() (func(cloud.Response) (string, map[string]any), error) {
	if len(r.Told) == 0 {
		return nil, nil
	}
	var rules []*probe.Rules
	for _, t := range r.Told {
		made, err := probe.CompileRules([]probe.Rule{{Service: clientService, Where: t.Where, Emit: t.Emit, With: t.With}})
		if err != nil {
			return nil, fmt.Errorf("told: %w", err)
		}
		for _, s := range t.Status {
			if n, err := strconv.Atoi(s); err != nil || n < 100 || n > 599 {
				return nil, fmt.Errorf("told: status %q, wanted one such as 201", s)
			}
		}
		rules = append(rules, made)
	}
	return func(resp cloud.Response) (string, map[string]any) {
		op := event.Operation{Service: clientService, Method: r.Method, Resource: r.Path, Request: event.Payload{Body: []byte(r.Body), Header: r.Header},
			Result: event.Result{Status: strconv.Itoa(resp.Status), OK: true, Body: resp.Body, Header: map[string]string{}}}
		for name := range maps.Keys(resp.Header) {
			op.Result.Header[name] = resp.Header.Get(name)
		}
		for i, t := range r.Told {
			if len(t.Status) > 0 && !slices.Contains(t.Status, op.Result.Status) || len(t.Status) == 0 && resp.Status >= 400 {
				continue
			}
			for _, e := range rules[i].Apply(&op) {
				params := map[string]any{}
				for _, f := range e.Data {
					params[f.Name] = f.Value
				}
				return e.Type, params
			}
		}
		return "", nil
	}, nil
}
