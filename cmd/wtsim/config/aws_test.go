package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	fakelambda "github.com/wtsim/wtsim/fakes/lambda"
	"github.com/wtsim/wtsim/fakes/s3"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/internal/schematest"
)

const onAWS = `scenario: x
platform: lambda
services:
  store: {kind: s3, buckets: [photos, thumbs], versioned: [thumbs], objects: [{bucket: photos, name: a.jpg, content: x}]}
  sqs: {kind: sqs, queues: [{name: dead, wait: 5s, retention: 24h}]}
  dynamodb: {kind: dynamodb, tables: [{name: orders, keys: id S, stream: NEW_IMAGE}]}
  functions:
    kind: lambda
    schedules:
      - {program: p, schedule: rate(2 hours), ticks: 2}
      - {name: often, program: p, every: 5m, input: "{}"}
    async: [{program: p, retries: 1, max-age: 1h, on-success: p, on-failure: dead, dead-letter: "arn:aws:sqs:us-east-1:123456789012:dead"}]
  secretsmanager: {kind: secretsmanager, secrets: [{name: db, value: old, rotations: [{after: 1m, value: new}]}]}
  ssm: {kind: ssm, parameters: [{name: /shop/table, value: orders}, {name: /shop/key, value: k, secure: true}]}
  kms: {kind: kms, keys: [alias/shop]}
  sts: {kind: sts}
  ses: {kind: ses}
  cognito: {kind: cognito, pools: [us-east-1_a]}
  bedrock: {kind: bedrock, models: [{model: "anthropic.*", operation: InvokeModel, answer: "{}"}, {error: it is busy}]}
  logs: {kind: logs}
  cloudwatch: {kind: cloudwatch}
  smtp: {kind: smtp, at: ["smtp.example.com:587"]}
  db: {kind: postgres, at: ["db:5432"], sql: ["*.sql"], replicated: true}
programs:
  p:
    package: .
    front: http-api
    routes: ["GET /orders/{id}", "$default"]
    triggers:
      - {bucket: photos, prefix: in/, suffix: .jpg, events: ["s3:ObjectRemoved:*"]}
      - {stream: orders, batch-size: 10, retries: 3, max-age: 1h, bisect: true, item-failures: true, on-failure: dead}
      - {queue: dead, max-concurrency: 2}
`

// Each kind of AWS's services, a mail server and PostgreSQL are declared as a
// scenario in Go declares them.
func TestAWS(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"wtsim.yaml": onAWS, "2.sql": "INSERT INTO a VALUES (1)", "1.sql": "CREATE TABLE a (id int)"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Load(filepath.Join(dir, "wtsim.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range s.Services {
		got = append(got, x.Name())
	}
	if want := "store sqs dynamodb functions secretsmanager ssm kms sts ses cognito bedrock logs cloudwatch smtp db"; strings.Join(got, " ") != want {
		t.Errorf("services %q, wanted %s", got, want)
	}
	if db := fmt.Sprint(s.Services[len(s.Services)-1]); db != "PostgreSQL with a standby: a" {
		t.Errorf("got %s", db)
	}
	triggers := s.Functions[0].Triggers
	if b, ok := triggers[0].(s3.Trigger); !ok || b.Of != "store" || b.Bucket != "photos" || b.Prefix != "in/" || b.Suffix != ".jpg" || b.Events[0] != "s3:ObjectRemoved:*" {
		t.Errorf("got %+v", triggers[0])
	}
	if x, ok := triggers[1].(fakelambda.Stream); !ok || x.From != "functions" || x.Table != "orders" || x.Retries != 3 || !x.Bisect || !x.ItemFailures || x.OnFailure != "arn:aws:sqs:us-east-1:123456789012:dead" {
		t.Errorf("got %+v", triggers[1])
	}
	if q, ok := triggers[2].(sqs.Trigger); !ok || q.From != "sqs" || q.MaxConcurrency != 2 {
		t.Errorf("got %+v", triggers[2])
	}
	if d := fmt.Sprint(s.Services[14]); !strings.Contains(d, "PostgreSQL") {
		t.Errorf("got %s", d)
	}
}

// What has no meaning is told in a line, with what was wanted; the schema refuses
// what has another form.
func TestMistakesOnAWS(t *testing.T) {
	data, err := json.Marshal(Schema())
	if err != nil {
		t.Fatal(err)
	}
	schema := schematest.Compile(t, data)
	if err := schematest.Misfit(t, schema, []byte(onAWS)); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.sql"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		old, now, want string
		form           bool // the schema sees it
	}{
		{"schedule: rate(2 hours), ", "", `p has "every" and "schedule", or none`, false},
		{"every: 5m", "often: 5m", `unknown field "often"`, true},
		{"on-success: p", "on-success: q", `async: p: on-success: "q" is no queue and no program`, false},
		{"on-failure: dead}\n      - {queue", "on-failure: ded}\n      - {queue", `on-failure: "ded" is no queue`, false},
		{"functions:\n    kind: lambda", "functions:\n    kind: lambdas", `kind "lambdas", wanted redis, redis-replica, postgres`, true},
		{"stream: orders, ", "stream: orders, prefix: a, ", `a trigger with "stream" has no "prefix"`, false},
		{"bucket: photos, prefix", "bucket: photos, queue: dead, prefix", `wanted one of topic, event, queue, bucket, stream, sns or rule`, false},
		{"kind: kms, keys: [alias/shop]", "kind: kms, pools: [a]", `a service of kind kms has no "pools"`, false},
		{`operation: InvokeModel, answer: "{}"`, `operation: InvokeModel`, `"anthropic.*" has "answer" and "error", or none`, false},
		{"operation: InvokeModel", "operation: Invoke", ``, true},
		{`sql: ["*.sql"]`, `sql: [schema.sql]`, "schema.sql, wanted one with statements", false},
		{"replicated: true", "replicated: true, synchronous: true", "wanted one of both", false},
		{"front: http-api", "front: alb", "wanted front http-api or rest-api", false},
		{"retries: 1, max-age: 1h", "retries: 1, max-age: 1", `"1" is no duration`, true},
	} {
		text := strings.Replace(onAWS, c.old, c.now, 1)
		if text == onAWS {
			t.Fatalf("there is no %s", c.old)
		}
		file := filepath.Join(dir, "wtsim.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file); c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q: got %v, wanted %s", c.now, err, c.want)
		}
		if fits := schematest.Misfit(t, schema, []byte(text)) == nil; fits == c.form {
			t.Errorf("%q: the schema takes it: %v", c.now, fits)
		}
	}
}

// Models answer by the first line that fits.
func TestModels(t *testing.T) {
	s := service{AWS: ofAWS{Models: []model{{Model: "a.*", Operation: "Converse", Answer: "1"}, {Model: "b", Error: "no"}}}}
	if _, err := s.bedrock("bedrock", nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ id, operation, want string }{
		{"a.x", "Converse", "1"}, {"a.x", "InvokeModel", "the scenario has no answer of model a.x to InvokeModel"}, {"b", "InvokeModel", "no"},
	} {
		got, err := s.answer(c.id, c.operation)
		if err != nil {
			got = []byte(err.Error())
		}
		if string(got) != c.want {
			t.Errorf("%v: got %s", c, got)
		}
	}
}
