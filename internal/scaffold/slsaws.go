package scaffold

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// serverlessOnAWS reads what the Serverless Framework deploys on AWS: functions,
// their events, and resources of CloudFormation.
// https://www.serverless.com/framework/docs/providers/aws/guide/serverless.yml
func (d *deployment) serverlessOnAWS(t tree) {
	v := &variables{whole: t}
	t = tree{v.value(t.v)}
	s := d.stackOf(t.at("resources"), t.at("resources", "Resources"), "resources.")
	for _, part := range t.at("resources").list() { // files, and what stands beside them
		if part.text() != "" {
			d.leave("resources", "what "+part.text()+" has")
			continue
		}
		for _, id := range part.at("Resources").names() {
			s.ids = append(s.ids, id)
			s.resources[id] = part.at("Resources", id)
			s.names[id] = s.nameOf(id, s.resources[id])
		}
	}
	functions := t.at("functions")
	names := functions.names()
	for _, key := range names { // a template names functions so
		id := strings.ToUpper(key[:1]) + key[1:] + "LambdaFunction"
		s.resources[id] = tree{map[string]any{"Type": "AWS::Lambda::Function"}}
		s.names[id] = cmp.Or(functions.at(key, "name").text(), key)
	}
	for _, key := range names {
		s.slsFunction(key, tree{s.value(functions.at(key).v)}, tree{s.value(t.at("provider").v)})
	}
	s.prefix = ""
	s.rest("provider", t.at("provider"), "name runtime stage timeout environment")
	s.rest("the whole", t, "service frameworkVersion custom provider functions resources package useDotenv")
	s.prefix = "resources."
	s.takeAll()
}

const slsRead = "handler name timeout reservedConcurrency environment events package url destinations maximumRetryAttempts maximumEventAge onError description runtime"

func (s *stack) slsFunction(key string, f, provider tree) {
	s.prefix = "functions."
	x := deployed{name: cmp.Or(f.at("name").text(), key), lambda: true, names: []string{key}, env: map[string]string{}}
	// The framework's own default is not Lambda's.
	// https://www.serverless.com/framework/docs/providers/aws/guide/functions
	x.Timeout = cmp.Or(f.at("timeout").seconds(), provider.at("timeout").seconds(), "6s")
	x.MaxInstances = f.at("reservedConcurrency").number()
	for _, of := range []tree{provider, f} {
		env := of.at("environment")
		for _, name := range env.names() {
			value := env.at(name)
			if why, is := value.v.(unknown); is || strings.Contains(value.text(), "${") {
				s.leave(s.prefix+key, "the variable "+name+" of its environment is "+string(why)+value.text())
				continue
			}
			x.env[name] = value.text()
		}
	}
	x.code = append(x.code, nonEmpty(handlerPath(tree{map[string]any{"Handler": f.at("handler").text()}}), f.at("package", "artifact").text())...)
	for _, pattern := range f.at("package", "patterns").texts() {
		if !strings.HasPrefix(pattern, "!") {
			x.code = append(x.code, strings.TrimSuffix(pattern, "/bootstrap"))
		}
	}
	if f.at("url").v != nil {
		x.Front = "function-url"
	}
	for _, e := range f.at("events").list() {
		s.slsEvent(key, &x, e)
	}
	a := Async{Program: x.name, MaxAge: f.at("maximumEventAge").seconds(), OnSuccess: f.at("destinations", "onSuccess").text(),
		OnFailure: f.at("destinations", "onFailure").text(), DeadLetter: f.at("onError").text()}
	if retries := f.at("maximumRetryAttempts"); retries.v != nil {
		n := retries.number()
		if n == 0 {
			n = -1
		}
		a.Retries = &n
	}
	if a != (Async{Program: x.name}) {
		s.aws.Async = append(s.aws.Async, a)
	}
	s.services = append(s.services, x)
	s.rest(key, f, slsRead)
}

// slsEvent takes over what invokes a function: a mapping of one key, or a word.
func (s *stack) slsEvent(key string, x *deployed, e tree) {
	kinds := e.names()
	if len(kinds) != 1 {
		s.leave(s.prefix+key, "its event "+spelled(e.v))
		return
	}
	kind, p := kinds[0], e.at(kinds[0])
	ok := true
	switch kind {
	case "http":
		ok = x.behind("rest-api", slsRoute(p))
	case "httpApi":
		ok = x.behind("http-api", slsRoute(p))
	case "sqs", "stream":
		var on On
		m := mapping{arn: p.text(), batch: p.at("batchSize").number(), window: p.at("maximumBatchingWindow").number(), concurrency: p.at("maximumConcurrency").number(),
			reports: p.at("functionResponseType").text() == "ReportBatchItemFailures", bisect: p.at("bisectBatchOnFunctionError").yes(),
			hasRetries: p.at("maximumRetryAttempts").v != nil, retries: p.at("maximumRetryAttempts").number(), maxAge: p.at("maximumRecordAgeInSeconds").number(),
			onFailure: cmp.Or(p.at("destinations", "onFailure", "arn").text(), p.at("destinations", "onFailure").text())}
		if _, is := p.v.(map[string]any); is {
			m.arn = p.at("arn").text()
			s.rest(key+": its event "+kind, p, "arn type batchSize maximumBatchingWindow maximumConcurrency functionResponseType bisectBatchOnFunctionError maximumRetryAttempts maximumRecordAgeInSeconds destinations startingPosition enabled")
		}
		if on, ok = m.on(); ok && p.at("enabled").v != false {
			x.on = append(x.on, on)
		}
	case "s3":
		on := slsBucket(p)
		name := on.Bucket
		if ok = name != "" && !strings.Contains(name, "${"); ok {
			x.on = append(x.on, on)
		}
		if ok && !slices.ContainsFunc(s.aws.Buckets, func(b Bucket) bool { return b.Name == name }) && !s.makes("AWS::S3::Bucket", name) {
			s.aws.Buckets = append(s.aws.Buckets, Bucket{Name: name})
		}
	case "schedule":
		s.slsSchedule(x, p)
	default:
		ok = false
	}
	if !ok {
		s.leave(s.prefix+key, "its event "+kind+" "+spelled(p.v)+": "+notHere)
	} else if p.at("enabled").v == false {
		s.leave(s.prefix+key, "its event "+kind+" "+spelled(p.v)+": it is not enabled")
	}
}

