package sns

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/internal/async"
	"github.com/wtsim/wtsim/fakes/internal/pattern"
	"github.com/wtsim/wtsim/fakes/internal/push"
)

// message is one that was published.
type message struct {
	topic        *topic
	id           string
	subject      string
	body         string
	by           map[string]string // the bodies of protocols; nil where there is one for all
	attributes   map[string]aws.Attribute
	group, dedup string
	about        cloud.Subject // <publishing task>.<topic>/<k>
	root         string
	number       int // in its topic, from 1
	at           time.Time
}

// window is how long a FIFO topic knows a deduplication id.
// https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
const window = 5 * time.Minute

// add takes a message, brings it to the subscriptions, and returns it; or the one
// that its deduplication id has brought before.
func (t *topic) add(b *Backend, m *message) *message {
	now := b.kernel.Now()
	if t.fifo() && !b.service.lacks(deduplication) {
		if s, ok := t.lately[m.dedup]; ok && now.Before(s.until) {
			return s.message
		}
		t.lately[m.dedup] = sent{m, now.Add(window)}
	}
	t.made++
	m.topic, m.number, m.at = t, t.made, now
	m.id = aws.ID("notification " + m.about.Text)
	for _, s := range t.subscriptions {
		if m.passes(s) {
			b.deliver(m, s)
		}
	}
	return m
}

// passes reports whether a subscription's filter lets a message through.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering-scope.html
func (m *message) passes(s *subscription) bool {
	if s.filter == nil {
		return true
	}
	if !s.OnBody {
		return s.filter.Matches(m.filtered())
	}
	v, err := pattern.Decode([]byte(m.bodyFor(s)))
	_, object := v.(map[string]any)
	return err == nil && object && s.filter.Matches(v)
}

// filtered are the attributes as a filter policy sees them: texts, numbers, and
// arrays of either. Binary ones it does not see.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
func (m *message) filtered() map[string]any {
	out := map[string]any{}
	for name, a := range m.attributes { //wtsim:order a map to a map
		if a.StringValue == nil {
			continue
		}
		v := any(*a.StringValue)
		if kind, _, _ := strings.Cut(a.DataType, "."); kind == "Number" || a.DataType == "String.Array" {
			if read, err := pattern.Decode([]byte(*a.StringValue)); err == nil {
				v = read
			}
		}
		out[name] = v
	}
	return out
}

// bodyFor is the body that a subscription gets.
func (m *message) bodyFor(s *subscription) string {
	if body, ok := m.by[s.protocol()]; ok {
		return body
	}
	return m.body
}

// sequence is its number as a FIFO topic tells it.
func (m *message) sequence() string { return fmt.Sprintf("1%019d", m.number) }

// deliver brings a message to a subscription.
func (b *Backend) deliver(m *message, s *subscription) {
	switch {
	case s.Queue != "":
		b.queue(m, s, cloud.Subject{Label: m.about.With(".to/" + s.Queue), No: m.about.No})
	case s.http:
		b.push(m, s)
	default:
		d := &delivery{topic: m.topic, Event: &async.Event{
			Kernel: b.kernel, Binding: s.binding.Name, Function: s.binding.Function, Subject: m.about, Root: m.root, Payload: m.event(s),
			What: m.words(), By: m.counted(),
		}}
		d.Send(d)
	}
}

func (m *message) words() string { return "a message of " + m.topic.Name }

func (m *message) counted() cloud.InvokedBy {
	return cloud.InvokedBy{Kind: "message", Number: m.number, Of: m.topic.Name}
}

// mostRaw is how many attributes a message may have that goes to a queue as it
// is: what has more is not delivered.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
const mostRaw = 10

// queue brings a message to a queue, or else to the dead letters.
func (b *Backend) queue(m *message, s *subscription, about cloud.Subject) {
	out := aws.Sent{About: about, Root: m.root, Body: m.bodyFor(s), Attributes: m.attributes, Group: m.group, Dedup: m.dedup}
	if !s.Raw {
		out.Body, out.Attributes = string(m.envelope(s)), nil
	}
	if (!s.Raw || len(m.attributes) <= mostRaw) && aws.Deliver(b.kernel, s.endpoint(), out) {
		return
	}
	what := "is dropped"
	if b.bury(m, s) {
		what = "is dead-lettered"
	}
	b.kernel.Happens(&cloud.Task{Name: cloud.NameOnly("", about), Root: m.root, Attempt: 1}, "give up", what, "the queue does not take it")
}

// bury brings a message to its subscription's dead letters; false if it has none.
// https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
func (b *Backend) bury(m *message, s *subscription) bool {
	if s.DeadLetter == "" {
		return false
	}
	out := aws.Sent{About: cloud.About(m.about.With(".dead")), Root: m.root, Body: string(m.envelope(s)), Group: m.group, Dedup: m.dedup}
	if s.Raw && len(m.attributes) <= mostRaw {
		out.Body, out.Attributes = m.bodyFor(s), m.attributes
	}
	return aws.Deliver(b.kernel, aws.QueueARN(s.DeadLetter), out)
}

