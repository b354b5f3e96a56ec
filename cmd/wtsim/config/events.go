package config

import (
	"slices"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/eventbridge"
	"github.com/wtsim/wtsim/fakes/sns"
)

// eventRule is a rule of an EventBridge.
type eventRule struct {
	Name     string        `yaml:"name"`
	Bus      string        `yaml:"bus" doc:"whose events: default, if it is not said"`
	Pattern  string        `yaml:"pattern" doc:"which events, as JSON"`
	Schedule string        `yaml:"schedule" doc:"when, instead: rate(5 minutes), cron(0 10 ? * MON-FRI *)"`
	Ticks    int           `yaml:"ticks" doc:"how many there are"`
	Targets  []eventTarget `yaml:"targets" doc:"what gets them besides programs"`
}

type eventTarget struct {
	Queue      string `yaml:"queue" doc:"of SQS"`
	Topic      string `yaml:"topic" doc:"of SNS"`
	Group      string `yaml:"group" doc:"the messages' group, of a FIFO queue"`
	Path       string `yaml:"path" doc:"a part of the event, that it gets instead: $.detail"`
	DeadLetter string `yaml:"dead-letter" doc:"the queue of what it does not take"`
}

// sns is an SNS: its topics, and the queues that are subscribed to them.
func (s *service) sns(name string) cloud.Service {
	out := sns.New(name).At(s.At...)
	for _, t := range s.Topics {
		out = out.With(sns.Topic{Name: t})
	}
	for _, x := range s.Subscriptions {
		out = out.Subscribe(sns.Subscription{Topic: x.Topic, Queue: x.Queue, Filter: x.Filter, OnBody: x.OnBody, Raw: x.Raw, DeadLetter: x.DeadLetter})
	}
	return out
}

func (s *service) eventbridge(name string) cloud.Service {
	out := eventbridge.New(name).At(s.At...).Buses(s.AWS.Buses...)
	for _, r := range s.AWS.EventRules {
		rule := eventbridge.Rule{Name: r.Name, Bus: r.Bus, Pattern: r.Pattern, Schedule: r.Schedule, Ticks: r.Ticks}
		for _, t := range r.Targets {
			rule.Targets = append(rule.Targets, eventbridge.Target{Queue: t.Queue, Topic: t.Topic, Group: t.Group, Input: eventbridge.Input{Path: t.Path}, DeadLetter: t.DeadLetter})
		}
		out = out.With(rule)
	}
	return out
}

// foreignSubscription names a key of a subscription that is another kind's; empty
// if there is none.
func (s *service) foreignSubscription() string {
	for _, x := range s.Subscriptions {
		ofPubSub := x.Name != "" || x.AckDeadline != 0 || x.ExactlyOnce
		ofSNS := x.Queue != "" || x.Filter != "" || x.OnBody || x.Raw || x.DeadLetter != ""
		if ofPubSub && s.Kind == "sns" || ofSNS && s.Kind == "pubsub" {
			return "subscriptions: " + x.Name + x.Queue
		}
	}
	return ""
}

func (t *trigger) ofTopic(in *file) (cloud.Trigger, error) {
	return sns.Trigger{From: in.having("sns", func(s *service) bool { return slices.Contains(s.Topics, t.Message.SNS) }), Topic: t.Message.SNS, Filter: t.Message.Filter, OnBody: t.Message.OnBody, HTTP: t.Message.HTTP}, nil
}

func (t *trigger) ofRule(in *file) (cloud.Trigger, error) {
	from := in.having("eventbridge", func(s *service) bool {
		return slices.ContainsFunc(s.AWS.EventRules, func(r eventRule) bool { return r.Name == t.Message.Rule })
	})
	return eventbridge.Trigger{From: from, Rule: t.Message.Rule, HTTP: t.Message.HTTP}, nil
}
