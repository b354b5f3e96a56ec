package scaffold

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// plan is what terraform show -json prints of a plan.
// https://developer.hashicorp.com/terraform/internals/json-format
type plan struct {
	*deployment
	resources []resource
	config    map[string]tree // expressions by address, without indices
	unknown   map[string]tree // what is known once it is deployed, by address
	archives  []tree          // of code
}

type resource struct {
	address, kind, name string
	values              tree
	said, unknown       tree // its expressions, and what they do not tell yet
}

// terraform reads a plan.
func (d *deployment) terraform(text []byte) error {
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		return fmt.Errorf("it is no JSON: %w", err)
	}
	if (tree{whole}).at("planned_values").v == nil {
		return errors.New("it is no plan, wanted what terraform show -json prints of one")
	}
	p := &plan{deployment: d, config: map[string]tree{}, unknown: map[string]tree{}}
	for _, c := range (tree{whole}).at("resource_changes").list() {
		p.unknown[c.at("address").text()] = c.at("change", "after_unknown")
	}
	for _, r := range (tree{whole}).at("prior_state", "values", "root_module", "resources").list() {
		if r.at("type").text() == "archive_file" {
			p.archives = append(p.archives, r.at("values"))
		}
	}
	p.configured("", tree{whole}.at("configuration", "root_module"))
	p.planned(tree{whole}.at("planned_values", "root_module"))
	for pass := range 3 { // services before what invokes them, and stores before what is said of them
		for i := range p.resources {
			if r := &p.resources[i]; p.pass(r) == pass {
				p.take(r)
			}
		}
	}
	return nil
}

func (p *plan) pass(r *resource) int {
	switch {
	case slices.Contains(runs, r.kind), r.kind == tfFunction:
		return 0
	case r.kind == tfQueue, r.kind == tfBucket:
		return 1
	}
	return 2
}

func (p *plan) configured(prefix string, module tree) {
	for _, r := range module.at("resources").list() {
		p.config[prefix+r.at("address").text()] = r.at("expressions")
	}
	for _, name := range module.at("module_calls").names() {
		p.configured(prefix+"module."+name+".", module.at("module_calls", name, "module"))
	}
}

var index = regexp.MustCompile(`\[[^\]]*\]`)

func (p *plan) planned(module tree) {
	for _, r := range module.at("resources").list() {
		if r.at("mode").text() == "data" {
			continue
		}
		x := resource{address: r.at("address").text(), kind: r.at("type").text(), values: r.at("values")}
		x.said, x.unknown = p.config[index.ReplaceAllString(x.address, "")], p.unknown[x.address]
		if x.name = x.values.at(cmp.Or(namedBy[x.kind], "name")).text(); x.name == "" {
			x.name = r.at("name").text()
		}
		p.resources = append(p.resources, x)
	}
	for _, m := range module.at("child_modules").list() {
		p.planned(m)
	}
}

// namedBy are the attributes that name resources, where it is not their name.
var namedBy = map[string]string{tfFunction: "function_name", tfBucket: "bucket"}

// kinds are the resources of which a scenario has something.
var kinds = map[string]func(*plan, *resource){
	"google_cloud_run_v2_service":     (*plan).cloudRun,
	"google_cloud_run_service":        (*plan).cloudRun1,
	"google_cloudfunctions2_function": (*plan).function,
	"google_cloudfunctions_function":  (*plan).function1,
	"google_pubsub_topic":             func(p *plan, r *resource) { p.topics = append(p.topics, r.name) },
	"google_pubsub_subscription":      (*plan).subscription,
	"google_cloud_tasks_queue":        (*plan).queue,
	"google_cloud_scheduler_job":      (*plan).job,
	"google_storage_bucket":           func(p *plan, r *resource) { p.buckets = append(p.buckets, r.name) },
	"google_redis_instance":           func(p *plan, _ *resource) { p.redis = true },
	"google_eventarc_trigger":         (*plan).eventarc,
}

