package sns

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// handle carries out a request, of the Query protocol.
func (b *Backend) handle(w *awswire.Request) (any, error) {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	switch w.Operation {
	case "Publish":
		return b.servePublish(w)
	case "PublishBatch":
		return b.serveBatch(w)
	}
	return b.serveDeclared(w)
}

// entry is a message to be published.
type entry struct {
	ID, Message, Subject, Structure, Group, Dedup string
	Attributes                                    map[string]aws.Attribute
}

// read reads what stands in a form behind a prefix.
func read(w *awswire.Request, at string) *entry {
	f := w.Form
	return &entry{
		ID: f.Get(at + "Id"), Message: f.Get(at + "Message"), Subject: f.Get(at + "Subject"), Structure: f.Get(at + "MessageStructure"),
		Group: f.Get(at + "MessageGroupId"), Dedup: f.Get(at + "MessageDeduplicationId"), Attributes: awswire.Attributes(f, at+"MessageAttributes.entry"),
	}
}

// target is the topic that a request publishes to.
func (b *Backend) target(w *awswire.Request) (*topic, error) {
	if w.Form.Get("PhoneNumber") != "" {
		return nil, &awswire.Lack{What: "SNS's text messages", Advice: "publish to a topic"}
	}
	arn := w.Form.Get("TopicArn")
	if to := w.Form.Get("TargetArn"); to != "" {
		if strings.Contains(to, ":endpoint/") {
			return nil, &awswire.Lack{What: "SNS's platform endpoints", Advice: "publish to a topic"}
		}
		arn = to
	}
	if arn == "" {
		return nil, invalid("TopicArn or TargetArn Reason: no value for required parameter")
	}
	return b.topicOf(arn)
}

func (b *Backend) topicOf(arn string) (*topic, error) {
	if t := b.named(arn); t != nil {
		return t, nil
	}
	if !strings.HasPrefix(arn, "arn:") {
		return nil, invalid("TopicArn")
	}
	return nil, &awswire.Error{Code: "NotFound", Status: 404, Message: "Topic does not exist"}
}

// published is the answer.
type published struct {
	ID             string `xml:"Id,omitempty"`
	MessageID      string `xml:"MessageId"`
	SequenceNumber string `xml:",omitempty"`
}

// servePublish publishes a message.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
func (b *Backend) servePublish(w *awswire.Request) (any, error) {
	t, err := b.target(w)
	if err != nil {
		return nil, err
	}
	e := read(w, "")
	o := b.kernel.Origin(w.Call)
	return b.publish(w, t, e, cloud.Numbered(o.Task.With("."+t.Name), o.Number, 1), o.Root)
}

func (b *Backend) publish(w *awswire.Request, t *topic, e *entry, about cloud.Subject, root string) (*published, error) {
	m, err := t.message(e)
	if err != nil {
		return nil, err
	}
	m.about, m.root = about, root
	kept := t.add(b, m)
	if b.twice[w.Call] {
		delete(b.twice, w.Call)
		b.again(kept)
	}
	a := &published{MessageID: kept.id}
	if t.fifo() {
		a.SequenceNumber = kept.sequence()
	}
	return a, nil
}

// again brings a message to the queues once more.
func (b *Backend) again(m *message) {
	for _, s := range m.topic.subscriptions {
		if s.Queue != "" && m.passes(s) {
			b.queue(m, s, cloud.Subject{Label: m.about.Again(cloud.Dup).With(".to/" + s.Queue), No: m.about.No})
		}
	}
}

