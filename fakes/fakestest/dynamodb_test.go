//lint:file-ignore SA1019 applications use the old clients, and so must we be tried by them

package fakestest_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awsv1 "github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	credentialsv1 "github.com/aws/aws-sdk-go/aws/credentials"
	sessionv1 "github.com/aws/aws-sdk-go/aws/session"
	dynamodbv1 "github.com/aws/aws-sdk-go/service/dynamodb"
	streamsv1 "github.com/aws/aws-sdk-go/service/dynamodbstreams"

	fake "github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/probe"
)

// configuration is that of a client of SDK v2.
func configuration(client *http.Client) aws.Config {
	return aws.Config{Region: "eu-west-1", HTTPClient: client, Credentials: aws.CredentialsProviderFunc(fakestest.AWSCredentials)}
}

// dynamoDB opens a service with two tables, in a bubble.
func dynamoDB(t *testing.T, f func(t *testing.T, e *fakestest.Env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, err := fakestest.Open(t.Context(), fake.New("dynamodb",
			fake.Table{Name: "conformance", Keys: "pk S, sk N", Stream: "NEW_AND_OLD_IMAGES", TTL: "expires",
				Indexes: []fake.Index{{Name: "by-kind", Keys: "kind S, sk N"}}}).Deletes(48*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		f(t, e)
	})
}

// The suite holds through the client of SDK v2.
func TestDynamoDB(t *testing.T) {
	dynamoDB(t, func(t *testing.T, e *fakestest.Env) {
		client := dynamodb.NewFromConfig(configuration(fake.Client(e, "dynamodb")))
		if err := fakestest.DynamoDB(t.Context(), client, fakestest.DynamoDBOptions{}); err != nil {
			t.Error(err)
		}
		if lacking := e.Kernel.Lacking(); lacking != nil {
			t.Errorf("lacking %q", lacking)
		}
	})
}

// dropped leaves a part out of a request's body.
func dropped(part string) func(*http.Request) {
	return func(r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		body = bytes.ReplaceAll(body, []byte(part), nil)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
}

// The suite notices a DynamoDB that is broken.
func TestDynamoDBBroken(t *testing.T) {
	for _, c := range []struct{ drops, noticed string }{
		{`"ConditionExpression":"attribute_not_exists(pk)",`, "a condition"},
		{`"ScanIndexForward":false,`, "a query"},
		{`"ReturnValues":"ALL_NEW",`, "an update"},
	} {
		dynamoDB(t, func(t *testing.T, e *fakestest.Env) {
			through := mutant{base: fake.Client(e, "dynamodb").Transport, ask: dropped(c.drops)}
			client := dynamodb.NewFromConfig(configuration(&http.Client{Transport: through}))
			err := fakestest.DynamoDB(t.Context(), client, fakestest.DynamoDBOptions{})
			if err == nil || !strings.Contains(err.Error(), c.noticed) {
				t.Errorf("without %s: %v", c.drops, err)
			}
		})
	}
}

// The client of SDK v1, with its session, reaches the same service, and takes
// its errors for what they are.
func TestDynamoDBV1(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "") // which a session would look for in its client
	dynamoDB(t, func(t *testing.T, e *fakestest.Env) {
		session := sessionv1.Must(sessionv1.NewSession(&awsv1.Config{Region: awsv1.String("eu-west-1"), HTTPClient: fake.Client(e, "dynamodb"),
			Credentials: credentialsv1.NewStaticCredentials("AKID", "secret", "")}))
		client := dynamodbv1.New(session)
		table := awsv1.String("conformance")
		put := &dynamodbv1.PutItemInput{TableName: table, ConditionExpression: awsv1.String("attribute_not_exists(pk)"),
			Item: map[string]*dynamodbv1.AttributeValue{"pk": {S: awsv1.String("a b")}, "sk": {N: awsv1.String("1.5")}}}
		if _, err := client.PutItem(put); err != nil {
			t.Fatal(err)
		}
		var failed awserr.RequestFailure
		if _, err := client.PutItem(put); !errors.As(err, &failed) || failed.Code() != dynamodbv1.ErrCodeConditionalCheckFailedException || failed.StatusCode() != 400 || failed.RequestID() == "" {
			t.Errorf("got %v", err)
		}
		pages := 0
		err := client.QueryPages(&dynamodbv1.QueryInput{TableName: table, KeyConditionExpression: awsv1.String("pk = :p"), Limit: awsv1.Int64(1),
			ExpressionAttributeValues: map[string]*dynamodbv1.AttributeValue{":p": {S: awsv1.String("a b")}}}, func(out *dynamodbv1.QueryOutput, _ bool) bool {
			pages += len(out.Items)
			return true
		})
		if err != nil || pages != 1 {
			t.Errorf("%d items, %v", pages, err)
		}
		// Attempts are operations: the client tries again what is throttled.
		e.Verdict = fakestest.InTurn("UpdateItem", probe.Fate{Action: probe.Refuse, With: "ProvisionedThroughputExceededException"},
			probe.Fate{Action: probe.Refuse, With: "InternalServerError"}, probe.Fate{Action: probe.Lose, With: "reset"})
		update := &dynamodbv1.UpdateItemInput{TableName: table, Key: put.Item, UpdateExpression: awsv1.String("ADD c :one"),
			ExpressionAttributeValues: map[string]*dynamodbv1.AttributeValue{":one": {N: awsv1.String("1")}}, ReturnValues: awsv1.String("UPDATED_NEW")}
		if _, err := client.UpdateItem(update); err == nil || !strings.Contains(err.Error(), "connection reset") { // which this client does not try again
			t.Errorf("got %v, wanted a reset", err)
		}
		if out, err := client.UpdateItem(update); err != nil || *out.Attributes["c"].N != "2" {
			t.Errorf("got %v, %v, wanted the count of the lost answer, and one more", out, err)
		}
		readStream(t, session)
	})
}

// readStream reads what the test has written from the table's stream.
func readStream(t *testing.T, session *sessionv1.Session) {
	t.Helper()
	client := streamsv1.New(session)
	list, err := client.ListStreams(&streamsv1.ListStreamsInput{TableName: awsv1.String("conformance")})
	if err != nil || len(list.Streams) != 1 {
		t.Fatal(list, err)
	}
	described, err := client.DescribeStream(&streamsv1.DescribeStreamInput{StreamArn: list.Streams[0].StreamArn})
	if err != nil {
		t.Fatal(err)
	}
	iterator, err := client.GetShardIterator(&streamsv1.GetShardIteratorInput{StreamArn: list.Streams[0].StreamArn,
		ShardId: described.StreamDescription.Shards[0].ShardId, ShardIteratorType: awsv1.String("TRIM_HORIZON")})
	if err != nil {
		t.Fatal(err)
	}
	records, err := client.GetRecords(&streamsv1.GetRecordsInput{ShardIterator: iterator.ShardIterator})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range records.Records {
		c := ""
		if v := r.Dynamodb.NewImage["c"]; v != nil {
			c = *v.N
		}
		got = append(got, *r.EventName+c)
	}
	if want := []string{"INSERT", "MODIFY1", "MODIFY2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, wanted %q", got, want)
	}
}

