package awsprobe

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/event"
)

// A host tells service and region in each of the forms that AWS documents.
// https://docs.aws.amazon.com/general/latest/gr/rande.html
func TestEndpoint(t *testing.T) {
	for host, want := range map[string]string{
		"dynamodb.us-east-1.amazonaws.com": "dynamodb us-east-1 []", "dynamodb.us-east-1.amazonaws.com:443": "dynamodb us-east-1 []",
		"dynamodb-fips.us-gov-west-1.amazonaws.com": "dynamodb us-gov-west-1 []", "dynamodb.eu-west-1.api.aws": "dynamodb eu-west-1 []",
		"123456789012.ddb.us-east-1.amazonaws.com": "dynamodb us-east-1 [123456789012]", "dynamodb.cn-north-1.amazonaws.com.cn": "dynamodb cn-north-1 []",
		"streams.dynamodb.us-east-1.amazonaws.com": "dynamodb us-east-1 [streams]", "streams-dynamodb.us-east-1.api.aws": "dynamodb us-east-1 []",
		"eu-west-1.queue.amazonaws.com": "sqs eu-west-1 []", "queue.amazonaws.com": "sqs  []", "sqs.us-east-1.amazonaws.com": "sqs us-east-1 []",
		"photos.s3.eu-west-1.amazonaws.com": "s3 eu-west-1 [photos]", "s3.amazonaws.com": "s3  []", "a.b.s3.dualstack.us-east-1.amazonaws.com": "s3 us-east-1 [a b]",
		"email.us-east-1.amazonaws.com": "ses us-east-1 []", "iam.amazonaws.com": "iam  []", "example.com": "  []", "amazonaws.com.example": "  []",
	} {
		service, region, rest := Endpoint(host)
		if got := service + " " + region + " [" + strings.Join(rest, " ") + "]"; got != want {
			t.Errorf("%s: got %s, wanted %s", host, got, want)
		}
	}
}

// An operation on items names them, in the order of their keys; without the
// keys it names the table. Requests to others are left alone.
func TestDescribeDynamoDB(t *testing.T) {
	keys := func(table string) []string { return map[string][]string{"t": {"pk", "sk"}, "u": {"id"}}[table] }
	for _, c := range []struct{ method, body, resource, bare, access string }{
		{"GetItem", `{"TableName":"u","Key":{"id":{"S":"x y/z"}}}`, "u/x%20y%2Fz", "u", "r"},
		{"GetItem", `{"TableName":"u","Key":{"id":{"N":"1.0"}}}`, "u/*", "u", "r"},
		{"PutItem", `{"TableName":"t","Item":{"sk":{"N":"-7"},"pk":{"S":"USER#1"},"a":{"M":{"b":{"L":[]}}}}}`, "t/USER#1/-7", "t", "w"},
		{"PutItem", `{"TableName":"u","Item":{"id":{"S":"x"}},"ConditionExpression":"attribute_not_exists(id)"}`, "u/x", "u", "rw"},
		{"UpdateItem", `{"TableName":"arn:aws:dynamodb:us-east-1:123456789012:table/u","Key":{"id":{"S":"x"}}}`, "u/x", "u", "rw"},
		{"Query", `{"TableName":"u","IndexName":"by"}`, "u/by/*", "u/by/*", "r"},
		{"BatchWriteItem", `{"RequestItems":{"u":[{"DeleteRequest":{"Key":{"id":{"S":"2"}}}}],"t":[{"PutRequest":{"Item":{"pk":{"S":"1"},"sk":{"N":"2"}}}}]}}`, "t/1/2 u/2", "t u", "w"},
		{"BatchGetItem", `{"RequestItems":{"u":{"Keys":[{"id":{"S":"2"}},{"id":{"S":"1"}}]}}}`, "u/2 u/1", "u u", "r"},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"u","Item":{"id":{"S":"2"}}}},{"ConditionCheck":{"TableName":"u","Key":{"id":{"S":"1"}}}}]}`, "u/2 u/1", "u u", "rw"},
		{"ListTables", `{}`, "", "", "r"},
	} {
		r, _ := http.NewRequest("POST", "http://localhost:4566/", nil)
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+c.method)
		r.Header.Set("Amz-Sdk-Request", "attempt=2; max=3")
		op := event.Operation{Request: event.Payload{Body: []byte(c.body)}}
		Describer(keys)(r, &op)
		access := strings.Repeat("r", int(op.Access&event.Reads)) + strings.Repeat("w", int(op.Access&event.Writes)/2)
		if op.Service != "dynamodb" || op.Method != c.method || op.Resource != c.resource || access != c.access || op.Try != 2 {
			t.Errorf("%s %s: got %q %s", c.method, c.body, op.Resource, access)
		}
		Describe(r, &op)
		if op.Resource != c.bare {
			t.Errorf("%s: without keys got %q", c.method, op.Resource)
		}
	}
	r, _ := http.NewRequest("POST", "http://example.com/", nil)
	op := event.Operation{Method: "POST"}
	if Describe(r, &op); op.Service != "" || op.Method != "POST" {
		t.Errorf("got %+v", op)
	}
}

// One request, written in two orders, is one request.
func TestCanonical(t *testing.T) {
	r, _ := http.NewRequest("POST", "https://dynamodb.us-east-1.amazonaws.com/", nil)
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
	var got []string
	for _, body := range []string{`{"TableName":"t","Item":{"a":{"S":"1"},"b":{"N":"1.50"}}}`, `{"Item":{"b":{"N":"1.50"},"a":{"S":"1"}},"TableName":"t"}`} {
		op := event.Operation{Request: event.Payload{Body: []byte(body)}}
		Describe(r, &op)
		got = append(got, string(op.Request.Body))
	}
	if got[0] != got[1] || got[0] != `{"Item":{"a":{"S":"1"},"b":{"N":"1.50"}},"TableName":"t"}` {
		t.Errorf("got %q", got)
	}
}

// Where nothing but the signature tells, as at an emulator's address, it does.
func TestScope(t *testing.T) {
	r, _ := http.NewRequest("POST", "http://localhost:4566/", nil)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/sns/aws4_request, SignedHeaders=host, Signature=0")
	op := event.Operation{Request: event.Payload{Body: []byte("Action=Publish&Message=x&Version=2010-03-31")}}
	if Describe(r, &op); op.Service != "sns" || op.Method != "Publish" {
		t.Errorf("got %+v", op)
	}
	if got := To(r); got.Region != "eu-west-1" {
		t.Errorf("got %+v", got)
	}
}
