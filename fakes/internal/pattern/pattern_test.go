package pattern

import (
	"strings"
	"testing"
)

const ec2 = `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2",
 "account":"111122223333","time":"2017-12-22T18:43:48Z","region":"us-west-1","resources":["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],
 "detail":{"instance-id":"i-1234567890abcdef0","state":"terminated"}}`

// The examples of EventBridge's guide, and what stands between them.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
func TestEvents(t *testing.T) {
	for _, c := range []struct {
		pattern, event string
		want           bool
	}{
		{`{"source":["aws.ec2"],"detail-type":["EC2 Instance State-change Notification"],"detail":{"state":["terminated"]}}`, ec2, true},
		{`{"source":["aws.ec2"],"detail":{"state":["running"]}}`, ec2, false},
		{`{"resources":["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0","b"]}`, ec2, true},
		{`{"time":[{"prefix":"2017-10-02"}]}`, `{"time":"2017-10-02T18:43:48Z"}`, true},
		{`{"service":[{"prefix":{"equals-ignore-case":"EventB"}}]}`, `{"service":"eventbridge"}`, true},
		{`{"service":[{"suffix":{"equals-ignore-case":"tBridge"}}]}`, `{"service":"EVENTBRIDGE"}`, true},
		{`{"FileName":[{"suffix":".png"}]}`, `{"FileName":"a.png"}`, true},
		{`{"FileName":[{"suffix":".png"}]}`, `{"FileName":"a.jpg"}`, false},
		{`{"state":[{"anything-but":"initializing"}]}`, `{"state":"shutdown"}`, true},
		{`{"state":[{"anything-but":"initializing"}]}`, `{"other":1}`, false}, // it must be there
		{`{"x-limit":[{"anything-but":[100,200,300]}]}`, `{"x-limit":200}`, false},
		{`{"x-limit":[{"anything-but":123}]}`, `{"x-limit":456}`, true},
		{`{"state":[{"anything-but":{"prefix":"init"}}]}`, `{"state":"initializing"}`, false},
		{`{"state":[{"anything-but":{"prefix":["init","error"]}}]}`, `{"state":"error-1"}`, false},
		{`{"FileName":[{"anything-but":{"suffix":[".txt",".rtf"]}}]}`, `{"FileName":"a.png"}`, true},
		{`{"state":[{"anything-but":{"equals-ignore-case":["initializing","stopped"]}}]}`, `{"state":"INITIALIZING"}`, false},
		{`{"FilePath":[{"anything-but":{"wildcard":"*/lib/*"}}]}`, `{"FilePath":"/usr/lib/a"}`, false},
		{`{"c-count":[{"numeric":[">",0,"<=",5]}],"d-count":[{"numeric":["<",10]}],"x-limit":[{"numeric":["=",3.018e2]}]}`, `{"c-count":5,"d-count":1,"x-limit":301.8}`, true},
		{`{"c-count":[{"numeric":[">",0,"<=",5]}]}`, `{"c-count":0}`, false},
		{`{"c-count":[{"numeric":[">",0]}]}`, `{"c-count":"5"}`, false},
		{`{"n":[300]}`, `{"n":300.0}`, false}, // numbers are as they are written
		{`{"n":[300]}`, `{"n":300}`, true},
		{`{"source-ip":[{"cidr":"10.0.0.0/24"}]}`, `{"source-ip":"10.0.0.255"}`, true},
		{`{"source-ip":[{"cidr":"10.0.0.0/24"}]}`, `{"source-ip":"10.0.1.0"}`, false},
		{`{"detail":{"state":[{"exists":true}]}}`, ec2, true},
		{`{"detail":{"c-count":[{"exists":false}]}}`, ec2, true},
		{`{"nothing":{"c-count":[{"exists":false}]}}`, ec2, true},
		{`{"detail":[{"exists":true}]}`, ec2, false}, // leaves alone
		{`{"volume":[{"equals-ignore-case":"ALICE"}]}`, `{"volume":"alice"}`, true},
		{`{"EventBusArn":[{"wildcard":"arn:aws:events:us-east-1:*:event-bus/*"}]}`, `{"EventBusArn":"arn:aws:events:us-east-1:1:event-bus/b"}`, true},
		{`{"f":[{"wildcard":"dir/*.png"}]}`, `{"f":"dir/a.jpg"}`, false},
		{`{"f":[{"wildcard":"a\\*b"}]}`, `{"f":"a*b"}`, true},
		{`{"f":[{"wildcard":"a\\*b"}]}`, `{"f":"axb"}`, false},
		{`{"$or":[{"c-count":[{"numeric":[">",0,"<=",5]}]},{"d-count":[{"numeric":["<",10]}]}]}`, `{"c-count":99,"d-count":9}`, true},
		{`{"source":["a"],"$or":[{"b":[1]},{"c":[2]}]}`, `{"source":"a","b":2,"c":1}`, false},
		{`{"eventVersion":[""],"responseElements":[null]}`, `{"eventVersion":"","responseElements":null}`, true},
		{`{"responseElements":[null]}`, `{"responseElements":""}`, false},
		{`{"detail":{"employees":{"first":["Anna"],"last":["Jones"]}}}`, `{"detail":{"employees":[{"first":"Anna","last":"Smith"},{"first":"Peter","last":"Jones"}]}}`, false}, // one object of them
		{`{"detail":{"employees":{"first":["Anna"],"last":["Smith"]}}}`, `{"detail":{"employees":[{"first":"Anna","last":"Smith"}]}}`, true},
	} {
		check(t, c.pattern, c.event, Event, c.want)
	}
}

