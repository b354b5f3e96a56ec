package sqs

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"time"

	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// request is what any of the operations asks for.
type request struct {
	QueueUrl, QueueName, QueueNamePrefix string
	item
	Entries                     []item
	MaxNumberOfMessages         *int
	WaitTimeSeconds             *int
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	ReceiveRequestAttemptId     string
	Attributes                  map[string]string
}

// item is a message to be sent, deleted or changed.
type item struct {
	Id                      string
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]aws.Attribute
	MessageSystemAttributes map[string]aws.Attribute
	MessageDeduplicationId  string
	MessageGroupId          string
	ReceiptHandle           string
	VisibilityTimeout       *int
}

// read reads a request in either protocol.
func read(q *awswire.Request) (*request, error) {
	var r request
	if q.Form == nil {
		return &r, q.Decode(&r)
	}
	err := r.fromForm(q.Form)
	return &r, err
}

// fromForm reads a request of the Query protocol, whose lists are numbered.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html
func (r *request) fromForm(f url.Values) (err error) {
	r.QueueUrl, r.QueueName, r.QueueNamePrefix = f.Get("QueueUrl"), f.Get("QueueName"), f.Get("QueueNamePrefix")
	r.ReceiveRequestAttemptId = f.Get("ReceiveRequestAttemptId")
	number := func(name string) *int {
		text := f.Get(name)
		if text == "" {
			return nil
		}
		n, wrong := strconv.Atoi(text)
		if wrong != nil {
			err = invalid("Value " + text + " for parameter " + name + " is invalid. Reason: Must be an integer.")
		}
		return &n
	}
	read := func(at string) item {
		return item{
			Id: f.Get(at + "Id"), MessageBody: f.Get(at + "MessageBody"), DelaySeconds: number(at + "DelaySeconds"),
			MessageAttributes: awswire.Attributes(f, at+"MessageAttribute"), MessageSystemAttributes: awswire.Attributes(f, at+"MessageSystemAttribute"),
			MessageDeduplicationId: f.Get(at + "MessageDeduplicationId"), MessageGroupId: f.Get(at + "MessageGroupId"),
			ReceiptHandle: f.Get(at + "ReceiptHandle"), VisibilityTimeout: number(at + "VisibilityTimeout"),
		}
	}
	r.item, r.MaxNumberOfMessages, r.WaitTimeSeconds = read(""), number("MaxNumberOfMessages"), number("WaitTimeSeconds")
	for _, kind := range []string{"SendMessageBatchRequestEntry", "DeleteMessageBatchRequestEntry", "ChangeMessageVisibilityBatchRequestEntry"} {
		for i := 1; f.Has(fmt.Sprintf("%s.%d.Id", kind, i)); i++ {
			r.Entries = append(r.Entries, read(fmt.Sprintf("%s.%d.", kind, i)))
		}
	}
	r.AttributeNames, r.MessageAttributeNames = listOf(f, "AttributeName"), listOf(f, "MessageAttributeName")
	r.MessageSystemAttributeNames = listOf(f, "MessageSystemAttributeName")
	for i := 1; f.Has(fmt.Sprintf("Attribute.%d.Name", i)); i++ {
		if r.Attributes == nil {
			r.Attributes = map[string]string{}
		}
		r.Attributes[f.Get(fmt.Sprintf("Attribute.%d.Name", i))] = f.Get(fmt.Sprintf("Attribute.%d.Value", i))
	}
	return err
}

func listOf(f url.Values, name string) (out []string) {
	for i := 1; f.Has(fmt.Sprintf("%s.%d", name, i)); i++ {
		out = append(out, f.Get(fmt.Sprintf("%s.%d", name, i)))
	}
	return out
}

// named is the queue that a request names.
func (b *Backend) named(r *request) (*queue, error) {
	name := r.QueueName
	if r.QueueUrl != "" {
		name = path.Base(r.QueueUrl)
	}
	if name == "" {
		return nil, missing("QueueUrl")
	}
	if q := b.find(name); q != nil {
		return q, nil
	}
	return nil, &awswire.Error{Code: "QueueDoesNotExist", Query: "AWS.SimpleQueueService.NonExistentQueue", Message: "The specified queue does not exist."}
}

