// Package firestore is Firestore (Native mode, Standard edition) in process,
// behind the real cloud.google.com/go/firestore client.
//
// A scenario declares it with [New], and with it the indexes that do not exist
// by themselves, the fields by which documents expire, and documents that are
// there when a run starts. A function's constructor gets its client from
// [Client]. Changes of documents are events of Eventarc's.
//
//   - Reads and queries are strong; documents keep their past for reads at a
//     time of the last hour.
//   - Commit writes all or nothing; BatchWrite each write by itself.
//   - A transaction locks what it reads, the ranges of its queries too, unless
//     it is optimistic ([Service.Optimistic]): then its commit is refused if
//     something of it has changed. Who writes what is locked waits, and is told
//     as waiting. Of transactions that wait for each other the youngest is
//     aborted, and the client runs its function again.
//   - A transaction is over after 60 s in which nothing is asked of it, and after
//     270 s; its locks are free then.
//   - A query without an index that it needs is refused, with the service's
//     message.
//   - A listener gets one snapshot a step, of all that has changed since the last;
//     a stream that breaks is resumed where it was.
//   - A document whose field of expiry has passed is deleted a day later, the
//     latest that the documentation tells of.
//
// BatchGetDocuments, BeginTransaction, Commit, Rollback, BatchWrite, RunQuery,
// RunAggregationQuery, ListDocuments, ListCollectionIds, PartitionQuery and
// Listen work: all that the client calls. The operations' resources are paths of
// documents, or of collections with /* behind them.
//
// Not supported, and answered with UNIMPLEMENTED: pipelines (ExecutePipeline, of
// the Enterprise edition), the stream Write, GetDocument, CreateDocument,
// UpdateDocument and DeleteDocument (no client library of Go's calls them),
// find_nearest, explain options, several targets of one listener. Not there at
// all: Datastore mode, the REST interface, security rules, point-in-time recovery
// beyond an hour, exemptions from indexes, events with a context of
// authentication, limits of rates, the order of numeric ids, the index that
// sum and avg need of their field.
package firestore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/api/option"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe/gcpprobe"
)

// Project is the project of the clients that [Client] makes.
const Project = gcp.Project

// Service declares a Firestore. It is a value: its methods return another and
// leave it as it is.
type Service struct {
	cloud.Places

	name       string
	optimistic bool
	indexes    []Index
	expiry     []expiry
	documents  []seed
	without    []string // guarantees
}

// expiry is a field that says when a collection group's documents expire.
type expiry struct{ collection, field string }

// seed is a document that exists when a run starts.
type seed struct {
	path   string
	fields map[string]any
}

// New declares a Firestore under a name, usually "firestore". Its operations are
// those of a service of that name.
func New(name string) *Service { return &Service{name: name} }

// At returns the service with addresses at which programs look for it that have
// them written down, such as "localhost:8080". A client that dials by itself
// reaches it there on the patched runtime; plain Go cannot bring a dial here.
func (s *Service) At(addresses ...string) *Service {
	out := *s
	out.Places = s.And(addresses...)
	return &out
}

// Optimistic returns the service with a database whose transactions are
// optimistic: no read locks, a commit is refused with ABORTED if what its
// transaction has read has changed. A transaction may ask for another mode.
// https://cloud.google.com/datastore/docs/reference/admin/rest/Shared.Types/ConcurrencyMode
func (s *Service) Optimistic() *Service {
	out := *s
	out.optimistic = true
	return &out
}

// Indexed returns the service with further indexes.
func (s *Service) Indexed(indexes ...Index) *Service {
	out := *s
	out.indexes = append(slices.Clip(s.indexes), indexes...)
	return &out
}

// Expiring returns the service with a field that says, as a time, when a
// document of a collection group expires. It is deleted within a day after that.
// https://firebase.google.com/docs/firestore/ttl
func (s *Service) Expiring(collection, field string) *Service {
	out := *s
	out.expiry = append(slices.Clip(s.expiry), expiry{collection, field})
	return &out
}

// With returns the service with a document that exists when a run starts, by its
// path: "users/u1". Fields are what JSON can tell, and [time.Time].
func (s *Service) With(path string, fields map[string]any) *Service {
	out := *s
	out.documents = append(slices.Clip(s.documents), seed{path, fields})
	return &out
}

// Hosts are where production's clients find it.
func (s *Service) Hosts() []string { return []string{"firestore.googleapis.com"} }