func (p *plan) take(r *resource) {
	ofAWS, known := kindsOfAWS[r.kind]
	switch take := kinds[r.kind]; {
	case take != nil:
		take(p, r)
	case ofAWS != nil:
		ofAWS(p, r)
	case known: // others read it
	case strings.HasPrefix(r.kind, "aws_"):
		p.leave(r.address, whyNot(r.kind))
	case strings.HasPrefix(r.kind, "google_"):
		p.leave(r.address, notHere)
	case strings.HasPrefix(r.kind, "azurerm_"):
		p.leave(r.address, notTheCloud)
	default:
		p.leave(r.address, notHere)
	}
}

// refers returns the resource of some kinds that an expression refers to.
func (p *plan) refers(r *resource, said tree, kinds ...string) *resource {
	module := r.address[:strings.LastIndex(index.ReplaceAllString(r.address, ""), r.kind+".")]
	for _, ref := range said.at("references").texts() {
		parts := strings.Split(index.ReplaceAllString(ref, ""), ".")
		if len(parts) < 2 || !slices.Contains(kinds, parts[0]) {
			continue
		}
		for i := range p.resources {
			if x := &p.resources[i]; index.ReplaceAllString(x.address, "") == module+parts[0]+"."+parts[1] {
				return x
			}
		}
	}
	return nil
}

// named is what a value names, or its expression refers to, without the path
// before it.
func (p *plan) named(r *resource, key string, steps []any, kinds ...string) string {
	at := append(slices.Clone(steps), key)
	if text := r.values.at(at...).text(); text != "" {
		return text[strings.LastIndex(text, "/")+1:]
	}
	if to := p.refers(r, r.said.at(at...), kinds...); to != nil {
		return to.name
	}
	return ""
}

var runs = []string{"google_cloud_run_v2_service", "google_cloud_run_service", "google_cloudfunctions2_function", "google_cloudfunctions_function"}

// called is the service behind an address: which is known before it is deployed
// where somebody else has chosen it.
func (p *plan) called(r *resource, steps ...any) (name, path string) {
	if to := p.refers(r, r.said.at(steps...), runs...); to != nil {
		return to.name, ""
	}
	u, err := url.Parse(r.values.at(steps...).text())
	if err != nil || u.Host == "" {
		return "", ""
	}
	for i := range p.resources {
		if x := &p.resources[i]; slices.Contains(runs, x.kind) && (u.Hostname() == x.name || strings.HasPrefix(u.Hostname(), x.name+"-") || strings.HasPrefix(u.Hostname(), x.name+".")) {
			return x.name, u.Path
		}
	}
	return "", ""
}

// environment is a container's: what is known, and what is a store's address.
func (p *plan) environment(r *resource, steps ...any) map[string]string {
	env := map[string]string{}
	said := r.said.at(steps...).list()
	for i, e := range r.values.at(steps...).list() {
		name, value := e.at("name").text(), e.at("value").text()
		var to *resource
		if i < len(said) {
			to = p.refers(r, said[i].at("value"), "google_redis_instance", "google_pubsub_topic", "google_storage_bucket", "google_pubsub_subscription", "google_cloud_tasks_queue")
		}
		switch {
		case value != "":
			env[name] = value
		case to != nil && to.kind == "google_redis_instance":
			env[name] = redisPart(said[i].at("value").at("references").texts())
		case to != nil:
			env[name] = to.name
		default:
			p.leave(r.address, "the variable "+name+" of its environment has no value before it is deployed")
		}
	}
	return env
}

// redisPart is what is referred to of a Redis.
func redisPart(references []string) string {
	host := slices.ContainsFunc(references, func(s string) bool { return strings.HasSuffix(s, ".host") })
	port := slices.ContainsFunc(references, func(s string) bool { return strings.HasSuffix(s, ".port") })
	switch {
	case host && !port:
		return "${redis.host}"
	case port && !host:
		return "${redis.port}"
	}
	return "${redis}"
}

