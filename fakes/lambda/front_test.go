package lambda_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/sns"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// API Gateway waits half a minute for a function, which goes on all the same until it
// ends, or its own time limit: a client's second attempt runs beside the first.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
func TestFrontWaits(t *testing.T) {
	for _, c := range []struct {
		front  aws.Front
		limit  time.Duration
		before time.Duration // that the constructor takes
		want   []string
	}{
		{aws.HTTPAPI(), time.Minute, 0, []string{"30s slow: is waited for no longer, and goes on 503", "31s slow: POST /", "40s slow: ends 200", "1m1s slow: is waited for no longer, and goes on 503", "1m11s slow: ends 200"}},
		{aws.RestAPI(), time.Minute, 5 * time.Second, []string{"29s slow: is waited for no longer, and goes on 504", "45s slow: ends 200"}},
		{aws.HTTPAPI(), 35 * time.Second, 0, []string{"30s slow: is waited for no longer, and goes on 503", "35s slow: reaches its time limit, and its instance ends 502"}},
		{aws.HTTPAPI(), 20 * time.Second, 0, []string{"20s slow: reaches its time limit, and its instance ends 502", "21s slow: POST /"}},
		{aws.FunctionURL(), time.Minute, 0, []string{"40s slow: ends 200"}},
		{aws.ALB(), time.Minute, 0, []string{"40s slow: ends 200"}},
	} {
		s := sim.Scenario{Name: "waits", Platform: aws.Lambda(), Functions: []sim.Function{{Name: "slow", Timeout: c.limit, New: func(cloud.Env) (cloud.Handler, error) {
			time.Sleep(c.before)
			return aws.Handler(func() (map[string]int, error) {
				time.Sleep(40 * time.Second)
				return map[string]int{"statusCode": 200}, nil
			}, c.front), nil
		}}}, Clients: []sim.Client{{Name: "alice", Retries: 1, Requests: []sim.Request{{Function: "slow"}}}}}
		compiled, err := sim.Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		has(t, told(t, compiled.Run(scheduler.Benign{})), c.want...)
		for seed := range uint64(20) {
			if r := compiled.Run(scheduler.NewRandom(seed)); r.Verdict != sim.Held {
				t.Errorf("seed %d: %s (%s)", seed, r.Verdict, r.Why)
			}
		}
	}
}

// A service that waits a quarter of a minute for an answer does not end the function:
// it comes again beside it.
// https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html
func TestCallerWaits(t *testing.T) {
	s := sim.Scenario{Name: "caller", Platform: aws.Lambda(),
		Services: []cloud.Service{sns.New("sns").With(sns.Topic{Name: "orders"}).Subscribe(sns.Subscription{Topic: "orders", Queue: "audit"}), sqs.New("sqs").With(sqs.Queue{Name: "audit"})},
		Functions: []sim.Function{
			{Name: "slow", Timeout: time.Minute, Triggers: []cloud.Trigger{sns.Trigger{Topic: "orders", HTTP: true}}, Handler: aws.Handler(func() (map[string]int, error) {
				time.Sleep(20 * time.Second)
				return map[string]int{"statusCode": 200}, nil
			})},
			{Name: "publish", New: func(env cloud.Env) (cloud.Handler, error) {
				return aws.Handler(func() error {
					answer, err := sns.Client(env, "sns").PostForm("https://sns.us-east-1.amazonaws.com/", map[string][]string{"Action": {"Publish"}, "TopicArn": {aws.TopicARN("orders")}, "Message": {"hello"}})
					if err == nil && answer.StatusCode != 200 {
						err = fmt.Errorf("%s", answer.Status)
					}
					return err
				}), nil
			}},
		}, Clients: []sim.Client{{Name: "alice", Requests: []sim.Request{{Function: "publish"}}}}}
	compiled, err := sim.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	got := told(t, compiled.Run(scheduler.Benign{}))
	has(t, got, "15s slow: is waited for no longer, and goes on not acknowledged", "20s slow: ends 200", "35s slow: gets a message of orders by HTTP, attempt 2")
	if strings.Contains(got, "its instance ends") {
		t.Errorf("the function is ended\n%s", got)
	}
}
