package config

import (
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/gcpaux"
)

// secret is one of Secret Manager's, or of AWS's Secrets Manager.
type secret struct {
	Name      string     `yaml:"name"`
	Value     string     `yaml:"value" doc:"of AWS"`
	Values    []string   `yaml:"values" doc:"of Google Cloud: of its versions, the oldest first"`
	Rotations []rotation `yaml:"rotations" doc:"other values that it gets during a run"`
}

type rotation struct {
	After duration `yaml:"after" doc:"how long after a run begins"`
	Value string   `yaml:"value" doc:"of the version that it gets"`
}

func (s *service) secretManager(name string) cloud.Service {
	var all []gcpaux.Secret
	for _, x := range s.Secrets {
		of := gcpaux.Secret{Name: x.Name, Values: x.Values}
		for _, r := range x.Rotations {
			of.Rotations = append(of.Rotations, gcpaux.Rotation{After: time.Duration(r.After), Value: r.Value})
		}
		all = append(all, of)
	}
	return gcpaux.Secrets(name, all...).At(s.At...)
}

func (s *service) logging(name string) cloud.Service { return gcpaux.Logs(name).At(s.At...) }

// foreignSecret names a secret with a key that the other kind's secrets have; empty
// if there is none.
func (s *service) foreignSecret() string {
	for _, x := range s.Secrets {
		if x.Value != "" && s.Kind == "secretmanager" || x.Values != nil && s.Kind == "secretsmanager" {
			return "secrets: " + x.Name
		}
	}
	return ""
}
