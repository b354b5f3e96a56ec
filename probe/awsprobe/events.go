package awsprobe

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// describeEvents names the bus that an operation of EventBridge is of; of a put
// to several all of them, with blanks between. The resource of a list of buses is
// "*". What the details of events hold shows.
func describeEvents(_ Target, _ Keys, op *event.Operation) {
	op.Fails = eventsFails
	switch {
	case op.Method == "PutEvents":
		op.Access = event.Writes
	case strings.HasPrefix(op.Method, "Describe"), strings.HasPrefix(op.Method, "List"), strings.HasPrefix(op.Method, "Test"):
		op.Access = event.Reads
	}
	q := canonical(op)
	if q == nil {
		return
	}
	entries, _ := q["Entries"].([]any)
	buses, shown := []string{}, false
	for _, e := range entries {
		if m, ok := e.(map[string]any); ok {
			shown = showJSON(m, "Detail") || shown
			buses = append(buses, bus(m["EventBusName"]))
		}
	}
	if text, err := json.Marshal(q); err == nil && shown {
		op.Request.Body = text
	}
	name := q.text("EventBusName")
	if name == "" && strings.HasSuffix(op.Method, "EventBus") {
		name = q.text("Name")
	}
	switch {
	case len(buses) > 0:
		slices.Sort(buses)
		op.Resource = resources(slices.Compact(buses))
	case strings.HasPrefix(op.Method, "List") && name == "":
		op.Resource = "*"
	default:
		op.Resource = escape(bus(name))
	}
}

// bus is the name of a bus, which requests name by it, by its ARN, or not at all.
func bus(v any) string {
	name, _ := v.(string)
	if i := strings.LastIndex(name, "event-bus/"); i >= 0 && strings.HasPrefix(name, "arn:") {
		name = name[i+len("event-bus/"):]
	}
	if name == "" {
		return "default"
	}
	return name
}

// eventsFails are refusals that are retried.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html#API_PutEvents_Errors
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html
var eventsFails = []string{"InternalException", "ThrottlingException"}
