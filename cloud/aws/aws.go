// Package aws is AWS as a platform: the rules of Lambda's instances, its forms
// of handlers, what makes events of HTTP requests, the Runtime API, and what its
// services say to each other. Every number has its page.
//
// A scenario names where its functions run:
//
//	sim.Scenario{Platform: aws.Lambda(), ...}
//
// and wraps a handler of any signature that aws-lambda-go knows with [Handler].
// A function that is a program, whose main calls lambda.Start, needs nothing.
package aws

import (
	"encoding/hex"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
)

// Account is that of a run.
const Account = "123456789012"

// Region is that of a run.
const Region = "us-east-1"

// runtimeAt is where a program finds the Runtime API.
const runtimeAt = "127.0.0.1:9001"

// FunctionARN is that of a function of a run.
func FunctionARN(name string) string {
	return "arn:aws:lambda:" + Region + ":" + Account + ":function:" + name
}

// QueueARN is that of a queue of a run.
func QueueARN(name string) string { return "arn:aws:sqs:" + Region + ":" + Account + ":" + name }

// TopicARN is that of a topic of a run.
func TopicARN(name string) string { return "arn:aws:sns:" + Region + ":" + Account + ":" + name }

// BusARN is that of an event bus of a run.
func BusARN(name string) string {
	return "arn:aws:events:" + Region + ":" + Account + ":event-bus/" + name
}

// RuleARN is that of a rule of a run, on a bus; the default one if that is empty.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
func RuleARN(bus, name string) string {
	if bus != "" && bus != "default" {
		name = bus + "/" + name
	}
	return "arn:aws:events:" + Region + ":" + Account + ":rule/" + name
}

// QueueURL is that of a queue of a run.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
func QueueURL(name string) string {
	return "https://sqs." + Region + ".amazonaws.com/" + Account + "/" + name
}

// Lambda returns AWS Lambda. An instance serves one invocation, and has no CPU
// between them: what it does by itself stops and goes on with the next. At the
// time limit, 3 s if a function has no other, it ends with all that it holds, and
// the next invocation starts another. A function's MaxInstances is its reserved
// concurrency; what exceeds it is refused with 429.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
func Lambda() cloud.Platform {
	return cloud.Platform{
		Name: "aws",
		// "The default value for this setting is 3 seconds", at most 900.
		// https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
		Timeout: 3 * time.Second,
		// AWS_LAMBDA_MAX_CONCURRENCY allows more, on Lambda Managed Instances.
		// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
		Concurrency: 1, MostAtOnce: 1000,
		// "By default, your account has a concurrency limit of 1,000"; same page.
		MaxInstances: 1000,
		// Nothing waits for an instance: a throttled request is refused at once.
		QueueFor: time.Microsecond,
		// "terminates execution environments every few hours"
		// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
		IdleFor: 2 * time.Hour,
		// SIGTERM goes to who has registered an extension; none is simulated.
		// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown
		NoWarning: true, EndsLate: true, MostErrors: 1 << 30,
		// An asynchronous event that was throttled comes again after 5 min at most.
		// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
		LongestRetry: 6 * time.Minute,
		// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-502-issues
		Abandoned: http.StatusBadGateway, TimedOut: http.StatusBadGateway,
		Container: environment(),
		// "The Init phase is limited to 10 seconds."
		// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
		StartWithin: 10 * time.Second,
		Domain:      "amazonaws.com",
		Absent:      []string{"169.254.169.254", "169.254.170.2", "fd00:ec2::254"},
		Runtime:     func(string) cloud.Runtime { return newRuntime(FunctionURL()) }, RuntimeAt: runtimeAt,
	}
}

// LambdaBehind returns [Lambda] where what stands before functions that are
// programs is told by their names. (Of others [Handler] tells it.)
func LambdaBehind(fronts map[string]Front) cloud.Platform {
	p := Lambda()
	p.Runtime = func(function string) cloud.Runtime {
		front := fronts[function]
		if front == nil {
			front = FunctionURL()
		}
		return newRuntime(front)
	}
	return p
}

// environment is what a function's process finds.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
func environment() []string {
	return []string{
		"_HANDLER=bootstrap", "AWS_REGION=" + Region, "AWS_DEFAULT_REGION=" + Region, "AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023",
		"AWS_LAMBDA_FUNCTION_NAME=${function}", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		// Of functions on Managed Instances, whose library then polls with so many workers.
		// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
		"AWS_LAMBDA_MAX_CONCURRENCY=${concurrency}",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/${function}",
		"AWS_LAMBDA_LOG_STREAM_NAME=2026/01/01/[$LATEST]00000000000000000000000000000000",
		"AWS_ACCESS_KEY_ID=AKIAWTSIM", "AWS_SECRET_ACCESS_KEY=wtsim", "AWS_SESSION_TOKEN=wtsim",
		"AWS_LAMBDA_RUNTIME_API=" + runtimeAt, "LAMBDA_TASK_ROOT=/var/task", "LAMBDA_RUNTIME_DIR=/var/runtime",
		"AWS_XRAY_CONTEXT_MISSING=LOG_ERROR", "AWS_XRAY_DAEMON_ADDRESS=169.254.79.129:2000", "LANG=en_US.UTF-8", "TZ=:UTC",
	}
}

// ID is a UUID that a name alone makes.
func ID(name string) string {
	h := digest(name)
	s := hex.EncodeToString(h[:])
	return s[:8] + "-" + s[8:12] + "-4" + s[13:16] + "-8" + s[17:20] + "-" + s[20:32]
}
