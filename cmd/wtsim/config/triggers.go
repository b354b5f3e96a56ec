package config

import (
	"fmt"
	"slices"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/eventarc"
	fakelambda "github.com/wtsim/wtsim/fakes/lambda"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/s3"
	"github.com/wtsim/wtsim/fakes/sqs"
)

// trigger is one of the mappings.
type trigger struct {
	Topic string            `yaml:"topic" doc:"whose messages"`
	Push  bool              `yaml:"push" doc:"the message comes in the body, as a push subscription sends it"`
	Event string            `yaml:"event" doc:"whose events, by type"`
	Match map[string]string `yaml:"match" doc:"attributes that events must have"`

	Queue          string   `yaml:"queue" doc:"of SQS, whose messages"`
	BatchSize      int      `yaml:"batch-size" doc:"how many come at a time: 10 messages, 100 changes, if it is not said"`
	Window         duration `yaml:"window" doc:"how long messages of a queue, or changes, are gathered"`
	ItemFailures   bool     `yaml:"item-failures" doc:"the program says which of a batch have failed"`
	Filters        []string `yaml:"filters" doc:"which messages of a queue, or changes, come: patterns as JSON (FilterCriteria)"`
	Parallel       int      `yaml:"parallel" doc:"how many batches of changes are under way at most"`
	MaxConcurrency int      `yaml:"max-concurrency" doc:"how many batches of a queue are under way at most"`

	Keys    bucketEvents `yaml:",inline"`
	Message published    `yaml:",inline"`

	Stream    string   `yaml:"stream" doc:"the table of DynamoDB whose changes"`
	Retries   int      `yaml:"retries" doc:"how often changes come again before they are given up: until they expire, if it is not said; -1 for never"`
	MaxAge    duration `yaml:"max-age" doc:"how old a change may be: 24h, if it is not said"`
	Bisect    bool     `yaml:"bisect" doc:"changes that fail are split in two"`
	OnFailure string   `yaml:"on-failure" doc:"the queue or the program, by name or ARN, that is told of changes that are given up"`
}

// bucketEvents are what a trigger has that is a bucket of S3.
type bucketEvents struct {
	Bucket string   `yaml:"bucket" doc:"of S3, whose events"`
	Prefix string   `yaml:"prefix" doc:"how keys begin that are told of"`
	Suffix string   `yaml:"suffix" doc:"how they end"`
	Events []string `yaml:"events" doc:"which events: s3:ObjectCreated:*, if it is not said"`
}

// published are what a trigger has that is a topic of SNS or a rule of EventBridge.
type published struct {
	SNS    string `yaml:"sns" doc:"the topic of SNS whose messages"`
	Rule   string `yaml:"rule" doc:"the rule of EventBridge whose events"`
	Filter string `yaml:"filter" doc:"a filter policy of SNS, as JSON"`
	OnBody bool   `yaml:"on-body" doc:"the filter is over bodies"`
	HTTP   bool   `yaml:"http" doc:"of both: the program is called at its front, instead of being invoked"`
}

// source is what may invoke a program: the key that names it, and those that go
// with it.
type source struct {
	key     string
	with    []string
	declare func(t *trigger, in *file) (cloud.Trigger, error)
}

var sources = []source{
	{"topic", []string{"push"}, func(t *trigger, _ *file) (cloud.Trigger, error) {
		return pubsub.Trigger{Topic: t.Topic, Push: t.Push}, nil
	}},
	{"event", []string{"match"}, func(t *trigger, _ *file) (cloud.Trigger, error) {
		return eventarc.Trigger{Event: t.Event, Match: t.Match}, nil
	}},
	{"queue", []string{"batch-size", "window", "item-failures", "filters", "max-concurrency"}, (*trigger).ofQueue},
	{"bucket", []string{"prefix", "suffix", "events"}, (*trigger).ofBucket},
	{"stream", []string{"batch-size", "window", "item-failures", "filters", "parallel", "retries", "max-age", "bisect", "on-failure"}, (*trigger).ofStream},
	{"sns", []string{"filter", "on-body", "http"}, (*trigger).ofTopic},
	{"rule", []string{"http"}, (*trigger).ofRule},
}

func (t *trigger) declare(in *file) (cloud.Trigger, error) {
	keys := given(t)
	var found []source
	var all []string
	for _, s := range sources {
		all = append(all, s.key)
		if slices.Contains(keys, s.key) {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("a trigger has %q, wanted one of %s", keys, either(all))
	}
	for _, key := range keys {
		if key != found[0].key && !slices.Contains(found[0].with, key) {
			return nil, fmt.Errorf("a trigger with %q has no %q, wanted none but %q", found[0].key, key, found[0].with)
		}
	}
	return found[0].declare(t, in)
}

func (t *trigger) ofQueue(in *file) (cloud.Trigger, error) {
	return sqs.Trigger{From: in.having("sqs", func(s *service) bool { return s.hasQueue(t.Queue) }), Queue: t.Queue,
		BatchSize: t.BatchSize, Window: time.Duration(t.Window), ItemFailures: t.ItemFailures, Filters: t.Filters, MaxConcurrency: t.MaxConcurrency}, nil
}

func (t *trigger) ofBucket(in *file) (cloud.Trigger, error) {
	return s3.Trigger{Of: in.having("s3", func(s *service) bool { return slices.Contains(s.Buckets, t.Keys.Bucket) }), Bucket: t.Keys.Bucket,
		Events: t.Keys.Events, Prefix: t.Keys.Prefix, Suffix: t.Keys.Suffix}, nil
}

func (t *trigger) ofStream(in *file) (cloud.Trigger, error) {
	from := in.having("lambda", func(*service) bool { return true })
	if from == "" {
		return nil, fmt.Errorf("the stream of %q is brought by no service, wanted one of kind lambda under \"services\"", t.Stream)
	}
	onFailure, err := in.arn("on-failure", t.OnFailure)
	return fakelambda.Stream{From: from, Table: t.Stream, BatchSize: t.BatchSize, Retries: t.Retries, MaxAge: time.Duration(t.MaxAge),
		Bisect: t.Bisect, ItemFailures: t.ItemFailures, Window: time.Duration(t.Window), Filters: t.Filters, Parallel: t.Parallel, OnFailure: onFailure}, err
}
