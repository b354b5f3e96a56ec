package eventbridge

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/internal/push"
)

// Target is what a rule's events go to: a queue of SQS or a topic of SNS.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html
type Target struct {
	Queue, Topic string
	// Group is that of the messages of a FIFO queue, which must be ByContent.
	// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_SqsParameters.html
	Group string
	Input Input
	// DeadLetter is the queue of what could not be delivered.
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
	DeadLetter string
}

// Trigger is a function as a target of a rule: Lambda is invoked asynchronously;
// with HTTP, the function's front is called, as an API destination is.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
type Trigger struct {
	From  string // the service's name; default "eventbridge"
	Rule  string
	Input Input
	// HTTP calls the function's front, again for MaxAge, Retries times at most.
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
	HTTP       bool
	MaxAge     time.Duration // 24 h; 1 min to 24 h
	Retries    int           // 185 at most, which is the default; below zero none
	DeadLetter string
}

// On is one trigger: the events of a rule.
func On(rule string) []cloud.Trigger { return []cloud.Trigger{Trigger{Rule: rule}} }

// Service is the name of the service that it is of.
func (t Trigger) Service() string {
	if t.From == "" {
		return DefaultName
	}
	return t.From
}

func (t Trigger) withDefaults() Trigger {
	cloud.SetDefault(&t.MaxAge, mostAge)
	cloud.SetDefault(&t.Retries, mostRetries)
	t.Retries = max(0, t.Retries)
	return t
}

// String tells people what it is.
func (t Trigger) String() string {
	s := "events of rule " + t.Rule
	if t.HTTP {
		s += " by HTTP"
	}
	return s
}

// Check returns the first thing that is wrong with it.
func (t Trigger) Check() error {
	d := t.withDefaults()
	switch {
	case t.Rule == "":
		return errors.New("wanted a rule")
	case !t.HTTP && (t.MaxAge != 0 || t.Retries != 0):
		return errors.New("it has MaxAge or Retries, wanted HTTP for that: what becomes of a function's asynchronous events is said to lambda.New")
	case d.MaxAge < leastAge || d.MaxAge > mostAge || d.Retries > mostRetries:
		return fmt.Errorf("it has MaxAge %v and %d retries, wanted 1m to 24h, and at most %d", d.MaxAge, d.Retries, mostRetries)
	}
	_, err := t.Input.compile()
	return err
}

func (t Target) arn() string {
	if t.Queue != "" {
		return aws.QueueARN(t.Queue)
	}
	return aws.TopicARN(t.Topic)
}

func (t Target) part() cloud.Part {
	if t.Queue != "" {
		return cloud.Part{Kind: "queue", Name: t.Queue}
	}
	return cloud.Part{Kind: "topic", Name: t.Topic}
}

func (t Target) check(d *cloud.Deployment) error {
	fifo := strings.HasSuffix(t.Queue, ".fifo")
	switch {
	case (t.Queue == "") == (t.Topic == ""):
		return errors.New("a target has a Queue or a Topic, wanted one of them")
	case !aws.Exists(d, t.arn()):
		return fmt.Errorf("it has the target %s, which is not there", t.arn())
	case fifo != (t.Group != ""):
		return fmt.Errorf("the target %q has the Group %q, wanted one of a FIFO queue, and of none other", t.Queue, t.Group)
	case strings.HasSuffix(t.Topic, ".fifo"):
		return fmt.Errorf("the target %q is a FIFO topic, wanted a standard one", t.Topic)
	case t.DeadLetter != "" && !aws.Exists(d, aws.QueueARN(t.DeadLetter)):
		return fmt.Errorf("it has the DeadLetter %q, wanted a queue that is there", t.DeadLetter)
	}
	_, err := t.Input.compile()
	return err
}

// policy is how an endpoint is called: 401, 407, 409, 429, 5xx and what takes
// longer than 5 s come again, "with exponential back off and jitter": a second,
// doubled up to ten minutes, is taken, without jitter.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
func (t *target) policy(k cloud.Kernel, without bool) *push.Policy {
	begin := k.Now()
	return &push.Policy{Limit: 5 * time.Second, Again: func(attempt, status int) (time.Duration, bool) {
		after := cloud.Backoff(time.Second, 10*time.Minute, attempt, 64)
		switch {
		case without || attempt > t.retries || k.Now().Add(after).Sub(begin) > t.maxAge:
			return 0, false
		case status == 0 || status >= 500:
			return after, true
		}
		switch status {
		case http.StatusUnauthorized, http.StatusProxyAuthRequired, http.StatusConflict, http.StatusTooManyRequests:
			return after, true
		}
		return 0, false
	}}
}
