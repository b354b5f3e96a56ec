package sqs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// mostBytes is what a message may have, attributes included, and a batch of them.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const mostBytes = 1 << 20

// handle carries out a request.
func (b *Backend) handle(w *awswire.Request) (any, error) {
	r, err := read(w)
	if err != nil {
		return nil, err
	}
	if w.Operation == "ReceiveMessage" {
		return b.serveReceive(w, r)
	}
	b.kernel.Lock()
	defer b.kernel.Unlock()
	switch w.Operation {
	case "ListQueues":
		return b.list(r.QueueNamePrefix, func(*queue) bool { return true }), nil
	case "SendMessage", "SendMessageBatch", "DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch",
		"GetQueueUrl", "GetQueueAttributes", "CreateQueue", "PurgeQueue", "ListDeadLetterSourceQueues":
	default:
		return nil, &awswire.Lack{What: "SQS's " + w.Operation, Advice: "queues are declared in the scenario"}
	}
	q, err := b.named(r)
	if w.Operation == "CreateQueue" && err != nil {
		return nil, &awswire.Lack{What: "SQS's CreateQueue", Advice: fmt.Sprintf("declare queue %q in the scenario", r.QueueName)}
	}
	if err != nil {
		return nil, err
	}
	q.forget()
	switch w.Operation {
	case "GetQueueUrl":
		return urlAnswer{aws.QueueURL(q.Name)}, nil
	case "CreateQueue":
		return q.serveCreate(r)
	case "GetQueueAttributes":
		return q.serveAttributes(r.AttributeNames)
	case "ListDeadLetterSourceQueues":
		return sourcesAnswer(b.list("", func(o *queue) bool { return o.DeadLetter == q.Name })), nil
	case "PurgeQueue":
		return nil, q.purge()
	case "SendMessage", "SendMessageBatch":
		return b.serveSend(w, q, r)
	}
	return q.serveItems(w.Operation, r)
}

func (b *Backend) list(prefix string, is func(*queue) bool) (out urlsAnswer) {
	for _, q := range b.queues {
		if strings.HasPrefix(q.Name, prefix) && is(q) {
			out.QueueUrls = append(out.QueueUrls, aws.QueueURL(q.Name))
		}
	}
	return out
}

// purge deletes all messages, at most once a minute.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html
func (q *queue) purge() error {
	now := q.backend.kernel.Now()
	if !q.purged.IsZero() && now.Sub(q.purged) < time.Minute {
		return refused("PurgeQueueInProgress", "Only one PurgeQueue operation on "+q.Name+" is allowed every 60 seconds.")
	}
	q.purged = now
	for len(q.messages) > 0 {
		q.messages[0].remove()
	}
	return nil
}

