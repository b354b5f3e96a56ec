package tidy

import "testing"

// What ships links nothing that a run is made of, by whatever chain, and the
// seam itself no client library.
func TestProduction(t *testing.T) {
	bad := map[string]string{
		"event/a.go":            "package event\n\nimport _ \"example.com/json\"\n",
		"probe/a.go":            "package probe\n\nimport (\n\t_ \"fmt\"\n\t_ \"example.com/grpc\"\n\t_ \"example.org/m/event\"\n\t_ \"example.org/m/scheduler\"\n)\n",
		"probe/httpprobe/a.go":  "package httpprobe\n\nimport (\n\t_ \"example.com/http\"\n\t_ \"example.org/m/probe\"\n\t_ \"example.org/m/probe/internal/probetest\"\n)\n",
		"probe/redisprobe/a.go": "package redisprobe\n\nimport _ \"go.opentelemetry.io/otel\"\n",
		"monitor/internal/x.go": "package x\n\nimport _ \"example.org/m/internal/bubble\"\n",
		"sim/a.go":              "package sim\n\nimport _ \"example.org/m/scheduler\"\n",
		"probe/sink/a.go":       "package sink\n\nimport (\n\t_ \"net/http\"\n\t_ \"example.com/retry\"\n\t_ \"example.org/m/sim\"\n)\n",
		"probe/ok_test.go":      "package probe\n\nimport _ \"example.org/m/sim\"\n",
	}
	expect(t, production(parse(t, bad)),
		"event/a.go:3: event imports example.com/json; want the standard library alone",
		"monitor/internal/x.go:3: monitor/internal links internal/bubble into production",
		"probe/a.go:5: probe imports example.com/grpc",
		"probe/a.go:7: probe links scheduler into production; want at most event, props, ",
		"probe/httpprobe/a.go:6: probe/httpprobe links probe/internal/probetest into production",
		"probe/redisprobe/a.go:3: probe/redisprobe imports go.opentelemetry.io/otel; want it in its home alone",
		"probe/sink/a.go:5: probe/sink imports example.com/retry; want the standard library alone",
		"probe/sink/a.go:6: probe/sink links sim into production",
	)
}
