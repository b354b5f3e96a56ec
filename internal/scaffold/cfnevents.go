package scaffold

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// mappingKeys are the properties of event source mappings that are taken over.
const mappingKeys = "BatchSize MaximumBatchingWindowInSeconds FunctionResponseTypes ScalingConfig StartingPosition MaximumRetryAttempts MaximumRecordAgeInSeconds BisectBatchOnFunctionError DestinationConfig"

// eventKeys are what is taken over of events in SAM.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventsource.html
var eventKeys = map[string]string{
	"Api": "Path Method RestApiId", "HttpApi": "Path Method ApiId PayloadFormatVersion", "S3": "Bucket Events Filter",
	"SQS": "Queue Enabled " + mappingKeys, "DynamoDB": "Stream Enabled " + mappingKeys,
	"Schedule": "Schedule Name Input Enabled Description", "ScheduleV2": "ScheduleExpression ScheduleExpressionTimezone FlexibleTimeWindow Name Input State Description",
}

// event takes over what invokes a function.
func (s *stack) event(id string, x *deployed, name string, e tree) {
	kind, p := e.at("Type").text(), e.at("Properties")
	what := id + ": its event " + name
	read, ok := eventKeys[kind]
	if !ok {
		s.leave(s.prefix+what, kind+": "+notHere)
		return
	}
	taken := true
	switch kind {
	case "Api":
		taken = x.behind("rest-api", route(p.at("Method").text(), p.at("Path").text()))
	case "HttpApi":
		r := "$default"
		if p.at("Path").v != nil {
			r = route(p.at("Method").text(), p.at("Path").text())
		}
		taken = x.behind("http-api", r)
	case "S3":
		on := bucketOn(p.at("Bucket").text(), p.at("Events"), p.at("Filter", "S3Key", "Rules"))
		taken = on.Bucket != ""
		x.on = append(x.on, on)
	case "SQS", "DynamoDB":
		var on On
		if on, taken = mappingOf(p, p.at("Queue").text()+p.at("Stream").text()).on(); taken && enabled(p) {
			x.on = append(x.on, on)
		}
	case "Schedule", "ScheduleV2":
		if enabled(p) {
			at := Schedule{Name: p.at("Name").text(), Program: x.name, Expression: p.at("Schedule").text() + p.at("ScheduleExpression").text(), Input: p.at("Input").text()}
			if kind == "ScheduleV2" {
				at.ofScheduler(p)
			}
			s.scheduled(at)
		}
	}
	if !taken {
		s.leave(s.prefix+what, kind+" of "+spelled(p.v))
		return
	}
	if !enabled(p) {
		s.leave(s.prefix+what, "it is not enabled")
	}
	s.rest(what, p, read)
}

func enabled(p tree) bool { return p.at("Enabled").v != false && p.at("State").text() != "DISABLED" }

// behind puts a route of an API before a function; false if something else stands
// there.
func (x *deployed) behind(front, route string) bool {
	if x.Front != "" && x.Front != front {
		return false
	}
	x.Front = front
	x.FrontRoutes = append(x.FrontRoutes, route)
	return true
}

// bucketOn is a notification of a bucket.
func bucketOn(bucket string, events, rules tree) On {
	on := On{Bucket: bucket, BucketEvents: events.texts()}
	if one := events.text(); len(on.BucketEvents) == 0 && one != "" {
		on.BucketEvents = []string{one}
	}
	if slices.Equal(on.BucketEvents, []string{"s3:ObjectCreated:*"}) {
		on.BucketEvents = nil
	}
	for _, rule := range rules.list() {
		switch strings.ToLower(rule.at("Name").text()) {
		case "prefix":
			on.Prefix = rule.at("Value").text()
		case "suffix":
			on.Suffix = rule.at("Value").text()
		}
	}
	return on
}

