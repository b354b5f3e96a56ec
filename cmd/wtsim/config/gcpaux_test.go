package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
)

// Secret Manager and Cloud Logging are services; secrets are the former's.
func TestSecretManager(t *testing.T) {
	for services, want := range map[string]string{
		`{kind: secretmanager, secrets: [{name: db, values: [old, new], rotations: [{after: 1h, value: newer}]}, {name: key}]}`: "Secret Manager: db, key",
		`{kind: logging}`:                            "Cloud Logging",
		`{kind: logging, secrets: [{name: db}]}`:     `a service of kind logging has no "secrets"`,
		`{kind: secretmanager, secrets: [{id: db}]}`: `unknown field`,
	} {
		file := filepath.Join(t.TempDir(), "wtsim.yaml")
		text := "scenario: x\nplatform: cloud-run\nservices:\n  s: " + services + "\nprograms:\n  p: {package: .}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Load(file)
		got := ""
		if err == nil {
			got = s.Services[0].(interface{ String() string }).String()
			err = s.Services[0].(interface{ Check(cloud.Deployment) error }).Check(cloud.Deployment{})
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %s, wanted %s", services, got, want)
		}
	}
}