// Emulator tells programs' clients where it is.
// https://pkg.go.dev/cloud.google.com/go/firestore#hdr-Google_Cloud_Firestore_Emulator
func (s *Service) Emulator(address string) (name, value string) {
	return "FIRESTORE_EMULATOR_HOST", address
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short how it is declared.
func (s *Service) String() string {
	var b strings.Builder
	b.WriteString("Firestore")
	if s.optimistic {
		b.WriteString(", optimistic transactions")
	}
	for i, d := range s.documents {
		b.WriteString(map[bool]string{true: "; documents ", false: ", "}[i == 0] + d.path)
	}
	for _, x := range s.indexes {
		fmt.Fprintf(&b, "; index of %s: %s", x.Collection, strings.Join(x.Fields, ", "))
	}
	for _, x := range s.expiry {
		fmt.Fprintf(&b, "; %s expire by %s", x.collection, x.field)
	}
	return b.String()
}

// Check returns the first thing that is wrong with the declaration.
func (s *Service) Check(cloud.Deployment) error {
	for _, x := range s.indexes {
		if err := x.check(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for _, x := range s.expiry {
		if _, err := parseField(x.field); err != nil || x.collection == "" {
			return fmt.Errorf("%s: documents of %q expire by the field %q, wanted the id of a collection and a field's path", s.name, x.collection, x.field)
		}
	}
	for _, d := range s.documents {
		if err := checkDocument(seeded(d.path)); err != nil {
			return fmt.Errorf("%s: document %q: wanted a path such as users/u1", s.name, d.path)
		}
		if _, err := valueOf(d.fields); err != nil {
			return fmt.Errorf("%s: document %q: %w", s.name, d.path, err)
		}
	}
	return nil
}

// seeded is the full name of a document that exists when a run starts.
func seeded(path string) string {
	return "projects/" + Project + "/databases/(default)/documents/" + path
}

func (s *Service) lacks(guarantee string) bool { return slices.Contains(s.without, guarantee) }

// Open starts it for a run.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	b := &Backend{kernel: k, service: s, docs: map[string][]version{}, opened: map[string]*transaction{},
		ages: map[string]int{}, expiring: map[string]time.Time{}}
	describe := func(method string, request proto.Message, op *event.Operation) {
		gcpprobe.DescribeFirestore(method, request, op)
		op.Service = s.name
	}
	b.Backend = rpc.NewBackend(methods, &server{b: b}, describe, k.Lacks)
	for _, d := range s.documents {
		v, err := valueOf(d.fields)
		if err != nil {
			return nil, fmt.Errorf("firestore: document %q: %w", d.path, err)
		}
		at := b.tick()
		c := change{name: seeded(d.path), new: version{at: at, created: at, fields: v.GetMapValue().GetFields()}}
		b.put(c.name, c.new)
		b.schedule(nil, c)
	}
	return b, nil
}

// Client returns the real client of a function instance, in project [Project].
// options may hold what production uses, but no connection. It panics if the
// client cannot be made, which is a mistake in the options.
func Client(env cloud.Env, service string, options ...option.ClientOption) *firestore.Client {
	client, err := firestore.NewClient(env.Context(), Project, append(options, Option(env, service))...)
	if err != nil {
		panic(fmt.Errorf("firestore: the client could not be made in process: %w", err))
	}
	return client
}

// Option returns the option that connects a client of a function instance (one
// of another project or database) to the run's Firestore.
func Option(env cloud.Env, service string) option.ClientOption {
	return env.Backend(service).(*Backend).Option(env)
}

var methods = rpc.NewMethods("the client library for Go does without it", &pb.Firestore_ServiceDesc)

// TellsOf reports whether events of a type are Firestore's.
func (s *Service) TellsOf(eventType string) bool {
	return strings.HasPrefix(eventType, "google.cloud.firestore.")
}

// The guarantees.
const (
	isolation     = "firestore/transactions"
	preconditions = "firestore/preconditions"
)

// Guarantees lists what [Service.Without] can take away.
func (s *Service) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{
		{Name: isolation, Without: "a transaction neither locks nor checks what it has read: others change it meanwhile",
			Source: "https://firebase.google.com/docs/firestore/transaction-data-contention",
			Used:   cloud.Asks(func(op *event.Operation) bool { return op.Service == s.name && op.Method == "beginTransaction" })},
		{Name: preconditions, Without: "every write happens, as if its precondition held",
			Source: "https://firebase.google.com/docs/firestore/reference/rpc/google.firestore.v1#precondition",
			Used: cloud.Asks(func(op *event.Operation) bool {
				return op.Service == s.name && strings.Contains(string(op.Request.Body), `"currentDocument"`)
			})},
	}
}

// Without returns the service without one of its guarantees.
func (s *Service) Without(guarantee string) cloud.Service {
	out := *s
	out.without = append(slices.Clip(s.without), guarantee)
	return &out
}

func itoa(n int) string { return strconv.Itoa(n) }
