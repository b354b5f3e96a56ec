package aws_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
)

// call sends a request to a handler, as a client of a scenario does.
func call(h cloud.Handler, r cloud.Request) string {
	ctx := cloud.Invocation{Function: "shop", Task: "shop(alice/1)"}.In(context.Background())
	e := r.Call(ctx, h)
	return fmt.Sprintf("%d %s %s", e.Response.Status, strings.TrimSpace(string(e.Response.Body)), e.Response.Header.Get("X-Told"))
}

// Every front makes the event that its function expects, and a response of what
// that returns.
func TestFronts(t *testing.T) {
	r := cloud.Request{Method: "PUT", Path: "/orders/o-1/items?x=1&x=2", Header: map[string]string{"Content-Type": "application/json", "Cookie": "a=b"}, Body: `{"n":1}`}
	url := aws.Handler(func(_ context.Context, e events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error) {
		return events.LambdaFunctionURLResponse{StatusCode: 201, Headers: map[string]string{"x-told": e.QueryStringParameters["x"]},
			Body: e.RequestContext.HTTP.Method + " " + e.RawPath + " " + e.Body + " " + e.Cookies[0] + " " + e.Headers["content-type"]}, nil
	})
	v2 := aws.Handler(func(e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: e.RouteKey + " " + e.PathParameters["id"] + " " + e.RawQueryString}, nil
	}, aws.HTTPAPI("$default", "ANY /orders/{id}", "PUT /orders/{id}/items", "ANY /{proxy+}"))
	v1 := aws.Handler(func(_ context.Context, e events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
		return events.APIGatewayProxyResponse{StatusCode: 200, MultiValueHeaders: map[string][]string{"X-Told": {"told"}},
			Body: fmt.Sprint(e.Resource, " ", e.PathParameters, " ", e.QueryStringParameters["x"], " ", e.MultiValueQueryStringParameters["x"], " ", e.Headers["Content-Type"])}, nil
	}, aws.RestAPI("/orders/{id}/{rest+}"))
	alb := aws.Handler(func(e events.ALBTargetGroupRequest) (events.ALBTargetGroupResponse, error) {
		return events.ALBTargetGroupResponse{StatusCode: 200, Body: "aGk=", IsBase64Encoded: true, Headers: map[string]string{"X-Told": e.HTTPMethod + e.Path}}, nil
	}, aws.ALB())
	for _, c := range []struct {
		h    cloud.Handler
		want string
	}{
		{url, `201 PUT /orders/o-1/items {"n":1} a=b application/json 1,2`},
		{v2, "200 PUT /orders/{id}/items o-1 x=1&x=2 "},
		{v1, "200 /orders/{id}/{rest+} map[id:o-1 rest:items] 2 [1 2] application/json told"},
		{alb, "200 hi PUT/orders/o-1/items"},
		{aws.Handler(func() (string, error) { return "plain", nil }), "200 plain "},
		{aws.Handler(func() (map[string]int, error) { return map[string]int{"n": 1}, nil }, aws.HTTPAPI()), `200 {"n":1} `},
		{aws.Handler(func() (string, error) { return "plain", nil }, aws.RestAPI()), `502 {"message":"Internal server error"} `},
		{aws.Handler(func() (string, error) { return "plain", nil }, aws.ALB()), "502 Bad Gateway "},
		{aws.Handler(func() error { return errors.New("no") }), "502 Internal Server Error "},
		{aws.Handler(func() error { return errors.New("no") }, aws.HTTPAPI()), `500 {"message":"Internal Server Error"} `},
		{aws.Handler(func() error { return nil }, aws.HTTPAPI("GET /")), `404 {"message":"Not Found"} `},
		{aws.Handler(func() error { return nil }, aws.RestAPI("/other")), `403 {"message":"Missing Authentication Token"} `},
	} {
		if got := call(c.h, r); got != c.want {
			t.Errorf("got %s, wanted %s", got, c.want)
		}
	}
}

// What stands before a function adds whence a request comes; cookies are headers no
// more behind an HTTP API; a function URL's event reads as one of those too.
// https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
func TestFrontsHeaders(t *testing.T) {
	r := cloud.Request{Method: "GET", Path: "/", Header: map[string]string{"Cookie": "a=b", "X-Forwarded-For": "198.51.100.1"}}
	tell := func(e events.APIGatewayV2HTTPRequest) (string, error) {
		h := e.Headers
		return fmt.Sprint(h["x-forwarded-for"], " ", h["x-forwarded-proto"], " ", strings.HasPrefix(h["x-amzn-trace-id"], "Root=1-"), " ", e.Cookies, " ", h["cookie"], " ", e.RouteKey, " ", e.RequestContext.Stage), nil
	}
	rest := func(e events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
		h := e.Headers
		return events.APIGatewayProxyResponse{StatusCode: 200, Body: fmt.Sprint(h["X-Forwarded-For"], " ", h["X-Forwarded-Port"], " ", h["Cookie"], " ", e.MultiValueHeaders["X-Forwarded-Proto"])}, nil
	}
	for _, c := range []struct {
		h    cloud.Handler
		want string
	}{
		{aws.Handler(tell, aws.HTTPAPI()), "200 198.51.100.1, 192.0.2.1 https true [a=b]  $default $default "},
		{aws.Handler(tell), "200 198.51.100.1, 192.0.2.1 https true [a=b] a=b $default $default "},
		{aws.Handler(rest, aws.RestAPI()), "200 198.51.100.1, 192.0.2.1 443 a=b [https] "},
	} {
		if got := call(c.h, r); got != c.want {
			t.Errorf("got %s, wanted %s", got, c.want)
		}
	}
}

