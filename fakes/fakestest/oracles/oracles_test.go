package oracles

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/sivchari/kumo"
	minidyn "github.com/truora/minidyn/server"

	"github.com/wtsim/wtsim/fakes/fakestest"
)

func configuration(url string) aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(url), RetryMaxAttempts: 1, HTTPClient: &http.Client{Timeout: 30 * time.Second},
		Credentials: aws.CredentialsProviderFunc(fakestest.AWSCredentials)}
}

// differing compares the checks that another fake does not keep with those that are
// known, each of which says why we do.
func differing(t *testing.T, err error, known map[string]string) {
	t.Helper()
	var got []string
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		for _, failed := range all.Unwrap() {
			t.Log(failed)
			name, _, _ := strings.Cut(failed.Error(), ": ")
			got = append(got, name)
		}
	} else if err != nil {
		t.Fatal(err)
	}
	for _, name := range got {
		if known[name] == "" {
			t.Errorf("it differs in %q, and nobody has decided who is right", name)
		}
	}
	for name := range known {
		if !slices.Contains(got, name) {
			t.Errorf("it keeps %q, of which it is said that it does not", name)
		}
	}
}

func serve(t *testing.T, h http.Handler) (url string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func emulated(t *testing.T) (url string) {
	t.Helper()
	s := kumo.NewServer()
	t.Cleanup(s.Close)
	return s.URL
}

// table makes the table of the suite.
func table(ctx context.Context, c *dynamodb.Client) error {
	key := func(name string, kind dynamodbtypes.KeyType) dynamodbtypes.KeySchemaElement {
		return dynamodbtypes.KeySchemaElement{AttributeName: aws.String(name), KeyType: kind}
	}
	_, err := c.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("conformance"), BillingMode: dynamodbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: dynamodbtypes.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: dynamodbtypes.ScalarAttributeTypeN},
			{AttributeName: aws.String("kind"), AttributeType: dynamodbtypes.ScalarAttributeTypeS}},
		KeySchema: []dynamodbtypes.KeySchemaElement{key("pk", dynamodbtypes.KeyTypeHash), key("sk", dynamodbtypes.KeyTypeRange)},
		GlobalSecondaryIndexes: []dynamodbtypes.GlobalSecondaryIndex{{IndexName: aws.String("by-kind"),
			KeySchema:  []dynamodbtypes.KeySchemaElement{key("kind", dynamodbtypes.KeyTypeHash), key("sk", dynamodbtypes.KeyTypeRange)},
			Projection: &dynamodbtypes.Projection{ProjectionType: dynamodbtypes.ProjectionTypeAll}}},
	})
	return err
}

func inDynamoDB(t *testing.T, url string) error {
	t.Helper()
	c := dynamodb.NewFromConfig(configuration(url))
	if err := table(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return fakestest.DynamoDB(t.Context(), c, fakestest.DynamoDBOptions{})
}

func inS3(t *testing.T, url string) error {
	t.Helper()
	return fakestest.S3(t.Context(), s3.NewFromConfig(configuration(url), func(o *s3.Options) { o.UsePathStyle = true }), "oracle-")
}

// minidyn's DynamoDB.
func TestMinidyn(t *testing.T) {
	differing(t, inDynamoDB(t, serve(t, minidyn.NewServer())), minidynDiffers)
}

// gofakes3's S3, in memory.
func TestGofakes3(t *testing.T) {
	differing(t, inS3(t, serve(t, gofakes3.New(s3mem.New()).Server())), gofakes3Differs)
}

// kumo's DynamoDB, S3 and SQS.
func TestKumo(t *testing.T) {
	t.Run("DynamoDB", func(t *testing.T) { differing(t, inDynamoDB(t, emulated(t)), kumoDynamoDBDiffers) })
	t.Run("S3", func(t *testing.T) { differing(t, inS3(t, emulated(t)), kumoS3Differs) })
	t.Run("SQS", func(t *testing.T) {
		if testing.Short() {
			t.Skip("its time is real: ten minutes; runs without -short")
		}
		c := sqs.NewFromConfig(configuration(emulated(t)))
		if err := queues(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		differing(t, fakestest.SQS(t.Context(), c), kumoSQSDiffers)
	})
}

// queues makes the queues of the suite.
func queues(ctx context.Context, c *sqs.Client) error {
	for _, q := range fakestest.SQSSetups() {
		attributes := map[string]string{"DelaySeconds": strconv.Itoa(int(q.Delay.Seconds()))}
		if strings.HasSuffix(q.Name, ".fifo") {
			attributes["FifoQueue"] = "true"
		}
		if q.ByContent {
			attributes["ContentBasedDeduplication"] = "true"
		}
		if q.MaxReceives > 0 {
			if _, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(q.Name + "-dead")}); err != nil {
				return err
			}
			attributes["RedrivePolicy"] = `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:` + q.Name + `-dead","maxReceiveCount":"` + strconv.Itoa(q.MaxReceives) + `"}`
		}
		if _, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(q.Name), Attributes: attributes}); err != nil {
			return err
		}
	}
	return nil
}
