package fakestest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// SNSSetup is a topic that a check of [SNS] uses alone, with one queue of the
// same name that is subscribed to it.
type SNSSetup struct {
	Name       string // of a FIFO topic and its queue it ends with ".fifo"
	ByContent  bool
	Filter     string
	OnBody     bool
	Raw        bool
	DeadLetter bool // to the queue Name-dead
}

// SNSSetups returns the topics and queues that must be there before [SNS] is
// called. Their queues have a visibility timeout of 30 s.
func SNSSetups() []SNSSetup {
	var out []SNSSetup
	for _, c := range snsChecks {
		out = append(out, c.setup)
	}
	return out
}

// SNS checks what an application may rely on of SNS and the queues behind it,
// through their real clients. The error names every check that fails. It takes
// about five minutes of (virtual) time.
func SNS(ctx context.Context, client *sns.Client, queues *sqs.Client) error {
	var failed []error
	for _, c := range snsChecks {
		if err := c.check(&snsRig{ctx, client, &sqsRig{ctx, queues, c.setup.Name}}); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(failed...)
}

var snsChecks = []struct {
	name  string
	setup SNSSetup
	check func(*snsRig) error
}{
	{"what is published comes in an envelope", SNSSetup{Name: "enveloped"}, snsEnvelope},
	{"what is published comes as it is", SNSSetup{Name: "raw", Raw: true}, snsRaw},
	{"too many attributes are dead-lettered", SNSSetup{Name: "many", Raw: true, DeadLetter: true}, snsMany},
	{"a filter sees attributes", SNSSetup{Name: "filtered", Raw: true, Filter: `{"store":["example_corp"],"event":[{"anything-but":"order_cancelled"}],"customer_interests":["rugby","football"],"price_usd":[{"numeric":[">=",100]}]}`}, snsFilter},
	{"a filter sees bodies", SNSSetup{Name: "bodies", Raw: true, OnBody: true, Filter: `{"$or":[{"key":{"a":["x"]}},{"other":[{"exists":true}]}]}`}, snsFilterBody},
	{"a message has a body for each protocol", SNSSetup{Name: "structured", Raw: true}, snsStructured},
	{"a batch fails in part", SNSSetup{Name: "batch", Raw: true}, snsBatch},
	{"a deduplication id counts once in five minutes", SNSSetup{Name: "twice.fifo", Raw: true}, snsOnce},
	{"content is a deduplication id", SNSSetup{Name: "content.fifo", Raw: true, ByContent: true}, snsContent},
	{"a group is in order", SNSSetup{Name: "order.fifo"}, snsOrder},
	{"what is declared is told", SNSSetup{Name: "told", Filter: `{"a":["b"]}`, DeadLetter: true}, snsTold},
	{"what is wrong is refused", SNSSetup{Name: "wrong"}, snsRefuses},
}

// snsRig is a client, and a topic with its queue.
type snsRig struct {
	ctx    context.Context
	client *sns.Client
	queue  *sqsRig
}

func (r *snsRig) arn() *string {
	return aws.String("arn:aws:sns:us-east-1:123456789012:" + r.queue.name)
}

func (r *snsRig) publish(body string, change ...func(*sns.PublishInput)) (*sns.PublishOutput, error) {
	in := &sns.PublishInput{TopicArn: r.arn(), Message: &body}
	for _, c := range change {
		c(in)
	}
	return r.client.Publish(r.ctx, in)
}

// wants receives bodies, and nothing else, and deletes them.
func (r *snsRig) wants(bodies ...string) ([]sqstypes.Message, error) {
	got, err := r.queue.wants(10, bodies...)
	for _, m := range got {
		err = errors.Join(err, r.queue.delete(m))
	}
	return got, err
}

// snsText is an attribute; of "Number:1" its type stands before.
func snsText(v string) types.MessageAttributeValue {
	kind := "String"
	if k, rest, ok := strings.Cut(v, ":"); ok {
		kind, v = k, rest
	}
	return types.MessageAttributeValue{DataType: &kind, StringValue: &v}
}

func with(attributes map[string]types.MessageAttributeValue) func(*sns.PublishInput) {
	return func(in *sns.PublishInput) { in.MessageAttributes = attributes }
}

func snsEnvelope(r *snsRig) error {
	out, err := r.publish("hello", with(map[string]types.MessageAttributeValue{"kind": snsText("greeting"), "raw": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}}}),
		func(in *sns.PublishInput) { in.Subject = aws.String("a word") })
	if err != nil {
		return err
	}
	got, err := r.queue.receive(10)
	if err != nil || len(got) != 1 || len(got[0].MessageAttributes) != 0 {
		return fmt.Errorf("received %v, %w", got, err)
	}
	var e struct {
		Type, MessageId, TopicArn, Subject, Message, Timestamp, SignatureVersion, Signature, SigningCertURL, UnsubscribeURL string
		MessageAttributes                                                                                                   map[string]struct{ Type, Value string }
	}
	if err := json.Unmarshal([]byte(*got[0].Body), &e); err != nil {
		return err
	}
	a, b := e.MessageAttributes["kind"], e.MessageAttributes["raw"]
	if e.Type != "Notification" || e.MessageId != *out.MessageId || e.TopicArn != *r.arn() || e.Subject != "a word" || e.Message != "hello" ||
		a.Type != "String" || a.Value != "greeting" || b.Type != "Binary" || b.Value != "AP8=" || e.SignatureVersion == "" || e.SigningCertURL == "" || e.UnsubscribeURL == "" {
		return fmt.Errorf("received %s", *got[0].Body)
	}
	_, err = time.Parse("2006-01-02T15:04:05.000Z", e.Timestamp)
	return err
}

