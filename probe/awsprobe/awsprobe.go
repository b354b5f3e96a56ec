// Package awsprobe tells what operations the calls of AWS's client libraries
// are, for the seam of HTTP: those of SDK v1 and v2 alike, with the default
// endpoints or others.
//
// An operation's service is the one that requests are signed for ("dynamodb",
// "sqs"), its method the API's name for it ("PutItem"), and its resource what
// the API's own file of this package says. Of a service without such a file
// the resource is not known, and of one that speaks neither JSON by
// X-Amz-Target nor the Query protocol, method and resource are HTTP's.
package awsprobe

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// Keys tells the names of the attributes that are the key of a DynamoDB table:
// partition key, then sort key; none if they are not known.
type Keys func(table string) []string

// Describe tells the operation of a request where the keys of tables are not
// known. It leaves alone what is no request to AWS.
func Describe(r *http.Request, op *event.Operation) { Describer(nil)(r, op) }

// Describer returns a [Describe] that knows the keys of tables, so that the
// resource of an operation on an item names the item.
func Describer(keys Keys) func(*http.Request, *event.Operation) {
	return func(r *http.Request, op *event.Operation) {
		t := To(r)
		if t.Service == "" {
			return
		}
		op.Service, op.Try = t.Service, attempt(r.Header.Get("Amz-Sdk-Request"))
		if t.Service == "s3" { // whose bodies are no messages
			describeS3(r, t, op)
			return
		}
		if method := t.Operation(op.Request.Body); method != "" {
			op.Method, op.Resource, op.Access = method, "", event.Reads|event.Writes
		}
		if describe := services[t.Service]; describe != nil {
			describe(t, keys, op)
		} else if n, ok := namings[t.Service]; ok {
			n.describe(t, op)
		}
	}
}

// services are the APIs whose operations have resources. Each fills in
// resource, access and how the service may refuse.
var services = map[string]func(t Target, keys Keys, op *event.Operation){
	"dynamodb": describeDynamoDB,
	"events":   describeEvents,
	"lambda":   describeLambda,
	"sns":      describeSNS,
	"sqs":      describeSQS,
}

// Target is where a request to AWS goes.
type Target struct {
	Service string   // that it is signed for: "dynamodb"; empty if it is none of AWS's
	Region  string   // empty where nothing tells
	API     string   // of JSON, with its version: "DynamoDB_20120810"; else empty
	Name    string   // the operation's, of JSON
	Rest    []string // labels of the host before the service's: a bucket, an account
}

// To tells where a request goes: by its X-Amz-Target, the host's name, and the
// scope of its signature, in this order.
func To(r *http.Request) Target {
	var t Target
	if api, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		t.Service, t.API, t.Name = targets[api], api, name
	}
	host := r.URL.Host
	if host == "" {
		host = r.Host
	}
	service, region, rest := Endpoint(host)
	t.Region, t.Rest = region, rest
	scoped, scope := scopeOf(r)
	if t.Region == "" {
		t.Region = scope
	}
	for _, s := range []string{service, scoped} {
		if t.Service == "" {
			t.Service = s
		}
	}
	return t
}

// targets are the services of APIs that speak JSON.
var targets = map[string]string{
	"DynamoDB_20120810": "dynamodb", "DynamoDBStreams_20120810": "dynamodb", "DynamoDB_20111205": "dynamodb",
	"AmazonSQS": "sqs", "AWSEvents": "events", "secretsmanager": "secretsmanager", "AmazonSSM": "ssm",
	"TrentService": "kms", "AWSCognitoIdentityProviderService": "cognito-idp", "Logs_20140328": "logs",
	"GraniteServiceVersion20100801": "monitoring", "AWSStepFunctions": "states", "Kinesis_20131202": "kinesis",
}

// Operation is the operation's name of JSON by X-Amz-Target, or of the Query
// protocol, whose form is the body or the URL's query; empty if it is neither.
func (t Target) Operation(body []byte) string {
	if t.Name != "" {
		return t.Name
	}
	s := string(body)
	for rest := s; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if name, ok := strings.CutPrefix(pair, "Action="); ok && len(name) < 100 {
			return name
		}
	}
	return ""
}

// Endpoint tells service and region of a host name of AWS's: standard, of
// FIPS, dual-stack, of an account, of a bucket. service is empty if it is
// none.
// https://docs.aws.amazon.com/general/latest/gr/rande.html
func Endpoint(host string) (service, region string, rest []string) {
	name := strings.ToLower(host)
	if h, _, ok := strings.Cut(name, ":"); ok {
		name = h
	}
	found := false
	for _, domain := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws"} {
		if before, ok := strings.CutSuffix(name, domain); ok {
			name, found = before, true
			break
		}
	}
	if !found {
		return "", "", nil
	}
	labels := strings.Split(name, ".")
	last := len(labels) - 1
	if last > 0 && isRegion(labels[last]) {
		region, labels = labels[last], labels[:last]
		last--
	}
	if labels[last] == "dualstack" && last > 0 {
		labels = labels[:last]
		last--
	}
	if last == 1 && labels[1] == "queue" && isRegion(labels[0]) { // SQS's first endpoints
		return "sqs", labels[0], nil
	}
	service = strings.TrimSuffix(labels[last], "-fips")
	if of, ok := strings.CutPrefix(service, "s3-"); ok && isRegion(of) { // S3's first endpoints
		return "s3", of, labels[:last]
	}
	if signed, ok := signing[service]; ok {
		service = signed
	}
	return service, region, labels[:last]
}

// signing is what services are signed for whose hosts have another name.
var signing = map[string]string{
	"ddb": "dynamodb", "streams-dynamodb": "dynamodb", "email": "ses", "queue": "sqs", "bedrock-runtime": "bedrock", "s3-accelerate": "s3",
}

func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	n := len(parts) - 1
	if n < 2 || len(parts[0]) != 2 {
		return false
	}
	_, err := strconv.Atoi(parts[n])
	return err == nil
}

// scopeOf reads service and region out of a signature of version 4.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func scopeOf(r *http.Request) (service, region string) {
	credential := ""
	if _, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		credential, _, _ = strings.Cut(rest, ",")
	} else if strings.Contains(r.URL.RawQuery, "X-Amz-Credential") {
		credential = r.URL.Query().Get("X-Amz-Credential")
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	if n := len(parts); n >= 5 && parts[n-1] == "aws4_request" {
		return parts[n-2], parts[n-3]
	}
	return "", ""
}

// attempt reads "attempt=2; max=3"; 0 for the first.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
func attempt(header string) int {
	_, rest, _ := strings.Cut(header, "attempt=")
	digits, _, _ := strings.Cut(rest, ";")
	if n, err := strconv.Atoi(digits); err == nil && n > 1 {
		return n
	}
	return 0
}

// escape keeps apart what stands in a resource: values have no blank, "/" and
// "*" of their own there.
func escape(s string) string {
	if !strings.ContainsAny(s, " \t\r\n/%*") {
		return s
	}
	return strings.ReplaceAll(url.PathEscape(s), "*", "%2A")
}
