package scaffold

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// What a run's services of AWS are known by: package cloud/aws has the same.
const (
	region  = "us-east-1"
	account = "123456789012"
)

func arnOf(service, resource string) string {
	return "arn:aws:" + service + ":" + region + ":" + account + ":" + resource
}

// onAWS are the services of AWS that programs use, as far as sources and a
// description say what they hold.
type onAWS struct {
	Clients    []string // of which services programs are clients: kinds of wtsim.yaml
	Queues     []SQSQueue
	Tables     []Table
	Buckets    []Bucket
	Schedules  []Schedule
	Async      []Async
	Secrets    []Value
	Parameters []Value
	Keys       []string
}

// SQSQueue is one of SQS.
type SQSQueue struct {
	Name, Visibility, Delay, Wait, Retention string
	DeadLetter                               string
	MaxReceives                              int
	ByContent                                bool
}

// Table is one of DynamoDB.
type Table struct {
	Name, Keys, Stream, TTL string
	Indexes                 []TableIndex
}

// TableIndex is an index of a table.
type TableIndex struct {
	Name, Keys, Projects string
	Local                bool
}

// Bucket is one of S3.
type Bucket struct {
	Name      string
	Versioned bool
}

// Schedule is what invokes a function by the clock: an expression of EventBridge, or,
// with a time zone, of EventBridge Scheduler.
type Schedule struct {
	Name, Program, Expression, Input string
	Zone                             string
	Window                           string // "15m", or empty
}

// Async is what becomes of a function's asynchronous events.
type Async struct {
	Program                          string
	MaxAge                           string
	Retries                          *int
	OnSuccess, OnFailure, DeadLetter string
}

// Value is a secret or a parameter.
type Value struct {
	Name, Value string
	Secure      bool
}

// add takes over what another has.
func (a *onAWS) add(b *onAWS) {
	a.Clients = sorted(a.Clients, b.Clients)
	a.Queues, a.Tables, a.Buckets = append(a.Queues, b.Queues...), append(a.Tables, b.Tables...), append(a.Buckets, b.Buckets...)
	a.Schedules, a.Async = append(a.Schedules, b.Schedules...), append(a.Async, b.Async...)
	a.Secrets, a.Parameters, a.Keys = append(a.Secrets, b.Secrets...), append(a.Parameters, b.Parameters...), append(a.Keys, b.Keys...)
}

// Has reports whether the scenario has a service of a kind.
func (a *onAWS) Has(kind string) bool {
	there := map[string]bool{
		"sqs": len(a.Queues) > 0, "dynamodb": len(a.Tables) > 0, "s3": len(a.Buckets) > 0, "lambda": len(a.Schedules)+len(a.Async) > 0,
		"secretsmanager": len(a.Secrets) > 0, "ssm": len(a.Parameters) > 0, "kms": len(a.Keys) > 0,
	}
	return there[kind] || slices.Contains(a.Clients, kind)
}

// clientsOf are the kinds of services by the name of their package in AWS's SDK;
// those that are empty have none.
var clientsOf = map[string]string{
	"sqs": "sqs", "dynamodb": "dynamodb", "s3": "s3", "lambda": "lambda", "secretsmanager": "secretsmanager", "ssm": "ssm", "kms": "kms",
	"ses": "ses", "sesv2": "ses", "cognitoidentityprovider": "cognito", "bedrockruntime": "bedrock", "cloudwatchlogs": "logs", "cloudwatch": "cloudwatch",
	"sts": "sts", "sso": "sts", "ssooidc": "sts", "signin": "sts", // the SDK's own, for credentials
	"dynamodbstreams": "dynamodb",
}

// usesAWS takes note of a package of AWS's SDK, v1 or v2.
func (p *Programs) usesAWS(pkg string) {
	name, ok := strings.CutPrefix(pkg, "github.com/aws/aws-sdk-go-v2/service/")
	if !ok {
		name, ok = strings.CutPrefix(pkg, "github.com/aws/aws-sdk-go/service/")
	}
	if !ok || strings.Contains(name, "/") {
		return
	}
	switch kind, known := clientsOf[name]; {
	case kind == "sts": // which every client links
	case known:
		p.AWS.Clients = sorted(p.AWS.Clients, []string{kind})
	default:
		p.leftOnce("programs are clients of " + name + ": " + notHere)
	}
}

func (p *Programs) leftOnce(what string) {
	if !slices.Contains(p.Left, what) {
		p.Left = append(p.Left, what)
	}
}

