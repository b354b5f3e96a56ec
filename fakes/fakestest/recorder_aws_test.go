//lint:file-ignore SA1019 applications use the old clients, and so must we be tried by them

package fakestest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	awsv1 "github.com/aws/aws-sdk-go/aws"
	credentialsv1 "github.com/aws/aws-sdk-go/aws/credentials"
	sessionv1 "github.com/aws/aws-sdk-go/aws/session"
	dynamodbv1 "github.com/aws/aws-sdk-go/service/dynamodb"
	s3v1 "github.com/aws/aws-sdk-go/service/s3"
	sqsv1 "github.com/aws/aws-sdk-go/service/sqs"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	fakedynamodb "github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/fakes/fakestest"
	fakes3 "github.com/wtsim/wtsim/fakes/s3"
	fakesqs "github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/awsprobe"
)

// awsCalls are a handler's, of either SDK.
type awsCalls struct {
	service cloud.Service
	host    string
	client  func(cloud.Env, string) *http.Client
	v2      func(context.Context, aws.Config) error
	v1      func(*sessionv1.Session) error
}

func recorderCalls() map[string]awsCalls {
	return map[string]awsCalls{
		"dynamodb": {fakedynamodb.New("dynamodb", fakedynamodb.Table{Name: "orders", Keys: "id S"}), "dynamodb.us-east-1.amazonaws.com", fakedynamodb.Client, callDynamoDB,
			func(s *sessionv1.Session) error {
				c := dynamodbv1.New(s)
				key := map[string]*dynamodbv1.AttributeValue{"id": {S: awsv1.String("o 1")}}
				_, err := c.PutItem(&dynamodbv1.PutItemInput{TableName: awsv1.String("orders"), Item: key})
				if err == nil {
					_, err = c.GetItem(&dynamodbv1.GetItemInput{TableName: awsv1.String("orders"), Key: key})
				}
				return err
			}},
		"s3": {fakes3.New("s3", "photos"), "s3.us-east-1.amazonaws.com", fakes3.Client, callS3,
			func(s *sessionv1.Session) error {
				_, err := s3v1.New(s).PutObject(&s3v1.PutObjectInput{Bucket: awsv1.String("photos"), Key: awsv1.String("a/b"), Body: strings.NewReader("x")})
				return err
			}},
		"sqs": {fakesqs.New("sqs").With(fakesqs.Queue{Name: "mails"}), "sqs.us-east-1.amazonaws.com", fakesqs.Client, callSQS,
			func(s *sessionv1.Session) error {
				_, err := sqsv1.New(s).SendMessage(&sqsv1.SendMessageInput{QueueUrl: awsv1.String(mails), MessageBody: awsv1.String(`{"to":"ann"}`)})
				return err
			}},
	}
}

func callDynamoDB(ctx context.Context, cfg aws.Config) error {
	c := dynamodb.NewFromConfig(cfg)
	item := map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "o-1"}}
	put := &dynamodb.PutItemInput{TableName: aws.String("orders"), Item: item, ConditionExpression: aws.String("attribute_not_exists(id)")}
	if _, err := c.PutItem(ctx, put); err != nil {
		return err
	}
	_, _ = c.PutItem(ctx, put) // is refused
	if _, err := c.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String("orders")}); err != nil {
		return err
	}
	_, err := c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String("t-1"), TransactItems: []types.TransactWriteItem{
		{Delete: &types.Delete{TableName: aws.String("orders"), Key: item}},
		{Put: &types.Put{TableName: aws.String("orders"), Item: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "o-2"}}}}}})
	return err
}

func callS3(ctx context.Context, cfg aws.Config) error {
	c := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("photos"), Key: aws.String("a/b c"), Body: strings.NewReader("content")}); err != nil {
		return err
	}
	got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("photos"), Key: aws.String("a/b c")})
	if err != nil {
		return err
	}
	if text, err := io.ReadAll(got.Body); err != nil || string(text) != "content" {
		return fmt.Errorf("got %q, %w", text, err)
	}
	_, _ = c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("photos"), Key: aws.String("none")})
	_, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("photos"), Prefix: aws.String("a/")})
	return err
}

const mails = "https://sqs.us-east-1.amazonaws.com/123456789012/mails"

