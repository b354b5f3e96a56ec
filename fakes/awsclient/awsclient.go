// Package awsclient configures clients of AWS's SDK for Go v2 for a constructor:
//
//	dynamodb.NewFromConfig(awsclient.Config(env))
//
// Programs need nothing of it: they reach the services at their own hosts. It is a
// package of its own since it links the SDK.
package awsclient

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/wtsim/wtsim/cloud"
	awscloud "github.com/wtsim/wtsim/cloud/aws"
)

// Config is the configuration of clients of a function instance: they reach every
// AWS service of the scenario at its own host, in us-east-1, with credentials that
// nobody looks at.
//
// They try three times, as the SDK does, but after 100 and 200 ms: its own delays have
// a jitter that on plain Go is another in each run, so that a search would find a run
// not repeatable. On the patched runtime the SDK's own retryer is as good.
// https://docs.aws.amazon.com/sdk-for-go/v2/developer-guide/configure-retries-timeouts.html
func Config(env cloud.Env) aws.Config {
	return aws.Config{
		Region: awscloud.Region, Credentials: aws.AnonymousCredentials{}, HTTPClient: env.HTTPClient(),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.Backoff = retry.BackoffDelayerFunc(delay) })
		},
	}
}

func delay(attempt int, _ error) (time.Duration, error) {
	return 100 * time.Millisecond << min(attempt-1, 4), nil
}
