package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/fakes/pubsub"
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

// What is wrong is told in one line, with what was wanted.
func TestMistakes(t *testing.T) {
	const whole = "scenario: x\nservices: {redis: {kind: redis}}\nprograms: {shop: {package: .}}\n"
	for text, want := range map[string]string{
		"":                         `no "scenario", wanted its name`,
		"scenario: x":              "no programs",
		whole + "platforn: x":      `unknown field "platforn"`,
		whole + "platform: x":      `platform "x", wanted cloud-run`,
		whole + "expect: x":        `expect is "x", wanted holds or violation`,
		whole + "horizon: 5":       `"5" is no duration`,
		whole + "properties: none": "none",
		strings.Replace(whole, "kind: redis", "kind: x", 1):                   `services: redis: kind "x", wanted redis`,
		strings.Replace(whole, "kind: redis", "kind: redis, jobs: []", 1):     `a service of kind redis has no "jobs"`,
		strings.Replace(whole, "package: .", "port: 1", 1):                    `programs: shop: no "package"`,
		strings.Replace(whole, "package: .", "package: ., triggers: [{}]", 1): `wanted one of them`,
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

// The examples' files can be read.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../../examples/programs/*/wtsim.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if s, err := Load(file); err != nil || len(s.Properties) == 0 || s.Expect.Deviations == 0 {
			t.Errorf("%s: %+v, %v", file, s, err)
		}
	}
}