type failure struct {
	ID          string `xml:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

type batchAnswer struct {
	Successful []published `xml:"Successful>member"`
	Failed     []failure   `xml:"Failed>member"`
}

// serveBatch publishes several, of which some may fail.
// https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
func (b *Backend) serveBatch(w *awswire.Request) (any, error) {
	t, err := b.topicOf(w.Form.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	var entries []*entry
	for i := 1; ; i++ {
		at := fmt.Sprintf("PublishBatchRequestEntries.member.%d.", i)
		if !w.Form.Has(at+"Id") && !w.Form.Has(at+"Message") {
			break
		}
		entries = append(entries, read(w, at))
	}
	if err := checkBatch(entries); err != nil {
		return nil, err
	}
	o := b.kernel.Origin(w.Call)
	var out batchAnswer
	for i, e := range entries {
		a, err := b.publish(w, t, e, cloud.Numbered(o.Task.With("."+t.Name+" batch"), o.Number, i+1), o.Root)
		if err != nil {
			out.Failed = append(out.Failed, failed(e.ID, err))
			continue
		}
		a.ID = e.ID
		out.Successful = append(out.Successful, *a)
	}
	return out, nil
}

func failed(id string, err error) failure {
	e, ok := err.(*awswire.Error)
	if !ok {
		panic(err) // a message is refused by the service's errors alone
	}
	return failure{id, e.Code, e.Message, true}
}

// checkBatch is what a batch must be.
// https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html#API_PublishBatch_Errors
func checkBatch(entries []*entry) error {
	refused := func(code, message string) error { return &awswire.Error{Code: code, Message: message} }
	seen, total := map[string]bool{}, 0
	for _, e := range entries {
		if e.ID == "" || len(e.ID) > 80 || strings.Trim(e.ID, letters) != "" {
			return refused("InvalidBatchEntryId", "The Id of a batch entry in a batch request doesn't abide by the specification.")
		}
		if seen[e.ID] {
			return refused("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
		}
		seen[e.ID] = true
		total += e.size()
	}
	switch {
	case len(entries) == 0:
		return refused("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	case len(entries) > 10:
		return refused("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
	case total > mostBytes:
		return refused("BatchRequestTooLong", "The length of all the batch messages put together is more than the limit.")
	}
	return nil
}

// mostBytes is what a message may have, attributes included, and a batch.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const mostBytes = 256 << 10

func (e *entry) size() int {
	n := len(e.Message)
	for name, a := range e.Attributes { //wtsim:order a sum
		n += len(name) + len(a.DataType) + len(a.BinaryValue)
		if a.StringValue != nil {
			n += len(*a.StringValue)
		}
	}
	return n
}

func invalid(what string) error {
	return &awswire.Error{Code: "InvalidParameter", Message: "Invalid parameter: " + what}
}

// message is what an entry publishes to the topic, if it may.
func (t *topic) message(e *entry) (*message, error) {
	m := &message{subject: e.Subject, body: e.Message, attributes: e.Attributes, group: e.Group, dedup: e.Dedup}
	switch {
	case e.Message == "":
		return nil, invalid("Empty message")
	case e.size() > mostBytes:
		return nil, invalid("Message too long")
	case len(e.Subject) > 100 || strings.ContainsFunc(e.Subject, func(r rune) bool { return r < ' ' || r > '~' }):
		return nil, invalid("Subject")
	case t.fifo() && e.Group == "":
		return nil, invalid("The MessageGroupId parameter is required for FIFO topics")
	case t.fifo() && e.Dedup == "" && !t.ByContent:
		return nil, invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case !t.fifo() && e.Dedup != "":
		return nil, invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	}
	for _, name := range sortedKeys(e.Attributes) {
		if err := checkAttribute(name, e.Attributes[name]); err != nil {
			return nil, err
		}
	}
	if t.fifo() && m.dedup == "" {
		m.dedup = contentID(e.Message)
	}
	return m, m.structured(e)
}

// checkAttribute is what an attribute must be.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
func checkAttribute(name string, a aws.Attribute) error {
	refuse := func(why string) error {
		return &awswire.Error{Code: "ParameterValueInvalid", Message: "The message attribute '" + name + "' " + why}
	}
	if name == "" || !a.Valid() {
		return refuse("with type '" + a.DataType + "' must use field of its type, which must not be empty.")
	}
	if kind, _, _ := strings.Cut(a.DataType, "."); kind == "Number" {
		if _, err := strconv.ParseFloat(*a.StringValue, 64); err != nil {
			return refuse("must contain a valid number: " + *a.StringValue)
		}
	}
	return nil
}

// structured reads a message that has a body for each protocol.
// https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html
func (m *message) structured(e *entry) error {
	switch e.Structure {
	case "":
		return nil
	case "json":
	default:
		return invalid("MessageStructure")
	}
	var all map[string]any
	if json.Unmarshal([]byte(e.Message), &all) != nil {
		return invalid("Message Structure - JSON message body failed to parse")
	}
	m.by = map[string]string{}
	for name, v := range all { //wtsim:order a map to a map
		if text, ok := v.(string); ok { // others are left aside
			m.by[name] = text
		}
	}
	body, ok := m.by["default"]
	if !ok {
		return invalid("Message Structure - No default entry in JSON message body")
	}
	if text, ok := m.by["http"]; ok && m.by["https"] == "" { // endpoints are of https
		m.by["https"] = text
	}
	m.body = body
	return nil
}

type pair struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

type attributesAnswer struct {
	Entries []pair `xml:"Attributes>entry"`
}