// A streamed response of a function URL comes whole.
func TestStreamed(t *testing.T) {
	h := aws.Handler(func() (*events.LambdaFunctionURLStreamingResponse, error) {
		return &events.LambdaFunctionURLStreamingResponse{StatusCode: 201, Headers: map[string]string{"X-Told": "told"}, Body: strings.NewReader("one\x00two")}, nil
	})
	if got, want := call(h, cloud.Request{}), "201 one\x00two told"; got != want {
		t.Errorf("got %q, wanted %q", got, want)
	}
}

// A function's context tells who it is, the same in every run.
func TestContext(t *testing.T) {
	h := aws.Handler(func(ctx context.Context) (string, error) {
		lc, _ := lambdacontext.FromContext(ctx)
		return lc.AwsRequestID + " " + lc.InvokedFunctionArn, nil
	})
	got := call(h, cloud.Request{})
	if !strings.HasSuffix(got, " arn:aws:lambda:us-east-1:123456789012:function:shop ") || len(got) != len("200 ")+36+len(" arn:aws:lambda:us-east-1:123456789012:function:shop ") || got != call(h, cloud.Request{}) {
		t.Errorf("got %s", got)
	}
}

// An error is told as the library tells it.
func TestFailure(t *testing.T) {
	f := aws.FunctionOf(aws.Handler(func() error { return &json.InvalidUnmarshalError{} }))
	e := f.Invoke(context.Background(), []byte("{}"))
	if e.Success || string(e.Response.Body) != `{"errorMessage":"json: Unmarshal(nil)","errorType":"InvalidUnmarshalError"}` {
		t.Errorf("got %+v, %s", e, e.Response.Body)
	}
}

// The Runtime API hands an invocation to who asks for it, and its answer or
// error back.
func TestRuntime(t *testing.T) {
	p := aws.Lambda()
	rt := p.Runtime("shop")
	ask := func(method, path, body string) *cloud.Response {
		e := (&cloud.Request{Method: method, Path: "/2018-06-01/runtime/" + path, Body: body}).Call(context.Background(), cloud.HTTP(rt))
		return &e.Response
	}
	invoke := func() <-chan cloud.Ending {
		out := make(chan cloud.Ending, 1)
		go func() {
			ctx := cloud.Invocation{Function: "shop", Task: "shop(alice/1)"}.In(context.Background())
			out <- aws.FunctionOf(rt.Handler()).Invoke(ctx, []byte(`{"n":1}`))
		}()
		return out
	}
	for _, c := range []struct{ what, body, want string }{
		{"response", `{"ok":true}`, `ok true {"ok":true}`},
		{"error", `{"errorMessage":"no","errorType":"errorString"}`, `error: no false {"errorMessage":"no","errorType":"errorString"}`},
	} {
		ended := invoke()
		next := ask(http.MethodGet, "invocation/next", "")
		if string(next.Body) != `{"n":1}` || next.Header.Get("Lambda-Runtime-Invoked-Function-Arn") != aws.FunctionARN("shop") {
			t.Fatalf("next %+v", next)
		}
		if told := ask(http.MethodPost, "invocation/"+next.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/"+c.what, c.body); told.Status != http.StatusAccepted {
			t.Errorf("%s: %d", c.what, told.Status)
		}
		e := <-ended
		if got := fmt.Sprint(e.Status, " ", e.Success, " ", string(e.Response.Body)); got != c.want {
			t.Errorf("got %s, wanted %s", got, c.want)
		}
	}
	if err := <-rt.Started(); err != nil {
		t.Error(err)
	}
	if got := ask(http.MethodPost, "invocation/none/response", ""); got.Status != http.StatusBadRequest {
		t.Errorf("an unknown invocation: %d", got.Status)
	}
	ask(http.MethodPost, "init/error", `{"errorMessage":"no table"}`)
	if err := <-rt.Started(); err == nil || !strings.Contains(err.Error(), "no table") {
		t.Errorf("got %v", err)
	}
}

// A program that polls with several workers serves as many invocations at the same
// time, and each gets its own answer.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func TestRuntimeAtOnce(t *testing.T) {
	p := aws.Lambda()
	rt := p.Runtime("shop")
	ask := func(method, path, body string) cloud.Response {
		return (&cloud.Request{Method: method, Path: "/2018-06-01/runtime/" + path, Body: body}).Call(context.Background(), cloud.HTTP(rt)).Response
	}
	ended := map[string]chan cloud.Ending{}
	for _, task := range []string{"shop(alice/1)", "shop(bob/1)"} {
		end := make(chan cloud.Ending, 1)
		ended[task] = end
		go func() {
			ctx := cloud.Invocation{Function: "shop", Task: task}.In(context.Background())
			end <- aws.FunctionOf(rt.Handler()).Invoke(ctx, []byte(`"`+task+`"`))
		}()
	}
	first, second := ask(http.MethodGet, "invocation/next", ""), ask(http.MethodGet, "invocation/next", "")
	for _, next := range []cloud.Response{second, first} {
		ask(http.MethodPost, "invocation/"+next.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", string(next.Body))
	}
	for task, c := range ended {
		if e := <-c; string(e.Response.Body) != `"`+task+`"` {
			t.Errorf("%s is answered %s", task, e.Response.Body)
		}
	}
}