func snsRaw(r *snsRig) error {
	if _, err := r.publish("hello", with(map[string]types.MessageAttributeValue{"n": snsText("Number:1"), "raw": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}}})); err != nil {
		return err
	}
	got, err := r.wants("hello")
	if err != nil {
		return err
	}
	if a := got[0].MessageAttributes; len(a) != 2 || *a["n"].DataType != "Number" || *a["n"].StringValue != "1" || string(a["raw"].BinaryValue) != "\x00\xff" {
		return fmt.Errorf("attributes %v", a)
	}
	return nil
}

func snsMany(r *snsRig) error {
	many := map[string]types.MessageAttributeValue{}
	for i := range 11 {
		many[fmt.Sprint("a", i)] = snsText("x")
	}
	if _, err := r.publish("hello", with(many)); err != nil {
		return err
	}
	if _, err := r.wants(); err != nil {
		return err
	}
	got, err := r.queue.receiveOf(r.queue.name+"-dead", 1)
	if err != nil || len(got) != 1 || !strings.Contains(*got[0].Body, `"Message":"hello"`) {
		return fmt.Errorf("dead letters %v, %w", got, err)
	}
	return nil
}

// The examples of the guide.
// https://docs.aws.amazon.com/sns/latest/dg/example-filter-policies.html
func snsFilter(r *snsRig) error {
	order := func(event, interests, price string) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{"store": snsText("example_corp"), "event": snsText(event), "customer_interests": snsText("String.Array:" + interests), "price_usd": snsText("Number:" + price)}
	}
	_, e1 := r.publish("in", with(order("order_placed", `["soccer","rugby","hockey"]`, "210.75")))
	_, e2 := r.publish("cancelled", with(order("order_cancelled", `["rugby"]`, "210.75")))
	_, e3 := r.publish("cheap", with(order("order_placed", `["rugby"]`, "99.99")))
	_, e4 := r.publish("none")
	_, e5 := r.publish("chess", with(order("order_placed", `["chess"]`, "1e2")))
	_, e6 := r.publish("exact", with(order("order_placed", `["football"]`, "1e2")))
	_, err := r.wants("in", "exact")
	return errors.Join(e1, e2, e3, e4, e5, e6, err)
}

