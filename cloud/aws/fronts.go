package aws

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// FunctionURL is a function's own URL: payload format 2.0.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
func FunctionURL() Front { return functionURL{} }

type functionURL struct{}

// urlEvent is an event of a function URL, with what it has because an HTTP API's have
// it: many functions take the one for the other.
type urlEvent struct {
	events.LambdaFunctionURLRequest

	RouteKey       string     `json:"routeKey"`
	RequestContext urlContext `json:"requestContext"`
}

type urlContext struct {
	events.LambdaFunctionURLRequestContext

	RouteKey string `json:"routeKey"`
	Stage    string `json:"stage"`
}

func (functionURL) event(_ http.ResponseWriter, r *incoming) (any, bool) {
	e := events.LambdaFunctionURLRequest{
		Version: "2.0", RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery, Cookies: r.cookies(), Headers: r.headers(), QueryStringParameters: r.query(true),
		RequestContext: events.LambdaFunctionURLRequestContext{
			AccountID: "anonymous", RequestID: r.id, APIID: "wtsim", DomainName: "wtsim.lambda-url." + Region + ".on.aws", DomainPrefix: "wtsim",
			Time: r.at.Format(clf), TimeEpoch: r.at.UnixMilli(),
			HTTP: events.LambdaFunctionURLRequestContextHTTPDescription{Method: r.Method, Path: r.URL.Path, Protocol: "HTTP/1.1", SourceIP: clientIP, UserAgent: r.UserAgent()},
		},
	}
	e.Body, e.IsBase64Encoded = r.text()
	return urlEvent{e, "$default", urlContext{e.RequestContext, "$default", "$default"}}, true
}

// answer takes a streamed response too (InvokeMode RESPONSE_STREAM), which comes whole:
// what stands before the body ends with eight zero bytes.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
func (functionURL) answer(w http.ResponseWriter, payload []byte) bool {
	prelude, body, streamed := bytes.Cut(payload, make([]byte, 8))
	var v returned
	if !streamed || json.Unmarshal(prelude, &v) != nil {
		return inferred(w, payload)
	}
	v.Body = string(body)
	return v.write(w)
}

func (functionURL) waits() (time.Duration, int, string) { return 0, 0, "" }

// https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html
func (functionURL) failed(w http.ResponseWriter) {
	http.Error(w, "Internal Server Error", http.StatusBadGateway)
}

// HTTPAPI is an HTTP API of API Gateway, payload format 2.0, with its routes,
// such as "GET /orders/{id}", "ANY /{proxy+}" or "$default"; of none there is
// that one.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
func HTTPAPI(routes ...string) Front {
	if len(routes) == 0 {
		routes = []string{"$default"}
	}
	return httpAPI{routes}
}

type httpAPI struct{ routes []string }

func (a httpAPI) event(w http.ResponseWriter, r *incoming) (any, bool) {
	route, params, ok := match(a.routes, r.Method, r.URL.Path)
	if !ok {
		refuse(w, http.StatusNotFound, "Not Found")
		return nil, false
	}
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: route, RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery, Cookies: r.cookies(), Headers: r.headers(),
		QueryStringParameters: r.query(true), PathParameters: params,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: route, AccountID: Account, Stage: "$default", RequestID: r.id, APIID: "wtsim",
			DomainName: "wtsim.execute-api." + Region + ".amazonaws.com", DomainPrefix: "wtsim", Time: r.at.Format(clf), TimeEpoch: r.at.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: r.Method, Path: r.URL.Path, Protocol: "HTTP/1.1", SourceIP: clientIP, UserAgent: r.UserAgent()},
		},
	}
	delete(e.Headers, "cookie") // they are Cookies, and no header's any more, as the example shows
	e.Body, e.IsBase64Encoded = r.text()
	return e, true
}

func (httpAPI) answer(w http.ResponseWriter, payload []byte) bool { return inferred(w, payload) }

