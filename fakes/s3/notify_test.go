package s3_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/eventbridge"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/fakes/s3"
	"github.com/wtsim/wtsim/fakes/sns"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/probe"
)

// A queue and a topic are told what a function is told, EventBridge in its own
// form; twice where it deviates.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
func TestNotify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := s3.New("s3", "photos").Notify(
			s3.Notification{Bucket: "photos", Prefix: "in/", Queue: "direct"}, s3.Notification{Bucket: "photos", Events: []string{"s3:ObjectRemoved:*"}, Topic: "removed"},
			s3.Notification{Bucket: "photos", EventBridge: true})
		queues := sqs.New("sqs").With(sqs.Queue{Name: "direct"}, sqs.Queue{Name: "removed"}, sqs.Queue{Name: "bus"})
		topics := sns.New("sns").With(sns.Topic{Name: "removed"}).Subscribe(sns.Subscription{Topic: "removed", Queue: "removed", Raw: true})
		bus := eventbridge.New("eventbridge").With(eventbridge.Rule{Name: "all", Pattern: `{"source":["aws.s3"]}`, Targets: []eventbridge.Target{{Queue: "bus"}}})
		e, err := fakestest.Open(t.Context(), s, queues, topics, bus)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		b := e.Kernel.Backends()[3].(cloud.Deviant)
		e.Verdict = func(c *probe.Call) probe.Fate {
			for _, kind := range b.Deviations(c) {
				if strings.HasSuffix(c.Op.Resource, "twice") {
					b.Deviate(c, kind)
				}
			}
			return probe.Fate{}
		}
		c := newClient(s3.Client(e, "s3"))
		for _, key := range []string{"in/a b", "out/c", "in/twice"} {
			if _, err := c.PutObject(context.Background(), &awss3.PutObjectInput{Bucket: aws.String("photos"), Key: aws.String(key), Body: strings.NewReader(key)}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.DeleteObject(context.Background(), &awss3.DeleteObjectInput{Bucket: aws.String("photos"), Key: aws.String("out/c")}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, content := range e.Kernel.Backends()[0].Contents() {
			got = append(got, line(t, content))
		}
		want := []string{
			"bus/000001 Object Created PutObject in/a b 6", "bus/000002 Object Created PutObject out/c 5", "bus/000003 Object Created PutObject in/twice 8",
			"bus/000004 Object Created PutObject in/twice 8", "bus/000005 Object Deleted DeleteObject out/c 0",
			"direct/000001 ObjectCreated:Put in%2Fa+b 6", "direct/000002 ObjectCreated:Put in%2Ftwice 8", "direct/000003 ObjectCreated:Put in%2Ftwice 8",
			"removed/000001 ObjectRemoved:Delete out%2Fc 0",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwanted\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// line is a message in short.
func line(t *testing.T, c cloud.Content) string {
	t.Helper()
	var e struct {
		told
		Type   string `json:"detail-type"`
		Detail struct {
			Reason string
			Object struct {
				Key  string
				Size json.Number
			}
		}
	}
	if err := json.Unmarshal([]byte(c.Value), &e); err != nil {
		t.Fatal(c.Value, err)
	}
	if len(e.Records) == 0 {
		size := e.Detail.Object.Size.String()
		if size == "" {
			size = "0"
		}
		return strings.Join([]string{c.Key, e.Type, e.Detail.Reason, e.Detail.Object.Key, size}, " ")
	}
	r := e.Records[0]
	size, _ := json.Marshal(r.S3.Object.Size)
	return strings.Join([]string{c.Key, r.EventName, r.S3.Object.Key, string(size)}, " ")
}
