package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/internal/scaffold"
	"github.com/wtsim/wtsim/internal/schematest"
	"github.com/wtsim/wtsim/sim"
)

// What a file says is what a scenario in Go has.
func TestLoad(t *testing.T) {
	s, err := Load("testdata/wtsim.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "shop/crash" || !s.Expect.Violation || s.Expect.Deviations != 1 || len(s.Services) != 2 || s.Services[0].Name() != "redis" {
		t.Errorf("got %+v", s)
	}
	shop, err := filepath.Abs("testdata/shop")
	if err != nil {
		t.Fatal(err)
	}
	f := s.Functions[0]
	if f.Name != "shop" || f.Timeout != time.Minute || f.Main.Package != shop || strings.Join(f.Main.Env, " ") != "A=1 REDIS=${redis}" || f.Main.Args[0] != "-v" {
		t.Errorf("got %+v %+v", f, f.Main)
	}
	if trigger, ok := f.Triggers[0].(pubsub.Trigger); !ok || !trigger.Push || trigger.Topic != "orders" {
		t.Errorf("got %+v", f.Triggers)
	}
	if r := s.Clients[0].Requests[0]; s.Clients[0].Name != "alice" || r.Function != "shop" || r.Path != "/buy/a" || s.Clients[0].Retries != 2 {
		t.Errorf("got %+v", s.Clients)
	}
	if len(s.Properties) != 1 || s.Properties[0].Name() != "charged at most once" || s.Rules[0].Emit != "CHARGED" {
		t.Errorf("got %+v %+v", s.Properties, s.Rules)
	}
	if _, err := sim.Compile(s); err == nil || !strings.Contains(err.Error(), "no package") {
		t.Errorf("its program is not there, got %v", err)
	}
}

// A read endpoint is of a Redis that stands before it.
func TestReadEndpoint(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wtsim.yaml")
	for services, want := range map[string]string{
		"{redis: {kind: redis}, ro: {kind: redis-replica, of: redis, at: [redis-ro]}}": "",
		"{ro: {kind: redis-replica, of: redis}, redis: {kind: redis}}":                 `services: ro: it is of "redis", wanted the name of a service of kind redis that stands before it`,
		"{web: {kind: web}, ro: {kind: redis-replica, of: web}}":                       `it is of "web"`,
		"{redis: {kind: redis}, ro: {kind: redis-replica}}":                            `it is of ""`,
	} {
		text := "scenario: x\nservices: " + services + "\nprograms: {shop: {package: .}}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Load(file)
		switch {
		case want == "" && (err != nil || fmt.Sprint(s.Services[1]) != "read replicas of redis"):
			t.Errorf("%s: got %v, %v", services, s.Services, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, wanted %s", services, err, want)
		}
	}
}

// What is wrong is told in one line, with what was wanted.
func TestMistakes(t *testing.T) {
	const whole = "scenario: x\nservices: {redis: {kind: redis}}\nprograms: {shop: {package: .}}\n"
	for text, want := range map[string]string{
		"":                         `no "scenario", wanted its name`,
		"scenario: x":              "no programs",
		whole + "platforn: x":      `:4:1: unknown field "platforn", wanted one that wtsim schema wtsim has; did you mean "platform"?`,
		whole + "steps: many":      `:4:8: "many", wanted a whole number`,
		whole + "properties: [a]":  `, wanted a text`,
		whole + "rules: {a: b}":    `names with values, wanted a list`,
		whole + "platform: x":      `platform "x", wanted cloud-run`,
		whole + "expect: x":        `expect is "x", wanted holds or violation`,
		whole + "horizon: 5":       `:4:10: "5" is no duration`,
		whole + "properties: none": "none",
		strings.Replace(whole, "kind: redis", "kind: x", 1):                   `services: redis: kind "x", wanted redis`,
		strings.Replace(whole, "kind: redis", "kind: redis, jobs: []", 1):     `a service of kind redis has no "jobs"`,
		strings.Replace(whole, "package: .", "package: ., prot: 1", 1):        `:3:31: unknown field "prot"`,
		strings.Replace(whole, "package: .", "package: ., port: x", 1):        `:3:37: "x", wanted a whole number`,
		whole + "final: [{name: a, holds: stores.}]":                          `at its character 8: Syntax error`,
		strings.Replace(whole, "redis}}", "redis, kind: redis}}", 1):          `:2:33: `,
		strings.Replace(whole, "package: .", "port: 1", 1):                    `programs: shop: no "package"`,
		strings.Replace(whole, "package: .", "package: ., triggers: [{}]", 1): `wanted one of topic`,
	} {
		file := filepath.Join(t.TempDir(), "wtsim.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, wanted %s", text, err, want)
		}
	}
}

