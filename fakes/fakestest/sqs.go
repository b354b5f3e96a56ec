package fakestest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// SQSSetup is a queue that a check of [SQS] uses alone.
type SQSSetup struct {
	Name        string // of a FIFO queue it ends with ".fifo"
	Delay       time.Duration
	MaxReceives int // after which a message goes to the queue Name-dead; 0 for never
	ByContent   bool
}

// SQSSetups returns the queues that must be there, and empty, before [SQS] is
// called. Their visibility timeout is 30 s.
func SQSSetups() []SQSSetup {
	var out []SQSSetup
	for _, c := range sqsChecks {
		out = append(out, c.setup)
	}
	return out
}

// SQS checks what an application may rely on of SQS, through its real client.
// The error names every check that fails. It takes about twenty minutes of
// (virtual) time.
func SQS(ctx context.Context, client *sqs.Client) error {
	var failed []error
	for _, c := range sqsChecks {
		if err := tried(func() error { return c.check(&sqsRig{ctx, client, c.setup.Name}) }); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(failed...)
}

type sqsCheck struct {
	name  string
	setup SQSSetup
	check func(*sqsRig) error
}

var sqsChecks = []sqsCheck{
	{"what is sent is received, with its attributes", SQSSetup{Name: "trip"}, sqsArrives},
	{"what is in flight is not to be seen, and comes again", SQSSetup{Name: "flight"}, sqsVisibility},
	{"what is deleted does not come again", SQSSetup{Name: "deleted"}, sqsDeleted},
	{"visibility can be changed", SQSSetup{Name: "changed"}, sqsChanged},
	{"an old handle deletes nothing", SQSSetup{Name: "old"}, sqsOldHandle},
	{"a delay is kept", SQSSetup{Name: "delayed", Delay: 5 * time.Second}, sqsDelay},
	{"a long poll waits", SQSSetup{Name: "poll"}, sqsPolls},
	{"a batch fails in part", SQSSetup{Name: "batch"}, sqsBatch},
	{"what is received too often is dead-lettered", SQSSetup{Name: "poison", MaxReceives: 2}, sqsDeadLetter},
	{"attributes tell of the queue", SQSSetup{Name: "told", MaxReceives: 3}, sqsAttributes},
	{"a purge empties", SQSSetup{Name: "purged"}, sqsPurge},
	{"a group is in order, and one at a time", SQSSetup{Name: "order.fifo"}, sqsOrder},
	{"a group in flight does not hold another", SQSSetup{Name: "groups.fifo"}, sqsGroups},
	{"a deduplication id counts once in five minutes", SQSSetup{Name: "twice.fifo"}, sqsOnce},
	{"content is a deduplication id", SQSSetup{Name: "content.fifo", ByContent: true}, sqsContent},
	{"what is wrong is refused", SQSSetup{Name: "wrong"}, sqsRefuses},
}

// sqsRig is a client, and a queue.
type sqsRig struct {
	ctx    context.Context
	client *sqs.Client
	name   string
}

func (r *sqsRig) url() *string { return r.urlOf(r.name) }

func (r *sqsRig) urlOf(name string) *string {
	out, err := r.client.GetQueueUrl(r.ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return aws.String("https://sqs.us-east-1.amazonaws.com/123456789012/" + name)
	}
	return out.QueueUrl
}

// send sends bodies; of a FIFO queue "group:body", each with its own id.
func (r *sqsRig) send(bodies ...string) error {
	for _, body := range bodies {
		in := &sqs.SendMessageInput{QueueUrl: r.url(), MessageBody: &body}
		if group, rest, ok := strings.Cut(body, ":"); ok {
			in.MessageBody, in.MessageGroupId, in.MessageDeduplicationId = &rest, &group, &body
		}
		if _, err := r.client.SendMessage(r.ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// receive receives at most n, without waiting.
func (r *sqsRig) receive(n int32) ([]types.Message, error) { return r.receiveOf(r.name, n) }

func (r *sqsRig) receiveOf(name string, n int32) ([]types.Message, error) {
	out, err := r.client.ReceiveMessage(r.ctx, &sqs.ReceiveMessageInput{QueueUrl: r.urlOf(name), MaxNumberOfMessages: n,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}, MessageAttributeNames: []string{"All"}})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// wants receives, and wants bodies.
func (r *sqsRig) wants(n int32, bodies ...string) ([]types.Message, error) {
	got, err := r.receive(n)
	var have []string
	for _, m := range got {
		have = append(have, *m.Body)
	}
	if err == nil && !slices.Equal(have, bodies) {
		err = fmt.Errorf("received %q, wanted %q", have, bodies)
	}
	return got, err
}

func (r *sqsRig) delete(m types.Message) error {
	_, err := r.client.DeleteMessage(r.ctx, &sqs.DeleteMessageInput{QueueUrl: r.url(), ReceiptHandle: m.ReceiptHandle})
	return err
}

func sqsArrives(r *sqsRig) error {
	sent, err := r.client.SendMessage(r.ctx, &sqs.SendMessageInput{QueueUrl: r.url(), MessageBody: aws.String("hello"), MessageAttributes: map[string]types.MessageAttributeValue{
		"kind": {DataType: aws.String("String"), StringValue: aws.String("greeting")},
		"raw":  {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}},
	}})
	if err != nil { // among others of a checksum
		return err
	}
	got, err := r.wants(10, "hello")
	if err != nil {
		return err
	}
	m := got[0]
	if *m.MessageId != *sent.MessageId || *m.MessageAttributes["kind"].StringValue != "greeting" || string(m.MessageAttributes["raw"].BinaryValue) != "\x00\xff" ||
		m.Attributes["ApproximateReceiveCount"] != "1" || *m.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes || *m.MD5OfBody != "5d41402abc4b2a76b9719d911017c592" {
		return fmt.Errorf("received %+v", m)
	}
	return r.delete(m)
}

func sqsVisibility(r *sqsRig) error {
	if err := r.send("a"); err != nil {
		return err
	}
	if _, err := r.wants(1, "a"); err != nil {
		return err
	}
	time.Sleep(29 * time.Second)
	if _, err := r.wants(1); err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	got, err := r.wants(1, "a")
	if err == nil && got[0].Attributes["ApproximateReceiveCount"] != "2" {
		err = fmt.Errorf("received %+v", got[0].Attributes)
	}
	return err
}

func sqsDeleted(r *sqsRig) error {
	if err := r.send("a"); err != nil {
		return err
	}
	got, err := r.wants(1, "a")
	if err != nil {
		return err
	}
	if err := errors.Join(r.delete(got[0]), r.delete(got[0])); err != nil {
		return err
	}
	time.Sleep(time.Minute)
	_, err = r.wants(1)
	return err
}

func sqsChanged(r *sqsRig) error {
	if err := r.send("a"); err != nil {
		return err
	}
	got, err := r.wants(1, "a")
	if err != nil {
		return err
	}
	change := func(seconds int32) error {
		_, err := r.client.ChangeMessageVisibility(r.ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: r.url(), ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: seconds})
		return err
	}
	if err := change(120); err != nil {
		return err
	}
	time.Sleep(100 * time.Second)
	if _, err := r.wants(1); err != nil {
		return err
	}
	if err := change(0); err != nil {
		return err
	}
	if _, err := r.wants(1, "a"); err != nil {
		return err
	}
	time.Sleep(31 * time.Second)
	if err := change(10); err == nil {
		return errors.New("what is not in flight was changed")
	}
	return nil
}

func sqsOldHandle(r *sqsRig) error {
	if err := r.send("a"); err != nil {
		return err
	}
	first, err := r.wants(1, "a")
	if err != nil {
		return err
	}
	time.Sleep(31 * time.Second)
	if _, err := r.wants(1, "a"); err != nil {
		return err
	}
	if err := r.delete(first[0]); err != nil {
		return err
	}
	time.Sleep(31 * time.Second)
	_, err = r.wants(1, "a")
	return err
}

func sqsDelay(r *sqsRig) error {
	if err := r.send("a"); err != nil {
		return err
	}
	if _, err := r.wants(1); err != nil {
		return err
	}
	time.Sleep(5*time.Second + time.Millisecond)
	_, err := r.wants(1, "a")
	return err
}

func sqsPolls(r *sqsRig) error {
	poll := func() (int, time.Duration, error) {
		begin := time.Now()
		out, err := r.client.ReceiveMessage(r.ctx, &sqs.ReceiveMessageInput{QueueUrl: r.url(), WaitTimeSeconds: 20})
		if err != nil {
			return 0, 0, err
		}
		return len(out.Messages), time.Since(begin).Round(time.Second), nil
	}
	if n, after, err := poll(); err != nil || n != 0 || after != 20*time.Second {
		return fmt.Errorf("%d messages after %v, %v, wanted none after 20s", n, after, err)
	}
	failed := make(chan error, 1)
	go func() {
		time.Sleep(7 * time.Second)
		failed <- r.send("a")
	}()
	n, after, err := poll()
	if err := errors.Join(err, <-failed); err != nil {
		return err
	}
	if n != 1 || after != 7*time.Second {
		return fmt.Errorf("%d messages after %v, wanted one after 7s", n, after)
	}
	return nil
}

func sqsBatch(r *sqsRig) error {
	out, err := r.client.SendMessageBatch(r.ctx, &sqs.SendMessageBatchInput{QueueUrl: r.url(), Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("1"), MessageBody: aws.String("a")}, {Id: aws.String("2"), MessageBody: aws.String("\x01")}, {Id: aws.String("3"), MessageBody: aws.String("c")},
	}})
	if err != nil {
		return err
	}
	if len(out.Successful) != 2 || len(out.Failed) != 1 || *out.Failed[0].Id != "2" || *out.Failed[0].Code != "InvalidMessageContents" || !out.Failed[0].SenderFault {
		return fmt.Errorf("answered %+v, %+v", out.Successful, out.Failed)
	}
	got, err := r.wants(10, "a", "c")
	if err != nil {
		return err
	}
	deleted, err := r.client.DeleteMessageBatch(r.ctx, &sqs.DeleteMessageBatchInput{QueueUrl: r.url(), Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: aws.String("x"), ReceiptHandle: got[0].ReceiptHandle}, {Id: aws.String("y"), ReceiptHandle: aws.String("none")},
	}})
	if err != nil {
		return err
	}
	if len(deleted.Successful) != 1 || len(deleted.Failed) != 1 || *deleted.Failed[0].Code != "ReceiptHandleIsInvalid" {
		return fmt.Errorf("answered %+v, %+v", deleted.Successful, deleted.Failed)
	}
	time.Sleep(31 * time.Second)
	_, err = r.wants(10, "c")
	return err
}