// serveSend sends one message or a batch, of which some may fail.
func (b *Backend) serveSend(w *awswire.Request, q *queue, r *request) (any, error) {
	o := b.kernel.Origin(w.Call)
	if w.Operation == "SendMessage" {
		return q.send(&r.item, cloud.Numbered(o.Task.With("."+q.Name), o.Number, 1), o.Root)
	}
	if err := checkBatch(r.Entries); err != nil {
		return nil, err
	}
	total := 0
	for i := range r.Entries {
		total += r.Entries[i].size()
	}
	if total > mostBytes {
		return nil, refused("BatchRequestTooLong", fmt.Sprintf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", mostBytes, total))
	}
	var out batchAnswer
	for i := range r.Entries {
		e := &r.Entries[i]
		a, err := q.send(e, cloud.Numbered(o.Task.With("."+q.Name+" batch"), o.Number, i+1), o.Root)
		if err != nil {
			out.Failed = append(out.Failed, failure(e.Id, err))
			continue
		}
		a.Id = e.Id
		out.Sent = append(out.Sent, *a)
	}
	out.Success = notNil(out.Sent)
	return out, nil
}

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func failure(id string, err error) failedAnswer {
	e, _ := errors.AsType[*awswire.Error](err)
	if e == nil {
		return failedAnswer{Id: id, Code: "InternalError", Message: err.Error()}
	}
	return failedAnswer{Id: id, Code: e.Query, Message: e.Message, SenderFault: true}
}

// checkBatch is what a batch must be.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html#API_SendMessageBatch_Errors
func checkBatch(entries []item) error {
	if len(entries) == 0 {
		return refused("EmptyBatchRequest", "There should be at least one entry in the request.")
	}
	if len(entries) > 10 {
		return refused("TooManyEntriesInBatchRequest", fmt.Sprintf("Maximum number of entries per request are 10. You have sent %d.", len(entries)))
	}
	seen := map[string]bool{}
	for _, e := range entries {
		valid := e.Id != "" && len(e.Id) <= 80 && strings.Trim(e.Id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
		switch {
		case !valid:
			return refused("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		case seen[e.Id]:
			return refused("BatchEntryIdsNotDistinct", "Id "+e.Id+" repeated.")
		}
		seen[e.Id] = true
	}
	return nil
}

// size is a message's, as it is limited.
func (i *item) size() int {
	n := len(i.MessageBody)
	for name, a := range i.MessageAttributes { //wtsim:order a sum
		n += len(name) + len(a.DataType) + len(a.BinaryValue)
		if a.StringValue != nil {
			n += len(*a.StringValue)
		}
	}
	return n
}

// check is what a message must be.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func (i *item) check(q *queue) error {
	switch {
	case i.MessageBody == "":
		return missing("MessageBody")
	case i.size() > mostBytes:
		return invalid(fmt.Sprintf("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", mostBytes))
	case !utf8.ValidString(i.MessageBody) || strings.ContainsFunc(i.MessageBody, unfit):
		return &awswire.Error{Code: "InvalidMessageContents", Query: "InvalidMessageContents", Message: "Invalid characters were found in the message body."}
	case q.fifo() && i.MessageGroupId == "":
		return missing("MessageGroupId")
	case q.fifo() && i.DelaySeconds != nil && *i.DelaySeconds > 0:
		return invalid(fmt.Sprintf("Value %d for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.", *i.DelaySeconds))
	case q.fifo() && i.MessageDeduplicationId == "" && !q.ByContent:
		return invalid("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case !q.fifo() && i.MessageDeduplicationId != "":
		return invalid("Value " + i.MessageDeduplicationId + " for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not valid for this queue type.")
	case len(i.MessageAttributes) > 10:
		return invalid(fmt.Sprintf("Number of message attributes [%d] exceeds the allowed maximum [10].", len(i.MessageAttributes)))
	}
	for _, name := range sortedKeys(i.MessageAttributes) {
		a := i.MessageAttributes[name]
		kind, _, _ := strings.Cut(a.DataType, ".")
		if kind != "String" && kind != "Number" && kind != "Binary" {
			return invalid("The type of message (user) attribute '" + name + "' is invalid. You must use only the following supported type prefixes: Binary, Number, String.")
		}
		if !a.Valid() {
			return invalid("The message attribute '" + name + "' with type '" + a.DataType + "' must use field of its type, which must not be empty.")
		}
	}
	return nil
}

// unfit are characters that no message has: #x9 | #xA | #xD | #x20 to #xD7FF |
// #xE000 to #xFFFD | #x10000 to #x10FFFF.
func unfit(r rune) bool {
	return r < 0x20 && r != 0x9 && r != 0xa && r != 0xd || r == 0xfffe || r == 0xffff
}

func (q *queue) send(i *item, subject cloud.Subject, root string) (*sentAnswer, error) {
	if err := i.check(q); err != nil {
		return nil, err
	}
	delay, err := seconds(i.DelaySeconds, "DelaySeconds", 900, q.Delay)
	if err != nil {
		return nil, err
	}
	m := &message{body: i.MessageBody, attributes: i.MessageAttributes, group: i.MessageGroupId, dedup: i.MessageDeduplicationId, subject: subject, root: root}
	if t := i.MessageSystemAttributes["AWSTraceHeader"]; t.StringValue != nil {
		m.trace = *t.StringValue
	}
	if q.fifo() && m.dedup == "" {
		m.dedup = contentID(m.body)
	}
	kept := q.add(m, delay)
	a := &sentAnswer{MessageId: kept.id, MD5OfMessageBody: sum([]byte(m.body)), MD5OfMessageAttributes: sumOf(m.attributes)}
	if q.fifo() {
		a.SequenceNumber = kept.sequence()
	}
	return a, nil
}

// serveItems deletes messages, or changes how long they are not to be seen.
func (q *queue) serveItems(operation string, r *request) (any, error) {
	do := q.change
	if strings.HasPrefix(operation, "DeleteMessage") {
		do = q.delete
	}
	if !strings.HasSuffix(operation, "Batch") {
		return nil, do(&r.item)
	}
	if err := checkBatch(r.Entries); err != nil {
		return nil, err
	}
	var out batchAnswer
	done := []doneAnswer{}
	for i := range r.Entries {
		if err := do(&r.Entries[i]); err != nil {
			out.Failed = append(out.Failed, failure(r.Entries[i].Id, err))
			continue
		}
		done = append(done, doneAnswer{r.Entries[i].Id})
	}
	out.Success = done
	if out.Deleted = done; operation == "ChangeMessageVisibilityBatch" {
		out.Deleted, out.Changed = nil, done
	}
	return out, nil
}

// delete deletes a message; by an old handle, or twice, without an effect.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
func (q *queue) delete(i *item) error {
	if i.ReceiptHandle == "" {
		return missing("ReceiptHandle")
	}
	if !handle(i.ReceiptHandle) {
		return badHandle(i.ReceiptHandle)
	}
	m := q.by(i.ReceiptHandle)
	if q.undeleted {
		q.undeleted = false
		return nil
	}
	if m == nil {
		return nil
	}
	if q.fifo() && !m.hidden {
		return invalid("Value " + i.ReceiptHandle + " for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.")
	}
	m.remove()
	q.offer()
	return nil
}

// change sets how long a message in flight is not to be seen, from now on.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
func (q *queue) change(i *item) error {
	switch {
	case i.ReceiptHandle == "":
		return missing("ReceiptHandle")
	case i.VisibilityTimeout == nil:
		return missing("VisibilityTimeout")
	case !handle(i.ReceiptHandle):
		return badHandle(i.ReceiptHandle)
	}
	d, err := seconds(i.VisibilityTimeout, "VisibilityTimeout", 43200, 0)
	if err != nil {
		return err
	}
	m := q.by(i.ReceiptHandle)
	if m == nil || !m.hidden {
		return refused("MessageNotInflight", "Value "+i.ReceiptHandle+" for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.")
	}
	m.show()
	if d > 0 {
		m.hide(q.backend.kernel.Now().Add(d))
	}
	q.offer()
	return nil
}

// serveCreate answers with the queue, as it is there; what is asked for must be what is
// declared.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
func (q *queue) serveCreate(r *request) (any, error) {
	name := awswire.Differs(r.Attributes, q.attributes(), "VisibilityTimeout", "DelaySeconds", "ReceiveMessageWaitTimeSeconds", "MessageRetentionPeriod", "MaximumMessageSize",
		"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit", "RedrivePolicy")
	if name != "" {
		return nil, &awswire.Error{Code: "QueueNameExists", Query: "QueueAlreadyExists", Message: "A queue already exists with the same name and a different value for attribute " + name}
	}
	return urlAnswer{aws.QueueURL(q.Name)}, nil
}

// attributes are the queue's.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
func (q *queue) attributes() map[string]string {
	visible, delayed, flying := 0, 0, 0
	for _, m := range q.messages {
		switch {
		case !m.hidden:
			visible++
		case m.receives == 0:
			delayed++
		default:
			flying++
		}
	}
	whole := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	epoch, _ := q.backend.kernel.Span()
	all := map[string]string{
		"ApproximateNumberOfMessages": strconv.Itoa(visible), "ApproximateNumberOfMessagesDelayed": strconv.Itoa(delayed),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(flying), "QueueArn": aws.QueueARN(q.Name), "VisibilityTimeout": whole(q.Visibility),
		"DelaySeconds": whole(q.Delay), "ReceiveMessageWaitTimeSeconds": whole(q.Wait), "MessageRetentionPeriod": whole(q.Retention),
		"MaximumMessageSize": strconv.Itoa(mostBytes), "CreatedTimestamp": strconv.FormatInt(epoch.Unix(), 10),
		"LastModifiedTimestamp": strconv.FormatInt(epoch.Unix(), 10), "SqsManagedSseEnabled": "true",
	}
	if q.fifo() {
		all["FifoQueue"], all["ContentBasedDeduplication"] = "true", strconv.FormatBool(q.ByContent)
		all["DeduplicationScope"], all["FifoThroughputLimit"] = "queue", "perQueue"
	}
	if q.DeadLetter != "" {
		all["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, aws.QueueARN(q.DeadLetter), q.MaxReceives)
	}
	return all
}

// serveAttributes tells of the queue.
func (q *queue) serveAttributes(names []string) (any, error) {
	all, out := q.attributes(), map[string]string{}
	for _, n := range names {
		switch v, ok := all[n]; {
		case n == "All":
			out = all
		case ok:
			out[n] = v
		case n != "Policy" && n != "RedriveAllowPolicy" && n != "RedrivePolicy" && n != "KmsMasterKeyId" && n != "KmsDataKeyReusePeriodSeconds" && n != "FifoQueue" && n != "ContentBasedDeduplication":
			return nil, &awswire.Error{Code: "InvalidAttributeName", Query: "InvalidAttributeName", Message: "Unknown Attribute " + n + "."}
		}
	}
	return attributesAnswer{out, pairs(out)}, nil
}
