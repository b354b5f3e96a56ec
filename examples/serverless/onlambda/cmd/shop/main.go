// Command shop is the shop on Lambda.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"example.com/serverless/onlambda"
)

func main() {
	handler, err := onlambda.Shop()
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
