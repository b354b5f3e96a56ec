// Package async is how Lambda carries out asynchronous invocations, whoever asks
// for them: an event waits in the function's queue, comes at least once, again after
// errors, and then goes to a destination, to the dead letters, or is dropped.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
package async

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
)

// The numbers of that page: after an error of the function its event comes again
// after one minute, then two; where it is throttled, after a second up to five
// minutes.
const (
	pause       = time.Minute
	leastPause  = time.Second
	mostPause   = 5 * time.Minute
	mostDoubled = 64
)

// Settled is a backend that has the settings of functions; once says that no event
// comes again.
type Settled interface {
	cloud.Backend
	Settings(function string) (s aws.Async, once bool)
}

// Event is one that a function is to be invoked with: the cause of its attempts,
// if it is no part of another one.
type Event struct {
	Kernel   cloud.Kernel
	Binding  string // the name of what the function is bound by; the function's if nothing binds it
	Function string
	Subject  cloud.Subject
	Root     string // the client's request that it follows from
	Payload  []byte
	What     string // it is, for people: "the event ObjectCreated:Put of photos/a"
	By       cloud.InvokedBy

	settings  aws.Async
	once      bool
	since     time.Time
	errors    int // of the function
	throttles int // one after the other
	throttled bool
	last      []byte
}

// Send puts the event into the function's queue. cause is the event, or what it is a
// part of.
func (e *Event) Send(cause cloud.Cause) {
	e.since, e.settings = e.Kernel.Now(), aws.Async{Function: e.Function}.WithDefaults()
	if b, ok := cloud.Find[Settled](e.Kernel); ok {
		e.settings, e.once = b.Settings(e.Function)
	}
	t := &cloud.Task{Name: cloud.NameTask(e.Binding, e.Subject), Root: e.Root, Attempt: 1, Cause: cause}
	t.Name.Function = e.Function
	e.Kernel.Invoke(t, time.Time{})
}

// Words tell the start of an attempt.
func (e *Event) Words(attempt int) string {
	s := "gets " + e.What
	if attempt > 1 {
		s += fmt.Sprintf(", attempt %d", attempt)
	}
	return s
}

// InvokedBy tells it from others of its kind.
func (e *Event) InvokedBy() cloud.InvokedBy { return e.By }

// Limit is the function's own.
func (e *Event) Limit() time.Duration { return 0 }

// Line is the function's queue.
func (e *Event) Line() any { return e.Function }

// Platform is true.
func (e *Event) Platform() bool { return true }

// Retries reports whether it comes again if its answer is lost.
func (e *Event) Retries(int) bool { return e.errors < e.settings.Retries && !e.once }

// Drops reports whether the platform may lose it: "If the function can't keep up with
// incoming events, events might also be deleted from the queue without being sent to
// the function." It cannot where it was throttled.
func (e *Event) Drops() bool { return e.throttled }

// Dropped is the end of it: nobody is told.
func (e *Event) Dropped() {}

// id of the request is the same for each attempt.
func (e *Event) id() string { return aws.ID("event " + e.Subject.Text) }

// Invoke calls the function.
func (e *Event) Invoke(ctx context.Context, h cloud.Handler, _ int) cloud.Ending {
	f := aws.FunctionOf(h)
	if f == nil {
		return aws.Unsuited(h)
	}
	return f.Invoke(aws.WithRequest(ctx, e.id()), e.Payload)
}

// Answered ends an event that succeeded, or brings it again.
func (e *Event) Answered(t *cloud.Task, end cloud.Ending) {
	switch {
	case t.Copy:
	case end.Success:
		e.tell(t, e.settings.OnSuccess, "Success", end.Response.Body)
	case end.Response.Status == http.StatusTooManyRequests:
		e.throttles++
		e.throttled = true
		e.again(t, cloud.Backoff(leastPause, mostPause, e.throttles, mostDoubled))
	default:
		e.failed(t, end)
	}
}

// Unanswered is a function whose instance has died, or an answer that was lost.
func (e *Event) Unanswered(t *cloud.Task) {
	if !t.Copy {
		e.failed(t, cloud.Ending{})
	}
}

// failed brings the event again, twice unless it is settled otherwise.
func (e *Event) failed(t *cloud.Task, end cloud.Ending) {
	e.last = Failure(end)
	if !e.Retries(t.Attempt) {
		e.giveUp(t, "RetriesExhausted", "after "+cloud.Times(t.Attempt, "attempt", "attempts"))
		return
	}
	e.errors++
	e.throttles = 0
	e.again(t, time.Duration(e.errors)*pause)
}

func (e *Event) again(t *cloud.Task, after time.Duration) {
	at := e.Kernel.Now().Add(after)
	if at.Sub(e.since) > e.settings.MaxAge || e.once {
		e.giveUp(t, "EventAgeExceeded", "no retry after "+cloud.Short(e.settings.MaxAge))
		return
	}
	e.Kernel.Invoke(t.Next(), at)
}

// giveUp tells the end of an event that has not succeeded.
func (e *Event) giveUp(t *cloud.Task, condition, status string) {
	what := "is dropped"
	if to := e.settings.DeadLetter; to != "" {
		dead := aws.Sent{About: cloud.About(e.Subject.Label.With(".dead")), Root: t.Root, Body: string(e.Payload), Attributes: map[string]aws.Attribute{
			"RequestID": aws.Text(e.id()), "ErrorCode": {DataType: "Number", StringValue: new("200")}, "ErrorMessage": aws.Text(string(e.last))}}
		if aws.Deliver(e.Kernel, to, dead) {
			what = "is dead-lettered"
		}
	}
	if e.tell(t, e.settings.OnFailure, condition, e.last) {
		what = "goes to its destination"
	}
	e.Kernel.Happens(t, "give up", what, status)
}

// tell brings a record of the invocation to a destination; false if there is
// none.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func (e *Event) tell(t *cloud.Task, arn, condition string, response []byte) bool {
	if arn == "" {
		return false
	}
	if !json.Valid(response) {
		response = []byte("null")
	}
	context := map[string]any{"statusCode": 200, "executedVersion": "$LATEST"}
	if condition != "Success" {
		context["functionError"] = "Unhandled"
	}
	record, err := json.Marshal(map[string]any{
		"version": "1.0", "timestamp": e.Kernel.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"requestContext": map[string]any{"requestId": e.id(), "functionArn": aws.FunctionARN(e.Function) + ":$LATEST", "condition": condition, "approximateInvokeCount": t.Attempt},
		"requestPayload": json.RawMessage(e.Payload), "responseContext": context, "responsePayload": json.RawMessage(response),
	})
	if err != nil {
		panic(err) // texts, and what is JSON
	}
	return aws.Deliver(e.Kernel, arn, aws.Sent{About: cloud.About(e.Subject.Label.With("." + strings.ToLower(condition))), Root: t.Root, Body: string(record),
		Source: "lambda", Resources: []string{aws.FunctionARN(e.Function) + ":$LATEST"}, Type: "Lambda Function Invocation Result - " + map[bool]string{true: "Success", false: "Failure"}[condition == "Success"]})
}

// Failure is what an invoker is told of a function that has failed.
func Failure(end cloud.Ending) []byte {
	f := aws.Failure{Message: "RequestId: unknown Error: Runtime exited without providing a reason", Type: "Runtime.ExitError"}
	switch {
	case end.Late:
		f = aws.Failure{Message: "Task timed out", Type: "Sandbox.Timedout"}
	case len(end.Response.Body) > 0:
		return end.Response.Body
	}
	text, err := json.Marshal(f)
	if err != nil {
		panic(err) // texts
	}
	return text
}
