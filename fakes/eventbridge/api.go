package eventbridge

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/fakes/internal/pattern"
)

// request is what any of the operations asks for.
type request struct {
	Entries            []entry
	EndpointId         string
	Name, EventBusName string
	NamePrefix         string
	Event              string
	EventPattern       string
	Rule               string
}

// entry is an event to be put.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
type entry struct {
	Source, DetailType, Detail, EventBusName string
	Resources                                []string
	Time                                     *float64
	TraceHeader                              string
}

// result is what has become of one.
type result struct {
	EventId      string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

type putAnswer struct {
	FailedEntryCount int
	Entries          []result
}

// handle carries out a request.
func (b *Backend) handle(w *awswire.Request) (any, error) {
	var q request
	if err := w.Decode(&q); err != nil {
		return nil, err
	}
	b.kernel.Lock()
	defer b.kernel.Unlock()
	switch w.Operation {
	case "PutEvents":
		return b.putEvents(w, &q)
	case "TestEventPattern":
		return testPattern(&q)
	case "ListEventBuses":
		return b.listBuses(&q), nil
	case "ListRules", "DescribeRule", "ListTargetsByRule":
		return b.describe(w.Operation, &q)
	}
	return nil, &awswire.Lack{What: "EventBridge's " + w.Operation, Advice: "buses, rules and targets are declared in the scenario"}
}

// mostBytes are those of a put, counted as the guide does.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
const mostBytes = 256 << 10

func (e *entry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		n += 14
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

func invalid(message string) error {
	return &awswire.Error{Code: "ValidationException", Message: message}
}

// putEvents takes events, of which some may fail: the call succeeds all the same.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func (b *Backend) putEvents(w *awswire.Request, q *request) (any, error) {
	if q.EndpointId != "" {
		return nil, &awswire.Lack{What: "EventBridge's global endpoints", Advice: "put events without EndpointId"}
	}
	if n := len(q.Entries); n < 1 || n > 10 {
		return nil, invalid(fmt.Sprintf("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and 10, it has %d", n))
	}
	total := 0
	for i := range q.Entries {
		total += q.Entries[i].size()
		if bus := busName(q.Entries[i].EventBusName); !b.has(bus) {
			return nil, &awswire.Lack{What: "EventBridge's bus " + bus, Advice: "declare it in the scenario"}
		}
	}
	if total > mostBytes {
		return nil, invalid(fmt.Sprintf("Total size of the entries in the request is over the limit: %d bytes, of %d", total, mostBytes))
	}
	fate := b.fates[w.Call]
	delete(b.fates, w.Call)
	o := b.kernel.Origin(w.Call)
	out := putAnswer{Entries: []result{}}
	for i := range q.Entries {
		e := &q.Entries[i]
		r := e.check()
		if r.ErrorCode == "" && fate == cloud.Partial && i == len(q.Entries)-1 {
			r = result{ErrorCode: "InternalFailure", ErrorMessage: "The request processing has failed because of an unknown error, exception or failure."}
		}
		if r.ErrorCode == "" {
			bus := busName(e.EventBusName)
			r.EventId = b.put(bus, e.told(b.kernel.Now()), cloud.Numbered(o.Task.With("."+bus), o.Number, i+1), o.Root, fate == cloud.Duplicate && i == 0)
		} else {
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, r)
	}
	return out, nil
}

// busName is a bus by its name, its ARN, or the default one.
func busName(nameOrARN string) string {
	name := strings.TrimPrefix(nameOrARN, aws.BusARN(""))
	cloud.SetDefault(&name, defaultBus)
	return name
}

// check is what an event must have.
func (e *entry) check() (r result) {
	missing := func(name string) result {
		return result{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter " + name + " is not valid. Reason: " + name + " is a required argument."}
	}
	var detail map[string]json.RawMessage
	switch {
	case e.Source == "":
		return missing("Source")
	case strings.HasPrefix(e.Source, "aws."):
		return result{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	case e.DetailType == "":
		return missing("DetailType")
	case e.Detail == "":
		return missing("Detail")
	case json.Unmarshal([]byte(e.Detail), &detail) != nil || detail == nil:
		return result{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	return r
}

func (e *entry) told(now time.Time) told {
	at := now
	if e.Time != nil {
		at = time.Unix(int64(*e.Time), 0)
	}
	return told{Type: e.DetailType, Source: e.Source, Time: at.UTC().Format(time.RFC3339), Resources: e.Resources, Detail: json.RawMessage(e.Detail)}
}

// testPattern tells whether an event matches.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html
func testPattern(q *request) (any, error) {
	p, err := pattern.Compile(q.EventPattern, pattern.Event)
	if err != nil {
		return nil, &awswire.Error{Code: "InvalidEventPatternException", Message: "Event pattern is not valid. Reason: " + err.Error()}
	}
	v, err := pattern.Decode([]byte(q.Event))
	if _, object := v.(map[string]any); err != nil || !object {
		return nil, invalid("Parameter Event is not valid.")
	}
	return map[string]bool{"Result": p.Matches(v)}, nil
}

func (b *Backend) listBuses(q *request) any {
	type bus struct{ Name, Arn string }
	out := []bus{}
	for _, name := range b.service.buses {
		if strings.HasPrefix(name, q.NamePrefix) {
			out = append(out, bus{name, aws.BusARN(name)})
		}
	}
	return map[string]any{"EventBuses": out}
}

// ruleAnswer is a rule as it is told.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Rule.html
type ruleAnswer struct {
	Name, Arn, State, EventBusName   string
	EventPattern, ScheduleExpression string `json:",omitempty"`
}

// describe tells of rules and their targets.
func (b *Backend) describe(operation string, q *request) (any, error) {
	bus, rules := busName(q.EventBusName), []ruleAnswer{}
	for _, r := range b.rules {
		if r.Bus != bus {
			continue
		}
		told := ruleAnswer{r.Name, r.arn(), "ENABLED", r.Bus, r.Pattern, r.Rule.Schedule}
		switch {
		case operation == "ListRules":
			if strings.HasPrefix(r.Name, q.NamePrefix) {
				rules = append(rules, told)
			}
		case operation == "DescribeRule" && r.Name == q.Name:
			return told, nil
		case operation == "ListTargetsByRule" && r.Name == q.Rule:
			return r.told(), nil
		}
	}
	if operation == "ListRules" {
		return map[string]any{"Rules": rules}, nil
	}
	return nil, &awswire.Error{Code: "ResourceNotFoundException", Message: "Rule " + q.Name + q.Rule + " does not exist on EventBus " + bus + "."}
}

func (r *rule) told() any {
	type one struct{ Id, Arn string }
	out := []one{}
	for _, t := range r.targets {
		out = append(out, one{t.id, t.destination()})
	}
	return map[string]any{"Targets": out}
}