// What clients are told, what holds at the end and what is drawn are data too.
func TestToldFinalInputs(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "wtsim.yaml")
	text := `scenario: x
services: {redis: {kind: redis}}
programs: {shop: {package: .}}
inputs:
  sku: {of: [tea, coffee]}
  often: {from: 1, to: 3}
clients:
  alice:
    requests:
      - path: /buy/${sku}
        body: '{"id":"o-1"}'
        times: often
        told:
          - {status: ["201"], emit: ACCEPTED, with: {order: request.id, at: response.at}}
final:
  - {name: stock is not negative, holds: 'int(stores.redis.stock) >= 0'}
  - {name: as if once, as-if-once: {except: ["redis/seen:*"]}}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	r := s.Clients[0].Requests
	if len(r) != 1 || r[0].Path != "/buy/tea" || len(s.Properties) != 2 || s.Generate == nil {
		t.Fatalf("got %+v, %d properties", r, len(s.Properties))
	}
	if what, with := r[0].Told(cloud.Response{Status: 201, Body: []byte(`{"at":7}`)}); what != "ACCEPTED" || fmt.Sprint(with["order"], with["at"]) == "" || len(with) != 2 {
		t.Errorf("told %s %v", what, with)
	}
	if what, _ := r[0].Told(cloud.Response{Status: 503}); what != "" {
		t.Errorf("told %s of a failure", what)
	}
	if _, err := compileFinal(`has(stores.redis["stock"])`); err == nil || err.Error() != `has(stores.redis["stock"]), at its character 17: invalid argument to has() macro` {
		t.Errorf("got %v", err)
	}
	holds, err := compileFinal(`int(stores.redis.stock) >= 0`)
	if err != nil {
		t.Fatal(err)
	}
	for stock, want := range map[string]bool{"0": true, "-1": false} {
		if err := holds(map[string]map[string]string{"redis": {"stock": stock}}); (err == nil) != want {
			t.Errorf("%s: %v", stock, err)
		}
	}
	for wrong, want := range map[string]string{
		"${sku}": "${size} is no input", "often\n": "times is", "of: [tea, coffee]": "wanted \"from\" and \"to\"",
		"int(stores.redis.stock) >= 0": "wanted true or false", "\"201\"": "wanted one such as 201", "request.id": "told: ", "ACCEPTED": "told: ",
	} {
		to := map[string]string{"${sku}": "${size}", "often\n": "never\n", "of: [tea, coffee]": "from: 1", "int(stores.redis.stock) >= 0": "1 + 1", "\"201\"": "\"ok\"", "request.id": "arg.x", "ACCEPTED": "\"\""}[wrong]
		bad := strings.Replace(text, wrong, to, 1)
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q for %q: got %v, wanted %s", to, wrong, err, want)
		}
	}
}

// Editors see the same: the schema takes every file of the examples, and refuses
// what reading refuses.
func TestSchema(t *testing.T) {
	data, err := json.Marshal(Schema())
	if err != nil {
		t.Fatal(err)
	}
	schema := schematest.Compile(t, data)
	fits := func(text []byte) error { return schematest.Misfit(t, schema, text) }
	files, err := filepath.Glob("../../../examples/programs/*/wtsim.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "testdata/wtsim.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := fits(text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	const whole = "scenario: x\nservices: {redis: {kind: redis}}\nprograms: {shop: {package: .}}\n"
	if err := fits([]byte(whole)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"scenario: x", whole + "platforn: x", whole + "expect: x", whole + "horizon: 5", strings.Replace(whole, "kind: redis", "kind: x", 1), strings.Replace(whole, "package: .", "port: 1", 1)} {
		if fits([]byte(bad)) == nil {
			t.Errorf("the schema takes %q", bad)
		}
	}
}

// What init writes of a module's programs can be read, and says what their sources
// do.
func TestScaffold(t *testing.T) {
	p, err := scaffold.FindPrograms("../../../examples/programs", schemaURL)
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.Text()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "wtsim.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var got []string
	for _, f := range s.Functions {
		if f.Main.Worker {
			f.Name += " (worker)"
		}
		got = append(got, f.Name)
	}
	if want := "upload thumbnail count order print prints book balance orders pinger shipper (worker) tickets"; strings.Join(got, " ") != want {
		t.Errorf("programs %q, wanted %s\n%s", got, want, text)
	}
	for _, want := range []string{schemaURL, `at: ["redis:6379"]`, "kind: pubsub", `"payments.example": {kind: web}`, `FUNCTION_TARGET: "book"`, `REDISHOST: "${redis.host}"`,
		`{program: "orders", method: POST, path: "/orders", body: "{}"}`, `{program: "orders", method: GET, path: "/orders/1"}`, "as-if-once"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	if none, err := scaffold.FindPrograms("testdata", schemaURL); none != nil || err != nil {
		t.Errorf("got %+v, %v", none, err)
	}
}

// What describes a deployment is taken over as far as it says it: a plan of
// Terraform, serverless.yml; what is not is named.
func TestScaffoldDeployed(t *testing.T) {
	dir := unpacked(t, "testdata/deployed.txtar")
	p, err := scaffold.FindPrograms(dir, schemaURL)
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.Text()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"shop-api":
    package: "./api"
    environment: {REGION: "europe-west1", STORE: "${redis.host}", TOPIC: "orders"}
    args: ["-v"]
    port: 9000
    timeout: 60s
    concurrency: 8
    max-instances: 3
    min-instances: 1
`, `"worker":
    package: "./worker"
    triggers: [{topic: "orders", push: true}]
`, `"shrink":
    package: "./thumbs"
    environment: {FUNCTION_TARGET: "Shrink", SIZE: "200"}
    timeout: 120s
    triggers: [{event: "google.cloud.storage.object.v1.finalized", match: {bucket: "photos"}}]
`, `"audit":
    package: "./thumbs"
    environment: {FUNCTION_TARGET: "Audit", STAGE: "prod"}
    timeout: 30s
    triggers: [{topic: "audits"}]
`,
		`- {name: "audit", topic: "orders", ack-deadline: 20s, exactly-once: true}`, `- {name: "mail", max-attempts: 5, min-backoff: 1s, max-backoff: 10s}`,
		`- {name: "sweep", cron: "0 3 * * *", ticks: 2, program: "worker", method: POST, path: "/sweep", body: "{}"}`, `redis: {kind: redis}`, `buckets: ["photos"]`, `eventarc: {kind: eventarc}`,
		`- {program: "shop-api", method: POST, path: "/orders", body: "{}"}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	left := strings.Join(p.Left, "\n")
	for _, want := range []string{
		"plan.json: google_project_iam_member.x: a scenario has nothing like it", "plan.json: module.old.azurerm_servicebus_queue.q: this cloud is not there yet", "plan.json: legacy: no program of the module has this name",
		"plan.json: google_pubsub_subscription.push: its dead_letter_policy", "plan.json: google_cloud_run_v2_service.api: the variable KEY of its environment",
		"serverless.yml: functions.audit: the variable SECRET of its environment is ${env:SECRET}", "template.yaml: Charge: no program of the module has this name",
	} {
		if !strings.Contains(left, want) {
			t.Errorf("%q is not named in\n%s", want, left)
		}
	}
	file := filepath.Join(dir, "wtsim.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

// What init writes for Lambda can be read, and names what a run has as it does.
func TestScaffoldOnAWS(t *testing.T) {
	files, err := filepath.Glob("../../../internal/scaffold/testdata/*.golden.yaml")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		s, err := Load(file)
		if err != nil || s.Platform.Name != "aws" {
			t.Errorf("%s: %v", file, err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`https://sqs[^"]*/([^"/]*)`).FindAllStringSubmatch(string(text), -1) {
			if m[0] != aws.QueueURL(m[1]) {
				t.Errorf("%s: the queue %s is at %s in a run", file, m[0], aws.QueueURL(m[1]))
			}
		}
	}
}

// unpacked is a folder with the files of an archive.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files, err := txtar.FS(archive)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The examples' files can be read.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../../examples/programs/*/wtsim.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if s, err := Load(file); err != nil || len(s.Properties) == 0 || s.Expect.Violation && s.Expect.Deviations == 0 {
			t.Errorf("%s: %+v, %v", file, s, err)
		}
	}
}