// lambdaOf is the place of the program that a function's code is: by the folders
// that a description names, then by the function's names.
func (p *Programs) lambdaOf(s *deployed, alone bool) int {
	var all []int
	for i, x := range p.Programs {
		if x.Lambda && !x.Deployed {
			all = append(all, i)
		}
	}
	only := func(fits func(*Program) bool) int {
		found := -1
		for _, i := range all {
			switch {
			case !fits(p.Programs[i]):
			case found >= 0:
				return -1
			default:
				found = i
			}
		}
		return found
	}
	for _, clue := range s.code {
		clue = path.Clean(strings.TrimSuffix(filepath.ToSlash(clue), ".zip"))
		in := func(x *Program) bool { return path.Clean(x.Package) == clue }
		below := func(x *Program) bool { return clue == "." || strings.HasPrefix(path.Clean(x.Package)+"/", clue+"/") }
		for _, fits := range []func(*Program) bool{in, below} {
			if i := only(fits); i >= 0 {
				return i
			}
		}
		parts := strings.Split(clue, "/")
		for k := range parts {
			part := plainName(parts[len(parts)-1-k])
			if i := only(func(x *Program) bool { return part != "" && plainName(path.Base(x.Package)) == part }); i >= 0 {
				return i
			}
		}
	}
	for _, name := range s.names {
		if i := only(func(x *Program) bool { return plainName(name) == plainName(x.Name) }); i >= 0 {
			return i
		}
	}
	if alone && len(all) == 1 {
		return all[0]
	}
	return -1
}

// plainName is a name without what people write around it: OrdersFunction,
// orders-handler and orders_lambda are orders.
func plainName(name string) string {
	name = strings.ToLower(strings.NewReplacer("-", "", "_", "", ".", "").Replace(name))
	for _, suffix := range []string{"function", "lambda", "handler", "func"} {
		if short := strings.TrimSuffix(name, suffix); short != "" {
			name = short
		}
	}
	return name
}

// ofARN tells what an ARN is of: the last part, or a table's.
func ofARN(arn string) (service, name string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return "", ""
	}
	name = parts[5]
	switch service = parts[2]; service {
	case "dynamodb":
		name, _, _ = strings.Cut(strings.TrimPrefix(name, "table/"), "/")
	case "lambda":
		name, _, _ = strings.Cut(strings.TrimPrefix(name, "function:"), ":")
	}
	return service, name
}

// functionIn is the function that a text names by its ARN, or by its name.
func functionIn(text string) string {
	if _, after, ok := strings.Cut(text, ":function:"); ok {
		name, _, _ := strings.Cut(after, "/")
		name, _, _ = strings.Cut(name, ":")
		return name
	}
	return text
}

// mapping is what an event source mapping says: of a template, of a plan, and of
// serverless.yml alike, by its own names for it.
type mapping struct {
	arn                                 string
	batch, retries, concurrency, window int
	reports, bisect, hasRetries         bool
	maxAge                              int
	onFailure                           string
}

// on is the trigger that a mapping is; false if it is of what is not there.
func (m mapping) on() (On, bool) {
	service, name := ofARN(m.arn)
	on := On{BatchSize: m.batch, ItemFailures: m.reports}
	switch service {
	case "sqs":
		on.Queue, on.MaxConcurrency = name, m.concurrency
		if m.window > 0 {
			on.Window = fmt.Sprintf("%ds", m.window)
		}
	case "dynamodb":
		on.Stream, on.Bisect, on.OnFailure = name, m.bisect, m.onFailure
		if m.hasRetries && m.retries >= 0 {
			on.Retries = m.retries
			if m.retries == 0 {
				on.Retries = -1
			}
		}
		if m.maxAge > 0 {
			on.MaxAge = fmt.Sprintf("%ds", m.maxAge)
		}
	default:
		return on, false
	}
	return on, true
}

// route is a request's in the form of API Gateway.
func route(method, where string) string {
	if method == "" || method == "*" {
		method = "ANY"
	}
	if !strings.HasPrefix(where, "/") {
		where = "/" + where
	}
	return strings.ToUpper(method) + " " + where
}

// requestsOf are requests to the routes of API Gateway, one each.
func requestsOf(routes []string) (all []Route) {
	for _, r := range last(routes, "DELETE ") {
		method, where, ok := strings.Cut(r, " ")
		if !ok {
			method, where = "GET", "/"
		}
		if method == "ANY" {
			method = "GET"
		}
		all = append(all, Route{method, aParameter.ReplaceAllString(where, "1")})
	}
	return all
}

// last are texts with those of a prefix behind the others.
func last(all []string, prefix string) []string {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b string) int {
		if x, y := strings.HasPrefix(a, prefix), strings.HasPrefix(b, prefix); x != y {
			if x {
				return 1
			}
			return -1
		}
		return 0
	})
	return all
}

// requests are those that clients make to a function: to the routes of its API; to
// its URL, what sources tell; none to one that nobody asks.
func (s *deployed) requests(guessed []Route) []Route {
	switch {
	case len(s.FrontRoutes) > 0:
		return requestsOf(s.FrontRoutes)
	case s.Front != "" && len(guessed) == 0:
		return []Route{{"GET", "/"}}
	case s.Front != "":
		return guessed
	}
	return nil
}