func (p *plan) cloudRun(r *resource) {
	v := r.values
	t := v.at("template", 0)
	c := t.at("containers", 0)
	if len(t.at("containers").list()) > 1 {
		p.leave(r.address, "containers beside the first")
	}
	p.services = append(p.services, deployed{name: r.name, image: c.at("image").text(), env: p.environment(r, "template", 0, "containers", 0, "env"),
		Settings: Settings{Args: c.at("args").texts(), Port: c.at("ports", 0, "container_port").number(), Timeout: t.at("timeout").text(),
			Concurrency: t.at("max_instance_request_concurrency").number(), MaxInstances: t.at("scaling", 0, "max_instance_count").number(),
			MinInstances: t.at("scaling", 0, "min_instance_count").number(), AlwaysOn: c.at("resources", 0, "cpu_idle").v == false}})
}

func (p *plan) cloudRun1(r *resource) {
	t := r.values.at("template", 0)
	spec := t.at("spec", 0)
	c := spec.at("containers", 0)
	scale := t.at("metadata", 0, "annotations")
	p.services = append(p.services, deployed{name: r.name, image: c.at("image").text(), env: p.environment(r, "template", 0, "spec", 0, "containers", 0, "env"),
		Settings: Settings{Args: c.at("args").texts(), Port: c.at("ports", 0, "container_port").number(), Timeout: spec.at("timeout_seconds").seconds(),
			Concurrency: spec.at("container_concurrency").number(), MaxInstances: scale.at("autoscaling.knative.dev/maxScale").number(),
			MinInstances: scale.at("autoscaling.knative.dev/minScale").number()}})
}

// variables are the environment of a function.
func (p *plan) variables(r *resource, steps ...any) map[string]string {
	env, values := map[string]string{}, r.values.at(steps...)
	for _, name := range values.names() {
		if env[name] = values.at(name).text(); env[name] == "" {
			delete(env, name)
			p.leave(r.address, "the variable "+name+" of its environment has no value before it is deployed")
		}
	}
	return env
}

func (p *plan) function(r *resource) {
	v, c := r.values, r.values.at("service_config", 0)
	f := deployed{name: r.name, target: v.at("build_config", 0, "entry_point").text(), env: p.variables(r, "service_config", 0, "environment_variables"),
		Settings: Settings{Timeout: c.at("timeout_seconds").seconds(), Concurrency: c.at("max_instance_request_concurrency").number(),
			MaxInstances: c.at("max_instance_count").number(), MinInstances: c.at("min_instance_count").number()}}
	if e := v.at("event_trigger", 0); e.v != nil {
		match := map[string]string{}
		for _, filter := range e.at("event_filters").list() {
			match[filter.at("attribute").text()] = filter.at("value").text()
		}
		f.on = p.invoked(e.at("event_type").text(), p.named(r, "pubsub_topic", []any{"event_trigger", 0}, "google_pubsub_topic"), match, r)
	}
	p.services = append(p.services, f)
}

// invoked is an event's trigger; messages are those of a topic.
func (p *plan) invoked(event, topic string, match map[string]string, r *resource) []On {
	switch {
	case topic != "":
		return []On{{Topic: topic}}
	case event == "" || strings.Contains(event, "pubsub"):
		p.leave(r.address, "the topic of its trigger is not known before it is deployed")
		return nil
	}
	return []On{{Event: event, Match: match}}
}

func (p *plan) function1(r *resource) {
	v := r.values
	f := deployed{name: r.name, target: v.at("entry_point").text(), env: p.variables(r, "environment_variables"),
		Settings: Settings{Timeout: v.at("timeout").seconds(), MaxInstances: v.at("max_instances").number(), MinInstances: v.at("min_instances").number()}}
	if e := v.at("event_trigger", 0); e.v != nil {
		event, what := e.at("event_type").text(), p.named(r, "resource", []any{"event_trigger", 0}, "google_pubsub_topic", "google_storage_bucket")
		f.on = firstGeneration(event, what)
		if f.on == nil {
			p.leave(r.address, fmt.Sprintf("its trigger %s of %s", event, what))
		}
	}
	p.services = append(p.services, f)
}

