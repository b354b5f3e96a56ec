//lint:file-ignore SA1019 applications use the old clients, and so must we be tried by them

package fakestest

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	awsv2 "github.com/aws/aws-sdk-go-v2/aws"
	bridgev2 "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	awsv1 "github.com/aws/aws-sdk-go/aws"
	credentialsv1 "github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	bridgev1 "github.com/aws/aws-sdk-go/service/eventbridge"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/eventbridge"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/probe"
)

// inEventBridge runs f in a bubble with an EventBridge that has what the suite
// needs, and its queues.
func inEventBridge(t *testing.T, f func(t *testing.T, e *Env)) {
	t.Helper()
	s, q := eventbridge.New("eventbridge"), sqs.New("sqs")
	for _, setup := range EventBridgeSetups() {
		target := eventbridge.Target{Queue: setup.Name, Group: setup.Group, Input: eventbridge.Input{Path: setup.Path, Template: setup.Template}}
		if setup.Template != "" {
			target.Input.Paths = map[string]string{"v": setup.Holder}
		}
		if setup.Group != "" {
			target.Queue += ".fifo"
		}
		q = q.With(sqs.Queue{Name: target.Queue, ByContent: setup.Group != ""})
		s = s.Buses(setup.Name).With(eventbridge.Rule{Name: setup.Name, Bus: setup.Name, Pattern: setup.Pattern, Targets: []eventbridge.Target{target}})
	}
	synctest.Test(t, func(t *testing.T) {
		e, err := Open(context.Background(), s, q)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		f(t, e)
	})
}

func bridgeClient(e *Env) *bridgev2.Client {
	return bridgev2.New(bridgev2.Options{Region: "us-east-1", HTTPClient: eventbridge.Client(e, "eventbridge"), RetryMaxAttempts: 1, Credentials: awsv2.AnonymousCredentials{}})
}

// Our EventBridge keeps what EventBridge promises.
func TestEventBridge(t *testing.T) {
	inEventBridge(t, func(t *testing.T, e *Env) {
		if err := EventBridge(e.Context(), bridgeClient(e), queuesOf(e)); err != nil {
			t.Error(err)
		}
		if lacking := e.Kernel.Lacking(); len(lacking) > 0 {
			t.Errorf("lacking %q", lacking)
		}
	})
}

// The suite notices an event that comes twice, and one that is not taken.
func TestEventBridgeDeviates(t *testing.T) {
	for kind, want := range map[string]string{cloud.Duplicate: "a rule lets through what it matches", cloud.Partial: "an event comes as it is told"} {
		inEventBridge(t, func(t *testing.T, e *Env) {
			b := e.Kernel.Backends()[1].(cloud.Deviant)
			e.Verdict = func(c *probe.Call) probe.Fate {
				for _, offered := range b.Deviations(c) {
					if offered == kind {
						b.Deviate(c, kind)
					}
				}
				return probe.Fate{}
			}
			if err := EventBridge(e.Context(), bridgeClient(e), queuesOf(e)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", kind, err)
			}
		})
	}
}

// SDK v1 works too, and what is not simulated is refused by name.
func TestEventBridgeByV1(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "") // the machine's; v1 refuses what is not its own transport then
	inEventBridge(t, func(t *testing.T, e *Env) {
		client := bridgev1.New(session.Must(session.NewSession(&awsv1.Config{Region: awsv1.String("us-east-1"), HTTPClient: eventbridge.Client(e, "eventbridge"), MaxRetries: awsv1.Int(0),
			Credentials: credentialsv1.NewStaticCredentials("a", "b", "")})))
		entry := &bridgev1.PutEventsRequestEntry{EventBusName: awsv1.String("arn:aws:events:us-east-1:123456789012:event-bus/matched"), Source: awsv1.String("shop"), DetailType: awsv1.String("Placed"), Detail: awsv1.String(`{"n":2}`)}
		out, err := client.PutEvents(&bridgev1.PutEventsInput{Entries: []*bridgev1.PutEventsRequestEntry{entry}})
		if err != nil || *out.FailedEntryCount != 0 {
			t.Fatal(out, err)
		}
		if _, err := (&sqsRig{e.Context(), queuesOf(e), "matched"}).wants(10, `{"n":2}`); err != nil {
			t.Error(err)
		}
		op := e.Operations()[0]
		if op.Service != "eventbridge" || op.Method != "PutEvents" || op.Resource != "matched" || !strings.Contains(string(op.Request.Body), `"Detail":{"n":2}`) {
			t.Errorf("the operation is %+v %s", op, op.Request.Body)
		}
		_, e1 := client.PutRule(&bridgev1.PutRuleInput{Name: awsv1.String("new"), ScheduleExpression: awsv1.String("rate(1 hour)")})
		entry.EventBusName = awsv1.String("nowhere")
		_, e2 := client.PutEvents(&bridgev1.PutEventsInput{Entries: []*bridgev1.PutEventsRequestEntry{entry}})
		got := strings.Join(e.Kernel.Lacking(), ", ")
		if want := "EventBridge's PutRule, EventBridge's bus nowhere"; got != want || e1 == nil || e2 == nil {
			t.Errorf("lacking %s, wanted %s", got, want)
		}
	})
}
