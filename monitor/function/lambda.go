package function

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Lambda is the function as a handler of AWS Lambda's, for [lambda.Start], whatever
// invokes it:
//
//   - a function URL, API Gateway's HTTP API (payload 2.0) or REST API, or a load
//     balancer: the request as [Function.ServeHTTP] takes it;
//   - SQS: an event, or several in lines, a message. What could not be stored is told
//     as a batch item failure, so that it alone comes again: the event source mapping
//     has ReportBatchItemFailures;
//   - SNS: the same, and all comes again;
//   - a schedule of EventBridge's: a tick.
//
// Anything else is an error. Nothing of AWS's libraries is linked.
//
// [lambda.Start]: https://pkg.go.dev/github.com/aws/aws-lambda-go/lambda#Start
func (f *Function) Lambda(ctx context.Context, payload json.RawMessage) (any, error) {
	return f.onLambda(ctx, payload, f)
}

// LambdaBehind is [Function.Lambda] with requests handed to h, which is mostly f
// behind what asks who comes: a function URL has no such thing of its own but IAM.
// Messages and schedules come by the platform, and h does not see them.
func (f *Function) LambdaBehind(h http.Handler) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, payload json.RawMessage) (any, error) { return f.onLambda(ctx, payload, h) }
}

func (f *Function) onLambda(ctx context.Context, payload json.RawMessage, h http.Handler) (any, error) {
	var p lambdaPayload
	if err := json.Unmarshal(payload, &p); err != nil {
		return nil, fmt.Errorf("a payload that is no object of JSON: %w", err)
	}
	switch {
	case p.Method != "" || p.RequestContext.HTTP.Method != "":
		return lambdaHTTP(ctx, h, &p)
	case len(p.Records) > 0:
		return f.lambdaRecords(ctx, p.Records)
	case p.Source == "aws.events" || p.Source == "aws.scheduler":
		return nil, f.Tick(ctx)
	}
	return nil, errors.New("a payload that is neither a request, nor messages of SQS or SNS, nor a schedule's")
}

// lambdaPayload is what there is in one form or another.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format
type lambdaPayload struct {
	RequestContext struct {
		HTTP struct{ Method string } `json:"http"`
	} `json:"requestContext"`
	RawPath        string            `json:"rawPath"`
	RawQueryString string            `json:"rawQueryString"`
	Method         string            `json:"httpMethod"`
	Path           string            `json:"path"`
	Query          map[string]string `json:"queryStringParameters"`
	Headers        map[string]string `json:"headers"`
	Body           string            `json:"body"`
	Base64         bool              `json:"isBase64Encoded"`

	Records []lambdaRecord `json:"Records"`

	Source string `json:"source"`
}

// lambdaRecord is a message of SQS's, or of SNS's.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
// https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
type lambdaRecord struct {
	MessageID   string `json:"messageId"`
	Body        string `json:"body"`
	EventSource string `json:"eventSource"` // SNS's has a capital, which JSON lets pass
	SNS         struct{ Message string }
}

// lambdaAnswer is a response.
type lambdaAnswer struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

func lambdaHTTP(ctx context.Context, h http.Handler, p *lambdaPayload) (any, error) {
	method, target := p.RequestContext.HTTP.Method, url.URL{Path: p.RawPath, RawQuery: p.RawQueryString}
	if p.Method != "" {
		query := url.Values{}
		for k, v := range p.Query { //wtsim:order a map to a map
			query.Set(k, v)
		}
		method, target = p.Method, url.URL{Path: p.Path, RawQuery: query.Encode()}
	}
	body := []byte(p.Body)
	if p.Base64 {
		var err error
		if body, err = base64.StdEncoding.DecodeString(p.Body); err != nil {
			return nil, fmt.Errorf("a body that is not base64: %w", err)
		}
	}
	header := http.Header{}
	for k, v := range p.Headers { //wtsim:order a map to a map
		header.Set(k, v)
	}
	w, err := serve(ctx, h, method, target.String(), header, body)
	if err != nil {
		return nil, err
	}
	return lambdaAnswer{w.status, map[string]string{"content-type": w.header.Get("Content-Type")}, w.body.String()}, nil
}

// lambdaRecords judges messages one by one. One that was not stored is told: of
// SQS by its name, of SNS as an error.
func (f *Function) lambdaRecords(ctx context.Context, records []lambdaRecord) (any, error) {
	type failure struct {
		Item string `json:"itemIdentifier"`
	}
	failures := []failure{}
	for _, r := range records {
		text := r.Body
		if r.EventSource == "aws:sns" {
			text = r.SNS.Message
		}
		w, err := serve(ctx, f, http.MethodPost, "/v1/events", http.Header{"Content-Type": {formOf(text)}}, []byte(text))
		switch {
		case err != nil:
			return nil, err
		case w.status < 500: // what is malformed is counted, and would not be less so again
		case r.EventSource == "aws:sqs":
			failures = append(failures, failure{r.MessageID})
		default:
			return nil, errors.New(w.body.String())
		}
	}
	if records[0].EventSource != "aws:sqs" {
		return nil, nil
	}
	return map[string][]failure{"batchItemFailures": failures}, nil
}

// formOf is the content type of a message: one event, or events in lines.
func formOf(text string) string {
	if json.Valid([]byte(text)) {
		if strings.HasPrefix(strings.TrimSpace(text), "[") {
			return "application/cloudevents-batch+json"
		}
		return "application/cloudevents+json"
	}
	return "application/x-ndjson"
}

func serve(ctx context.Context, h http.Handler, method, target string, header http.Header, body []byte) (*written, error) {
	r, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = header
	w := &written{header: http.Header{}}
	h.ServeHTTP(w, r)
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w, nil
}

// written is a response that is kept.
type written struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *written) Header() http.Header { return w.header }

func (w *written) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *written) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