func callSQS(ctx context.Context, cfg aws.Config) error {
	c := sqs.NewFromConfig(cfg)
	if _, err := c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(mails), MessageBody: aws.String(`{"to":"ann"}`)}); err != nil {
		return err
	}
	got, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(mails)})
	if err != nil || len(got.Messages) != 1 {
		return fmt.Errorf("%d messages: %w", len(got.Messages), err)
	}
	_, err = c.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String(mails), ReceiptHandle: got.Messages[0].ReceiptHandle})
	return err
}

// What the recorder of production makes of the calls of either SDK, with a client in
// one line, is what the simulator makes of the same calls, operation by operation, and
// nothing else comes back to the application.
func TestRecorderAWS(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "")
	for name, c := range recorderCalls() {
		t.Run(name, func(t *testing.T) {
			credentials := aws.CredentialsProviderFunc(fakestest.AWSCredentials)
			for sdk, call := range map[string]func(client *http.Client, doer aws.HTTPClient, endpoint string) error{
				"v2": func(_ *http.Client, doer aws.HTTPClient, endpoint string) error {
					cfg := aws.Config{Region: "us-east-1", Credentials: credentials, HTTPClient: doer, RetryMaxAttempts: 1}
					if endpoint != "" {
						cfg.BaseEndpoint = aws.String(endpoint)
					}
					return c.v2(t.Context(), cfg)
				},
				"v1": func(client *http.Client, _ aws.HTTPClient, endpoint string) error {
					cfg := &awsv1.Config{Region: awsv1.String("us-east-1"), Credentials: credentialsv1.NewStaticCredentials("a", "b", ""), HTTPClient: client,
						S3ForcePathStyle: awsv1.Bool(true), MaxRetries: awsv1.Int(0)}
					if endpoint != "" {
						cfg.Endpoint = awsv1.String(endpoint)
					}
					return c.v1(sessionv1.Must(sessionv1.NewSession(cfg)))
				},
			} {
				simulated := openedFor(t, c.service)
				own := c.client(simulated, name)
				if err := call(own, own, ""); err != nil {
					t.Fatalf("%s in the simulator: %v", sdk, err)
				}
				served := openedFor(t, c.service)
				server := httptest.NewServer(hosting{c.client(served, name), c.host})
				defer server.Close()
				k := &keeper{}
				recorder := k.recorder(t)
				keys := awsprobe.Tables{"orders": {"id"}}.Keys
				if err := call(awsprobe.V1(recorder, nil, keys), awsprobe.Client(recorder, nil, keys), server.URL); err != nil {
					t.Fatalf("%s in production: %v", sdk, err)
				}
				if got, want := told(k.operations(t)), told(simulated.Operations()); !slices.Equal(got, want) || len(want) == 0 {
					t.Errorf("%s: production tells\n%s\nand the simulator\n%s", sdk, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			}
		})
	}
}

func openedFor(t *testing.T, s cloud.Service) *fakestest.Env {
	t.Helper()
	e, err := fakestest.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// told is what rules see of operations, but for what is another in each service.
func told(all []event.Operation) []string {
	var out []string
	for _, op := range all {
		out = append(out, fmt.Sprintf("%s %s %s %d %s %v", op.Service, op.Method, op.Resource, op.Access, op.Result.Status, op.Result.OK))
	}
	return out
}

// hosting serves what a client in the simulator reaches at a host.
type hosting struct {
	client *http.Client
	host   string
}

func (h hosting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.RequestURI = "https", h.host, ""
	resp, err := h.client.Transport.RoundTrip(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // the client tells
}

// keeper has what a recorder keeps.
type keeper struct {
	mu  sync.Mutex
	all []event.Event
}

func (k *keeper) recorder(t *testing.T) *probe.Recorder {
	t.Helper()
	rules, err := probe.CompileRules(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := probe.NewRecorder("f", "i", rules, probe.SinkFunc(func(event.Event) {}))
	r.Keep(probe.SinkFunc(func(e event.Event) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.all = append(k.all, e)
	}))
	return r
}

func (k *keeper) operations(t *testing.T) (out []event.Operation) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.all {
		op, ok, err := probe.Recorded(&k.all[i])
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			out = append(out, op)
		}
	}
	return out
}
