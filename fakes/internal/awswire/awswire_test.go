package awswire

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
)

// kernel is a run that has some services.
type kernel struct {
	cloud.Kernel
	backends []cloud.Backend
	lacking  []string
}

func (k *kernel) Backends() []cloud.Backend { return k.backends }
func (k *kernel) Lacks(what string)         { k.lacking = append(k.lacking, what) }

type backend struct{ *Wire }

func (backend) Contents() []cloud.Content { return nil }

// open makes two services, each of which answers with its name.
func open() (*kernel, *Wire) {
	k := &kernel{}
	for _, name := range []string{"dynamodb", "sqs"} {
		k.backends = append(k.backends, backend{New(API{
			Service: name, Called: name, Namespace: "com.amazonaws." + name, XMLNS: "http://queue.example/", Kernel: k, Checksum: true,
			Faults: map[string]Code{"ThrottlingException": {400, "Rate exceeded"}},
			Handle: func(q *Request) (any, error) {
				switch q.Operation {
				case "Lacking":
					return nil, &Lack{name + "'s Lacking", "do without"}
				case "Failing":
					return nil, &Error{Code: "Gone", Message: "it is gone", Query: "Old.Gone"}
				}
				return struct{ Name, Region string }{name, q.Region}, nil
			},
		})})
	}
	return k, k.backends[0].(backend).Wire
}

// tap answers every call with a fate.
type tap struct {
	probe.Tap
	fate probe.Fate
}

func (t tap) Enter(*probe.Call) probe.Fate { return t.fate }
func (tap) Leave(*probe.Call) error        { return nil }
func (tap) Passive() bool                  { return false }

// Answers and errors have the form of their protocol, whichever of the
// services at one address they are of.
func TestProtocols(t *testing.T) {
	k, w := open()
	for _, c := range []struct{ target, form, want string }{
		{"DynamoDB_20120810.Get", "", `200 {"Name":"dynamodb","Region":"eu-west-1"}`},
		{"AmazonSQS.Get", "", `200 {"Name":"sqs","Region":"eu-west-1"}`},
		{"AmazonSQS.Failing", "", `400 {"__type":"com.amazonaws.sqs#Gone","message":"it is gone"} Old.Gone;Sender`},
		{"", "Action=Get", `200 <GetResponse xmlns="http://queue.example/"><GetResult><Name>sqs</Name><Region>eu-west-1</Region></GetResult><ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></GetResponse>`},
		{"", "Action=Failing", `400 <ErrorResponse xmlns="http://queue.example/"><Error><Type>Sender</Type><Code>Old.Gone</Code><Message>it is gone</Message></Error><RequestId>ID</RequestId></ErrorResponse>`},
		{"DynamoDB_20120810.Lacking", "", `501 {"__type":"com.amazonaws.dynamodb#UnsupportedOperationException","message":"wtsim does not have dynamodb's Lacking: do without"}`},
	} {
		r, _ := http.NewRequest("POST", "http://localhost:4566/", strings.NewReader(c.form))
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/sqs/aws4_request, Signature=0")
		if c.target != "" {
			r.Header.Set("X-Amz-Target", c.target)
			r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		} else {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if got := roundTrip(t, w, probe.Fate{}, r); got != c.want {
			t.Errorf("%s %s: got\n%s\nwanted\n%s", c.target, c.form, got, c.want)
		}
	}
	if len(k.lacking) != 1 || k.lacking[0] != "dynamodb's Lacking" {
		t.Errorf("lacking %q", k.lacking)
	}
}

func roundTrip(t *testing.T, w *Wire, fate probe.Fate, r *http.Request) string {
	t.Helper()
	resp, err := w.Transport(tap{fate: fate}).RoundTrip(r)
	if err != nil {
		return err.Error()
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(body), resp.Header.Get("X-Amzn-Requestid"), "ID")
	return strings.TrimSpace(resp.Status[:3] + " " + text + " " + resp.Header.Get("X-Amzn-Query-Error"))
}

// A service refuses in its own words; a request to a service that is not there
// is told by name; after the run nobody answers.
func TestRefusals(t *testing.T) {
	k, w := open()
	request := func(target string) *http.Request {
		r, _ := http.NewRequest("POST", "https://dynamodb.us-east-1.amazonaws.com/", nil)
		r.Header.Set("X-Amz-Target", target)
		return r
	}
	throttled := probe.Fate{Action: probe.Refuse, With: "ThrottlingException"}
	if got := roundTrip(t, w, throttled, request("DynamoDB_20120810.Get")); got != `400 {"__type":"com.amazonaws.dynamodb#ThrottlingException","message":"Rate exceeded"}` {
		t.Errorf("got %s", got)
	}
	if got := roundTrip(t, w, probe.Fate{}, request("AWSEvents.PutEvents")); !strings.Contains(got, "AWS's events") || len(k.lacking) != 1 {
		t.Errorf("got %s, %q", got, k.lacking)
	}
	if !w.Serves("dynamodb.eu-west-1.amazonaws.com") || w.Serves("sqs.eu-west-1.amazonaws.com") || w.Serves("example.com") {
		t.Error("hosts")
	}
	w.Close()
	if got := roundTrip(t, w, probe.Fate{}, request("DynamoDB_20120810.Get")); got != "dynamodb: the run has ended" {
		t.Errorf("got %s", got)
	}
}
