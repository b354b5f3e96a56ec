package firestore

import (
	"context"
	"io"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe"
)

// listener is a stream of Listen, with one target: documents, or a query. Each
// snapshot of what it matches is handed to its function instance in a step; what
// changes before that is in it. The kernel's lock guards it, but for the fields
// below mu.
type listener struct {
	b      *Backend
	ctx    context.Context
	done   <-chan struct{} // closed with the connection
	wake   chan struct{}   // there is something to receive
	inst   *cloud.Instance
	label  cloud.Label
	root   string
	id     int32 // the target's
	names  []string
	query  *query
	sent   map[string]time.Time // what the client knows: documents, by the times of their updates
	task   *cloud.Task          // the next snapshot, on its way
	number int                  // of snapshots
	ended  atomic.Bool

	mu      sync.Mutex
	first   *pb.ListenRequest
	answers []*pb.ListenResponse
	end     error // after the answers
}

func newListener(ctx context.Context, b *Backend, done <-chan struct{}) *listener {
	return &listener{b: b, ctx: ctx, done: done, wake: make(chan struct{}, 1)}
}

// Context returns the stream's context.
func (l *listener) Context() context.Context { return l.ctx }

// Trailer returns nothing.
func (l *listener) Trailer() metadata.MD { return nil }

// Header begins to listen, with the first request.
func (l *listener) Header() (metadata.MD, error) {
	l.mu.Lock()
	first, end := l.first, l.end
	l.mu.Unlock()
	switch {
	case end != nil:
		return nil, end
	case first.GetAddTarget() == nil:
		return nil, invalid("The first request of a stream must add a target.")
	}
	l.b.kernel.Lock()
	defer l.b.kernel.Unlock()
	return nil, l.begin(first.GetAddTarget())
}

// begin takes the target.
func (l *listener) begin(t *pb.Target) error {
	l.id = t.TargetId
	switch x := t.TargetType.(type) {
	case *pb.Target_Documents:
		for _, name := range x.Documents.Documents {
			if err := checkDocument(name); err != nil {
				return err
			}
		}
		l.names = x.Documents.Documents
	case *pb.Target_Query:
		q, err := parseQuery(x.Query.Parent, x.Query.GetStructuredQuery())
		if err == nil {
			err = l.b.indexed(q)
		}
		if err != nil {
			return err
		}
		l.query = q
	default:
		return invalid("A target must have a type.")
	}
	o := l.b.kernel.Origin(probe.CallOf(l.ctx))
	l.inst, l.root = o.Instance, o.Root
	label := o.Task.With(".listen " + cloud.Mask(l.shown()))
	l.label = label.With("/" + itoa(o.Count(label.Text)))
	l.sent = map[string]time.Time{}
	l.say(&pb.TargetChange{TargetChangeType: pb.TargetChange_ADD, TargetIds: []int32{l.id}})
	if at := resumed(t); !at.IsZero() {
		for _, d := range l.result(at) {
			l.sent[d.name] = d.v.at
		}
	}
	l.b.streams = append(l.b.streams, l)
	context.AfterFunc(l.ctx, func() { l.ended.Store(true) })
	l.offer()
	return nil
}

// shown is what it listens to, for names.
func (l *listener) shown() string {
	if l.query == nil {
		return pathOf(l.names[0])
	}
	if l.query.group {
		return "**/" + l.query.collection
	}
	return pathOf(l.query.parent + "/" + l.query.collection)
}

// resumed is the time that a client has seen already; zero if it has not.
func resumed(t *pb.Target) time.Time {
	if token := t.GetResumeToken(); token != nil {
		if n, err := strconv.ParseInt(string(token), 10, 64); err == nil {
			return time.UnixMicro(n)
		}
	}
	if at := t.GetReadTime(); at != nil {
		return at.AsTime()
	}
	return time.Time{}
}

// result is what the target matches at an instant.
func (l *listener) result(at time.Time) []found {
	if l.query != nil {
		out, _ := l.b.results(l.query, at)
		return out
	}
	var out []found
	for _, name := range l.names {
		if v := l.b.live(name, at); v != nil {
			out = append(out, found{name, v})
		}
	}
	return out
}

// notify makes snapshots ready for those whose targets have changed.
func (b *Backend) notify() {
	for _, l := range b.streams {
		if l.task == nil && !l.gone() && l.differs() {
			l.offer()
		}
	}
}

// differs reports whether the client does not know the present.
func (l *listener) differs() bool {
	now := l.result(time.Time{})
	return len(now) != len(l.sent) || slices.ContainsFunc(now, func(d found) bool { return !l.sent[d.name].Equal(d.v.at) })
}

// offer makes the next snapshot ready.
func (l *listener) offer() {
	l.number++
	about := cloud.Subject{Label: l.label.With("." + itoa(l.number)), No: itoa(l.number)}
	l.task = &cloud.Task{Name: cloud.NameOnly(l.inst.Function, about), Root: l.root, Attempt: 1, Cause: &shot{l}}
	l.b.kernel.Hand(l.task)
}

// gone reports whether nobody listens any more.
func (l *listener) gone() bool { return l.ended.Load() || l.inst.Dead() }

