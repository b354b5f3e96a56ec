//lint:file-ignore SA1019 applications use the old clients, and so must we be tried by them

package fakestest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	awsv2 "github.com/aws/aws-sdk-go-v2/aws"
	sqsv2 "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	awsv1 "github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	credentialsv1 "github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	sqsv1 "github.com/aws/aws-sdk-go/service/sqs"

	"github.com/wtsim/wtsim/fakes/sqs"
)

// preparedSQS is an SQS with what the suite needs.
func preparedSQS() *sqs.Service {
	s := sqs.New("sqs")
	for _, setup := range SQSSetups() {
		q := sqs.Queue{Name: setup.Name, Delay: setup.Delay, MaxReceives: setup.MaxReceives, ByContent: setup.ByContent}
		if setup.MaxReceives > 0 {
			q.DeadLetter = setup.Name + "-dead"
			s = s.With(sqs.Queue{Name: q.DeadLetter})
		}
		s = s.With(q)
	}
	return s
}

// inSQS runs f in a bubble with an SQS.
func inSQS(t *testing.T, s *sqs.Service, f func(t *testing.T, e *Env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, err := Open(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		f(t, e)
	})
}

// clientV2 is a client of SDK v2.
func clientV2(e *Env) *sqsv2.Client {
	return sqsv2.New(sqsv2.Options{
		Region: "us-east-1", HTTPClient: sqs.Client(e, "sqs"), RetryMaxAttempts: 1,
		Credentials: awsv2.CredentialsProviderFunc(func(context.Context) (awsv2.Credentials, error) {
			return awsv2.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		}),
	})
}

// Our SQS keeps what SQS promises.
func TestSQS(t *testing.T) {
	inSQS(t, preparedSQS(), func(t *testing.T, e *Env) {
		if err := SQS(e.Context(), clientV2(e)); err != nil {
			t.Error(err)
		}
		if lacking := e.Kernel.Lacking(); len(lacking) > 0 {
			t.Errorf("lacking %q", lacking)
		}
	})
}

// The suite notices what is taken away.
func TestSQSWithout(t *testing.T) {
	for guarantee, want := range map[string]string{
		"sqs/deduplication": "a deduplication id counts once in five minutes",
		"sqs/order":         "a group is in order",
		"sqs/redelivery":    "what is in flight is not to be seen, and comes again",
	} {
		inSQS(t, preparedSQS().Without(guarantee).(*sqs.Service), func(t *testing.T, e *Env) {
			if err := SQS(e.Context(), clientV2(e)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("without %s: %v", guarantee, err)
			}
		})
	}
}

