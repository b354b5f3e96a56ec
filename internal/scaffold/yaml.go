package scaffold

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

var yamlFile = template.Must(template.Must(template.New("wtsim.yaml").Funcs(template.FuncMap{"q": strconv.Quote, "list": inYAML, "map": mapped, "comment": comment}).Parse(
	`# yaml-language-server: $schema={{.Schema}}
# wtsim run --config wtsim.yaml
{{- range .Left}}
# left out: {{comment .}}
{{- end}}
scenario: {{if .Stores}}{{q (printf "%s/as-if-once" .Name)}}{{else}}{{q .Name}}{{end}}
{{- with .Platform}}
platform: {{.}}
{{- end}}
services:
{{- if .Redis}}
  redis: {kind: redis{{with .At}}, at: {{list .}}{{end}}}
{{- end}}
{{- if .GCS}}
  gcs: {kind: gcs, buckets: {{list .Buckets}}}
{{- end}}
{{- if .PubSub}}
  pubsub:
    kind: pubsub
    topics: {{list .Topics}}
{{- if .Subscriptions}}
    subscriptions:
{{- range .Subscriptions}}
      - {name: {{q .Name}}, topic: {{q .Topic}}{{with .AckDeadline}}, ack-deadline: {{.}}{{end}}{{if .ExactlyOnce}}, exactly-once: true{{end}}}
{{- end}}
{{- end}}
{{- end}}
{{- if .Eventarc}}
  eventarc: {kind: eventarc}
{{- end}}
{{- if .Tasks}}
{{- if .Queues}}
  tasks:
    kind: tasks
    queues:
{{- range .Queues}}
      - {name: {{q .Name}}{{with .MaxAttempts}}, max-attempts: {{.}}{{end}}{{with .MinBackoff}}, min-backoff: {{.}}{{end}}{{with .MaxBackoff}}, max-backoff: {{.}}{{end}}}
{{- end}}
{{- else}}
  tasks: {kind: tasks, queues: []} # each as {name: work}
{{- end}}
{{- end}}
{{- template "aws" .}}
{{- range .Hosts}}
  {{q .}}: {kind: web}
{{- end}}
{{- if .Jobs}}
  scheduler:
    kind: cron
    jobs:
{{- range .Jobs}}
      - {name: {{q .Name}}, {{if .Cron}}cron: {{q .Cron}}{{else}}every: 1m{{end}}, ticks: 2{{with .Program}}, program: {{q .}}{{end}}{{with .Topic}}, topic: {{q .}}{{end}}{{with .Method}}, method: {{.}}{{end}}{{with .Path}}, path: {{q .}}{{end}}{{with .Body}}, body: {{q .}}{{end}}}
{{- end}}
{{- end}}
programs:
{{- range .Programs}}
  {{q .Name}}:
    package: {{q .Package}}
{{- if .Worker}}
    worker: true
{{- end}}
{{- if .Env}}
    environment: {{map .Env}}
{{- end}}
{{- with .Args}}
    args: {{list .}}
{{- end}}
{{- with .Front}}
    front: {{.}}
{{- end}}
{{- with .FrontRoutes}}
    routes: {{list .}}
{{- end}}
{{- with .Port}}
    port: {{.}}
{{- end}}
{{- with .Timeout}}
    timeout: {{.}}
{{- end}}
{{- with .Concurrency}}
    concurrency: {{.}}
{{- end}}
{{- with .MaxInstances}}
    max-instances: {{.}}
{{- end}}
{{- with .MinInstances}}
    min-instances: {{.}}
{{- end}}
{{- if .AlwaysOn}}
    always-on: true
{{- end}}
{{- if .On}}
    triggers: [{{range $i, $on := .On}}{{if $i}}, {{end}}{{$on}}{{end}}]
{{- end}}
{{- end}}
clients:
  alice:
    retries: 2
    requests:
{{- range $p := .Programs}}{{range .Routes}}
      - {program: {{q $p.Name}}, method: {{.Method}}, path: {{q .Path}}{{if ne .Method "GET"}}, body: "{}"{{end}}}
{{- end}}{{end}}
{{- if .Stores}}
final:
  - name: everything is done as if once
    as-if-once: {}
{{- else}}
# There is no store whose contents could be compared: what must hold is yours to
# say, and without it a run proves nothing.
# properties: properties.yaml
{{- end}}
`)).Parse(awsText))

