package firestore

import (
	"context"
	"strconv"
	"strings"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe"
)

// reading says how a request reads: in a transaction, a new one, or at a time.
type reading struct {
	transaction []byte
	begin       *pb.TransactionOptions
	at          *timestamppb.Timestamp
}

// consistency is what requests have in common that read.
type consistency interface {
	GetTransaction() []byte
	GetReadTime() *timestamppb.Timestamp
}

func readingOf(r consistency) reading {
	out := reading{transaction: r.GetTransaction(), at: r.GetReadTime()}
	if n, ok := r.(interface {
		GetNewTransaction() *pb.TransactionOptions
	}); ok {
		out.begin = n.GetNewTransaction()
	}
	return out
}

// snapshot is what a read sees.
type snapshot struct {
	b   *Backend
	at  time.Time // of the state that it sees; zero for the present
	now time.Time // that its answer tells
	id  []byte    // of the transaction that it has begun
}

func (s *snapshot) readTime() *timestamppb.Timestamp { return timestamppb.New(s.now) }

// read reads what some footprints say, under the locks that it takes.
func read[T any](ctx context.Context, b *Backend, r reading, reads []footprint, look func(*snapshot) (T, error)) (T, error) {
	var none T
	s := &snapshot{b: b}
	w := &waiter{cause: probe.CallOf(ctx)}
	b.kernel.Lock()
	t, err := b.transactionOf(w.cause, r, s)
	b.kernel.Unlock()
	if err != nil {
		return none, err
	}
	if w.t = t; t != nil && t.pessimistic() && !b.service.lacks(isolation) {
		w.reads = reads
	}
	w.act = func() (any, []change, error) {
		if t != nil && b.opened[t.id] == nil {
			return nil, nil, errExpired
		}
		if t != nil && !b.service.lacks(isolation) {
			b.note(t, reads)
			s.at = t.snapshot
		}
		if s.now = s.at; s.at.IsZero() {
			s.now = b.present()
		}
		out, err := look(s)
		return out, nil, err
	}
	return do[T](ctx, b, w)
}

// transactionOf finds or begins the transaction of a read; nil if it has none.
func (b *Backend) transactionOf(cause *probe.Call, r reading, s *snapshot) (*transaction, error) {
	switch {
	case len(r.transaction) > 0:
		return b.find(r.transaction)
	case r.begin != nil:
		t, err := b.begin(cause, r.begin)
		if err == nil {
			s.id = []byte(t.id)
		}
		return t, err
	case r.at != nil:
		s.at = r.at.AsTime()
		return nil, b.readable(s.at)
	}
	return nil, nil
}

// batchGet reads documents, each once, in the order in which they are named.
func (s *server) batchGet(ctx context.Context, m proto.Message) ([]proto.Message, error) {
	r := m.(*pb.BatchGetDocumentsRequest)
	if err := checkDatabase(r.Database); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var reads []footprint
	for _, name := range r.Documents {
		if err := checkDocument(name); err != nil {
			return nil, err
		}
		if !seen[name] {
			reads = append(reads, footprint{name: name})
		}
		seen[name] = true
	}
	return read(ctx, s.b, readingOf(r), reads, func(s *snapshot) ([]proto.Message, error) {
		var out []proto.Message
		if s.id != nil {
			out = append(out, &pb.BatchGetDocumentsResponse{Transaction: s.id})
		}
		for _, f := range reads {
			answer := &pb.BatchGetDocumentsResponse{ReadTime: s.readTime(), Result: &pb.BatchGetDocumentsResponse_Missing{Missing: f.name}}
			if v := s.b.live(f.name, s.at); v != nil {
				doc, err := told(f.name, v, r.Mask)
				if err != nil {
					return nil, err
				}
				answer.Result = &pb.BatchGetDocumentsResponse_Found{Found: doc}
			}
			out = append(out, answer)
		}
		return out, nil
	})
}

// queryOf reads and checks a query.
func (s *server) queryOf(parent string, sq *pb.StructuredQuery, explained bool) (*query, error) {
	if explained {
		return nil, &rpc.Lack{What: "explain options", Advice: "the simulator has no query plans"}
	}
	q, err := parseQuery(parent, sq)
	if err == nil {
		err = s.b.indexed(q)
	}
	return q, err
}

// runQuery answers a query.
func (s *server) runQuery(ctx context.Context, m proto.Message) ([]proto.Message, error) {
	r := m.(*pb.RunQueryRequest)
	q, err := s.queryOf(r.Parent, r.GetStructuredQuery(), r.ExplainOptions != nil)
	if err != nil {
		return nil, err
	}
	return read(ctx, s.b, readingOf(r), []footprint{{query: q}}, func(s *snapshot) ([]proto.Message, error) {
		docs, skipped := s.b.results(q, s.at)
		var out []proto.Message
		if s.id != nil {
			out = append(out, &pb.RunQueryResponse{Transaction: s.id})
		}
		for _, d := range docs {
			doc, err := told(d.name, d.v, q.fields)
			if err != nil {
				return nil, err
			}
			out = append(out, &pb.RunQueryResponse{Document: doc, ReadTime: s.readTime(), SkippedResults: int32(skipped)})
			skipped = 0
		}
		if len(docs) == 0 {
			out = append(out, &pb.RunQueryResponse{ReadTime: s.readTime(), SkippedResults: int32(skipped)})
		}
		return out, nil
	})
}

