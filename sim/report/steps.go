package report

import (
	"time"

	"github.com/wtsim/wtsim/event"
)

// StepLine is a line of `wtsim trace --json`.
type StepLine struct {
	Kind     string        `json:"kind"` // "step"
	Time     string        `json:"time"`
	Identity string        `json:"identity"`
	Task     string        `json:"task,omitempty"`
	Function string        `json:"function,omitempty"`
	Instance string        `json:"instance,omitempty"`
	What     string        `json:"what"`
	Status   string        `json:"status,omitempty"`
	Events   []event.Event `json:"events,omitempty"`
	Output   string        `json:"output,omitempty"`
}

// Line is the row as a line of JSON.
func (r *Row) Line() StepLine {
	return StepLine{Kind: "step", Time: r.Time.Format(time.RFC3339Nano), Identity: r.Identity, Task: r.Task.Text,
		Function: r.Function, Instance: r.Instance, What: r.What, Status: r.Status, Events: r.Events, Output: r.Output}
}
