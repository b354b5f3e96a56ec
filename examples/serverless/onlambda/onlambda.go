// Package onlambda is the monitor and the application that it watches on AWS
// Lambda: two functions behind function URLs, and a schedule that ticks the
// monitor. template.yaml deploys them:
//
//	sam build && sam deploy --guided
//
// Events can come by SQS or SNS as well: a queue whose mapping has
// ReportBatchItemFailures, or a topic's subscription, with the monitor as function.
package onlambda

import (
	"context"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/events"

	"github.com/wtsim/wtsim/probe/lambdaprobe"

	"example.com/serverless"
)

// Monitor is a handler for lambda.Start: it judges what the shop sends, if it
// comes with the token.
func Monitor() (any, error) {
	f, err := serverless.Monitor()
	if err != nil {
		return nil, err
	}
	return f.LambdaBehind(serverless.WithToken(os.Getenv("MONITOR_TOKEN"), f)), nil
}

// Shop is a handler for lambda.Start: it records what it does, and has sent it
// before it answers, since the process stands still afterwards.
func Shop() (any, error) {
	shop, recorder, err := serverless.OpenShop()
	if err != nil {
		return nil, err
	}
	return lambdaprobe.Handler(recorder, func(ctx context.Context, r events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error) {
		if err := shop.Charge(ctx, r.RawPath); err != nil {
			return events.LambdaFunctionURLResponse{StatusCode: http.StatusServiceUnavailable, Body: "try again"}, nil
		}
		return events.LambdaFunctionURLResponse{StatusCode: http.StatusOK}, nil
	}), nil
}
