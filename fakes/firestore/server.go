package firestore

import (
	"context"
	"slices"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe"
)

// server answers the client's calls.
type server struct {
	pb.UnimplementedFirestoreServer
	b *Backend
}

// OpenStream makes the streams of reads, and of listeners.
func (s *server) OpenStream(ctx context.Context, method string, done <-chan struct{}) grpc.ClientStream {
	var answer func(context.Context, proto.Message) ([]proto.Message, error)
	switch method {
	case pb.Firestore_BatchGetDocuments_FullMethodName:
		answer = s.batchGet
	case pb.Firestore_RunQuery_FullMethodName:
		answer = s.runQuery
	case pb.Firestore_RunAggregationQuery_FullMethodName:
		answer = s.runAggregation
	case pb.Firestore_Listen_FullMethodName:
		return newListener(ctx, s.b, done)
	default:
		return nil
	}
	return rpc.Replies(ctx, done, s.b.kernel.Lacks, answer)
}

// BeginTransaction opens a transaction.
func (s *server) BeginTransaction(ctx context.Context, r *pb.BeginTransactionRequest) (*pb.BeginTransactionResponse, error) {
	if err := checkDatabase(r.Database); err != nil {
		return nil, err
	}
	s.b.kernel.Lock()
	defer s.b.kernel.Unlock()
	t, err := s.b.begin(probe.CallOf(ctx), r.Options)
	if err != nil {
		return nil, err
	}
	return &pb.BeginTransactionResponse{Transaction: []byte(t.id)}, nil
}

// Rollback ends a transaction without its writes. One that is over already is
// no error.
func (s *server) Rollback(_ context.Context, r *pb.RollbackRequest) (*emptypb.Empty, error) {
	if err := checkDatabase(r.Database); err != nil {
		return nil, err
	}
	s.b.kernel.Lock()
	t := s.b.opened[string(r.Transaction)]
	_, known := s.b.ages[string(r.Transaction)]
	var next after
	if t != nil {
		s.b.end(t)
		next = s.b.serve()
	}
	s.b.kernel.Unlock()
	next.run()
	if !known {
		return nil, errExpired
	}
	return &emptypb.Empty{}, nil
}

// Commit writes all or nothing, in a transaction or by itself.
func (s *server) Commit(ctx context.Context, r *pb.CommitRequest) (*pb.CommitResponse, error) {
	if err := checkWrites(r.Database, r.Writes, r); err != nil {
		return nil, err
	}
	b := s.b
	w := &waiter{cause: probe.CallOf(ctx)}
	if len(r.Transaction) > 0 {
		b.kernel.Lock()
		t, err := b.find(r.Transaction)
		b.kernel.Unlock()
		switch {
		case err != nil:
			return nil, err
		case t.readOnly && len(r.Writes) > 0:
			return nil, errReadOnly
		}
		w.t = t
	}
	w.changes = func() []change { return b.aims(r.Writes) }
	w.act = func() (any, []change, error) { return b.commit(w.t, r.Writes) }
	return do[*pb.CommitResponse](ctx, b, w)
}

// checkWrites checks a request's names and its size.
func checkWrites(database string, writes []*pb.Write, r proto.Message) error {
	if err := checkDatabase(database); err != nil {
		return err
	}
	if n := proto.Size(r); n > mostRequestBytes {
		return invalid("Request payload size exceeds the limit: %d bytes.", mostRequestBytes)
	}
	for _, one := range writes {
		name, err := target(one)
		if err != nil {
			return err
		}
		if rootOf(name) != database+"/documents" {
			return invalid("Document \"%s\" is not in the database \"%s\".", name, database)
		}
	}
	return nil
}

// aims are the changes that writes ask for, whether or not they are refused, or
// change anything.
func (b *Backend) aims(writes []*pb.Write) []change {
	if b.service.lacks(isolation) {
		return nil
	}
	w, err := b.apply(writes, b.present())
	var out []change
	if err != nil {
		for _, one := range writes {
			name, _ := target(one) // it was checked
			out = append(out, change{name: name, old: b.live(name, time.Time{})})
		}
		return out
	}
	for _, name := range w.order {
		c := change{name: name, old: b.live(name, time.Time{})}
		if v := w.states[name]; v != nil {
			c.new = *v
		}
		out = append(out, c)
	}
	return out
}

// commit carries writes out.
func (b *Backend) commit(t *transaction, writes []*pb.Write) (*pb.CommitResponse, []change, error) {
	if t != nil {
		if b.opened[t.id] == nil {
			return nil, nil, errExpired
		}
		if t.optimistic && !b.service.lacks(isolation) && b.stale(t) {
			b.end(t)
			return nil, nil, errContention
		}
	}
	before := b.last
	w, err := b.apply(writes, b.tick())
	if err != nil {
		b.last = before
		return nil, nil, err
	}
	if t != nil {
		b.end(t)
	}
	return &pb.CommitResponse{WriteResults: w.results, CommitTime: timestamppb.New(w.at)}, w.changes(), nil
}

// BatchWrite writes each by itself, those that can be.
func (s *server) BatchWrite(ctx context.Context, r *pb.BatchWriteRequest) (*pb.BatchWriteResponse, error) {
	if err := checkWrites(r.Database, r.Writes, r); err != nil {
		return nil, err
	}
	var names []string
	for _, one := range r.Writes {
		name, _ := target(one) // it was checked
		if slices.Contains(names, name) {
			return nil, invalid("Cannot write to the same document more than once per request: %s", name)
		}
		names = append(names, name)
	}
	answer := &pb.BatchWriteResponse{}
	for _, one := range r.Writes {
		writes := []*pb.Write{one}
		w := &waiter{cause: probe.CallOf(ctx), changes: func() []change { return s.b.aims(writes) }}
		w.act = func() (any, []change, error) { return s.b.commit(nil, writes) }
		done, err := do[*pb.CommitResponse](ctx, s.b, w)
		result := &pb.WriteResult{}
		if err == nil {
			result = done.WriteResults[0]
		}
		answer.WriteResults = append(answer.WriteResults, result)
		answer.Status = append(answer.Status, statusOf(err))
	}
	return answer, nil
}

// statusOf is an error in an answer.
func statusOf(err error) *spb.Status {
	if err == nil {
		return &spb.Status{Code: int32(codes.OK)}
	}
	return status.Convert(err).Proto()
}
