package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Topics of SNS and rules of EventBridge are declared, and what only they have is
// refused elsewhere.
func TestEvents(t *testing.T) {
	const sns, bridge = `{kind: sns, topics: [t], subscriptions: [{topic: t, queue: q, raw: true}]}`, `{kind: eventbridge, buses: [b], rules: [{name: r, bus: b, pattern: '{"source":["s"]}', targets: [{queue: q, path: $.detail}]}]}`
	for _, c := range []struct{ service, trigger, want string }{
		{sns, `{sns: t, filter: '{"a":["b"]}', http: true}`, "messages of topic t by HTTP, filtered"},
		{bridge, `{rule: r}`, "events of rule r"},
		{sns, `{sns: t, rule: r}`, "wanted one of topic"},
		{bridge, `{rule: r, filter: "{}"}`, `no "filter"`},
		{`{kind: sns, subscriptions: [{topic: t, ack-deadline: 10s}]}`, `{sns: t}`, `no "subscriptions: "`},
		{`{kind: pubsub, subscriptions: [{name: s, topic: t, queue: q}]}`, `{topic: t}`, `no "subscriptions: sq"`},
		{`{kind: sns, rules: [{name: r}]}`, `{sns: t}`, `no "rules"`},
	} {
		file := filepath.Join(t.TempDir(), "wtsim.yaml")
		text := "scenario: x\nplatform: lambda\nservices:\n  sqs: {kind: sqs, queues: [{name: q}]}\n  s: " + c.service + "\nprograms:\n  p: {package: ., triggers: [" + c.trigger + "]}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Load(file)
		got := ""
		if err == nil {
			got = s.Functions[0].Triggers[0].String()
		} else {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: got %s, wanted %s", text, got, c.want)
		}
	}
}
