//lint:file-ignore SA1019 applications use the old clients

// Command shop is a function of Lambda's that knows nothing of wtsim: it puts an order
// with SDK v2, and forgets a message with v1.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awsv1 "github.com/aws/aws-sdk-go/aws"
	credentialsv1 "github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/sqs"
)

type order struct{ ID string }

func main() {
	endpoint := os.Getenv("SHOP_ENDPOINT")
	orders := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String(endpoint), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		})})
	mails := sqs.New(session.Must(session.NewSession(&awsv1.Config{Region: awsv1.String("us-east-1"), Endpoint: awsv1.String(endpoint),
		Credentials: credentialsv1.NewStaticCredentials("a", "b", "")})))
	if _, err := orders.DescribeTable(context.Background(), &dynamodb.DescribeTableInput{TableName: aws.String("orders")}); err != nil {
		log.Fatal(err)
	}
	lambda.Start(func(ctx context.Context, o order) (string, error) {
		_, err := orders.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("orders"),
			Item: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: o.ID}}})
		if err == nil {
			_, err = mails.DeleteMessageWithContext(ctx, &sqs.DeleteMessageInput{QueueUrl: awsv1.String(endpoint + "/123456789012/mails"), ReceiptHandle: awsv1.String("r-" + o.ID)})
		}
		return "done", err
	})
}
