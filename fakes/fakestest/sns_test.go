//lint:file-ignore SA1019 applications use the old clients, and so must we be tried by them

package fakestest

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	awsv2 "github.com/aws/aws-sdk-go-v2/aws"
	snsv2 "github.com/aws/aws-sdk-go-v2/service/sns"
	sqsv2 "github.com/aws/aws-sdk-go-v2/service/sqs"
	awsv1 "github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	credentialsv1 "github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	snsv1 "github.com/aws/aws-sdk-go/service/sns"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/sns"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/probe"
)

// preparedSNS is an SNS with what the suite needs, and the queues.
func preparedSNS() (*sns.Service, *sqs.Service) {
	s, q := sns.New("sns"), sqs.New("sqs")
	for _, setup := range SNSSetups() {
		sub := sns.Subscription{Topic: setup.Name, Queue: setup.Name, Filter: setup.Filter, OnBody: setup.OnBody, Raw: setup.Raw}
		if setup.DeadLetter {
			sub.DeadLetter = setup.Name + "-dead"
			q = q.With(sqs.Queue{Name: sub.DeadLetter})
		}
		s, q = s.With(sns.Topic{Name: setup.Name, ByContent: setup.ByContent}).Subscribe(sub), q.With(sqs.Queue{Name: setup.Name})
	}
	return s, q
}

// inSNS runs f in a bubble with an SNS and its queues.
func inSNS(t *testing.T, s cloud.Service, q *sqs.Service, f func(t *testing.T, e *Env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, err := Open(context.Background(), s, q)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		f(t, e)
	})
}

func snsClient(e *Env) *snsv2.Client {
	return snsv2.New(snsv2.Options{Region: "us-east-1", HTTPClient: sns.Client(e, "sns"), RetryMaxAttempts: 1, Credentials: awsv2.AnonymousCredentials{}})
}

// queuesOf is a client of the SQS that is the first service of the run.
func queuesOf(e *Env) *sqsv2.Client {
	return sqsv2.New(sqsv2.Options{Region: "us-east-1", HTTPClient: e.Kernel.Backends()[0].(*sqs.Backend).Client(e), RetryMaxAttempts: 1, Credentials: awsv2.AnonymousCredentials{}})
}

// Our SNS keeps what SNS promises.
func TestSNS(t *testing.T) {
	s, q := preparedSNS()
	inSNS(t, s, q, func(t *testing.T, e *Env) {
		if err := SNS(e.Context(), snsClient(e), queuesOf(e)); err != nil {
			t.Error(err)
		}
		if lacking := e.Kernel.Lacking(); len(lacking) > 0 {
			t.Errorf("lacking %q", lacking)
		}
	})
}

// The suite notices what is taken away, and a message that comes twice.
func TestSNSWithout(t *testing.T) {
	s, q := preparedSNS()
	inSNS(t, s.Without("sns/deduplication"), q, func(t *testing.T, e *Env) {
		if err := SNS(e.Context(), snsClient(e), queuesOf(e)); err == nil || !strings.Contains(err.Error(), "a deduplication id counts once") {
			t.Error(err)
		}
	})
	inSNS(t, s, q, func(t *testing.T, e *Env) {
		b := e.Kernel.Backends()[1].(cloud.Deviant)
		e.Verdict = func(c *probe.Call) probe.Fate {
			for _, kind := range b.Deviations(c) {
				b.Deviate(c, kind)
			}
			return probe.Fate{}
		}
		err := SNS(e.Context(), snsClient(e), queuesOf(e))
		if err == nil || !strings.Contains(err.Error(), "comes as it is") || strings.Contains(err.Error(), "deduplication id") {
			t.Error(err)
		}
	})
}

