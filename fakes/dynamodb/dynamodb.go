// Package dynamodb is Amazon DynamoDB in process, behind the clients of AWS's
// SDK for Go, v1 and v2. The server is ours.
//
// A scenario declares it with [New], and with it its tables ([Table]). What
// clients make of https://dynamodb.REGION.amazonaws.com reaches it; a
// constructor gives its client [Client], or [cloud.Env.HTTPClient]:
//
//	dynamodb.NewFromConfig(aws.Config{Region: "us-east-1", HTTPClient: env.HTTPClient(), Credentials: ...})
//
// What holds, and what may happen (see docs/aws.md):
//
//   - Expressions, their placeholders, reserved words and limits; numbers are
//     exact to 38 digits.
//   - A write of an item is atomic, and so is a transaction. A batch is not: any of its
//     writes may be left to the caller, as UnprocessedItems (a deviation).
//   - A read that does not ask for consistency, and every read of a global
//     index, may miss the newest writes, of the last second (stale-read).
//   - A client request token makes a transaction idempotent for ten minutes.
//   - An item whose time to live is over is there until [Service.Deletes] says,
//     which unless it is asked for is never: a run is over before.
//   - Streams ([Stream]) keep their records for 24 hours.
//   - Throttling and internal errors, before a call has an effect; lost answers.
//
// Not supported, and refused by name: PartiQL, the parameters from before
// expressions (Expected, AttributeUpdates, KeyConditions, QueryFilter,
// ScanFilter, AttributesToGet, ConditionalOperator), backups, exports, imports,
// global tables, Kinesis destinations, contributor insights, resource policies,
// item collection metrics. Throughput that is provisioned is told, and limits nothing.
package dynamodb

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/probe"
)

// Service declares a DynamoDB. It is a value: its methods return another and
// leave it as it is.
type Service struct {
	cloud.Places

	name    string
	tables  []Table
	items   []stored
	deletes time.Duration
	without []string // guarantees
}

// stored is an item that exists when a run starts.
type stored struct{ table, item string }

// New declares a DynamoDB with these tables under a name, usually "dynamodb".
// Its operations are those of a service of that name. Their resources are
// those of package awsprobe: "articles/x" is the item of table articles whose
// partition key is x.
func New(name string, tables ...Table) *Service { return &Service{name: name, tables: tables} }

// At returns the service with addresses at which programs look for it that have
// them written down, such as "localhost:8000". Other services of AWS may have the
// same address.
func (s *Service) At(addresses ...string) *Service {
	out := *s
	out.Places = s.And(addresses...)
	return &out
}

// With returns the service with an item that exists when a run starts, as
// JSON with types: {"slug":{"S":"x"}}.
func (s *Service) With(table, item string) *Service {
	out := *s
	out.items = append(slices.Clip(s.items), stored{table, item})
	return &out
}

// Deletes returns the service with items deleted so long after their time to
// live is over. The service itself says: within a few days.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
func (s *Service) Deletes(after time.Duration) *Service {
	out := *s
	out.deletes = after
	return &out
}

// Streams are the names of the tables that have a stream.
func (s *Service) Streams() (out []string) {
	for _, t := range s.tables {
		if t.Stream != "" {
			out = append(out, t.Name)
		}
	}
	return out
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short how it is declared.
func (s *Service) String() string {
	var b strings.Builder
	b.WriteString("DynamoDB")
	for i, t := range s.tables {
		b.WriteString([]string{": ", "; "}[min(i, 1)] + t.String())
	}
	return b.String()
}

// Check returns the first thing that is wrong with it, in a sentence.
func (s *Service) Check(cloud.Deployment) error {
	_, err := s.open(nil)
	return err
}

// Open starts a DynamoDB with the declared tables.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	b, err := s.open(k)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (s *Service) open(k cloud.Kernel) (*Backend, error) {
	b := &Backend{service: s, kernel: k, tables: map[string]*table{}, tokens: map[string]*remembered{}, fates: map[*probe.Call]string{}}
	b.Wire = awswire.New(awswire.API{
		Service: "dynamodb", Called: s.name, Namespace: "com.amazonaws.dynamodb.v20120810", Checksum: true,
		Keys: b.keysOf, Faults: faults, Kernel: k, Handle: b.handle,
	})
	for _, t := range s.tables {
		made, err := t.table()
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: table %q: %w", s.name, t.Name, err)
		case b.tables[t.Name] != nil:
			return nil, fmt.Errorf("%s: table %q is declared twice", s.name, t.Name)
		}
		if k != nil {
			made.made = k.Now()
			b.startStream(made, t.Stream)
		}
		b.tables[t.Name] = made
	}
	for _, i := range s.items {
		if err := b.store(i); err != nil {
			return nil, fmt.Errorf("%s: an item of table %q: %w", s.name, i.table, err)
		}
	}
	return b, nil
}

// Backend is a DynamoDB during one run. Its lock guards it; effects that make
// something fall due take the kernel's before. Its many methods are the API's
// operations, one each; there is a table of them.
type Backend struct {
	*awswire.Wire
	service *Service
	kernel  cloud.Kernel

	mu      sync.Mutex
	tables  map[string]*table
	region  string // that requests have named; empty before the first
	journal []entry
	tokens  map[string]*remembered
	fates   map[*probe.Call]string // deviations that calls are to meet
	uses    []use                  // of the last second
}

var errNoSuchTable = errors.New("there is no such table")

// Client returns an HTTP client of a function instance that reaches this
// service, for the configuration of a client of AWS's.
func Client(env cloud.Env, service string) *http.Client {
	return env.Backend(service).(*Backend).Client(env)
}

// keysOf are the names of a table's keys.
func (b *Backend) keysOf(name string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.tables[name]; t != nil {
		return t.names()
	}
	return nil
}

// Contents returns every item, as table/key and the item as JSON with types.
func (b *Backend) Contents() []cloud.Content {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []cloud.Content
	for _, name := range sorted(b.tables) {
		t := b.tables[name]
		var of []cloud.Content
		for _, r := range t.rows {
			key := name
			for _, k := range t.names() {
				key += "/" + r.item[k].text()
			}
			of = append(of, cloud.Content{Key: key, Value: string(r.item.append(nil))})
		}
		slices.SortFunc(of, func(a, b cloud.Content) int { return strings.Compare(a.Key, b.Key) })
		out = append(out, of...)
	}
	return out
}

// text is a scalar as people read it.
func (v *value) text() string {
	if v.kind == "N" {
		return v.n.String()
	}
	return v.s
}

// Touches reports whether an operation touches nothing but what it names: one
// on items does, unless the table has a stream, whose records have an order.
func (b *Backend) Touches(op *event.Operation) bool {
	if op.Resource == "" || strings.Contains(op.Resource, "*") {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range strings.Fields(op.Resource) {
		table, _, _ := strings.Cut(name, "/")
		if t := b.tables[table]; t == nil || t.stream != nil && op.Access&event.Writes != 0 {
			return false
		}
	}
	return true
}