func sqsDeadLetter(r *sqsRig) error {
	if err := r.send("a"); err != nil {
		return err
	}
	for range 2 {
		if _, err := r.wants(1, "a"); err != nil {
			return err
		}
		time.Sleep(31 * time.Second)
	}
	if _, err := r.wants(1); err != nil {
		return err
	}
	dead, err := r.receiveOf(r.name+"-dead", 1)
	if err == nil && (len(dead) != 1 || *dead[0].Body != "a" || !strings.HasSuffix(dead[0].Attributes["DeadLetterQueueSourceArn"], ":"+r.name)) {
		err = fmt.Errorf("dead letters %+v", dead)
	}
	return err
}

func sqsAttributes(r *sqsRig) error {
	if err := r.send("a", "b"); err != nil {
		return err
	}
	if _, err := r.receive(1); err != nil {
		return err
	}
	out, err := r.client.GetQueueAttributes(r.ctx, &sqs.GetQueueAttributesInput{QueueUrl: r.url(), AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil {
		return err
	}
	for name, want := range map[string]string{"ApproximateNumberOfMessages": "1", "ApproximateNumberOfMessagesNotVisible": "1", "VisibilityTimeout": "30", "MessageRetentionPeriod": "345600"} {
		if got := out.Attributes[name]; got != want {
			return fmt.Errorf("%s is %s, wanted %s", name, got, want)
		}
	}
	if got := out.Attributes["RedrivePolicy"]; !strings.Contains(got, `"maxReceiveCount":3`) || !strings.Contains(got, r.name+"-dead") {
		return fmt.Errorf("the RedrivePolicy is %s", got)
	}
	return nil
}

func sqsPurge(r *sqsRig) error {
	if err := r.send("a", "b"); err != nil {
		return err
	}
	if _, err := r.client.PurgeQueue(r.ctx, &sqs.PurgeQueueInput{QueueUrl: r.url()}); err != nil {
		return err
	}
	_, err := r.client.PurgeQueue(r.ctx, &sqs.PurgeQueueInput{QueueUrl: r.url()})
	if _, ok := errors.AsType[*types.PurgeQueueInProgress](err); !ok {
		return fmt.Errorf("a second purge: %v", err)
	}
	_, err = r.wants(10)
	return err
}

func sqsOrder(r *sqsRig) error {
	if err := r.send("g:1", "g:2", "g:3"); err != nil {
		return err
	}
	got, err := r.wants(2, "1", "2")
	if err != nil {
		return err
	}
	if *got[0].MessageId == *got[1].MessageId || got[0].Attributes["SequenceNumber"] >= got[1].Attributes["SequenceNumber"] {
		return fmt.Errorf("received %+v", got)
	}
	if _, err := r.wants(10); err != nil { // while they are in flight
		return err
	}
	if err := r.delete(got[0]); err != nil {
		return err
	}
	if _, err := r.wants(10); err != nil {
		return err
	}
	time.Sleep(31 * time.Second)
	_, err = r.wants(10, "2", "3")
	return err
}

func sqsGroups(r *sqsRig) error {
	if err := r.send("g:1", "g:2", "h:3"); err != nil {
		return err
	}
	if _, err := r.wants(1, "1"); err != nil {
		return err
	}
	_, err := r.wants(10, "3")
	return err
}

func sqsOnce(r *sqsRig) error {
	send := func(body string) (string, error) {
		out, err := r.client.SendMessage(r.ctx, &sqs.SendMessageInput{QueueUrl: r.url(), MessageBody: &body, MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("d")})
		if err != nil {
			return "", err
		}
		return *out.MessageId, nil
	}
	first, err := send("a")
	if err != nil {
		return err
	}
	time.Sleep(4*time.Minute + 59*time.Second)
	second, err := send("a")
	if err != nil || second != first {
		return fmt.Errorf("ids %s and %s, %v", first, second, err)
	}
	got, err := r.wants(10, "a")
	if err != nil {
		return err
	}
	if err := r.delete(got[0]); err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	if third, err := send("a"); err != nil || third == first {
		return fmt.Errorf("after five minutes: %s, %v", third, err)
	}
	_, err = r.wants(10, "a")
	return err
}

func sqsContent(r *sqsRig) error {
	for _, body := range []string{"a", "a", "b"} {
		if _, err := r.client.SendMessage(r.ctx, &sqs.SendMessageInput{QueueUrl: r.url(), MessageBody: &body, MessageGroupId: aws.String("g")}); err != nil {
			return err
		}
	}
	_, err := r.wants(10, "a", "b")
	return err
}

func sqsRefuses(r *sqsRig) error {
	_, err := r.client.SendMessage(r.ctx, &sqs.SendMessageInput{QueueUrl: aws.String(strings.Replace(*r.url(), r.name, "nowhere", 1)), MessageBody: aws.String("a")})
	if _, ok := errors.AsType[*types.QueueDoesNotExist](err); !ok {
		return fmt.Errorf("of no queue: %v", err)
	}
	_, err = r.client.DeleteMessage(r.ctx, &sqs.DeleteMessageInput{QueueUrl: r.url(), ReceiptHandle: aws.String("none")})
	if _, ok := errors.AsType[*types.ReceiptHandleIsInvalid](err); !ok {
		return fmt.Errorf("of no handle: %v", err)
	}
	_, err = r.client.SendMessageBatch(r.ctx, &sqs.SendMessageBatchInput{QueueUrl: r.url(), Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("1"), MessageBody: aws.String("a")}, {Id: aws.String("1"), MessageBody: aws.String("b")}}})
	if _, ok := errors.AsType[*types.BatchEntryIdsNotDistinct](err); !ok {
		return fmt.Errorf("of two equal ids: %v", err)
	}
	for what, in := range map[string]*sqs.SendMessageInput{
		"a deduplication id": {MessageBody: aws.String("a"), MessageDeduplicationId: aws.String("d")},
		"a long delay":       {MessageBody: aws.String("a"), DelaySeconds: 901},
		"a control":          {MessageBody: aws.String("\x01")},
		"too much":           {MessageBody: aws.String(strings.Repeat("x", 1<<20+1))},
	} {
		in.QueueUrl = r.url()
		if _, err := r.client.SendMessage(r.ctx, in); err == nil {
			return fmt.Errorf("%s is taken", what)
		}
	}
	_, err = r.wants(10)
	return err
}
