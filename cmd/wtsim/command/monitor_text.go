package command

import (
	"bufio"
	"encoding/json"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
)

// toldViolation is a violation object, as it is read.
type toldViolation struct {
	ID        string          `json:"id"`
	Property  string          `json:"property"`
	Binding   json.RawMessage `json:"binding"`
	Certainty string          `json:"certainty"`
	Source    string          `json:"source"`
	Event     string          `json:"event"`
	Time      time.Time       `json:"time"`
	Witness   []toldStep      `json:"witness"`
	Counter   []toldStep      `json:"counter"`
	Flips     *struct {
		At string          `json:"at"`
		To monitor.Outcome `json:"to"`
	} `json:"flips"`
}

type toldStep struct{ Source, ID, Type, To string }

// violationText is a violation for people, as check prints it.
func violationText(object []byte) (string, error) {
	var x toldViolation
	if err := json.Unmarshal(object, &x); err != nil {
		return "", err
	}
	v := monitor.Violation{
		Property: x.Property, Certainty: monitor.Certainty(x.Certainty), Witness: steps(x.Witness), Counter: steps(x.Counter),
		Event: event.Event{Source: x.Source, ID: x.Event, Time: x.Time},
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(x.Binding, &values); err != nil {
		return "", err
	}
	var bound event.Data
	for name, text := range values { // With sorts
		value, err := event.ParseValue(text)
		if err != nil {
			return "", err
		}
		bound = bound.With(name, value)
	}
	v.Binding = monitor.Binding(bound)
	if x.Flips != nil {
		at, err := time.ParseDuration(x.Flips.At)
		if err != nil {
			return "", err
		}
		v.Flips = monitor.Flip{At: at, To: x.Flips.To}
	}
	var b strings.Builder
	r := &textReport{Writer: bufio.NewWriter(&b)}
	r.violation(v)
	err := r.flush()
	return b.String(), err
}

func steps(told []toldStep) (all []monitor.WitnessEvent) {
	for _, s := range told {
		all = append(all, monitor.WitnessEvent(s))
	}
	return all
}
