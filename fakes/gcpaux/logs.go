package gcpaux

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe/gcpprobe"
)

// Logs declares a Cloud Logging under a name, usually "logging". WriteLogEntries works, by
// itself and by the client's loggers; properties see each log's entries in the order in
// which they were accepted, as NAME/1, NAME/2, ... with their payload. An entry of the same
// time and insert id as one before is that one.
//
// All that reads, lists or deletes logs, the tail, and what configures logging is
// refused by name. The client gathers entries for a second: those of an instance that
// dies are lost, as in production. It looks for the resource that it runs on, outside of the
// run, unless its loggers are given one (logging.CommonResource).
func Logs(name string) *Service {
	return &Service{name: name, host: "logging.googleapis.com", detail: "Cloud Logging", methods: logMethods, describe: gcpprobe.DescribeLogging,
		open:  func(b *Backend) part { return &logServer{b: b, of: map[string][]*loggingpb.LogEntry{}} },
		check: func() error { return nil },
	}
}

var logMethods = rpc.NewMethods("entries are what the simulator takes; properties see them", &loggingpb.LoggingServiceV2_ServiceDesc)

// Bounds of a request.
// https://docs.cloud.google.com/logging/quotas#api-limits
const (
	mostLogRequest = 10 << 20
	mostLogEntry   = 256 << 10
	// Entries may be as old as a log keeps them, and as far ahead as a day.
	mostLogAge   = 30 * 24 * time.Hour
	mostLogAhead = 24 * time.Hour
)

// logServer answers the client's calls.
type logServer struct {
	loggingpb.UnimplementedLoggingServiceV2Server
	b  *Backend
	of map[string][]*loggingpb.LogEntry // by the log's id
}

func (p *logServer) contents() (out []cloud.Content) {
	for _, log := range sorted(p.of) {
		for i, e := range p.of[log] {
			out = append(out, cloud.Content{Key: log + "/" + strconv.Itoa(i+1), Value: payload(e)})
		}
	}
	return out
}

// payload is an entry's, as text or as JSON on one line.
func payload(e *loggingpb.LogEntry) string {
	var m proto.Message
	switch p := e.Payload.(type) {
	case *loggingpb.LogEntry_TextPayload:
		return p.TextPayload
	case *loggingpb.LogEntry_JsonPayload:
		m = p.JsonPayload
	case *loggingpb.LogEntry_ProtoPayload:
		m = p.ProtoPayload
	default:
		return ""
	}
	text, err := protojson.Marshal(m)
	var sorted any
	if err != nil || json.Unmarshal(text, &sorted) != nil {
		return m.(interface{ String() string }).String()
	}
	text, _ = json.Marshal(sorted) // it was decoded just now
	return string(text)
}

// WriteLogEntries takes entries, all of them or none, unless partial success will do.
// https://docs.cloud.google.com/logging/docs/reference/v2/rest/v2/entries/write
func (p *logServer) WriteLogEntries(_ context.Context, r *loggingpb.WriteLogEntriesRequest) (*loggingpb.WriteLogEntriesResponse, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if n := proto.Size(r); n > mostLogRequest {
		return nil, refused(codes.InvalidArgument, "Request payload size exceeds the limit: %d bytes.", mostLogRequest)
	}
	if len(r.Entries) == 0 {
		return nil, refused(codes.InvalidArgument, "Must specify at least one log entry.")
	}
	refusals := map[int32]*spb.Status{}
	var logs []string
	for i, e := range r.Entries {
		log, err := p.check(r, e)
		if logs = append(logs, log); err != nil {
			refusals[int32(i)] = status.Convert(err).Proto()
		}
	}
	if len(refusals) > 0 && !r.PartialSuccess {
		return nil, partial(len(r.Entries), refusals)
	}
	for i, e := range r.Entries {
		if refusals[int32(i)] == nil && !r.DryRun {
			p.take(logs[i], e)
		}
	}
	if len(refusals) > 0 {
		return nil, partial(len(r.Entries), refusals)
	}
	return &loggingpb.WriteLogEntriesResponse{}, nil
}

// partial is the error that tells which entries are refused: its code is the first one's.
func partial(entries int, refusals map[int32]*spb.Status) error {
	var first *spb.Status
	for i := range int32(entries) {
		if first = refusals[i]; first != nil {
			break
		}
	}
	out := &spb.Status{Code: first.Code, Message: first.Message}
	if detail, err := anypb.New(&loggingpb.WriteLogEntriesPartialErrors{LogEntryErrors: refusals}); err == nil {
		out.Details = append(out.Details, detail)
	}
	return status.ErrorProto(out)
}

// check tells the log of an entry, and why it is refused.
func (p *logServer) check(r *loggingpb.WriteLogEntriesRequest, e *loggingpb.LogEntry) (log string, err error) {
	name := e.LogName
	if name == "" {
		name = r.LogName
	}
	_, id, ok := strings.Cut(name, "/logs/")
	log, err = url.PathUnescape(id)
	now := p.b.kernel.Now()
	at := now
	if e.Timestamp != nil {
		at = e.Timestamp.AsTime()
	}
	switch {
	case !ok || id == "" || strings.Contains(id, "/") || err != nil:
		return "", refused(codes.InvalidArgument, "Log name %q is invalid, or missing: an entry or its request has one.", name)
	case e.GetResource() == nil && r.GetResource() == nil:
		return "", refused(codes.InvalidArgument, "A monitored resource must be specified for each log entry.")
	case proto.Size(e) > mostLogEntry:
		return "", refused(codes.InvalidArgument, "Log entry with size %d exceeds maximum size of %d bytes.", proto.Size(e), mostLogEntry)
	case now.Sub(at) > mostLogAge, at.Sub(now) > mostLogAhead:
		return "", refused(codes.InvalidArgument, "Log entry with timestamp %v is too old, or too far ahead.", at)
	}
	return log, nil
}

// take stores an entry, unless it is there, or the client's own.
func (p *logServer) take(log string, e *loggingpb.LogEntry) {
	if log == gcpprobe.LogOfClient {
		return
	}
	e = proto.CloneOf(e)
	if e.Timestamp == nil {
		e.Timestamp = timestamppb.New(p.b.kernel.Now())
	}
	for _, of := range p.of[log] {
		if e.InsertId != "" && of.InsertId == e.InsertId && of.Timestamp.AsTime().Equal(e.Timestamp.AsTime()) {
			return
		}
	}
	p.of[log] = append(p.of[log], e)
}