// awsText are the services of AWS.
const awsText = `{{define "aws"}}
{{- with .AWS}}
{{- if .Has "lambda"}}
  lambda:
    kind: lambda
{{- if .Schedules}}
    schedules:
{{- range .Schedules}}
      - {{.}}
{{- end}}
{{- end}}
{{- if .Async}}
    async:
{{- range .Async}}
      - {{.}}
{{- end}}
{{- end}}
{{- end}}
{{- if .Has "sqs"}}
  sqs:
    kind: sqs
    queues:{{if not .Queues}} [] # each as {name: work}{{end}}
{{- range .Queues}}
      - {{.}}
{{- end}}
{{- end}}
{{- if .Has "dynamodb"}}
  dynamodb:
    kind: dynamodb
    tables:{{if not .Tables}} [] # each as {name: orders, keys: id S}{{end}}
{{- range .Tables}}
      - {{.}}
{{- end}}
{{- end}}
{{- if .Has "s3"}}
  s3: {kind: s3, buckets: {{.BucketNames false}}{{with .BucketNames true}}, versioned: {{.}}{{end}}}
{{- end}}
{{- if .Has "secretsmanager"}}
  secretsmanager: {kind: secretsmanager, secrets: [{{range $i, $x := .Secrets}}{{if $i}}, {{end}}{{$x}}{{end}}]}
{{- end}}
{{- if .Has "ssm"}}
  ssm: {kind: ssm, parameters: [{{range $i, $x := .Parameters}}{{if $i}}, {{end}}{{$x}}{{end}}]}
{{- end}}
{{- if .Has "kms"}}
  kms: {kind: kms, keys: {{list .Keys}}}
{{- end}}
{{- if .Has "cognito"}}
  cognito: {kind: cognito, pools: ["us-east-1_example"]}
{{- end}}
{{- if .Has "bedrock"}}
  bedrock: {kind: bedrock, models: [{answer: "{}"}]}
{{- end}}
{{- if .Has "sts"}}
  sts: {kind: sts}
{{- end}}
{{- if .Has "ses"}}
  ses: {kind: ses}
{{- end}}
{{- if .Has "logs"}}
  logs: {kind: logs}
{{- end}}
{{- if .Has "cloudwatch"}}
  cloudwatch: {kind: cloudwatch}
{{- end}}
{{- end}}
{{- if .Postgres}}
  postgres: {kind: postgres, sql: []} # files that make its tables, as migrations/*.up.sql
{{- end}}
{{- if .SMTP}}
  smtp: {kind: smtp}
{{- end}}
{{- end}}`

