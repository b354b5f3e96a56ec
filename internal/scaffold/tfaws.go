package scaffold

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// kindsOfAWS are the resources of Terraform's provider of AWS of which a scenario
// has something; those without a function are read with others.
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs
var kindsOfAWS = map[string]func(*plan, *resource){
	"aws_lambda_function":                     (*plan).lambda,
	"aws_lambda_event_source_mapping":         (*plan).mapping,
	"aws_lambda_function_url":                 (*plan).functionURL,
	"aws_lambda_function_event_invoke_config": (*plan).invokeConfig,
	"aws_sqs_queue":                           (*plan).sqs,
	"aws_sqs_queue_redrive_policy":            (*plan).redrive,
	"aws_dynamodb_table":                      (*plan).table,
	"aws_s3_bucket":                           func(p *plan, r *resource) { p.aws.Buckets = append(p.aws.Buckets, Bucket{Name: r.name}) },
	"aws_s3_bucket_versioning":                (*plan).versioning,
	"aws_s3_bucket_notification":              (*plan).notification,
	"aws_apigatewayv2_route":                  (*plan).apiRoute,
	"aws_apigatewayv2_api":                    nil,
	"aws_apigatewayv2_integration":            nil,
	"aws_apigatewayv2_stage":                  nil,
	"aws_cloudwatch_event_rule":               (*plan).eventRule,
	"aws_cloudwatch_event_target":             (*plan).eventTarget,
	"aws_scheduler_schedule":                  (*plan).schedule,
	"aws_secretsmanager_secret": func(p *plan, r *resource) {
		p.aws.Secrets = append(p.aws.Secrets, Value{Name: r.name, Value: "example"})
	},
	"aws_ssm_parameter": (*plan).ssm,
	"aws_kms_alias":     func(p *plan, r *resource) { p.aws.Keys = append(p.aws.Keys, r.name) },
}

const (
	tfFunction = "aws_lambda_function"
	tfQueue    = "aws_sqs_queue"
	tfTable    = "aws_dynamodb_table"
	tfBucket   = "aws_s3_bucket"
)

// whyNot says why a resource of AWS is not taken over.
func whyNot(kind string) string {
	switch {
	case strings.HasPrefix(kind, "aws_iam_"), kind == "aws_lambda_permission", strings.HasSuffix(kind, "_policy"), strings.HasSuffix(kind, "_public_access_block"):
		return "nobody is kept out in a run"
	case strings.HasPrefix(kind, "aws_api_gateway_"):
		return "routes of a REST API are not taken over; write down front: rest-api and its routes"
	}
	return notHere
}

// arn is that of a resource in a run.
func (r *resource) arn() string {
	switch r.kind {
	case tfFunction:
		return arnOf("lambda", "function:"+r.name)
	case tfQueue:
		return arnOf("sqs", r.name)
	case tfTable:
		return arnOf("dynamodb", "table/"+r.name)
	case tfBucket:
		return "arn:aws:s3:::" + r.name
	}
	return ""
}

// arnAt is the ARN that a value is, or of what its expression refers to.
func (p *plan) arnAt(r *resource, steps ...any) string {
	if text := r.values.at(steps...).text(); text != "" {
		return text
	}
	if to := p.refers(r, r.said.at(steps...), tfFunction, tfQueue, tfTable, tfBucket); to != nil {
		return to.arn()
	}
	return ""
}

func (p *plan) lambda(r *resource) {
	v := r.values
	x := deployed{name: r.name, lambda: true, names: []string{r.label(), r.name}, env: map[string]string{}}
	x.Timeout, x.MaxInstances = v.at("timeout").seconds(), max(v.at("reserved_concurrent_executions").number(), 0)
	for _, a := range p.archives {
		if a.at("output_path").text() == v.at("filename").text() {
			x.code = append(x.code, nonEmpty(strings.TrimSuffix(a.at("source_file").text(), "/bootstrap"), a.at("source_dir").text())...)
		}
	}
	x.code = append(x.code, nonEmpty(v.at("filename").text(), v.at("s3_key").text(), handlerPath(tree{map[string]any{"Handler": v.at("handler").text()}}))...)
	env := v.at("environment", 0, "variables")
	for _, name := range env.names() {
		x.env[name] = env.at(name).text()
	}
	p.computed(r, x.env)
	if dead := p.arnAt(r, "dead_letter_config", 0, "target_arn"); dead != "" {
		p.aws.Async = append(p.aws.Async, Async{Program: r.name, DeadLetter: dead})
	}
	for _, key := range []string{"layers", "vpc_config", "file_system_config"} {
		if len(v.at(key).list()) > 0 {
			p.leave(r.address, "its "+key)
		}
	}
	p.services = append(p.services, x)
}

