package fakestest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// EventBridgeSetup is a rule of a bus of its own, whose events go to one queue.
type EventBridgeSetup struct {
	Name             string // of bus, rule and queue; of a FIFO queue with ".fifo" behind it
	Pattern          string
	Path             string // of the event, that the queue gets instead
	Template, Holder string // or a template, in which <v> is what the path Holder has
	Group            string // of a FIFO queue, whose deduplication ids are of the content
}

// EventBridgeSetups returns what must be there, and empty, before [EventBridge] is
// called.
func EventBridgeSetups() []EventBridgeSetup {
	var out []EventBridgeSetup
	for _, c := range bridgeChecks {
		out = append(out, c.setup)
	}
	return out
}

// EventBridge checks what an application may rely on of EventBridge and the queues
// behind it, through their real clients. The error names every check that fails.
func EventBridge(ctx context.Context, client *eventbridge.Client, queues *sqs.Client) error {
	var failed []error
	for _, c := range bridgeChecks {
		queue := c.setup.Name
		if c.setup.Group != "" {
			queue += ".fifo"
		}
		if err := c.check(&bridgeRig{ctx, client, c.setup.Name, &sqsRig{ctx, queues, queue}}); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(failed...)
}

var bridgeChecks = []struct {
	name  string
	setup EventBridgeSetup
	check func(*bridgeRig) error
}{
	{"an event comes as it is told", EventBridgeSetup{Name: "told", Pattern: `{"source":["shop"]}`}, bridgeTold},
	{"a rule lets through what it matches", EventBridgeSetup{Name: "matched", Path: "$.detail",
		Pattern: `{"source":[{"prefix":"shop"}],"detail-type":[{"anything-but":"Cancelled"}],"detail":{"$or":[{"n":[{"numeric":[">",1]}]},{"x":[{"exists":true}]}]}}`}, bridgeMatched},
	{"a target gets what its input says", EventBridgeSetup{Name: "transformed", Pattern: `{"source":["shop"]}`, Template: `{"said":<v>,"text":"it is <v>"}`, Holder: "$.detail.a[0]"}, bridgeTransformed},
	{"a FIFO queue gets events of its group", EventBridgeSetup{Name: "grouped", Pattern: `{"source":["shop"]}`, Path: "$.detail", Group: "g"}, bridgeGrouped},
	{"a put fails in part", EventBridgeSetup{Name: "partly", Pattern: `{"source":["shop"]}`, Path: "$.detail"}, bridgePartly},
	{"what is declared is told", EventBridgeSetup{Name: "declared", Pattern: `{"source":["shop"]}`}, bridgeDeclared},
	{"what is wrong is refused", EventBridgeSetup{Name: "wrong", Pattern: `{"source":["shop"]}`}, bridgeRefuses},
}

// bridgeRig is a client, and a bus with its queue.
type bridgeRig struct {
	ctx    context.Context
	client *eventbridge.Client
	bus    string
	queue  *sqsRig
}

func (r *bridgeRig) entry(source, kind, detail string) types.PutEventsRequestEntry {
	return types.PutEventsRequestEntry{EventBusName: &r.bus, Source: &source, DetailType: &kind, Detail: &detail}
}

func (r *bridgeRig) put(entries ...types.PutEventsRequestEntry) (*eventbridge.PutEventsOutput, error) {
	return r.client.PutEvents(r.ctx, &eventbridge.PutEventsInput{Entries: entries})
}

func bridgeTold(r *bridgeRig) error {
	e := r.entry("shop", "Placed", `{"b":1.0,"a":[2]}`)
	e.Resources = []string{"arn:x"}
	out, err := r.put(e)
	if err != nil || out.FailedEntryCount != 0 || len(out.Entries) != 1 {
		return fmt.Errorf("answered %v, %w", out, err)
	}
	got, err := r.queue.receive(10)
	if err != nil || len(got) != 1 {
		return fmt.Errorf("received %v, %w", got, err)
	}
	var is struct {
		Version, ID, Source, Account, Time, Region string
		Type                                       string `json:"detail-type"`
		Resources                                  []string
		Detail                                     json.RawMessage
	}
	if err := json.Unmarshal([]byte(*got[0].Body), &is); err != nil {
		return err
	}
	if is.Version != "0" || is.ID != *out.Entries[0].EventId || is.Source != "shop" || is.Type != "Placed" || is.Region != "us-east-1" || is.Account == "" || is.Time == "" ||
		len(is.Resources) != 1 || string(is.Detail) != `{"b":1.0,"a":[2]}` {
		return fmt.Errorf("received %s", *got[0].Body)
	}
	return nil
}

func bridgeMatched(r *bridgeRig) error {
	_, err := r.put(r.entry("shop.web", "Placed", `{"n":2}`), r.entry("shop", "Cancelled", `{"n":3}`), r.entry("shop", "Placed", `{"n":1}`),
		r.entry("shop", "Placed", `{"n":1,"x":null}`), r.entry("other", "Placed", `{"n":4}`))
	_, got := r.queue.wants(10, `{"n":2}`, `{"n":1,"x":null}`)
	return errors.Join(err, got)
}

func bridgeTransformed(r *bridgeRig) error {
	_, err := r.put(r.entry("shop", "Placed", `{"a":["x\"y"]}`))
	_, got := r.queue.wants(10, `{"said":"x\"y","text":"it is x\"y"}`)
	return errors.Join(err, got)
}

func bridgeGrouped(r *bridgeRig) error {
	_, err := r.put(r.entry("shop", "Placed", `{"n":1}`), r.entry("shop", "Placed", `{"n":2}`))
	got, wrong := r.queue.wants(10, `{"n":1}`, `{"n":2}`)
	if err = errors.Join(err, wrong); err == nil && got[1].Attributes["MessageGroupId"] != "g" {
		err = fmt.Errorf("attributes %v", got[1].Attributes)
	}
	return err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func bridgePartly(r *bridgeRig) error {
	out, err := r.put(r.entry("shop", "Placed", `{"n":1}`), r.entry("shop", "Placed", `{`), r.entry("aws.s3", "Placed", `{}`), r.entry("shop", "Placed", `{"n":2}`))
	if err != nil {
		return err
	}
	if e := out.Entries; out.FailedEntryCount != 2 || len(e) != 4 || e[0].EventId == nil || aws.ToString(e[1].ErrorCode) != "MalformedDetail" ||
		aws.ToString(e[2].ErrorCode) != "NotAuthorizedForSourceException" || e[3].EventId == nil {
		return fmt.Errorf("answered %d failures: %v", out.FailedEntryCount, e)
	}
	_, err = r.queue.wants(10, `{"n":1}`, `{"n":2}`)
	return err
}

func bridgeDeclared(r *bridgeRig) error {
	rule, err := r.client.DescribeRule(r.ctx, &eventbridge.DescribeRuleInput{Name: &r.bus, EventBusName: &r.bus})
	if err != nil || aws.ToString(rule.EventPattern) != `{"source":["shop"]}` || *rule.Arn != "arn:aws:events:us-east-1:123456789012:rule/declared/declared" {
		return fmt.Errorf("the rule is %v, %w", rule, err)
	}
	targets, err := r.client.ListTargetsByRule(r.ctx, &eventbridge.ListTargetsByRuleInput{Rule: &r.bus, EventBusName: &r.bus})
	if err != nil || len(targets.Targets) != 1 || *targets.Targets[0].Arn != "arn:aws:sqs:us-east-1:123456789012:declared" {
		return fmt.Errorf("targets %v, %w", targets, err)
	}
	rules, err := r.client.ListRules(r.ctx, &eventbridge.ListRulesInput{EventBusName: &r.bus})
	if err != nil || len(rules.Rules) != 1 {
		return fmt.Errorf("rules %v, %w", rules, err)
	}
	test, err := r.client.TestEventPattern(r.ctx, &eventbridge.TestEventPatternInput{EventPattern: rule.EventPattern, Event: aws.String(`{"source":"shop"}`)})
	if err != nil || !test.Result {
		return fmt.Errorf("the pattern %v, %w", test, err)
	}
	return nil
}

func bridgeRefuses(r *bridgeRig) error {
	var errs []error
	if _, err := r.put(make([]types.PutEventsRequestEntry, 11)...); !refusedBy(err, "ValidationException") {
		errs = append(errs, fmt.Errorf("11 events: %w", err))
	}
	if _, err := r.client.DescribeRule(r.ctx, &eventbridge.DescribeRuleInput{Name: aws.String("nowhere"), EventBusName: &r.bus}); !refusedBy(err, "ResourceNotFoundException") {
		errs = append(errs, fmt.Errorf("no rule: %w", err))
	}
	if _, err := r.client.TestEventPattern(r.ctx, &eventbridge.TestEventPatternInput{EventPattern: aws.String("{"), Event: aws.String("{}")}); !refusedBy(err, "InvalidEventPatternException") {
		errs = append(errs, fmt.Errorf("a pattern that is none: %w", err))
	}
	return errors.Join(errs...)
}
