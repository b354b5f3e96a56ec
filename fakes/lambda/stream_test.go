package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awsclient "github.com/aws/aws-sdk-go-v2/aws"
	dynamodbclient "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/fakes/lambda"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// projected runs a scenario in which items are put into a table, by default 1 to 4,
// whose stream invokes a function that fails for those that fails reports. It returns
// the batches, each with the second in which it came.
func projected(t *testing.T, trigger lambda.Stream, fails func(id string, batch int) bool, ids ...string) string {
	t.Helper()
	var got []string
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	trigger.Table = "orders"
	if ids == nil {
		ids = []string{"1", "2", "3", "4"}
	}
	scenario := sim.Scenario{
		Name: "stream", Platform: aws.Lambda(),
		Services: []cloud.Service{dynamodb.New("dynamodb", dynamodb.Table{Name: "orders", Keys: "id S", Stream: "NEW_IMAGE"}), lambda.New("lambda")},
		Functions: []sim.Function{
			{Name: "put", New: func(env cloud.Env) (cloud.Handler, error) {
				c := dynamodbclient.New(dynamodbclient.Options{Region: aws.Region, Credentials: awsclient.AnonymousCredentials{}, HTTPClient: dynamodb.Client(env, "dynamodb")})
				return aws.Handler(func(ctx context.Context) error {
					for i, id := range ids {
						item := map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}, "n": &types.AttributeValueMemberN{Value: fmt.Sprint(i)}}
						if _, err := c.PutItem(ctx, &dynamodbclient.PutItemInput{TableName: awsclient.String("orders"), Item: item}); err != nil {
							return err
						}
					}
					return nil
				}), nil
			}},
			{Name: "project", Triggers: []cloud.Trigger{trigger}, Handler: aws.Handler(func(e events.DynamoDBEvent) (out events.DynamoDBEventResponse, err error) {
				s := fmt.Sprintf("%.0fs", time.Since(begin).Seconds())
				for _, r := range e.Records {
					id := r.Change.Keys["id"].String()
					s += " " + id
					if fails != nil && fails(id, len(e.Records)) {
						err = errors.New("no")
						out.BatchItemFailures = append(out.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
					}
				}
				got = append(got, s)
				if trigger.ItemFailures {
					err = nil
				}
				return out, err
			})},
		},
		Clients: []sim.Client{{Name: "alice", Requests: []sim.Request{{Function: "put"}}}},
	}
	c, err := sim.Compile(scenario)
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Run(scheduler.Benign{}); r.Verdict != sim.Held {
		t.Fatalf("%s (%s)", r.Verdict, r.Why)
	}
	return strings.Join(got, ", ")
}

// Changes come in order, and what fails blocks what follows.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
func TestStream(t *testing.T) {
	times := func(id string, left int) func(string, int) bool {
		return func(got string, _ int) bool {
			if got == id && left > 0 {
				left--
				return true
			}
			return false
		}
	}
	for _, c := range []struct {
		name    string
		trigger lambda.Stream
		fails   func(string, int) bool
		want    string
	}{
		{"a batch", lambda.Stream{}, nil, "0s 1 2 3 4"},
		{"batches of three", lambda.Stream{BatchSize: 3}, nil, "0s 1 2 3, 0s 4"},
		{"a failure blocks", lambda.Stream{BatchSize: 2}, times("2", 2), "0s 1 2, 1s 1 2, 3s 1 2, 3s 3 4"},
		{"a batch is given up", lambda.Stream{BatchSize: 2, Retries: 1}, times("2", 9), "0s 1 2, 1s 1 2, 1s 3 4"},
		{"it is too old", lambda.Stream{BatchSize: 2, MaxAge: 5 * time.Second}, times("2", 9), "0s 1 2, 1s 1 2, 3s 1 2, 3s 3 4"},
		{"a batch is split", lambda.Stream{Bisect: true, Retries: 1}, times("3", 9), "0s 1 2 3 4, 1s 1 2, 1s 3 4, 2s 3, 3s 3, 3s 4"},
		{"a failure is reported", lambda.Stream{ItemFailures: true}, times("3", 1), "0s 1 2 3 4, 1s 3 4"},
		{"a batch is gathered", lambda.Stream{Window: 10 * time.Second}, nil, "10s 1 2 3 4"},
		{"a full one goes at once", lambda.Stream{Window: 10 * time.Second, BatchSize: 3}, nil, "0s 1 2 3, 10s 4"},
		{"what is filtered", lambda.Stream{BatchSize: 1, Filters: []string{`{"dynamodb":{"NewImage":{"id":{"S":["1"]}}}}`, `{"eventName":["INSERT"],"dynamodb":{"Keys":{"id":{"S":[{"prefix":"4"}]}}}}`}},
			times("1", 1), "0s 1, 1s 1, 1s 4"},
		{"nothing passes", lambda.Stream{Filters: []string{`{"eventName":["REMOVE"]}`}}, nil, ""},
		{"what comes again is not gathered", lambda.Stream{Window: 10 * time.Second}, times("2", 1), "10s 1 2 3 4, 11s 1 2 3 4"},
	} {
		if got := projected(t, c.trigger, c.fails); got != c.want {
			t.Errorf("%s: got %s, wanted %s", c.name, got, c.want)
		}
	}
}

// Several batches of a shard are under way at the same time: what fails blocks what
// shares its lane, and the changes of one item stay in their order.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
func TestParallel(t *testing.T) {
	left := 2
	got := projected(t, lambda.Stream{Parallel: 10, BatchSize: 1}, func(id string, _ int) bool {
		if id == "b" && left > 0 {
			left--
			return true
		}
		return false
	}, "a", "b", "c", "b", "a")
	if want := "0s a, 0s b, 0s c, 0s a, 1s b, 3s b, 3s b"; got != want {
		t.Errorf("got %s, wanted %s", got, want)
	}
}

// What a mapping cannot have is refused.
func TestStreamCheck(t *testing.T) {
	for _, s := range []lambda.Stream{{}, {Table: "t", Window: 6 * time.Minute}, {Table: "t", Parallel: 11}, {Table: "t", BatchSize: 10_001}, {Table: "t", Filters: []string{"{}"}}} {
		if s.Check() == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}
