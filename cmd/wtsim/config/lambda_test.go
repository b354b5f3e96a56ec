package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What only Lambda and SQS have is refused elsewhere, and the other way round.
func TestLambda(t *testing.T) {
	for _, c := range []struct{ platform, service, program, want string }{
		{"lambda", `{kind: sqs, queues: [{name: q, visibility: 60s, max-receives: 3, dead-letter: d}, {name: d}]}`, `triggers: [{queue: q, batch-size: 5, item-failures: true}], front: alb`, ""},
		{"cloud-run", `{kind: sqs}`, `front: alb`, "wanted platform lambda"},
		{"lambda", `{kind: sqs}`, `front: door`, `front "door"`},
		{"lambda", `{kind: sqs}`, `triggers: [{queue: q, topic: t}]`, "wanted one of topic, event, queue"},
		{"lambda", `{kind: sqs}`, `triggers: [{topic: t, batch-size: 5}]`, `a trigger with "topic" has no "batch-size"`},
		{"lambda", `{kind: sqs, queues: [{name: q, max-attempts: 5}]}`, `port: 80`, `no "queues: q"`},
		{"lambda", `{kind: tasks, queues: [{name: q, visibility: 5s}]}`, `port: 80`, `no "queues: q"`},
	} {
		file := filepath.Join(t.TempDir(), "wtsim.yaml")
		text := "scenario: x\nplatform: " + c.platform + "\nservices:\n  sqs: " + c.service + "\nprograms:\n  p: {package: ., " + c.program + "}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Load(file)
		if c.want == "" {
			if err != nil || s.Platform.Name != "aws" || s.Functions[0].Triggers[0].String() != "messages of q, up to 5 at a time, failures one by one" {
				t.Errorf("%s: %v, %+v", text, err, s.Functions)
			}
		} else if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, wanted %s", text, err, c.want)
		}
	}
}