func snsFilterBody(r *snsRig) error {
	var errs []error
	for _, body := range []string{`{"key":{"a":"x"}}`, `{"key":{"a":"y"}}`, `no JSON`, `{"other":1}`, `[{"other":1}]`} {
		_, err := r.publish(body)
		errs = append(errs, err)
	}
	_, err := r.wants(`{"key":{"a":"x"}}`, `{"other":1}`)
	return errors.Join(append(errs, err)...)
}

func snsStructured(r *snsRig) error {
	structured := func(in *sns.PublishInput) { in.MessageStructure = aws.String("json") }
	_, e1 := r.publish(`{"default":"d","sqs":"q"}`, structured)
	_, e2 := r.publish(`{"default":"d","email":"m"}`, structured)
	_, err := r.wants("q", "d")
	if _, missing := r.publish(`{"sqs":"q"}`, structured); !refusedBy(missing, "InvalidParameter") {
		err = errors.Join(err, fmt.Errorf("without default: %w", missing))
	}
	return errors.Join(e1, e2, err)
}

func snsBatch(r *snsRig) error {
	out, err := r.client.PublishBatch(r.ctx, &sns.PublishBatchInput{TopicArn: r.arn(), PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		{Id: aws.String("a"), Message: aws.String("1"), MessageAttributes: map[string]types.MessageAttributeValue{"k": snsText("v")}},
		{Id: aws.String("b"), Message: aws.String("2"), MessageDeduplicationId: aws.String("no FIFO")}, {Id: aws.String("c"), Message: aws.String("3")},
	}})
	if err != nil {
		return err
	}
	if len(out.Successful) != 2 || *out.Successful[1].Id != "c" || len(out.Failed) != 1 || *out.Failed[0].Id != "b" || *out.Failed[0].Code != "InvalidParameter" || !out.Failed[0].SenderFault {
		return fmt.Errorf("answered %v, %v", out.Successful, out.Failed)
	}
	_, err = r.wants("1", "3")
	_, twice := r.client.PublishBatch(r.ctx, &sns.PublishBatchInput{TopicArn: r.arn(), PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		{Id: aws.String("a"), Message: aws.String("1")}, {Id: aws.String("a"), Message: aws.String("2")}}})
	if !refusedBy(twice, "BatchEntryIdsNotDistinct") {
		err = errors.Join(err, fmt.Errorf("an id twice: %w", twice))
	}
	return err
}

func grouped(group, id string) func(*sns.PublishInput) {
	return func(in *sns.PublishInput) {
		in.MessageGroupId = &group
		if id != "" {
			in.MessageDeduplicationId = &id
		}
	}
}

func snsOnce(r *snsRig) error {
	a, e1 := r.publish("1", grouped("g", "x"))
	b, e2 := r.publish("2", grouped("g", "x"))
	if e1 != nil || e2 != nil || *a.MessageId != *b.MessageId || *a.SequenceNumber != *b.SequenceNumber {
		return fmt.Errorf("answered %v and %v, %w", a, b, errors.Join(e1, e2))
	}
	_, err := r.wants("1")
	time.Sleep(5*time.Minute + time.Second)
	_, e3 := r.publish("3", grouped("g", "x"))
	_, again := r.wants("3")
	return errors.Join(err, e3, again)
}

func snsContent(r *snsRig) error {
	for _, body := range []string{"a", "a", "b"} {
		if _, err := r.publish(body, grouped("g", "")); err != nil {
			return err
		}
	}
	_, err := r.wants("a", "b")
	return err
}

