package awsaux

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// Metrics declares Amazon CloudWatch under a name, usually "monitoring". There is
// PutMetricData, which keeps nothing; questions and alarms are not simulated.
func Metrics(name string) *Service {
	return &Service{
		name: name, detail: "CloudWatch",
		api:  awswire.API{Service: "monitoring", XMLNS: "http://monitoring.amazonaws.com/doc/2010-08-01/", Faults: failures("InternalServiceFault", "Throttling")},
		open: func() part { return metrics{} },
	}
}

type metrics struct{}

func (metrics) contents() []cloud.Content { return nil }

func (p metrics) handle(b *Backend, r *awswire.Request) (any, error) {
	if r.Operation == "" && strings.HasSuffix(r.URL.Path, "/operation/PutMetricData") {
		return cbor(), nil
	}
	return do(map[string]operation[metrics]{"PutMetricData": metrics.put}, p, "CloudWatch", b, r)
}

func (metrics) put(*Backend, *awswire.Request) (any, error) { return nil, nil }

// cbor is an empty answer of the protocol that newer clients speak.
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
func cbor() *http.Response {
	empty := []byte{0xa0}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/cbor"}, "Smithy-Protocol": {"rpc-v2-cbor"}},
		ContentLength: int64(len(empty)), Body: io.NopCloser(bytes.NewReader(empty)),
	}
}

// Logs declares Amazon CloudWatch Logs under a name, usually "logs". There are
// CreateLogGroup, CreateLogStream, PutLogEvents, DescribeLogGroups and
// DescribeLogStreams; queries and subscriptions are not simulated. Its contents are
// the messages of each stream.
func Logs(name string) *Service {
	return &Service{
		name: name, detail: "CloudWatch Logs",
		api:  awswire.API{Service: "logs", Faults: failures("InternalFailure", "ServiceUnavailableException", "ThrottlingException")},
		open: func() part { return &logs{groups: map[string]map[string][]string{}} },
	}
}

type logs struct {
	groups map[string]map[string][]string
}

func (p *logs) contents() (out []cloud.Content) {
	for _, group := range sorted(p.groups) {
		for _, stream := range sorted(p.groups[group]) {
			for i, message := range p.groups[group][stream] {
				out = append(out, cloud.Content{Key: group + "/" + stream + "/" + strconv.Itoa(i+1), Value: message})
			}
		}
	}
	return out
}

var logsOperations = map[string]operation[*logs]{
	"CreateLogGroup": as((*logs).createGroup), "CreateLogStream": as((*logs).createStream), "PutLogEvents": as((*logs).put),
	"DescribeLogGroups": as((*logs).describeGroups), "DescribeLogStreams": as((*logs).describeStreams),
}

func (p *logs) handle(b *Backend, r *awswire.Request) (any, error) {
	return do(logsOperations, p, "CloudWatch Logs", b, r)
}

type logEvent struct {
	Message   string `json:"message"`
	Timestamp int64  `json:"timestamp"` // milliseconds since 1970
}

// logsRequest is what requests say.
type logsRequest struct {
	Group        string     `json:"logGroupName"`
	Stream       string     `json:"logStreamName"`
	LogEvents    []logEvent `json:"logEvents"`
	GroupPrefix  string     `json:"logGroupNamePrefix"`
	StreamPrefix string     `json:"logStreamNamePrefix"`
}

// errors of https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
var (
	errNoGroup  = refused("ResourceNotFoundException", "The specified log group does not exist.")
	errNoStream = refused("ResourceNotFoundException", "The specified log stream does not exist.")
)

func (p *logs) createGroup(_ *Backend, q *logsRequest) (any, error) {
	if p.groups[q.Group] != nil {
		return nil, refused("ResourceAlreadyExistsException", "The specified log group already exists")
	}
	p.groups[q.Group] = map[string][]string{}
	return nil, nil
}

func (p *logs) createStream(_ *Backend, q *logsRequest) (any, error) {
	g := p.groups[q.Group]
	if g == nil {
		return nil, errNoGroup
	}
	if _, ok := g[q.Stream]; ok {
		return nil, refused("ResourceAlreadyExistsException", "The specified log stream already exists")
	}
	g[q.Stream] = nil
	return nil, nil
}

func (p *logs) put(_ *Backend, q *logsRequest) (any, error) {
	g := p.groups[q.Group]
	if g == nil {
		return nil, errNoGroup
	}
	if _, ok := g[q.Stream]; !ok {
		return nil, errNoStream
	}
	if !slices.IsSortedFunc(q.LogEvents, func(a, b logEvent) int { return cmp.Compare(a.Timestamp, b.Timestamp) }) {
		return nil, refused("InvalidParameterException", "Log events in a single PutLogEvents request must be in chronological order.")
	}
	for _, e := range q.LogEvents {
		g[q.Stream] = append(g[q.Stream], e.Message)
	}
	return map[string]any{"nextSequenceToken": strconv.Itoa(len(g[q.Stream]))}, nil
}

func (p *logs) describeGroups(b *Backend, q *logsRequest) (any, error) {
	list := []any{}
	for _, name := range sorted(p.groups) {
		if strings.HasPrefix(name, q.GroupPrefix) {
			list = append(list, map[string]any{"logGroupName": name, "arn": b.arn("log-group:" + name + ":*")})
		}
	}
	return map[string]any{"logGroups": list}, nil
}

func (p *logs) describeStreams(b *Backend, q *logsRequest) (any, error) {
	g := p.groups[q.Group]
	if g == nil {
		return nil, errNoGroup
	}
	list := []any{}
	for _, name := range sorted(g) {
		if strings.HasPrefix(name, q.StreamPrefix) {
			list = append(list, map[string]any{"logStreamName": name, "arn": b.arn("log-group:" + q.Group + ":log-stream:" + name)})
		}
	}
	return map[string]any{"logStreams": list}, nil
}