// computed fills in the variables whose values are known once a resource is
// there: an expression tells what all of them refer to, not which does what, so
// that one is taken for a variable if it is the only one, or the only one whose
// name the variable has in its own.
func (p *plan) computed(r *resource, env map[string]string) {
	var to []*resource
	for _, ref := range r.said.at("environment", 0, "variables", "references").texts() {
		switch ref[strings.LastIndex(ref, ".")+1:] {
		case "url", "id", "arn":
			if x := p.refers(r, tree{map[string]any{"references": []any{ref}}}, tfFunction, tfQueue, tfTable, tfBucket); x != nil && !slices.Contains(to, x) {
				to = append(to, x)
			}
		}
	}
	unknowns := r.unknown.at("environment", 0, "variables").names()
	for _, name := range unknowns {
		var fits []*resource
		for _, x := range to {
			parts := strings.FieldsFunc(x.label(), func(c rune) bool { return c == '_' || c == '-' })
			if len(to) == 1 && len(unknowns) == 1 || slices.ContainsFunc(parts, func(s string) bool { return len(s) > 2 && strings.Contains(strings.ToLower(name), s) }) {
				fits = append(fits, x)
			}
		}
		switch {
		case len(fits) != 1:
			p.leave(r.address, "the variable "+name+" of its environment has no value before it is deployed")
		case fits[0].kind == tfQueue && !strings.HasSuffix(name, "ARN"):
			env[name] = "https://sqs." + region + ".amazonaws.com/" + account + "/" + fits[0].name
		case strings.HasSuffix(name, "ARN"):
			env[name] = fits[0].arn()
		default:
			env[name] = fits[0].name
		}
	}
}

func (r *resource) label() string {
	return strings.ToLower(index.ReplaceAllString(r.address[strings.LastIndex(r.address, ".")+1:], ""))
}

// functionAt is the function that a value names, or its expression refers to.
func (p *plan) functionAt(r *resource, steps ...any) string {
	if to := p.refers(r, r.said.at(steps...), tfFunction); to != nil {
		return to.name
	}
	return functionIn(r.values.at(steps...).text())
}

func (p *plan) mapping(r *resource) {
	v := r.values
	m := mapping{arn: p.arnAt(r, "event_source_arn"), batch: v.at("batch_size").number(), window: v.at("maximum_batching_window_in_seconds").number(),
		concurrency: v.at("scaling_config", 0, "maximum_concurrency").number(), reports: slices.Contains(v.at("function_response_types").texts(), "ReportBatchItemFailures"),
		bisect: v.at("bisect_batch_on_function_error").yes(), hasRetries: v.at("maximum_retry_attempts").v != nil, retries: v.at("maximum_retry_attempts").number(),
		maxAge: v.at("maximum_record_age_in_seconds").number(), onFailure: p.arnAt(r, "destination_config", 0, "on_failure", 0, "destination_arn")}
	on, ok := m.on()
	switch {
	case !ok:
		p.leave(r.address, "it is not known, or not there, what it takes from")
	case v.at("enabled").v == false:
		p.leave(r.address, "it is not enabled")
	case !p.invokes(p.functionAt(r, "function_name"), on):
		p.leave(r.address, "it is not known which function it invokes")
	}
	for _, key := range []string{"filter_criteria", "parallelization_factor", "tumbling_window_in_seconds"} {
		if said := v.at(key); len(said.list()) > 0 || said.number() > 1 {
			p.leave(r.address, "its "+key)
		}
	}
}