func snsOrder(r *snsRig) error {
	var numbers, bodies []string
	for i := range 3 {
		out, err := r.publish(fmt.Sprint(i), grouped("g", fmt.Sprint(i)))
		if err != nil {
			return err
		}
		numbers = append(numbers, *out.SequenceNumber)
	}
	got, err := r.queue.receive(10)
	for _, m := range got {
		var e struct{ Message, SequenceNumber string }
		if err := json.Unmarshal([]byte(*m.Body), &e); err != nil {
			return err
		}
		bodies = append(bodies, e.SequenceNumber+m.Attributes["MessageGroupId"]+e.Message)
	}
	want := []string{numbers[0] + "g0", numbers[1] + "g1", numbers[2] + "g2"}
	if err != nil || !slices.IsSorted(numbers) || !slices.Equal(bodies, want) {
		return fmt.Errorf("received %q, wanted %q: %w", bodies, want, err)
	}
	return nil
}

func snsTold(r *snsRig) error {
	topic, err := r.client.CreateTopic(r.ctx, &sns.CreateTopicInput{Name: &r.queue.name})
	if err != nil || *topic.TopicArn != *r.arn() {
		return fmt.Errorf("the topic is %v, %w", topic, err)
	}
	subs, err := r.client.ListSubscriptionsByTopic(r.ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: topic.TopicArn})
	if err != nil || len(subs.Subscriptions) != 1 {
		return fmt.Errorf("subscriptions %v, %w", subs, err)
	}
	sub := subs.Subscriptions[0]
	same, err := r.client.Subscribe(r.ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: sub.Endpoint})
	if err != nil || *same.SubscriptionArn != *sub.SubscriptionArn {
		return fmt.Errorf("subscribed as %v, %w", same, err)
	}
	of, err := r.client.GetSubscriptionAttributes(r.ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: sub.SubscriptionArn})
	if err != nil || of.Attributes["FilterPolicy"] != `{"a":["b"]}` || of.Attributes["RawMessageDelivery"] != "false" || !strings.Contains(of.Attributes["RedrivePolicy"], "told-dead") {
		return fmt.Errorf("attributes %v, %w", of, err)
	}
	all, err := r.client.ListTopics(r.ctx, &sns.ListTopicsInput{})
	if err != nil || !slices.ContainsFunc(all.Topics, func(t types.Topic) bool { return *t.TopicArn == *r.arn() }) {
		return fmt.Errorf("topics %v, %w", all, err)
	}
	at, err := r.client.GetTopicAttributes(r.ctx, &sns.GetTopicAttributesInput{TopicArn: topic.TopicArn})
	if err != nil || at.Attributes["SubscriptionsConfirmed"] != "1" {
		return fmt.Errorf("the topic's attributes %v, %w", at, err)
	}
	return nil
}

func snsRefuses(r *snsRig) error {
	var wrong []error
	for _, c := range []struct {
		code   string
		change func(*sns.PublishInput)
	}{
		{"NotFound", func(in *sns.PublishInput) { in.TopicArn = aws.String("arn:aws:sns:us-east-1:123456789012:nowhere") }},
		{"InvalidParameter", func(in *sns.PublishInput) { in.TopicArn = aws.String("nowhere") }},
		{"InvalidParameter", func(in *sns.PublishInput) { in.Message = aws.String("") }},
		{"InvalidParameter", func(in *sns.PublishInput) { in.Subject = aws.String(strings.Repeat("x", 101)) }},
		{"InvalidParameter", func(in *sns.PublishInput) { in.Message = aws.String(strings.Repeat("x", 256<<10+1)) }},
		{"ParameterValueInvalid", with(map[string]types.MessageAttributeValue{"n": snsText("Number:one")})},
		{"ParameterValueInvalid", with(map[string]types.MessageAttributeValue{"n": {DataType: aws.String("String"), StringValue: aws.String("")}})},
	} {
		if _, err := r.publish("x", c.change); !refusedBy(err, c.code) {
			wrong = append(wrong, fmt.Errorf("%w, wanted %s", err, c.code))
		}
	}
	_, err := r.wants()
	return errors.Join(append(wrong, err)...)
}

func refusedBy(err error, code string) bool {
	e, ok := errors.AsType[smithy.APIError](err)
	return ok && e.ErrorCode() == code
}
