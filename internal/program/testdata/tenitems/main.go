// Command tenitems does ten operations on a DynamoDB a request.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var db = dynamodb.New(dynamodb.Options{Region: "us-east-1", Credentials: aws.CredentialsProviderFunc(
	func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
	})})

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		for range 10 {
			if _, err := db.UpdateItem(r.Context(), &dynamodb.UpdateItemInput{TableName: aws.String("counters"), UpdateExpression: aws.String("ADD n :one"),
				Key:                       map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "c"}},
				ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}}}); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
	})
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