// makes reports whether the resources have one of a kind and a name.
func (s *stack) makes(kind, name string) bool {
	return slices.ContainsFunc(s.ids, func(id string) bool { return s.resources[id].at("Type").text() == kind && s.names[id] == name })
}

// slsRoute is a route: GET /orders, * or {path, method}.
func slsRoute(p tree) string {
	method, where, ok := strings.Cut(p.text(), " ")
	if _, is := p.v.(map[string]any); is {
		method, where, ok = p.at("method").text(), p.at("path").text(), true
	}
	if !ok || where == "*" || where == "" {
		return "$default"
	}
	return route(method, where)
}

func slsBucket(p tree) On {
	if _, is := p.v.(map[string]any); !is {
		return On{Bucket: p.text()}
	}
	on := bucketOn(p.at("bucket").text(), p.at("event"), tree{})
	for _, rule := range p.at("rules").list() {
		on.Prefix, on.Suffix = cmp.Or(on.Prefix, rule.at("prefix").text()), cmp.Or(on.Suffix, rule.at("suffix").text())
	}
	return on
}

func (s *stack) slsSchedule(x *deployed, p tree) {
	rates, input, zone := []string{p.text()}, "", ""
	if _, is := p.v.(map[string]any); is {
		rates = p.at("rate").texts()
		if one := p.at("rate").text(); len(rates) == 0 {
			rates = []string{one}
		}
		s.rest(x.name+": its event schedule", p, "rate name description enabled method timezone input")
		if p.at("method").text() == "scheduler" {
			zone = cmp.Or(p.at("timezone").text(), "UTC")
		}
		input = p.at("input").text()
		if _, is := p.at("input").v.(map[string]any); is {
			s.leave(s.prefix+x.name, "the input of its schedule, which is no text")
			input = ""
		}
		if p.at("enabled").v == false {
			return
		}
	}
	for _, rate := range rates {
		s.scheduled(Schedule{Name: p.at("name").text(), Program: x.name, Expression: rate, Input: input, Zone: zone})
	}
}

// variables are those of the Serverless Framework, in a text: ${self:custom.x},
// ${opt:stage, 'dev'}.
// https://www.serverless.com/framework/docs/guides/variables
type variables struct {
	whole tree
	depth int
}

var aVariable = regexp.MustCompile(`\$\{((?:self|opt|sls|aws|env|param|file|ssm|cf|s3)[:(][^${}]*)\}`)

// value is a part of a file with its variables replaced, as far as they are known.
func (v *variables) value(x any) any {
	switch x := x.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, y := range x { //wtsim:order a map to a map
			out[name] = v.value(y)
		}
		return out
	case []any:
		out := []any{}
		for _, y := range x {
			out = append(out, v.value(y))
		}
		return out
	case string:
		return v.text(x)
	}
	return x
}

// text replaces the innermost variables first; what is one as a whole is what it
// stands for, a mapping too.
func (v *variables) text(text string) any {
	if v.depth++; v.depth > 50 { // one that names itself
		v.depth--
		return text
	}
	defer func() { v.depth-- }()
	for {
		m := aVariable.FindStringSubmatchIndex(text)
		if m == nil {
			return text
		}
		x := v.of(text[m[2]:m[3]])
		if x == nil {
			return text
		}
		if m[0] == 0 && m[1] == len(text) {
			return v.value(x)
		}
		before := text
		if text = text[:m[0]] + (tree{v.value(x)}).text() + text[m[1]:]; text == before {
			return text
		}
	}
}

// of is what a variable stands for: the first of its alternatives that is known.
func (v *variables) of(text string) any {
	for _, one := range strings.Split(text, ",") {
		one = strings.TrimSpace(one)
		if unquoted := strings.Trim(one, `'"`); unquoted != one {
			return unquoted
		}
		source, name, _ := strings.Cut(one, ":")
		var x any
		switch source + ":" + name {
		case "sls:stage", "opt:stage":
			x = cmp.Or(v.whole.at("provider", "stage").text(), "dev")
			if strings.Contains(x.(string), "opt:stage") {
				x = "dev"
			}
		case "aws:region", "opt:region", "self:provider.region":
			x = region
		case "aws:accountId":
			x = account
		default:
			if source == "self" {
				steps := []any{}
				for _, step := range strings.Split(name, ".") {
					steps = append(steps, step)
				}
				if x = v.whole.at(steps...).v; name == "provider.stage" && x == nil {
					x = "dev"
				}
			}
		}
		if x != nil {
			return x
		}
	}
	return nil
}