// Time to live is over at its second, and the item is deleted as late as the
// scenario says: the stream tells that nobody has asked for it.
func TestDynamoDBTimeToLive(t *testing.T) {
	dynamoDB(t, func(t *testing.T, e *fakestest.Env) {
		client := dynamodb.NewFromConfig(configuration(fake.Client(e, "dynamodb")))
		key := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "x"}, "sk": &types.AttributeValueMemberN{Value: "1"}}
		item := map[string]types.AttributeValue{"expires": &types.AttributeValueMemberN{Value: strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)}}
		for name, v := range key {
			item[name] = v
		}
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("conformance"), Item: item}); err != nil {
			t.Fatal(err)
		}
		b := e.Backend("").(*fake.Backend)
		if at := b.Expires("conformance/x/1"); at != time.Now().Add(time.Hour).Unix()*1e9 {
			t.Errorf("expires at %d", at)
		}
		for _, want := range []bool{true, false} {
			time.Sleep(25 * time.Hour)
			out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("conformance"), Key: key})
			if err != nil || (out.Item != nil) != want {
				t.Errorf("got %v, %v, wanted it to be there: %v", out.Item, err, want)
			}
		}
		s := b.Stream("conformance")
		records := s.Since(time.Now(), 0, 10)
		if last := string(records[len(records)-1].Event()); !strings.Contains(last, `"userIdentity":{"principalId":"dynamodb.amazonaws.com","type":"Service"}`) {
			t.Errorf("got %s", last)
		}
	})
}