// SDK v1 works too, checks checksums, and knows the errors.
func TestSQSByV1(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "") // the machine's; v1 refuses what is not its own transport then
	inSQS(t, preparedSQS(), func(t *testing.T, e *Env) {
		s := session.Must(session.NewSession(&awsv1.Config{Region: awsv1.String("us-east-1"), HTTPClient: sqs.Client(e, "sqs"), Credentials: credentialsv1.NewStaticCredentials("a", "b", "")}))
		client := sqsv1.New(s)
		at, err := client.GetQueueUrl(&sqsv1.GetQueueUrlInput{QueueName: awsv1.String("trip")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.SendMessage(&sqsv1.SendMessageInput{QueueUrl: at.QueueUrl, MessageBody: awsv1.String("a"), MessageAttributes: map[string]*sqsv1.MessageAttributeValue{
			"n": {DataType: awsv1.String("Number"), StringValue: awsv1.String("1")}}}); err != nil {
			t.Fatal(err)
		}
		got, err := client.ReceiveMessage(&sqsv1.ReceiveMessageInput{QueueUrl: at.QueueUrl, MessageAttributeNames: []*string{awsv1.String("All")}})
		if err != nil || len(got.Messages) != 1 || *got.Messages[0].MessageAttributes["n"].StringValue != "1" {
			t.Fatal(got, err)
		}
		if _, err := client.DeleteMessage(&sqsv1.DeleteMessageInput{QueueUrl: at.QueueUrl, ReceiptHandle: got.Messages[0].ReceiptHandle}); err != nil {
			t.Error(err)
		}
		_, err = client.GetQueueUrl(&sqsv1.GetQueueUrlInput{QueueName: awsv1.String("nowhere")})
		if e, ok := err.(awserr.Error); !ok || e.Code() != sqsv1.ErrCodeQueueDoesNotExist {
			t.Errorf("got %v", err)
		}
	})
}

// The Query protocol, as SDK v1 spoke it until 1.46, and as the service's guide
// shows it.
func TestSQSByQuery(t *testing.T) {
	inSQS(t, preparedSQS(), func(t *testing.T, e *Env) {
		call := func(form string) string {
			v, err := url.ParseQuery(form)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := sqs.Client(e, "sqs").Post("https://sqs.us-east-1.amazonaws.com/", "application/x-www-form-urlencoded", strings.NewReader(v.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusOK && !strings.Contains(string(body), "<ErrorResponse") {
				t.Fatal(resp.Status, string(body), err)
			}
			return string(body)
		}
		const at = "&QueueUrl=https://sqs.us-east-1.amazonaws.com/123456789012/trip"
		for _, c := range []struct{ form, want string }{
			{"Action=GetQueueUrl&QueueName=trip", "<GetQueueUrlResult><QueueUrl>https://sqs.us-east-1.amazonaws.com/123456789012/trip</QueueUrl></GetQueueUrlResult>"},
			{"Action=SendMessage&MessageBody=hello&MessageAttribute.1.Name=k&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=v" + at, "<MD5OfMessageBody>5d41402abc4b2a76b9719d911017c592</MD5OfMessageBody>"},
			{"Action=ReceiveMessage&AttributeName.1=All&MessageAttributeName.1=All" + at, "<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>"},
			{"Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=x&SendMessageBatchRequestEntry.1.MessageBody=b" + at, "<SendMessageBatchResultEntry><Id>x</Id>"},
			{"Action=GetQueueAttributes&AttributeName.1=VisibilityTimeout" + at, "<Attribute><Name>VisibilityTimeout</Name><Value>30</Value></Attribute>"},
			{"Action=DeleteMessage&ReceiptHandle=none" + at, "<Type>Sender</Type><Code>ReceiptHandleIsInvalid</Code>"},
			{"Action=GetQueueUrl&QueueName=nowhere", "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"},
		} {
			if got := call(c.form); !strings.Contains(got, c.want) {
				t.Errorf("%s: got %s, wanted %s", c.form, got, c.want)
			}
		}
		ops := e.Operations()
		if len(ops) != 7 || ops[1].Method != "SendMessage" || ops[1].Resource != "trip" || ops[1].Service != "sqs" {
			t.Errorf("operations %+v", ops)
		}
	})
}

// A program that creates its queue anew gets the one that is there, if that has the
// attributes it asks for.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
func TestSQSCreates(t *testing.T) {
	s := sqs.New("sqs").With(sqs.Queue{Name: "orders", DeadLetter: "dead", MaxReceives: 3}, sqs.Queue{Name: "dead"}, sqs.Queue{Name: "steps.fifo", ByContent: true})
	inSQS(t, s, func(t *testing.T, e *Env) {
		for _, c := range []struct {
			queue      string
			attributes map[string]string
			differs    string
		}{
			{"orders", nil, ""},
			{"orders", map[string]string{"VisibilityTimeout": "30", "RedrivePolicy": `{"maxReceiveCount": "3", "deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:dead"}`, "KmsMasterKeyId": "k"}, ""},
			{"orders", map[string]string{"VisibilityTimeout": "60"}, "VisibilityTimeout"},
			{"orders", map[string]string{"RedrivePolicy": `{"maxReceiveCount":4,"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead"}`}, "RedrivePolicy"},
			{"dead", map[string]string{"RedrivePolicy": `{"maxReceiveCount":4,"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:orders"}`}, "RedrivePolicy"},
			{"steps.fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"}, ""},
			{"steps.fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "false"}, "ContentBasedDeduplication"},
		} {
			_, err := clientV2(e).CreateQueue(e.Context(), &sqsv2.CreateQueueInput{QueueName: &c.queue, Attributes: c.attributes})
			var exists *sqstypes.QueueNameExists
			if c.differs == "" && err != nil || c.differs != "" && (!errors.As(err, &exists) || !strings.HasSuffix(exists.ErrorMessage(), " "+c.differs)) {
				t.Errorf("%s %v: %v", c.queue, c.attributes, err)
			}
		}
	})
}

// A wrong number of the Query protocol is refused, whatever follows it; so is a type
// that attributes do not have.
func TestSQSWrong(t *testing.T) {
	inSQS(t, sqs.New("sqs").With(sqs.Queue{Name: "orders"}), func(t *testing.T, e *Env) {
		answer, err := sqs.Client(e, "sqs").PostForm("https://sqs.us-east-1.amazonaws.com/123456789012/orders",
			url.Values{"Action": {"ReceiveMessage"}, "VisibilityTimeout": {"soon"}, "MaxNumberOfMessages": {"1"}})
		if err != nil || answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%v, %v", answer, err)
		}
		_, err = clientV2(e).SendMessage(e.Context(), &sqsv2.SendMessageInput{QueueUrl: awsv2.String("https://sqs.us-east-1.amazonaws.com/123456789012/orders"), MessageBody: awsv2.String("x"),
			MessageAttributes: map[string]sqstypes.MessageAttributeValue{"a": {DataType: awsv2.String("Text"), StringValue: awsv2.String("x")}}})
		if err == nil || !strings.Contains(err.Error(), "supported type prefixes") {
			t.Error(err)
		}
	})
}

// What is not simulated is refused by name.
func TestSQSLacks(t *testing.T) {
	inSQS(t, preparedSQS(), func(t *testing.T, e *Env) {
		_, err := clientV2(e).CreateQueue(e.Context(), &sqsv2.CreateQueueInput{QueueName: awsv2.String("new")})
		if lacking := e.Kernel.Lacking(); err == nil || len(lacking) != 1 || lacking[0] != "SQS's CreateQueue" {
			t.Errorf("%v, %q", err, lacking)
		}
	})
}
