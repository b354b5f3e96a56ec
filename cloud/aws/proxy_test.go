package aws_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
)

// shop is a program's mux: it tells what it has been asked, sets two cookies, and
// answers in bytes that are no text where it is asked so.
func shop() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		cookie, _ := r.Cookie("session")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.Header().Set("X-Told", fmt.Sprintf("%s %s %v %s %s", r.Method, r.PathValue("id"), r.URL.Query()["x"], cookie.Value, r.Header.Get("X-Asks")))
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	})
	return mux
}

// A mux behind the adapters of aws-lambda-go-api-proxy answers as it does by itself,
// whatever stands before it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html
func TestAPIProxy(t *testing.T) {
	mux := shop()
	fronts := map[string]cloud.Handler{
		"a REST API":      aws.Handler(httpadapter.New(mux).ProxyWithContext, aws.RestAPI("/orders/{id}")),
		"an HTTP API":     aws.Handler(httpadapter.NewV2(mux).ProxyWithContext, aws.HTTPAPI("PUT /orders/{id}")),
		"a function URL":  aws.Handler(httpadapter.NewV2(mux).ProxyWithContext),
		"a load balancer": aws.Handler(httpadapter.NewALB(mux).ProxyWithContext, aws.ALB()),
	}
	for _, r := range []cloud.Request{
		{Method: "PUT", Path: "/orders/o-1?x=1&y=2", Header: map[string]string{"Content-Type": "application/json", "Cookie": "session=s", "X-Asks": "text"}, Body: `{"n":1}`},
		{Method: "PUT", Path: "/orders/o%20%C3%BC", Header: map[string]string{"Content-Type": "image/png", "Cookie": "session=s", "X-Asks": "bytes"}, Body: "\x89PNG\x00\xff"},
	} {
		direct := httptest.NewRequest(r.Method, r.Path, strings.NewReader(r.Body))
		for name, value := range r.Header {
			direct.Header.Set(name, value)
		}
		want := httptest.NewRecorder()
		mux.ServeHTTP(want, direct)
		for name, h := range fronts {
			if name == "a REST API" && r.Header["X-Asks"] == "bytes" {
				continue // without binary media types a body is a text
			}
			ctx := cloud.Invocation{Function: "shop", Task: "shop(alice/1)"}.In(context.Background())
			got := r.Call(ctx, h).Response
			if got.Status != want.Code || string(got.Body) != want.Body.String() || got.Header.Get("X-Told") != want.Header().Get("X-Told") || fmt.Sprint(got.Header["Set-Cookie"]) != fmt.Sprint(want.Header()["Set-Cookie"]) {
				t.Errorf("behind %s: %d %q %v, wanted %d %q %v", name, got.Status, got.Body, got.Header, want.Code, want.Body, want.Header())
			}
		}
	}
}

// Several values of one name: a REST API and those of payload 2.0 bring all of them, a
// load balancer the last one, as it does where multi-value headers are off.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html#multi-value-headers
func TestAPIProxyValues(t *testing.T) {
	mux := shop()
	for _, c := range []struct {
		h    cloud.Handler
		want string
	}{
		{aws.Handler(httpadapter.New(mux).ProxyWithContext, aws.RestAPI()), "PUT o-1 [1 2] s "},
		{aws.Handler(httpadapter.NewV2(mux).ProxyWithContext, aws.HTTPAPI()), "PUT o-1 [1 2] s "},
		{aws.Handler(httpadapter.NewALB(mux).ProxyWithContext, aws.ALB()), "PUT o-1 [2] s "},
	} {
		r := cloud.Request{Method: "PUT", Path: "/orders/o-1?x=1&x=2", Header: map[string]string{"Cookie": "session=s"}}
		ctx := cloud.Invocation{Function: "shop", Task: "shop(alice/1)"}.In(context.Background())
		if got := r.Call(ctx, c.h).Response; got.Header.Get("X-Told") != c.want {
			t.Errorf("%d %v, wanted %q", got.Status, got.Header, c.want)
		}
	}
}
