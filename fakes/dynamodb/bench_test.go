package dynamodb_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

var service = dynamodb.New("dynamodb", dynamodb.Table{Name: "orders", Keys: "user S, id N"})

func newClient(http *http.Client) *client.Client {
	return client.New(client.Options{Region: "us-east-1", HTTPClient: http,
		Credentials: aws.CredentialsProviderFunc(fakestest.AWSCredentials)})
}

// operations are ten: three puts on condition, three reads, three updates and a
// query.
func operations(ctx context.Context, c *client.Client, user string) error {
	table := aws.String("orders")
	for n := range 3 {
		key := map[string]types.AttributeValue{"user": &types.AttributeValueMemberS{Value: user}, "id": &types.AttributeValueMemberN{Value: strconv.Itoa(n)}}
		if _, err := c.PutItem(ctx, &client.PutItemInput{TableName: table, Item: key, ConditionExpression: aws.String("attribute_not_exists(id)")}); err != nil {
			return err
		}
		if _, err := c.GetItem(ctx, &client.GetItemInput{TableName: table, Key: key, ConsistentRead: aws.Bool(true)}); err != nil {
			return err
		}
		if _, err := c.UpdateItem(ctx, &client.UpdateItemInput{TableName: table, Key: key, UpdateExpression: aws.String("SET cents = :t"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":t": &types.AttributeValueMemberN{Value: "10"}}}); err != nil {
			return err
		}
	}
	_, err := c.Query(ctx, &client.QueryInput{TableName: table, KeyConditionExpression: aws.String("#u = :u"), ConsistentRead: aws.Bool(true),
		ExpressionAttributeNames: map[string]string{"#u": "user"}, ExpressionAttributeValues: map[string]types.AttributeValue{":u": &types.AttributeValueMemberS{Value: user}}})
	return err
}

// BenchmarkPlain is ten calls of the client to the service, with nothing between
// that decides: the service and the client are made anew for each ten.
func BenchmarkPlain(b *testing.B) {
	defer search.Steady()()
	b.ReportAllocs()
	for b.Loop() {
		e, err := fakestest.Open(b.Context(), service)
		if err != nil {
			b.Fatal(err)
		}
		if err := operations(b.Context(), newClient(dynamodb.Client(e, "dynamodb")), "alice"); err != nil {
			b.Fatal(err)
		}
		e.Close()
	}
}

// BenchmarkBenign is a run of them in the benign order.
func BenchmarkBenign(b *testing.B) {
	benchmark(b, func(uint64) scheduler.Source { return scheduler.Benign{} })
}

// BenchmarkRandom is a run of them on random schedules.
func BenchmarkRandom(b *testing.B) {
	benchmark(b, func(seed uint64) scheduler.Source { return scheduler.NewRandom(seed) })
}

func benchmark(b *testing.B, source func(uint64) scheduler.Source) {
	_, benign := source(0).(scheduler.Benign)
	s, err := sim.Compile(sim.Scenario{
		Name: "ten", Platform: gcp.CloudRun(), Services: []cloud.Service{service}, Meant: []string{"no events"},
		Functions: []sim.Function{{Name: "f", New: func(env cloud.Env) (cloud.Handler, error) {
			c := newClient(env.HTTPClient())
			return cloud.HTTPFunc(func(_ http.ResponseWriter, r *http.Request) {
				if err := operations(r.Context(), c, r.URL.Path); err != nil && r.Context().Err() == nil && benign {
					panic(err)
				}
			}), nil
		}}},
		Clients: []sim.Client{{Name: "alice", Requests: []sim.Request{{Function: "f"}}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer search.Steady()()
	b.ReportAllocs()
	for n := uint64(0); b.Loop(); n++ {
		if r := s.Run(source(n)); n == 0 && r.Verdict != sim.Held {
			b.Fatal(r.Verdict, r.Why)
		}
	}
}