// SDK v1 works too, and knows the errors.
func TestSNSByV1(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "") // the machine's; v1 refuses what is not its own transport then
	s, q := preparedSNS()
	inSNS(t, s, q, func(t *testing.T, e *Env) {
		client := snsv1.New(session.Must(session.NewSession(&awsv1.Config{Region: awsv1.String("us-east-1"), HTTPClient: sns.Client(e, "sns"), Credentials: credentialsv1.NewStaticCredentials("a", "b", "")})))
		arn := awsv1.String("arn:aws:sns:us-east-1:123456789012:raw")
		if _, err := client.Publish(&snsv1.PublishInput{TopicArn: arn, Message: awsv1.String(`{"o":1}`), MessageAttributes: map[string]*snsv1.MessageAttributeValue{
			"k": {DataType: awsv1.String("String"), StringValue: awsv1.String("v")}}}); err != nil {
			t.Fatal(err)
		}
		out, err := client.PublishBatch(&snsv1.PublishBatchInput{TopicArn: arn, PublishBatchRequestEntries: []*snsv1.PublishBatchRequestEntry{{Id: awsv1.String("a"), Message: awsv1.String("b")}}})
		if err != nil || len(out.Successful) != 1 {
			t.Fatal(out, err)
		}
		if _, err := (&snsRig{e.Context(), nil, &sqsRig{e.Context(), queuesOf(e), "raw"}}).wants(`{"o":1}`, "b"); err != nil {
			t.Error(err)
		}
		_, err = client.Publish(&snsv1.PublishInput{TopicArn: awsv1.String(*arn + "x"), Message: awsv1.String("a")})
		if e, ok := err.(awserr.Error); !ok || e.Code() != snsv1.ErrCodeNotFoundException {
			t.Errorf("got %v", err)
		}
		op := e.Operations()[0]
		if op.Service != "sns" || op.Method != "Publish" || op.Resource != "raw" || !strings.Contains(string(op.Request.Body), `"Message":{"o":1},"MessageAttributes":{"k":"v"}`) {
			t.Errorf("the operation is %+v %s", op, op.Request.Body)
		}
	})
}

// A program that creates its topic and subscription anew gets those that are there, if
// they have the attributes it asks for.
// https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
func TestSNSCreates(t *testing.T) {
	s := sns.New("sns").With(sns.Topic{Name: "orders"}).Subscribe(sns.Subscription{Topic: "orders", Queue: "audit", Raw: true, Filter: `{"a": ["b"]}`})
	inSNS(t, s, sqs.New("sqs").With(sqs.Queue{Name: "audit"}), func(t *testing.T, e *Env) {
		c, ctx := snsClient(e), e.Context()
		arn, queue := awsv2.String("arn:aws:sns:us-east-1:123456789012:orders"), awsv2.String("arn:aws:sqs:us-east-1:123456789012:audit")
		for _, x := range []struct {
			attributes map[string]string
			ok         bool
		}{
			{nil, true},
			{map[string]string{"RawMessageDelivery": "true", "FilterPolicy": `{"a":["b"]}`, "FilterPolicyScope": "MessageAttributes"}, true},
			{map[string]string{"RawMessageDelivery": "false"}, false},
			{map[string]string{"FilterPolicy": `{"a":["c"]}`}, false},
			{map[string]string{"FilterPolicyScope": "MessageBody"}, false},
		} {
			_, err := c.Subscribe(ctx, &snsv2.SubscribeInput{TopicArn: arn, Protocol: awsv2.String("sqs"), Endpoint: queue, Attributes: x.attributes})
			if x.ok != (err == nil) || err != nil && !strings.Contains(err.Error(), "different attributes") {
				t.Errorf("%v: %v", x.attributes, err)
			}
		}
		_, err := c.CreateTopic(ctx, &snsv2.CreateTopicInput{Name: awsv2.String("orders"), Attributes: map[string]string{"FifoTopic": "true"}})
		if err == nil || !strings.Contains(err.Error(), "different attributes") {
			t.Error(err)
		}
	})
}

// What is not simulated is refused by name.
func TestSNSLacks(t *testing.T) {
	s, q := preparedSNS()
	inSNS(t, s, q, func(t *testing.T, e *Env) {
		c, ctx := snsClient(e), e.Context()
		arn := awsv2.String("arn:aws:sns:us-east-1:123456789012:raw")
		_, e1 := c.CreateTopic(ctx, &snsv2.CreateTopicInput{Name: awsv2.String("new")})
		_, e2 := c.Subscribe(ctx, &snsv2.SubscribeInput{TopicArn: arn, Protocol: awsv2.String("email"), Endpoint: awsv2.String("a@b.example")})
		_, e3 := c.Publish(ctx, &snsv2.PublishInput{PhoneNumber: awsv2.String("+1"), Message: awsv2.String("a")})
		_, e4 := c.Unsubscribe(ctx, &snsv2.UnsubscribeInput{SubscriptionArn: arn})
		got := strings.Join(e.Kernel.Lacking(), ", ")
		if want := "SNS's CreateTopic, SNS's Subscribe, SNS's text messages, SNS's Unsubscribe"; got != want || e1 == nil || e2 == nil || e3 == nil || e4 == nil {
			t.Errorf("lacking %s, wanted %s", got, want)
		}
	})
}