// firstGeneration is an event of a function of the first generation.
// https://docs.cloud.google.com/functions/1stgendocs/calling
func firstGeneration(event, what string) []On {
	what = what[strings.LastIndex(what, "/")+1:]
	switch event {
	case "google.pubsub.topic.publish", "providers/cloud.pubsub/eventTypes/topic.publish":
		return []On{{Topic: what}}
	case "google.storage.object.finalize", "providers/cloud.storage/eventTypes/object.change":
		return []On{{Event: "google.cloud.storage.object.v1.finalized", Match: map[string]string{"bucket": what}}}
	case "google.storage.object.delete":
		return []On{{Event: "google.cloud.storage.object.v1.deleted", Match: map[string]string{"bucket": what}}}
	}
	return nil
}

// trigger gives a service what invokes it.
func (p *plan) trigger(name string, on ...On) bool {
	for i := range p.services {
		if p.services[i].name == name {
			p.services[i].on = append(p.services[i].on, on...)
			return true
		}
	}
	return false
}

func (p *plan) subscription(r *resource) {
	topic := p.named(r, "topic", nil, "google_pubsub_topic")
	for _, key := range []string{"dead_letter_policy", "retry_policy", "filter"} {
		if said := r.values.at(key); len(said.list()) > 0 || key == "filter" && said.text() != "" {
			p.leave(r.address, "its "+key)
		}
	}
	if len(r.values.at("push_config").list()) == 0 {
		p.subscriptions = append(p.subscriptions, Subscription{Name: r.name, Topic: topic, AckDeadline: r.values.at("ack_deadline_seconds").seconds(),
			ExactlyOnce: r.values.at("enable_exactly_once_delivery").yes()})
		return
	}
	name, _ := p.called(r, "push_config", 0, "push_endpoint")
	if !p.trigger(name, On{Topic: topic, Push: true}) {
		p.leave(r.address, "it is not known whom it pushes to")
	}
}

func (p *plan) queue(r *resource) {
	c := r.values.at("retry_config", 0)
	p.queues = append(p.queues, Queue{Name: r.name, MaxAttempts: max(c.at("max_attempts").number(), 0), MinBackoff: c.at("min_backoff").text(), MaxBackoff: c.at("max_backoff").text()})
	if r.values.at("rate_limits", 0).v != nil {
		p.leave(r.address, "its rate_limits")
	}
}

func (p *plan) job(r *resource) {
	j := Job{Name: r.name, Cron: r.values.at("schedule").text()}
	body := func(steps ...any) string {
		text := r.values.at(steps...).text()
		if b, err := base64.StdEncoding.DecodeString(text); err == nil {
			return string(b)
		}
		return text
	}
	switch {
	case r.values.at("pubsub_target", 0).v != nil:
		j.Topic, j.Body = p.named(r, "topic_name", []any{"pubsub_target", 0}, "google_pubsub_topic"), body("pubsub_target", 0, "data")
	case r.values.at("http_target", 0).v != nil:
		j.Program, j.Path = p.called(r, "http_target", 0, "uri")
		j.Method, j.Body = r.values.at("http_target", 0, "http_method").text(), body("http_target", 0, "body")
	}
	if j.Topic == "" && j.Program == "" {
		p.leave(r.address, "it is not known whom it calls")
		return
	}
	p.jobs = append(p.jobs, j)
}

func (p *plan) eventarc(r *resource) {
	event, match := "", map[string]string{}
	for _, c := range r.values.at("matching_criteria").list() {
		if name := c.at("attribute").text(); name == "type" {
			event = c.at("value").text()
		} else {
			match[name] = c.at("value").text()
		}
	}
	name := p.named(r, "service", []any{"destination", 0, "cloud_run_service", 0}, runs...)
	on := p.invoked(event, p.named(r, "topic", []any{"transport", 0, "pubsub", 0}, "google_pubsub_topic"), match, r)
	if on != nil && !p.trigger(name, on...) {
		p.leave(r.address, "it is not known whom it invokes")
	}
}
