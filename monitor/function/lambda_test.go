package function

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// As a handler of Lambda's it takes requests, messages and ticks, in each of the
// forms that they come in, and tells which messages it has not stored.
func TestLambda(t *testing.T) {
	servers(t, func(t *testing.T, c *redis.Client) {
		f := instance(t, c, time.Second)
		paid := func(id string, second int) string {
			return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"shop","type":"PAID","time":"2026-01-01T00:00:%02dZ","data":{"order":"7"}}`, id, second)
		}
		quoted := func(s string) string { b, _ := json.Marshal(s); return string(b) }
		for _, x := range []struct{ name, payload, want string }{
			{"a function URL", `{"version":"2.0","rawPath":"/v1/events","headers":{"content-type":"application/cloudevents+json"},"requestContext":{"http":{"method":"POST"}},"body":` + quoted(paid("1", 1)) + `,"isBase64Encoded":false}`, `"statusCode":202`},
			{"a REST API", `{"httpMethod":"GET","path":"/v1/status","headers":null,"body":null}`, `\"events\":1`},
			{"SQS", `{"Records":[{"messageId":"m1","eventSource":"aws:sqs","body":` + quoted(paid("2", 2)+"\n"+paid("1", 1)+"\n") + `},{"messageId":"m2","eventSource":"aws:sqs","body":"no event"}]}`, `{"batchItemFailures":[]}`},
			{"SNS", `{"Records":[{"EventSource":"aws:sns","Sns":{"Message":` + quoted(paid("3", 9)) + `}}]}`, `null`},
			{"a schedule", `{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}`, `null`},
			{"its verdicts", `{"version":"2.0","rawPath":"/v1/violations","rawQueryString":"","requestContext":{"http":{"method":"GET"}}}`, `paid at most once`},
			{"something else", `{"hello":"world"}`, `error: a payload that is neither a request, nor messages of SQS or SNS, nor a schedule's`},
		} {
			out, err := f.Lambda(context.Background(), json.RawMessage(x.payload))
			text, _ := json.Marshal(out)
			if err != nil {
				text = []byte("error: " + err.Error())
			}
			if !strings.Contains(string(text), x.want) {
				t.Errorf("%s: got %s, wanted %s", x.name, text, x.want)
			}
		}
		if s, err := f.Status(context.Background()); err != nil || s.Events != 3 || s.Duplicates != 1 || s.Violations != 1 {
			t.Errorf("counted %+v, %v", s, err)
		}
	})
}

// Of a batch that cannot be stored each message comes again.
func TestLambdaNotStored(t *testing.T) {
	c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	defer c.Close()
	f := instance(t, c, time.Second)
	event := `{"specversion":"1.0","id":"1","source":"shop","type":"PAID","time":"2026-01-01T00:00:01Z","data":{"order":"7"}}`
	text, _ := json.Marshal(event)
	out, err := f.Lambda(context.Background(), json.RawMessage(`{"Records":[{"messageId":"m1","eventSource":"aws:sqs","body":`+string(text)+`}]}`))
	if got, _ := json.Marshal(out); err != nil || string(got) != `{"batchItemFailures":[{"itemIdentifier":"m1"}]}` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := f.Lambda(context.Background(), json.RawMessage(`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":`+string(text)+`}}]}`)); err == nil {
		t.Error("a notification that was not stored is taken for stored")
	}
}
