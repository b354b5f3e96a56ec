package tidy

import "testing"

// A package that knows no service names none: not in names of its own, in
// texts, comments or imports; words that only contain such a name are none.
func TestWords(t *testing.T) {
	m := parse(t, map[string]string{
		"sim/a.go": `// Package sim is like Cloud Run.
package sim

import (
	_ "cloud.google.com/go/storage"
	_ "github.com/google/uuid"
)

type redisConn struct{} // of redis

/*
Draws, redistributes, as a cloud runs. Pub/Sub, though, is one.
*/
var topics = "a queue of SQS"

const CloudStorage, aws_region = ` + "`" + `
DynamoDB
` + "`" + `, 1
`,
		"sim/report/a.go":  "package report\n\n// See https://docs.cloud.google.com/run/docs.\n",
		"sim/a_test.go":    "package sim\n\n// Redis\n",
		"fakes/redis/a.go": "package redis\n",
	})
	expect(t, words(m),
		"sim/a.go:1: sim names Cloud Run; want no service, platform or client library; ",
		"sim/a.go:5: sim names google",
		"sim/a.go:9: sim names redis",
		"sim/a.go:12: sim names Pub/Sub",
		"sim/a.go:14: sim names SQS",
		"sim/a.go:16: sim names Cloud Storage",
		"sim/a.go:17: sim names Dynamo DB",
		"sim/report/a.go:3: sim/report names google",
	)
}
