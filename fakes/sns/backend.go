package sns

import (
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/fakes/internal/pattern"
	"github.com/wtsim/wtsim/probe"
)

// Backend is SNS during one run. The kernel's lock guards it.
type Backend struct {
	*awswire.Wire
	kernel  cloud.Kernel
	service *Service
	topics  []*topic
	twice   map[*probe.Call]bool // publishes whose first message comes twice
}

// topic is one during a run.
type topic struct {
	Topic
	subscriptions []*subscription
	lately        map[string]sent // of a FIFO topic, by deduplication id
	made          int             // messages
}

// sent is what a deduplication id stands for, until when.
type sent struct {
	message *message
	until   time.Time
}

// subscription is one during a run: of a queue, or of a function.
type subscription struct {
	Subscription
	binding cloud.Binding // of a function
	http    bool
	filter  *pattern.Pattern // nil for all messages
}

// subscribe adds a subscription to its topic.
func (b *Backend) subscribe(s *subscription) (err error) {
	s.filter, err = s.pattern()
	t := b.find(s.Topic)
	t.subscriptions = append(t.subscriptions, s)
	return err
}

func (b *Backend) find(name string) *topic {
	for _, t := range b.topics {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// named is the topic of an ARN, nil if there is none.
func (b *Backend) named(arn string) *topic {
	name, ok := strings.CutPrefix(arn, aws.TopicARN(""))
	if !ok {
		return nil
	}
	return b.find(name)
}

// protocol is how messages of a structure name it.
func (s *subscription) protocol() string {
	switch {
	case s.Queue != "":
		return "sqs"
	case s.http:
		return "https"
	}
	return "lambda"
}

// endpoint is what it brings messages to.
func (s *subscription) endpoint() string {
	switch {
	case s.Queue != "":
		return aws.QueueARN(s.Queue)
	case s.http:
		return "https://" + s.binding.Function + ".example/"
	}
	return aws.FunctionARN(s.binding.Function)
}

// arn is its own.
func (s *subscription) arn() string {
	return aws.TopicARN(s.Topic) + ":" + aws.ID("subscription "+s.Topic+" "+s.protocol()+" "+s.endpoint()+" "+s.binding.Name)
}

// Receive takes what another service sends to a topic.
func (b *Backend) Receive(arn string, s aws.Sent) bool {
	t := b.named(arn)
	if t == nil || t.fifo() {
		return false
	}
	t.add(b, &message{body: s.Body, subject: s.Subject, attributes: s.Attributes, about: s.About, root: s.Root})
	return true
}

// Contents returns nothing: a topic keeps no message.
func (b *Backend) Contents() []cloud.Content { return nil }

// Touches reports false: a message goes where the topic's name does not tell.
func (b *Backend) Touches(*event.Operation) bool { return false }

// Reaches are the services that messages are brought to.
func (b *Backend) Reaches(op *event.Operation) []string {
	if op.Access == event.Reads {
		return nil
	}
	return aws.Receivers(b.kernel)
}

// AppendState adds what a run depends on besides.
func (b *Backend) AppendState(d *cloud.Digest) {
	for _, t := range b.topics {
		d.Number(int64(t.made))
		for _, id := range sortedKeys(t.lately) {
			d.Text(id)
			d.Time(t.lately[id].until)
		}
	}
}

// Deviations are a message that comes twice to the queues of a standard topic.
// (A function gets it asynchronously, and twice by itself.)
// https://aws.amazon.com/sns/faqs/
func (b *Backend) Deviations(c *probe.Call) []string {
	t := b.find(c.Op.Resource)
	if t == nil || t.fifo() || c.Op.Method != "Publish" && c.Op.Method != "PublishBatch" ||
		!slices.ContainsFunc(t.subscriptions, func(s *subscription) bool { return s.Queue != "" }) {
		return nil
	}
	return []string{cloud.Duplicate}
}

// Deviate lets it be so, of the call that comes next.
func (b *Backend) Deviate(c *probe.Call, _ string) {
	b.twice[c] = true
}
