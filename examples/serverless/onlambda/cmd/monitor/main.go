// Command monitor is the monitor on Lambda.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"example.com/serverless/onlambda"
)

func main() {
	handler, err := onlambda.Monitor()
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
