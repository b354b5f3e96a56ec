package program_test

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/wtsim/wtsim/cloud"
	fake "github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/sim"
)

// items is two functions of ten operations on a DynamoDB each: programs, or handlers of
// this process.
func items(programs bool) sim.Scenario {
	s := ten(programs)
	s.Services = []cloud.Service{fake.New("dynamodb", fake.Table{Name: "counters", Keys: "id S"})}
	for i := range s.Functions {
		if f := &s.Functions[i]; programs {
			f.Main.Package = "github.com/wtsim/wtsim/internal/program/testdata/tenitems"
		} else {
			f.New = itemsHere
		}
	}
	return s
}

func itemsHere(env cloud.Env) (cloud.Handler, error) {
	db := dynamodb.New(dynamodb.Options{Region: "us-east-1", HTTPClient: env.HTTPClient(), Credentials: aws.CredentialsProviderFunc(fakestest.AWSCredentials)})
	return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 10 {
			if _, err := db.UpdateItem(r.Context(), &dynamodb.UpdateItemInput{TableName: aws.String("counters"), UpdateExpression: aws.String("ADD n :one"),
				Key:                       map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "c"}},
				ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}}}); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
	}), nil
}

// What two processes with SDK v2 cost a schedule, beside two instances in this process;
// by turns.
func BenchmarkProgramItems(b *testing.B) { byTurns(b, items) }