func (p *plan) functionURL(r *resource) {
	name := p.functionAt(r, "function_name")
	i := slices.IndexFunc(p.services, func(x deployed) bool { return x.name == name })
	if i < 0 {
		p.leave(r.address, "it is not known which function it is of")
	} else if p.services[i].Front == "" {
		p.services[i].Front = "function-url"
	}
}

func (p *plan) invokeConfig(r *resource) {
	a := Async{Program: p.functionAt(r, "function_name"), MaxAge: r.values.at("maximum_event_age_in_seconds").seconds()}
	if retries := r.values.at("maximum_retry_attempts"); retries.v != nil {
		n := retries.number()
		if n == 0 {
			n = -1
		}
		a.Retries = &n
	}
	a.OnSuccess, a.OnFailure = p.arnAt(r, "destination_config", 0, "on_success", 0, "destination"), p.arnAt(r, "destination_config", 0, "on_failure", 0, "destination")
	p.aws.Async = append(p.aws.Async, a)
}

func (p *plan) sqs(r *resource) {
	v := r.values
	q := SQSQueue{Name: r.name, Visibility: v.at("visibility_timeout_seconds").seconds(), Delay: v.at("delay_seconds").seconds(), Wait: v.at("receive_wait_time_seconds").seconds(),
		Retention: v.at("message_retention_seconds").seconds(), ByContent: v.at("content_based_deduplication").yes()}
	q.DeadLetter, q.MaxReceives = p.redriven(r)
	p.aws.Queues = append(p.aws.Queues, q)
}

// redriven is where messages go that are received too often. A policy that refers
// to a queue is not known before that is there, and how often it says is not in a
// plan: the service's guide wants five at least for a queue that invokes a function.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
func (p *plan) redriven(r *resource) (queue string, receives int) {
	if policy, err := tagged([]byte(r.values.at("redrive_policy").text())); err == nil && policy.v != nil {
		_, queue = ofARN(policy.at("deadLetterTargetArn").text())
		return queue, policy.at("maxReceiveCount").number()
	}
	if to := p.refers(r, r.said.at("redrive_policy"), tfQueue); to != nil {
		p.leave(r.address, "the maxReceiveCount of its redrive_policy, which a plan does not have: 5 is taken")
		return to.name, 5
	}
	return "", 0
}

func (p *plan) redrive(r *resource) {
	of := p.refers(r, r.said.at("queue_url"), tfQueue)
	i := slices.IndexFunc(p.aws.Queues, func(q SQSQueue) bool { return of != nil && q.Name == of.name })
	if i < 0 {
		p.leave(r.address, "it is not known of which queue it is")
		return
	}
	p.aws.Queues[i].DeadLetter, p.aws.Queues[i].MaxReceives = p.redriven(r)
}

func (p *plan) table(r *resource) {
	types := map[string]string{}
	for _, a := range r.values.at("attribute").list() {
		types[a.at("name").text()] = a.at("type").text()
	}
	keys := func(of tree) string {
		hash, sort := of.at("hash_key").text(), of.at("range_key").text()
		if sort == "" {
			return hash + " " + types[hash]
		}
		return hash + " " + types[hash] + ", " + sort + " " + types[sort]
	}
	t := Table{Name: r.name, Keys: keys(r.values)}
	if r.values.at("stream_enabled").yes() {
		t.Stream = r.values.at("stream_view_type").text()
	}
	if ttl := r.values.at("ttl", 0); ttl.at("enabled").yes() {
		t.TTL = ttl.at("attribute_name").text()
	}
	for _, kind := range []string{"global_secondary_index", "local_secondary_index"} {
		for _, x := range r.values.at(kind).list() {
			i := TableIndex{Name: x.at("name").text(), Local: kind == "local_secondary_index", Projects: x.at("projection_type").text()}
			if i.Keys = keys(x); i.Local {
				hash := r.values.at("hash_key").text()
				i.Keys = fmt.Sprintf("%s %s, %s %s", hash, types[hash], x.at("range_key").text(), types[x.at("range_key").text()])
			}
			switch i.Projects {
			case "ALL":
				i.Projects = ""
			case "INCLUDE":
				i.Projects = strings.Join(x.at("non_key_attributes").texts(), ", ")
			}
			t.Indexes = append(t.Indexes, i)
		}
	}
	p.aws.Tables = append(p.aws.Tables, t)
}

