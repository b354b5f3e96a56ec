package aws

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/wtsim/wtsim/cloud"
)

// Function is a form of handlers: a function that payloads invoke.
type Function struct {
	handler lambda.Handler
	remote  bool // it is a program, which tells errors in JSON
}

// Handler returns the handler of a function: any signature that lambda.Start
// takes, or a lambda.Handler. Requests of clients reach it through what stands
// before it: a [FunctionURL] unless it is told otherwise, an [HTTPAPI], a
// [RestAPI] or an [ALB].
// https://docs.aws.amazon.com/lambda/latest/dg/golang-handler.html
func Handler(f any, front ...Front) cloud.Handler {
	return fronted(&Function{handler: lambda.NewHandler(f)}, front...)
}

func fronted(f *Function, fronts ...Front) cloud.Handler {
	front := FunctionURL()
	if len(fronts) > 0 {
		front = fronts[0]
	}
	return cloud.Of(f).Behind(&gateway{front, f})
}

// FunctionOf returns the function of a handler, nil if it is none of this form.
func FunctionOf(h cloud.Handler) *Function {
	f, _ := h.Form().(*Function)
	return f
}

type requestKey struct{}

// WithRequest returns a context whose invocation has a request id of its own:
// that of the attempt before, say.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// requestID is that of an invocation.
func requestID(ctx context.Context) string {
	if id, ok := ctx.Value(requestKey{}).(string); ok {
		return id
	}
	return ID("request " + cloud.InvocationOf(ctx).Task)
}

// Failure is a function's error, as its invoker is told.
// https://docs.aws.amazon.com/lambda/latest/dg/golang-exceptions.html
type Failure struct {
	Message string          `json:"errorMessage"`
	Type    string          `json:"errorType,omitempty"`
	Stack   json.RawMessage `json:"stackTrace,omitempty"` // of a panic
}

// Error is its message.
func (f *Failure) Error() string { return f.Message }

// failureOf is an error as the library tells it.
func failureOf(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	if m, ok := err.(messages.InvokeResponse_Error); ok {
		return &Failure{Message: m.Message, Type: m.Type}
	}
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return &Failure{Message: err.Error(), Type: t.Name()}
}

// Invoke calls the function. Its ending has the payload that it returns as body
// of the response, or a [Failure] where it has failed.
func (f *Function) Invoke(ctx context.Context, payload []byte) (e cloud.Ending) {
	out, err := f.call(ctx, payload)
	if err == nil {
		return cloud.Ending{Status: "ok", Success: true, Response: cloud.Response{Status: 200, Body: out}}
	}
	failed := failureOf(err)
	text, _ := json.Marshal(failed) // strings always encode
	e = cloud.Ending{Status: "error: " + failed.Message, Response: cloud.Response{Status: 200, Body: text}}
	if f.remote && len(failed.Stack) > 0 {
		e.Panic = &cloud.Panic{Value: failed.Message, Stack: string(failed.Stack)}
	}
	return e
}

func (f *Function) call(ctx context.Context, payload []byte) ([]byte, error) {
	id := requestID(ctx)
	arn := FunctionARN(cloud.InvocationOf(ctx).Function)
	ctx = lambdacontext.NewContext(WithRequest(ctx, id), &lambdacontext.LambdaContext{AwsRequestID: id, InvokedFunctionArn: arn})
	return f.handler.Invoke(ctx, payload)
}

// Unsuited is the ending of an invocation of what is no function of Lambda's.
func Unsuited(h cloud.Handler) cloud.Ending {
	return cloud.Ending{Status: fmt.Sprintf("error: the function takes no payloads (it is a %T), wanted aws.Handler", h.Form())}
}

func digest(s string) [32]byte { return sha256.Sum256([]byte(s)) }