func inYAML(all []string) string {
	var out []string
	for _, s := range all {
		out = append(out, strconv.Quote(s))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func mapped(m map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, name+": "+strconv.Quote(m[name]))
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// comment is a text that stands in a line behind #.
func comment(text string) string { return strings.Join(strings.Fields(text), " ") }

// Text is the file: what the sources say, and a property that holds of most.
func (p *Programs) Text() ([]byte, error) {
	var b bytes.Buffer
	err := yamlFile.Execute(&b, p)
	text := b.Bytes()
	for _, empty := range [][2]string{{"    requests:\nfinal", "    requests: []\nfinal"}, {"services:\nprograms", "services: {}\nprograms"}} {
		text = bytes.ReplaceAll(text, []byte(empty[0]), []byte(empty[1]))
	}
	if rest, cut := bytes.CutSuffix(text, []byte("    requests:\n")); cut {
		text = append(rest, "    requests: []\n"...)
	}
	return text, err
}

// Stores reports whether there is something that holds what programs have done.
func (p *Programs) Stores() bool {
	return p.Redis || p.GCS || p.Postgres || p.AWS.Has("dynamodb") || p.AWS.Has("s3")
}

// flow is a mapping in a line.
type flow []string

func (f *flow) raw(key, value string) { *f = append(*f, key+": "+value) }

// text adds a text, if there is one.
func (f *flow) text(key, value string) {
	if value != "" {
		f.raw(key, strconv.Quote(value))
	}
}

// word adds what needs no quotes.
func (f *flow) word(key, value string) {
	if value != "" {
		f.raw(key, value)
	}
}

func (f *flow) number(key string, n int) {
	if n != 0 {
		f.raw(key, strconv.Itoa(n))
	}
}

func (f *flow) yes(key string, is bool) {
	if is {
		f.raw(key, "true")
	}
}

func (f *flow) String() string { return "{" + strings.Join(*f, ", ") + "}" }

// String is the trigger in a file.
func (on On) String() string {
	f := &flow{}
	f.text("topic", on.Topic)
	f.yes("push", on.Push)
	f.text("event", on.Event)
	if len(on.Match) > 0 {
		f.raw("match", mapped(on.Match))
	}
	f.text("queue", on.Queue)
	f.text("bucket", on.Bucket)
	f.text("stream", on.Stream)
	f.number("batch-size", on.BatchSize)
	f.word("window", on.Window)
	f.yes("item-failures", on.ItemFailures)
	f.number("max-concurrency", on.MaxConcurrency)
	f.text("prefix", on.Prefix)
	f.text("suffix", on.Suffix)
	if len(on.BucketEvents) > 0 {
		f.raw("events", inYAML(on.BucketEvents))
	}
	f.number("retries", on.Retries)
	f.word("max-age", on.MaxAge)
	f.yes("bisect", on.Bisect)
	f.text("on-failure", on.OnFailure)
	return f.String()
}

// String is the queue in a file.
func (q SQSQueue) String() string {
	f := &flow{}
	f.text("name", q.Name)
	f.word("visibility", q.Visibility)
	f.word("delay", q.Delay)
	f.word("wait", q.Wait)
	f.word("retention", q.Retention)
	f.text("dead-letter", q.DeadLetter)
	f.number("max-receives", q.MaxReceives)
	f.yes("by-content", q.ByContent)
	return f.String()
}

// String is the table in a file.
func (t Table) String() string {
	f := &flow{}
	f.text("name", t.Name)
	f.text("keys", t.Keys)
	f.word("stream", t.Stream)
	f.text("ttl", t.TTL)
	var indexes []string
	for _, x := range t.Indexes {
		i := &flow{}
		i.text("name", x.Name)
		i.text("keys", x.Keys)
		i.yes("local", x.Local)
		i.text("projects", x.Projects)
		indexes = append(indexes, i.String())
	}
	if len(indexes) > 0 {
		f.raw("indexes", "["+strings.Join(indexes, ", ")+"]")
	}
	return f.String()
}

// String is the schedule in a file. Two ticks show what a second one does.
func (x Schedule) String() string {
	f := &flow{}
	f.text("name", x.Name)
	f.text("program", x.Program)
	f.text("schedule", x.Expression)
	f.text("zone", x.Zone)
	f.word("window", x.Window)
	f.raw("ticks", "2")
	f.text("input", x.Input)
	return f.String()
}

// String is the setting in a file.
func (a Async) String() string {
	f := &flow{}
	f.text("program", a.Program)
	f.word("max-age", a.MaxAge)
	if a.Retries != nil {
		f.number("retries", *a.Retries)
	}
	f.text("on-success", a.OnSuccess)
	f.text("on-failure", a.OnFailure)
	f.text("dead-letter", a.DeadLetter)
	return f.String()
}

// String is the value in a file.
func (v Value) String() string {
	f := &flow{}
	f.text("name", v.Name)
	f.raw("value", strconv.Quote(v.Value))
	f.yes("secure", v.Secure)
	return f.String()
}

// BucketNames are those of buckets, or of those with versions, as a list; empty if
// there is none of these.
func (a *onAWS) BucketNames(versioned bool) string {
	var all []string
	for _, b := range a.Buckets {
		if !versioned || b.Versioned {
			all = append(all, b.Name)
		}
	}
	if versioned && len(all) == 0 {
		return ""
	}
	return inYAML(all)
}