// Settle takes back snapshots of those who listen no more.
func (b *Backend) Settle() {
	for _, l := range slices.Clone(b.streams) {
		if !l.gone() {
			continue
		}
		b.streams = slices.DeleteFunc(b.streams, func(x *listener) bool { return x == l })
		if l.task != nil {
			b.kernel.Recall(l.task)
			l.task = nil
		}
	}
}

// shot is the cause of a snapshot's delivery.
type shot struct{ l *listener }

// Words tell that a snapshot arrives.
func (s *shot) Words(int) string { return "gets a snapshot of " + s.l.shown() }

// InvokedBy tells it from others of its listener.
func (s *shot) InvokedBy() cloud.InvokedBy {
	return cloud.InvokedBy{Kind: "snapshot", Number: s.l.number, Of: s.l.shown()}
}

// Limit is none.
func (s *shot) Limit() time.Duration { return 0 }

// Line is none: a stream's snapshots are one after the other.
func (s *shot) Line() any { return nil }

// Platform is true.
func (s *shot) Platform() bool { return true }

// Invoke does nothing: it is handed over.
func (s *shot) Invoke(context.Context, cloud.Handler, int) cloud.Ending { return cloud.Ending{} }

// Answered and Unanswered do nothing: nobody acknowledges a snapshot.
func (s *shot) Answered(*cloud.Task, cloud.Ending) {}

// Unanswered does nothing.
func (s *shot) Unanswered(*cloud.Task) {}

// To is the function instance that listens.
func (s *shot) To() *cloud.Instance { return s.l.inst }

// Arrange changes nothing.
func (s *shot) Arrange(t *cloud.Task, _ string) *cloud.Task { return t }

// MayDouble is false.
func (s *shot) MayDouble() bool { return false }

// HandOver works the snapshot out, of the present.
func (s *shot) HandOver(*cloud.Task, bool) (deliver func()) {
	l := s.l
	l.task = nil
	answers := l.difference()
	return func() {
		l.mu.Lock()
		l.answers = append(l.answers, answers...)
		l.mu.Unlock()
		l.signal()
	}
}

// difference tells what has changed since the last snapshot.
func (l *listener) difference() []*pb.ListenResponse {
	var out []*pb.ListenResponse
	now, at := map[string]time.Time{}, timestamppb.New(l.b.present())
	for _, d := range l.result(time.Time{}) {
		now[d.name] = d.v.at
		if !l.sent[d.name].Equal(d.v.at) {
			doc, _ := told(d.name, d.v, nil) // without a mask there is no error
			out = append(out, &pb.ListenResponse{ResponseType: &pb.ListenResponse_DocumentChange{DocumentChange: &pb.DocumentChange{Document: doc, TargetIds: []int32{l.id}}}})
		}
	}
	for _, name := range sortedKeys(l.sent) {
		if _, ok := now[name]; ok {
			continue
		}
		if l.b.live(name, time.Time{}) == nil {
			out = append(out, &pb.ListenResponse{ResponseType: &pb.ListenResponse_DocumentDelete{DocumentDelete: &pb.DocumentDelete{Document: name, RemovedTargetIds: []int32{l.id}, ReadTime: at}}})
		} else {
			out = append(out, &pb.ListenResponse{ResponseType: &pb.ListenResponse_DocumentRemove{DocumentRemove: &pb.DocumentRemove{Document: name, RemovedTargetIds: []int32{l.id}, ReadTime: at}}})
		}
	}
	l.sent = now
	token := []byte(strconv.FormatInt(at.AsTime().UnixMicro(), 10))
	current := &pb.TargetChange{TargetChangeType: pb.TargetChange_CURRENT, TargetIds: []int32{l.id}, ReadTime: at, ResumeToken: token}
	whole := &pb.TargetChange{TargetChangeType: pb.TargetChange_NO_CHANGE, ReadTime: at, ResumeToken: token}
	return append(out, targetChange(current), targetChange(whole))
}

func targetChange(c *pb.TargetChange) *pb.ListenResponse {
	return &pb.ListenResponse{ResponseType: &pb.ListenResponse_TargetChange{TargetChange: c}}
}

// say adds an answer.
func (l *listener) say(c *pb.TargetChange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, targetChange(c))
	l.signal()
}

func (l *listener) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// SendMsg takes a request: the first alone.
func (l *listener) SendMsg(m any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.end != nil:
		return io.EOF
	case l.first == nil:
		l.first = proto.Clone(m.(proto.Message)).(*pb.ListenRequest)
		return nil
	}
	what := "several targets of one listener"
	l.b.kernel.Lacks(what)
	l.end = status.Error(codes.Unimplemented, (&rpc.Lack{What: what, Advice: "open a listener for each"}).Error())
	l.signal()
	return nil
}

// CloseSend ends the stream, a moment later.
func (l *listener) CloseSend() error {
	l.ended.Store(true)
	time.AfterFunc(time.Millisecond, func() { //wtsim:go wakes the client's goroutine, and ends
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.end == nil {
			l.end = io.EOF
		}
		l.signal()
	})
	return nil
}

// RecvMsg waits for an answer.
func (l *listener) RecvMsg(m any) error {
	return rpc.Recv(l.ctx, l.done, l.wake, m, func() (proto.Message, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.answers) > 0 {
			next := l.answers[0]
			l.answers = l.answers[1:]
			return next, nil
		}
		return nil, l.end
	})
}
