package command

import (
	"encoding/json"
	"fmt"

	"github.com/wtsim/wtsim/monitor"
)

// statsObject is what `check --stats --json` prints for a property.
type statsObject struct {
	Kind      string `json:"kind"` // "stats"
	Property  string `json:"property"`
	Events    int    `json:"events"`
	Malformed int    `json:"malformed"`
	Late      int    `json:"late"`
	Created   int    `json:"created"`
	Settled   int    `json:"settled"`
	Expired   int    `json:"expired"`
	Live      int    `json:"live"`
}

func (r *jsonReport) stats(all []monitor.PropertyStats) {
	for _, s := range all {
		r.object(statsObject{"stats", s.Property, s.Events, s.Malformed, s.Late, s.Created, s.Settled, s.Expired, s.Instances})
	}
}

// object prints an object of strings and numbers.
func (r *jsonReport) object(x any) {
	b, err := json.Marshal(x)
	if err != nil {
		panic("command: reports are made of strings and numbers: " + err.Error())
	}
	fmt.Fprintf(r, "%s\n", b)
}

func (r *textReport) stats(all []monitor.PropertyStats) {
	for _, s := range all {
		fmt.Fprintf(r, "property %q: %s, %d malformed, %d late; %s: %d settled, %d expired, %d live\n", s.Property,
			counted(s.Events, "event"), s.Malformed, s.Late, counted(s.Created, "instance"), s.Settled, s.Expired, s.Instances)
	}
}

// coverageObject is what `check --coverage --json` prints for a property:
// how much there is, how much of it was used, and what was not.
type coverageObject struct {
	Kind              string             `json:"kind"` // "coverage"
	Property          string             `json:"property"`
	CanFail           bool               `json:"can_fail"`
	Types             int                `json:"types"`
	States            int                `json:"states"`
	Transitions       int                `json:"transitions"`
	UnusedTypes       []string           `json:"unused_types"`
	UnusedStates      []string           `json:"unused_states"`
	UnusedTransitions []transitionObject `json:"unused_transitions"`
}

type transitionObject struct {
	From  string `json:"from"`
	Event string `json:"event"`
	To    string `json:"to"`
}

// unused lists what no event used.
func unused(c monitor.Coverage) coverageObject {
	o := coverageObject{
		Kind: "coverage", Property: c.Property, CanFail: c.CanFail,
		Types: len(c.Types), States: len(c.States), Transitions: len(c.Transitions),
		UnusedTypes: []string{}, UnusedStates: []string{}, UnusedTransitions: []transitionObject{},
	}
	for _, t := range c.Types {
		if t.Events == 0 {
			o.UnusedTypes = append(o.UnusedTypes, t.Type)
		}
	}
	for _, s := range c.States {
		if !s.Reached {
			o.UnusedStates = append(o.UnusedStates, s.State)
		}
	}
	for _, t := range c.Transitions {
		if !t.Taken {
			o.UnusedTransitions = append(o.UnusedTransitions, transitionObject{t.From, t.Event, t.To})
		}
	}
	return o
}

func (r *jsonReport) coverage(all []monitor.Coverage) {
	for _, c := range all {
		r.object(unused(c))
	}
}

func (r *textReport) coverage(all []monitor.Coverage) {
	for _, c := range all {
		u := unused(c)
		fmt.Fprintf(r, "property %q: events used %d of %s, %d of %s, %d of %s\n", c.Property,
			u.Types-len(u.UnusedTypes), counted(u.Types, "event type"), u.States-len(u.UnusedStates), counted(u.States, "state"),
			u.Transitions-len(u.UnusedTransitions), counted(u.Transitions, "transition"))
		if !c.CanFail {
			fmt.Fprintln(r, "  cannot fail: no events lead to a violation")
		}
		for _, t := range u.UnusedTypes {
			fmt.Fprintf(r, "  no event of type %s\n", t)
		}
		for _, s := range u.UnusedStates {
			fmt.Fprintf(r, "  never in state %s\n", s)
		}
		for _, t := range u.UnusedTransitions {
			fmt.Fprintf(r, "  never from %s by %s to %s\n", t.From, t.Event, t.To)
		}
	}
}