// bucketAt is the bucket that something is of.
func (p *plan) bucketAt(r *resource) string {
	if to := p.refers(r, r.said.at("bucket"), tfBucket); to != nil {
		return to.name
	}
	return r.values.at("bucket").text()
}

func (p *plan) versioning(r *resource) {
	name := p.bucketAt(r)
	for i := range p.aws.Buckets {
		if b := &p.aws.Buckets[i]; b.Name == name {
			b.Versioned = r.values.at("versioning_configuration", 0, "status").text() == "Enabled"
		}
	}
}

func (p *plan) notification(r *resource) {
	for i, n := range r.values.at("lambda_function").list() {
		on := bucketOn(p.bucketAt(r), n.at("events"), tree{})
		on.Prefix, on.Suffix = n.at("filter_prefix").text(), n.at("filter_suffix").text()
		if !p.invokes(p.functionAt(r, "lambda_function", i, "lambda_function_arn"), on) {
			p.leave(r.address, "it is not known which function it tells")
		}
	}
	for _, key := range []string{"queue", "topic", "eventbridge"} {
		if said := r.values.at(key); len(said.list()) > 0 || said.yes() {
			p.leave(r.address, "its "+key)
		}
	}
}

func (p *plan) apiRoute(r *resource) {
	name := ""
	if to := p.refers(r, r.said.at("target"), "aws_apigatewayv2_integration"); to != nil {
		name = p.functionAt(to, "integration_uri")
	}
	i := slices.IndexFunc(p.services, func(x deployed) bool { return x.name == name })
	if i < 0 || !p.services[i].behind("http-api", r.values.at("route_key").text()) {
		p.leave(r.address, "the route "+r.values.at("route_key").text()+": it is not known which function it invokes")
	}
}

// eventRule names a rule with a pattern; one with a schedule is its targets'.
func (p *plan) eventRule(r *resource) {
	if r.values.at("event_pattern").text() != "" {
		p.leave(r.address, "its event_pattern: "+notHere)
	}
}

func (p *plan) eventTarget(r *resource) {
	name := r.values.at("rule").text()
	if to := p.refers(r, r.said.at("rule"), "aws_cloudwatch_event_rule"); to != nil {
		name = to.name
	}
	for i := range p.resources {
		rule := &p.resources[i]
		if rule.kind != "aws_cloudwatch_event_rule" || rule.name != name {
			continue
		}
		switch service, function := ofARN(p.arnAt(r, "arn")); {
		case rule.values.at("schedule_expression").text() == "":
		case service != "lambda":
			p.leave(r.address, "it is no function that it invokes: "+notHere)
		default:
			p.scheduled(Schedule{Name: name, Program: function, Expression: rule.values.at("schedule_expression").text(), Input: r.values.at("input").text()})
		}
		return
	}
	p.leave(r.address, "it is not known of which rule it is")
}

func (p *plan) schedule(r *resource) {
	v := r.values
	at := Schedule{Name: r.name, Expression: v.at("schedule_expression").text(), Input: v.at("target", 0, "input").text(), Zone: cmp.Or(v.at("schedule_expression_timezone").text(), "UTC")}
	if w := v.at("flexible_time_window", 0); w.at("mode").text() == "FLEXIBLE" {
		at.Window = fmt.Sprintf("%dm", w.at("maximum_window_in_minutes").number())
	}
	service, function := ofARN(p.arnAt(r, "target", 0, "arn"))
	switch {
	case service != "lambda":
		p.leave(r.address, "it is no function that it invokes: "+notHere)
	case v.at("state").text() == "DISABLED":
		p.leave(r.address, "it is not enabled")
	default:
		at.Program = function
		p.scheduled(at)
	}
}

func (p *plan) ssm(r *resource) {
	value := r.values.at("value").text()
	if value == "" {
		value = "example"
	}
	p.aws.Parameters = append(p.aws.Parameters, Value{Name: r.name, Value: value, Secure: r.values.at("type").text() == "SecureString"})
}