// delivery is a message on its way to a function.
type delivery struct {
	*async.Event
	topic *topic
}

// From is the topic.
func (d *delivery) From() cloud.Part { return part(d.topic.Name) }

// Double is of no account to the topic.
func (d *delivery) Double() {}

// Twice says that it comes twice.
func (d *delivery) Twice() string { return "the message is delivered twice" }

// notification is the envelope of a message.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html#http-notification-json
type notification struct {
	Type, MessageId  string
	SequenceNumber   string `json:",omitempty"`
	TopicArn         string
	Subject          string `json:",omitempty"`
	Message          string
	Timestamp        string
	SignatureVersion string `json:",omitempty"`
	Signature        string `json:",omitempty"`
	SigningCertURL   string `json:",omitempty"`
	UnsubscribeURL   string
	Attributes       map[string]told `json:"MessageAttributes,omitempty"`
}

// told is an attribute in an envelope.
type told struct{ Type, Value string }

// certificate is where one would find it that messages are signed with; they are
// not.
const certificate = "https://sns." + aws.Region + ".amazonaws.com/SimpleNotificationService-00000000000000000000000000000000.pem"

func (s *subscription) unsubscribe() string {
	return "https://sns." + aws.Region + ".amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + s.arn()
}

func (m *message) stamp() string { return m.at.UTC().Format("2006-01-02T15:04:05.000Z") }

func (m *message) told() map[string]told {
	out := map[string]told{}
	for name, a := range m.attributes { //wtsim:order a map to a map
		v := base64.StdEncoding.EncodeToString(a.BinaryValue)
		if a.StringValue != nil {
			v = *a.StringValue
		}
		out[name] = told{a.DataType, v}
	}
	return out
}

// envelope is the message as a queue and an endpoint get it. What a FIFO topic
// sends has a number and no signature of version 1.
func (m *message) envelope(s *subscription) []byte {
	n := notification{
		Type: "Notification", MessageId: m.id, TopicArn: aws.TopicARN(m.topic.Name), Subject: m.subject, Message: m.bodyFor(s), Timestamp: m.stamp(),
		SignatureVersion: "1", Signature: "EXAMPLE", SigningCertURL: certificate, UnsubscribeURL: s.unsubscribe(), Attributes: m.told(),
	}
	if m.topic.fifo() {
		n.SequenceNumber, n.SignatureVersion, n.Signature, n.SigningCertURL = m.sequence(), "", "", ""
	}
	return marshal(n)
}

// event is the message as a function gets it.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
func (m *message) event(s *subscription) []byte {
	var subject any
	if m.subject != "" {
		subject = m.subject
	}
	return marshal(map[string]any{"Records": []any{map[string]any{
		"EventVersion": "1.0", "EventSubscriptionArn": s.arn(), "EventSource": "aws:sns", "Sns": map[string]any{
			"SignatureVersion": "1", "Timestamp": m.stamp(), "Signature": "EXAMPLE", "SigningCertUrl": certificate, "MessageId": m.id,
			"Message": m.bodyFor(s), "MessageAttributes": m.told(), "Type": "Notification", "UnsubscribeUrl": s.unsubscribe(),
			"TopicArn": aws.TopicARN(m.topic.Name), "Subject": subject,
		},
	}}})
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts
	}
	return text
}

// retried is how an endpoint is called: again 3 times, 20 s apart, after 15 s
// without an answer, 429 and 5xx; what is refused otherwise is not.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
// https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html
var retried = &push.Policy{Limit: 15 * time.Second, Again: func(attempt, status int) (time.Duration, bool) {
	permanent := status >= 400 && status < 500 && status != http.StatusTooManyRequests
	return 20 * time.Second, attempt <= 3 && !permanent
}}

// notRetried is the same where retries are taken away.
var notRetried = &push.Policy{Limit: retried.Limit, Again: func(int, int) (time.Duration, bool) { return 0, false }}

// push calls an endpoint with a message.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html#http-header
func (b *Backend) push(m *message, s *subscription) {
	h := map[string]string{
		"X-Amz-Sns-Message-Type": "Notification", "X-Amz-Sns-Message-Id": m.id, "X-Amz-Sns-Topic-Arn": aws.TopicARN(m.topic.Name), "X-Amz-Sns-Subscription-Arn": s.arn(),
		"Content-Type": "text/plain; charset=UTF-8", "User-Agent": "Amazon Simple Notification Service Agent",
	}
	body := string(m.envelope(s))
	if s.Raw {
		h["X-Amz-Sns-Rawdelivery"], body = "true", m.bodyFor(s)
	}
	policy := retried
	if b.service.lacks(again) {
		policy = notRetried
	}
	r := &push.Request{
		Kernel: b.kernel, Policy: policy, Binding: s.binding.Name, Function: s.binding.Function, Subject: m.about, Root: m.root,
		What: m.words(), By: m.counted(), Source: part(m.topic.Name), Request: cloud.Request{Method: http.MethodPost, Path: "/", Header: h, Body: body},
		Bury: func(*cloud.Task, string) bool { return b.bury(m, s) },
	}
	r.Send()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