// deployAWS takes over what a description says of services of AWS.
func (p *Programs) deployAWS(d *deployment) {
	a := d.aws
	a.Schedules = slices.DeleteFunc(a.Schedules, func(x Schedule) bool {
		return p.leftWithout(d, "schedule "+x.Name, x.Program)
	})
	taken := map[string]int{}
	for i := range a.Schedules { // of one program several may be, each is called by it
		x := &a.Schedules[i]
		if taken[x.Name]++; taken[x.Name] > 1 {
			x.Name = fmt.Sprintf("%s-%d", x.Name, taken[x.Name])
		}
	}
	a.Async = slices.DeleteFunc(a.Async, func(x Async) bool { return p.leftWithout(d, "asynchronous events", x.Program) })
	p.AWS.add(&a)
}

// leftWithout names what is of a program that is not there.
func (p *Programs) leftWithout(d *deployment, what, program string) bool {
	if p.has(program) {
		return false
	}
	d.leave(what, fmt.Sprintf("it is of %s, which is no program of the module", program))
	return true
}

// onLambda makes the scenario one of Lambda if its programs are, or most of them,
// and sees to what they need for it.
func (p *Programs) onLambda() {
	lambdas, others, deployed := 0, 0, false
	for _, x := range p.Programs {
		switch {
		case x.Lambda:
			lambdas++
			deployed = deployed || x.Deployed
		case x.serves:
			others++
		}
	}
	if lambdas == 0 {
		return
	}
	there := deployed || lambdas >= others
	p.Programs = slices.DeleteFunc(p.Programs, func(x *Program) bool {
		if x.Lambda != there {
			calls := map[bool]string{true: "calls", false: "does not call"}[x.Lambda]
			p.leftOnce(fmt.Sprintf("%s: it %s lambda.Start, and a scenario has one platform; wtsim.yaml in its folder is another", x.Package, calls))
		}
		return x.Lambda != there
	})
	if !there {
		return
	}
	p.Platform = "lambda"
	for _, x := range p.Programs {
		if !x.Deployed {
			p.undescribed(x)
		}
		for _, value := range x.Env { //wtsim:order sorted below
			if m := otherHost.FindStringSubmatch(value); m != nil && !strings.HasSuffix(m[1], ".amazonaws.com") {
				p.Hosts = sorted(p.Hosts, []string{m[1]})
			}
		}
		for _, on := range x.On {
			p.declared(on)
		}
	}
}

// undescribed makes a program that no description has one that a URL invokes, or
// the events that it takes.
func (p *Programs) undescribed(x *Program) {
	name := kebab(x.Name)
	for _, event := range x.takes {
		switch event {
		case "SQSEvent":
			x.On = append(x.On, On{Queue: name, ItemFailures: slices.Contains(x.takes, "SQSEventResponse")})
		case "S3Event":
			x.On = append(x.On, On{Bucket: name})
		case "DynamoDBEvent":
			x.On = append(x.On, On{Stream: name, ItemFailures: slices.Contains(x.takes, "DynamoDBEventResponse")})
		case "CloudWatchEvent", "EventBridgeEvent":
			p.AWS.Schedules = append(p.AWS.Schedules, Schedule{Name: name, Program: x.Name, Expression: "rate(5 minutes)"})
		default:
			continue
		}
		x.Routes = nil
		return
	}
	x.Front = "function-url"
	if x.Routes == nil {
		x.Routes = []Route{{"GET", "/"}}
	}
}

// declared sees to it that what invokes a program is there.
func (p *Programs) declared(on On) {
	switch {
	case on.Queue != "" && !slices.ContainsFunc(p.AWS.Queues, func(q SQSQueue) bool { return q.Name == on.Queue }):
		p.AWS.Queues = append(p.AWS.Queues, SQSQueue{Name: on.Queue})
	case on.Bucket != "" && !slices.ContainsFunc(p.AWS.Buckets, func(b Bucket) bool { return b.Name == on.Bucket }):
		p.AWS.Buckets = append(p.AWS.Buckets, Bucket{Name: on.Bucket})
	case on.Stream != "":
		p.AWS.Clients = sorted(p.AWS.Clients, []string{"lambda"})
		if !slices.ContainsFunc(p.AWS.Tables, func(t Table) bool { return t.Name == on.Stream }) {
			p.AWS.Tables = append(p.AWS.Tables, Table{Name: on.Stream, Keys: "id S", Stream: "NEW_AND_OLD_IMAGES"})
		}
	}
}

// ofSTS reports whether a package is the client of STS, which the SDK's own
// packages link too.
func ofSTS(pkg string) bool {
	return pkg == "github.com/aws/aws-sdk-go-v2/service/sts" || pkg == "github.com/aws/aws-sdk-go/service/sts"
}