func mappingOf(p tree, arn string) mapping {
	return mapping{arn: arn, batch: p.at("BatchSize").number(), window: p.at("MaximumBatchingWindowInSeconds").number(), concurrency: p.at("ScalingConfig", "MaximumConcurrency").number(),
		reports: slices.Contains(p.at("FunctionResponseTypes").texts(), "ReportBatchItemFailures"), bisect: p.at("BisectBatchOnFunctionError").yes(),
		hasRetries: p.at("MaximumRetryAttempts").v != nil, retries: p.at("MaximumRetryAttempts").number(), maxAge: p.at("MaximumRecordAgeInSeconds").number(),
		onFailure: p.at("DestinationConfig", "OnFailure", "Destination").text()}
}

// scheduled adds a schedule; what a rate is not is for the one who reads the file
// to say.
func (d *deployment) scheduled(x Schedule) {
	if x.Name == "" {
		x.Name = x.Program
	}
	d.aws.Schedules = append(d.aws.Schedules, x)
}

// ofScheduler makes it a schedule of EventBridge Scheduler, with its time zone and
// window.
func (x *Schedule) ofScheduler(p tree) {
	x.Zone = cmp.Or(p.at("ScheduleExpressionTimezone").text(), "UTC")
	if w := p.at("FlexibleTimeWindow"); w.at("Mode").text() == "FLEXIBLE" {
		x.Window = fmt.Sprintf("%dm", w.at("MaximumWindowInMinutes").number())
	}
}

// invoked gives a function what invokes it.
func (d *deployment) invokes(function string, on On) bool {
	i := slices.IndexFunc(d.services, func(x deployed) bool { return x.name == function })
	if i >= 0 {
		d.services[i].on = append(d.services[i].on, on)
	}
	return i >= 0
}

func (s *stack) mapping(id string, p tree) {
	on, ok := mappingOf(p, p.at("EventSourceArn").text()).on()
	function := functionIn(p.at("FunctionName").text())
	switch {
	case !ok:
		s.leave(s.prefix+id, "it is of "+spelled(p.at("EventSourceArn").v)+": "+notHere)
	case !enabled(p):
		s.leave(s.prefix+id, "it is not enabled")
	case !s.invokes(function, on):
		s.leave(s.prefix+id, "it is not known which function it invokes")
	}
}

func (s *stack) invokeConfig(_ string, p tree) {
	s.aws.Async = append(s.aws.Async, asyncOf(functionIn(p.at("FunctionName").text()), p))
}

func (s *stack) url(id string, p tree) {
	function := functionIn(p.at("TargetFunctionArn").text())
	i := slices.IndexFunc(s.services, func(x deployed) bool { return x.name == function })
	if i < 0 {
		s.leave(s.prefix+id, "it is not known which function it is of")
		return
	}
	if s.services[i].Front == "" {
		s.services[i].Front = "function-url"
	}
}

// rule is a schedule of EventBridge's; what has a pattern is not there.
func (s *stack) rule(id string, p tree) {
	if p.at("ScheduleExpression").v == nil {
		return // whose pattern is named
	}
	for _, target := range p.at("Targets").list() {
		s.tick(id, p, target, Schedule{})
	}
}

func (s *stack) schedule(id string, p tree) {
	at := Schedule{}
	at.ofScheduler(p)
	s.tick(id, p, p.at("Target"), at)
}

func (s *stack) tick(id string, p, target tree, at Schedule) {
	service, function := ofARN(target.at("Arn").text())
	switch {
	case service != "lambda":
		s.leave(s.prefix+id, "its target "+spelled(target.at("Arn").v)+": "+notHere)
	case !enabled(p):
		s.leave(s.prefix+id, "it is not enabled")
	default:
		at.Name, at.Program, at.Expression, at.Input = s.names[id], function, p.at("ScheduleExpression").text(), target.at("Input").text()
		s.scheduled(at)
	}
}

func (s *stack) apiRoute(id string, p tree) {
	integration := strings.TrimPrefix(p.at("Target").text(), "integrations/")
	uri := tree{s.value(s.resources[integration].at("Properties", "IntegrationUri").v)}.text()
	i := slices.IndexFunc(s.services, func(x deployed) bool { return x.name == functionIn(uri) })
	if i < 0 || !s.services[i].behind("http-api", p.at("RouteKey").text()) {
		s.leave(s.prefix+id, fmt.Sprintf("the route %s: it is not known which function it invokes", p.at("RouteKey").text()))
	}
}
