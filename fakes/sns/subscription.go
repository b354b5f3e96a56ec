package sns

import (
	"errors"
	"fmt"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/pattern"
)

// Subscription is a queue of SQS that is subscribed to a topic.
// https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html
type Subscription struct {
	Topic string
	Queue string
	// Filter is a filter policy in JSON; empty for all messages. It is over the
	// attributes of messages, or with OnBody over their bodies, which are JSON
	// then.
	// https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
	Filter string
	OnBody bool
	// Raw brings messages as they were published, without an envelope.
	// https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html
	Raw bool
	// DeadLetter is the queue of what could not be delivered.
	// https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
	DeadLetter string
}

// Trigger is the subscription of a function: Lambda is invoked asynchronously
// with an SNS event, of one message; with HTTP, the function's front is called.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
// https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html
type Trigger struct {
	From       string // the service's name; default "sns"
	Topic      string
	Filter     string // as in a [Subscription]
	OnBody     bool
	HTTP       bool
	Raw        bool // with HTTP
	DeadLetter string
}

// On is one trigger: the messages of a topic.
func On(topic string) []cloud.Trigger { return []cloud.Trigger{Trigger{Topic: topic}} }

// Service is the name of the service that it is of.
func (t Trigger) Service() string {
	if t.From == "" {
		return DefaultName
	}
	return t.From
}

// subscription is the same, without what is a function's.
func (t Trigger) subscription() Subscription {
	return Subscription{Topic: t.Topic, Filter: t.Filter, OnBody: t.OnBody, Raw: t.Raw, DeadLetter: t.DeadLetter}
}

// Check returns the first thing that is wrong with it.
func (t Trigger) Check() error {
	switch {
	case t.Topic == "":
		return errors.New("wanted a topic")
	case fifo(t.Topic):
		return fmt.Errorf("its topic %q is FIFO, wanted a standard one: FIFO topics deliver to queues alone", t.Topic)
	case t.Raw && !t.HTTP:
		return errors.New("it is Raw, wanted HTTP for that: functions of Lambda get events")
	}
	return t.subscription().checkFilter()
}

// String tells people what it is.
func (t Trigger) String() string {
	s := "messages of topic " + t.Topic
	if t.HTTP {
		s += " by HTTP"
	}
	if t.Filter != "" {
		s += ", filtered"
	}
	return s
}

func (s Subscription) check() error {
	switch {
	case s.Queue == "":
		return errors.New("it has no queue")
	case fifo(s.Queue) && !fifo(s.Topic):
		return errors.New("it is FIFO and the topic is not, wanted a standard queue")
	case s.DeadLetter != "" && fifo(s.DeadLetter) != fifo(s.Topic):
		return fmt.Errorf("it has the DeadLetter %q, wanted a queue of the topic's kind", s.DeadLetter)
	}
	return s.checkFilter()
}

func (s Subscription) checkFilter() error {
	if s.OnBody && s.Filter == "" {
		return errors.New("it is OnBody without a Filter")
	}
	_, err := s.pattern()
	return err
}

// pattern is its filter policy, nil for none.
func (s Subscription) pattern() (*pattern.Pattern, error) {
	if s.Filter == "" {
		return nil, nil
	}
	kind := pattern.Attributes
	if s.OnBody {
		kind = pattern.Body
	}
	p, err := pattern.Compile(s.Filter, kind)
	if err != nil {
		return nil, fmt.Errorf("its Filter: %w", err)
	}
	return p, nil
}

// ways are from its topic, and to its dead letters.
func (s Subscription) ways(to cloud.Part) []cloud.Edge {
	e := cloud.Edge{From: part(s.Topic), To: to}
	if s.Filter != "" {
		e.Label = s.Filter
	}
	out := []cloud.Edge{e}
	if s.DeadLetter != "" {
		out = append(out, cloud.Edge{From: part(s.Topic), To: cloud.Part{Kind: "queue", Name: s.DeadLetter}, Label: "dead letters"})
	}
	return out
}