// "Maximum integration timeout: 30 seconds", which nobody can raise.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
func (httpAPI) waits() (time.Duration, int, string) {
	return 30 * time.Second, http.StatusServiceUnavailable, "Service Unavailable"
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html
func (httpAPI) failed(w http.ResponseWriter) {
	refuse(w, http.StatusInternalServerError, "Internal Server Error")
}

// RestAPI is a REST API of API Gateway with the Lambda proxy integration, and
// its resources, such as "/orders/{id}" or "GET /orders"; of none there is
// "/{proxy+}".
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
func RestAPI(resources ...string) Front {
	if len(resources) == 0 {
		resources = []string{"/", "/{proxy+}"}
	}
	var routes []string
	for _, r := range resources {
		if strings.HasPrefix(r, "/") {
			r = "ANY " + r
		}
		routes = append(routes, r)
	}
	return restAPI{routes}
}

type restAPI struct{ routes []string }

func (a restAPI) event(w http.ResponseWriter, r *incoming) (any, bool) {
	route, params, ok := match(a.routes, r.Method, r.URL.Path)
	if !ok { // as it tells of what no resource has
		refuse(w, http.StatusForbidden, "Missing Authentication Token")
		return nil, false
	}
	_, resource, _ := strings.Cut(route, " ")
	e := events.APIGatewayProxyRequest{
		Resource: resource, Path: r.URL.Path, HTTPMethod: r.Method, Headers: map[string]string{}, MultiValueHeaders: map[string][]string{},
		QueryStringParameters: r.query(false), PathParameters: params, Body: string(r.body),
		RequestContext: events.APIGatewayProxyRequestContext{
			AccountID: Account, ResourceID: "wtsim", Stage: "prod", DomainName: "wtsim.execute-api." + Region + ".amazonaws.com", DomainPrefix: "wtsim",
			RequestID: r.id, ExtendedRequestID: r.id, Protocol: "HTTP/1.1", ResourcePath: resource, Path: "/prod" + r.URL.Path, HTTPMethod: r.Method,
			RequestTime: r.at.Format(clf), RequestTimeEpoch: r.at.UnixMilli(), APIID: "wtsim",
			Identity: events.APIGatewayRequestIdentity{SourceIP: clientIP, UserAgent: r.UserAgent()},
		},
	}
	if q := r.URL.Query(); len(q) > 0 {
		e.MultiValueQueryStringParameters = q
	}
	for name, values := range r.Header { //wtsim:order a map to a map
		e.Headers[name], e.MultiValueHeaders[name] = values[len(values)-1], values
	}
	for name, value := range r.forwarded() { //wtsim:order a map to a map
		e.Headers[name], e.MultiValueHeaders[name] = value, []string{value}
	}
	e.Headers["Host"], e.MultiValueHeaders["Host"] = r.Host, []string{r.Host}
	return e, true
}

func (restAPI) answer(w http.ResponseWriter, payload []byte) bool { return structured(w, payload) }

// "Integration timeout: 50 milliseconds - 29 seconds", unless it was raised.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
func (restAPI) waits() (time.Duration, int, string) {
	return 29 * time.Second, http.StatusGatewayTimeout, "Endpoint request timed out"
}

// https://repost.aws/knowledge-center/malformed-502-api-gateway
func (restAPI) failed(w http.ResponseWriter) {
	refuse(w, http.StatusBadGateway, "Internal server error")
}

// ALB is an Application Load Balancer whose target is the function.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
func ALB() Front { return alb{} }

type alb struct{}

func (alb) event(_ http.ResponseWriter, r *incoming) (any, bool) {
	e := events.ALBTargetGroupRequest{
		HTTPMethod: r.Method, Path: r.URL.Path, QueryStringParameters: r.query(false), Headers: r.headers(),
		RequestContext: events.ALBTargetGroupRequestContext{ELB: events.ELBContext{
			TargetGroupArn: "arn:aws:elasticloadbalancing:" + Region + ":" + Account + ":targetgroup/wtsim/0000000000000000",
		}},
	}
	e.Body, e.IsBase64Encoded = r.text()
	return e, true
}

func (alb) answer(w http.ResponseWriter, payload []byte) bool { return structured(w, payload) }

func (alb) waits() (time.Duration, int, string) { return 0, 0, "" }

// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-502-issues
func (alb) failed(w http.ResponseWriter) { http.Error(w, "Bad Gateway", http.StatusBadGateway) }

// match finds the most specific route: the longest of its parts that are plain,
// then one with parameters, then one that takes the rest of the path, then
// $default.
func match(routes []string, method, path string) (route string, params map[string]string, ok bool) {
	best := -1
	for _, candidate := range routes {
		rank, p := fits(candidate, method, path)
		if rank > best {
			best, route, params = rank, candidate, p
		}
	}
	return route, params, best >= 0
}

// fits tells how well a route fits; below zero, not at all.
func fits(route, method, path string) (rank int, params map[string]string) {
	if route == "$default" {
		return 0, nil
	}
	verb, pattern, _ := strings.Cut(route, " ")
	if verb != "ANY" && verb != method {
		return -1, nil
	}
	want, have := strings.Split(strings.Trim(pattern, "/"), "/"), strings.Split(strings.Trim(path, "/"), "/")
	greedy := strings.HasSuffix(pattern, "+}")
	if len(have) < len(want) || len(have) > len(want) && !greedy || pattern == "/" && path != "/" {
		return -1, nil
	}
	rank = 1
	if verb != "ANY" {
		rank = 2
	}
	for i, w := range want {
		name, isParam := strings.CutPrefix(w, "{")
		if !isParam {
			if w != have[i] {
				return -1, nil
			}
			rank += 100
			continue
		}
		if params == nil {
			params = map[string]string{}
		}
		if name, rest := strings.CutSuffix(name, "+}"); rest {
			if have[i] == "" {
				return -1, nil
			}
			params[name] = strings.Join(slices.Clone(have[i:]), "/")
			continue
		}
		params[strings.TrimSuffix(name, "}")] = have[i]
		rank += 10
	}
	return rank, params
}