// runAggregation answers a query with numbers.
func (s *server) runAggregation(ctx context.Context, m proto.Message) ([]proto.Message, error) {
	r := m.(*pb.RunAggregationQueryRequest)
	of := r.GetStructuredAggregationQuery()
	q, err := s.queryOf(r.Parent, of.GetStructuredQuery(), r.ExplainOptions != nil)
	if err != nil {
		return nil, err
	}
	return read(ctx, s.b, readingOf(r), []footprint{{query: q}}, func(s *snapshot) ([]proto.Message, error) {
		docs, _ := s.b.results(q, s.at)
		fields, err := aggregated(docs, of.GetAggregations())
		if err != nil {
			return nil, err
		}
		return []proto.Message{&pb.RunAggregationQueryResponse{Transaction: s.id, ReadTime: s.readTime(), Result: &pb.AggregationResult{AggregateFields: fields}}}, nil
	})
}

// ListDocuments lists a collection's documents, also those that are missing and
// have others below them, if it is asked to.
func (s *server) ListDocuments(ctx context.Context, r *pb.ListDocumentsRequest) (*pb.ListDocumentsResponse, error) {
	if r.OrderBy != "" {
		return nil, &rpc.Lack{What: "order_by of ListDocuments", Advice: "run a query"}
	}
	q, err := parseQuery(r.Parent, &pb.StructuredQuery{From: []*pb.StructuredQuery_CollectionSelector{{CollectionId: r.CollectionId}}})
	if err != nil {
		return nil, err
	}
	return read(ctx, s.b, readingOf(r), []footprint{{query: q}}, func(s *snapshot) (*pb.ListDocumentsResponse, error) {
		names := s.listed(q, r.ShowMissing)
		rest, next := page(names, int(r.PageSize), r.PageToken)
		answer := &pb.ListDocumentsResponse{NextPageToken: next}
		for _, name := range rest {
			doc := &pb.Document{Name: name}
			if v := s.b.live(name, s.at); v != nil {
				var err error
				if doc, err = told(name, v, r.Mask); err != nil {
					return nil, err
				}
			}
			answer.Documents = append(answer.Documents, doc)
		}
		return answer, nil
	})
}

// listed are the names in a collection, sorted: of documents, and of what only
// has some below it.
func (s *snapshot) listed(q *query, missing bool) []string {
	seen := map[string]bool{}
	var out []string
	for _, name := range s.b.names {
		if s.b.live(name, s.at) == nil {
			continue
		}
		if missing {
			name = ancestor(name, q.parent)
		}
		if name != "" && !seen[name] && q.within(name) {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out
}

// ancestor is the document directly below a parent that a name is, or is below.
func ancestor(name, parent string) string {
	rest, ok := strings.CutPrefix(name, parent+"/")
	if !ok {
		return ""
	}
	ids := strings.SplitN(rest, "/", 3)
	return parent + "/" + ids[0] + "/" + ids[1]
}

// page is a part of a list; its token is where the next begins.
func page(all []string, size int, token string) (part []string, next string) {
	from, _ := strconv.Atoi(token) // no token is the beginning
	from = max(0, min(from, len(all)))
	if size <= 0 || from+size >= len(all) {
		return all[from:], ""
	}
	return all[from : from+size], itoa(from + size)
}

// ListCollectionIds lists the collections directly below a document, or of the
// database.
func (s *server) ListCollectionIds(ctx context.Context, r *pb.ListCollectionIdsRequest) (*pb.ListCollectionIdsResponse, error) {
	if err := checkParent(r.Parent); err != nil {
		return nil, err
	}
	return read(ctx, s.b, reading{at: r.GetReadTime()}, nil, func(s *snapshot) (*pb.ListCollectionIdsResponse, error) {
		var ids []string
		for _, name := range s.b.below(r.Parent + "/") {
			if s.b.live(name, s.at) == nil {
				continue
			}
			id, _, _ := strings.Cut(strings.TrimPrefix(name, r.Parent+"/"), "/")
			if len(ids) == 0 || ids[len(ids)-1] != id {
				ids = append(ids, id)
			}
		}
		part, next := page(ids, int(r.PageSize), r.PageToken)
		return &pb.ListCollectionIdsResponse{CollectionIds: part, NextPageToken: next}, nil
	})
}

// leastPartition is how many documents a partition has at least: "The actual
// number of partitions returned may be fewer".
const leastPartition = 128

// PartitionQuery cuts the result of a query of a collection group into parts, at
// names of documents.
func (s *server) PartitionQuery(ctx context.Context, r *pb.PartitionQueryRequest) (*pb.PartitionQueryResponse, error) {
	q, err := parseQuery(r.Parent, r.GetStructuredQuery())
	switch {
	case err != nil:
		return nil, err
	case !q.group || q.where != nil || q.limit >= 0 || q.offset > 0 || q.start != nil || q.end != nil:
		return nil, invalid("PartitionQuery requires a collection group query that is ordered by __name__, without filters, limits, offsets and cursors.")
	case r.PartitionCount <= 0:
		return nil, invalid("partition_count must be positive.")
	}
	return read(ctx, s.b, reading{at: r.GetReadTime()}, nil, func(s *snapshot) (*pb.PartitionQueryResponse, error) {
		all := s.b.all(q, s.at)
		parts := min(int(r.PartitionCount)+1, len(all)/leastPartition)
		answer := &pb.PartitionQueryResponse{}
		for i := 1; i < parts; i++ {
			at := all[i*len(all)/parts]
			answer.Partitions = append(answer.Partitions, &pb.Cursor{Values: []*pb.Value{reference(at.name)}, Before: true})
		}
		return answer, nil
	})
}