// The examples of SNS's guide: numbers are equal by value, and attributes have no
// members.
// https://docs.aws.amazon.com/sns/latest/dg/numeric-value-matching.html
func TestPolicies(t *testing.T) {
	check(t, `{"price_usd":[{"numeric":["=",301.5]}]}`, `{"price_usd":3.015e2}`, Attributes, true)
	check(t, `{"price_usd":[100]}`, `{"price_usd":1e2}`, Attributes, true)
	check(t, `{"customer_interests":["rugby","football","baseball"]}`, `{"customer_interests":["soccer","rugby","hockey"]}`, Attributes, true)
	check(t, `{"key":{"a":["x"]}}`, `{"key":{"a":"x"}}`, Body, true)
	if _, err := Compile(`{"key":{"a":["x"]}}`, Attributes); err == nil {
		t.Error("attributes have no members")
	}
}

func check(t *testing.T, pattern, event string, kind Kind, want bool) {
	t.Helper()
	p, err := Compile(pattern, kind)
	if err != nil {
		t.Errorf("%s: %v", pattern, err)
		return
	}
	v, err := Decode([]byte(event))
	if err != nil {
		t.Fatal(event, err)
	}
	if got := p.Matches(v); got != want {
		t.Errorf("%s of %s: %v, wanted %v", pattern, event, got, want)
	}
}

// What is wrong with a pattern is told.
func TestWrong(t *testing.T) {
	for pattern, want := range map[string]string{
		`{`:                                   "it is no JSON",
		`[]`:                                  "wanted an object",
		`{}`:                                  "is empty",
		`{"a":"b"}`:                           `"a" is "b", wanted a list or an object`,
		`{"a":[]}`:                            `"a" is an empty list`,
		`{"a":[[1]]}`:                         "a list within a list",
		`{"a":[{"like":"b"}]}`:                `there is no comparison "like"`,
		`{"a":[{"prefix":1}]}`:                "prefix: 1, wanted a text",
		`{"a":[{"numeric":["~",1]}]}`:         `numeric: "~" 1`,
		`{"a":[{"cidr":"10.0.0.0"}]}`:         "cidr:",
		`{"a":[{"exists":1}]}`:                "exists: 1",
		`{"a":[{"anything-but":[]}]}`:         "an empty list",
		`{"a":[{"anything-but":null}]}`:       "wanted texts or numbers",
		`{"a":[{"wildcard":"**"}]}`:           "two * in a row",
		`{"$or":[{"a":[1]}]}`:                 "fewer than two",
		`{"a":[{"prefix":"x","suffix":"y"}]}`: "2 comparisons",
	} {
		if _, err := Compile(pattern, Event); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, wanted %s", pattern, err, want)
		}
	}
}