// The service's refusals.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html

func invalid(message string) error {
	return &awswire.Error{Code: "InvalidParameterValueException", Namespace: "com.amazon.coral.service", Query: "InvalidParameterValue", Message: message}
}

func missing(name string) error {
	return &awswire.Error{Code: "MissingRequiredParameterException", Namespace: "com.amazon.coral.service", Query: "MissingParameter",
		Message: "The request must contain the parameter " + name + "."}
}

func refused(code, message string) error {
	return &awswire.Error{Code: code, Query: "AWS.SimpleQueueService." + code, Message: message}
}

func badHandle(receipt string) error {
	return &awswire.Error{Code: "ReceiptHandleIsInvalid", Query: "ReceiptHandleIsInvalid", Message: fmt.Sprintf("The input receipt handle %q is not a valid receipt handle.", receipt)}
}

// seconds is a duration within bounds, and d where there is none.
func seconds(n *int, name string, most int, d time.Duration) (time.Duration, error) {
	switch {
	case n == nil:
		return d, nil
	case *n < 0 || *n > most:
		return 0, invalid(fmt.Sprintf("Value %d for parameter %s is invalid. Reason: Must be between 0 and %d, if provided.", *n, name, most))
	}
	return time.Duration(*n) * time.Second, nil
}

// Answers, in both protocols: XML takes the members that JSON has as maps as
// lists of their own.

type sentAnswer struct {
	XMLName                xml.Name `json:"-"`
	Id                     string   `json:",omitempty" xml:",omitempty"`
	MessageId              string
	MD5OfMessageBody       string
	MD5OfMessageAttributes string `json:",omitempty" xml:",omitempty"`
	SequenceNumber         string `json:",omitempty" xml:",omitempty"`
}

type failedAnswer struct {
	Id, Code, Message string
	SenderFault       bool
}

type doneAnswer struct{ Id string }

type batchAnswer struct {
	Sent    []sentAnswer   `json:"-" xml:"SendMessageBatchResultEntry"`
	Deleted []doneAnswer   `json:"-" xml:"DeleteMessageBatchResultEntry"`
	Changed []doneAnswer   `json:"-" xml:"ChangeMessageVisibilityBatchResultEntry"`
	Success any            `json:"Successful" xml:"-"`
	Failed  []failedAnswer `xml:"BatchResultErrorEntry"`
}

type pair struct{ Name, Value string }

type attributePair struct {
	Name  string
	Value aws.Attribute
}

type messageAnswer struct {
	MessageId, ReceiptHandle, MD5OfBody, Body string
	MD5OfMessageAttributes                    string                   `json:",omitempty" xml:",omitempty"`
	Attributes                                map[string]string        `json:",omitempty" xml:"-"`
	MessageAttributes                         map[string]aws.Attribute `json:",omitempty" xml:"-"`
	Pairs                                     []pair                   `json:"-" xml:"Attribute"`
	AttributePairs                            []attributePair          `json:"-" xml:"MessageAttribute"`
}

type receiveAnswer struct {
	Messages []messageAnswer `json:",omitempty" xml:"Message"`
}

type attributesAnswer struct {
	Attributes map[string]string `json:",omitempty" xml:"-"`
	Pairs      []pair            `json:"-" xml:"Attribute"`
}

type urlAnswer struct{ QueueUrl string }

type urlsAnswer struct {
	QueueUrls []string `json:",omitempty" xml:"QueueUrl"`
}

type sourcesAnswer struct {
	QueueUrls []string `json:"queueUrls" xml:"QueueUrl"`
}

func pairs(m map[string]string) (out []pair) {
	for _, k := range sortedKeys(m) {
		out = append(out, pair{k, m[k]})
	}
	return out
}
