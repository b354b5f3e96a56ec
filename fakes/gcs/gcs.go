// Package gcs is Cloud Storage in process: fake-gcs-server behind the real
// cloud.google.com/go/storage client, with what the service promises put
// right in front of it.
//
//   - Generations rise with every write, also under a frozen clock; a
//     metageneration is 1 with a new generation and rises with every update
//     of metadata. ETags tell both.
//   - Preconditions on either hold for every operation: uploads (also when
//     they end), reads, updates, deletes, copies and compositions, and those
//     on what is copied or composed.
//   - Without [Service.Versioned] only the live generation exists.
//   - Changes are told to Eventarc, and to topics by [Service.Notify].
//   - [Service.RateLimited] refuses a second change of an object within a
//     second.
//
// Not supported: ETags as preconditions, soft delete, holds and retention,
// object moves, batches, signed URLs, uploads by form or through the XML API,
// notification configurations that are made during a run, lifecycle rules,
// access control (lists are stored, and mean nothing), a limit of one second
// for bucket names, the componentCount of a composition.
package gcs

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cloud.google.com/go/storage"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	"google.golang.org/api/option"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/gcpprobe"
	"github.com/wtsim/wtsim/probe/httpprobe"
)

// Service declares a Cloud Storage. It is a value: its methods return
// another and leave it as it is.
type Service struct {
	cloud.Places

	name      string
	buckets   []string
	versioned []string
	objects   []fakestorage.Object
	configs   []config
	limited   bool
	without   []string // guarantees
}

// New declares a Cloud Storage with these buckets under a name, usually "gcs".
// Its operations are those of a service of that name.
func New(name string, buckets ...string) *Service { return &Service{name: name, buckets: buckets} }

// At returns the service with addresses at which programs look for it that have
// them written down, such as "localhost:4443". A client that dials by itself reaches
// it there on the patched runtime; so does, on plain Go, the default HTTP client.
func (s *Service) At(addresses ...string) *Service {
	out := *s
	out.Places = s.And(addresses...)
	return &out
}

// With returns the service with an object that exists when a run starts.
func (s *Service) With(bucket, name, content string) *Service {
	out := *s
	out.objects = append(slices.Clip(s.objects), fakestorage.Object{
		ObjectAttrs: fakestorage.ObjectAttrs{BucketName: bucket, Name: name}, Content: []byte(content)})
	return &out
}

// Versioned returns the service with Object Versioning enabled for buckets:
// what is overwritten or deleted becomes a noncurrent generation.
// https://docs.cloud.google.com/storage/docs/object-versioning
func (s *Service) Versioned(buckets ...string) *Service {
	out := *s
	out.versioned = append(slices.Clip(s.versioned), buckets...)
	return &out
}

// RateLimited returns the service with its limit of one change (create,
// update, delete) a second and object name: what comes sooner is refused with
// 429 rateLimitExceeded. The service itself lets bursts pass now and then, so
// a scenario asks for it.
// https://cloud.google.com/storage/quotas#objects
func (s *Service) RateLimited() *Service {
	out := *s
	out.limited = true
	return &out
}

// Emulator tells programs' clients where it is.
// https://pkg.go.dev/cloud.google.com/go/storage#hdr-Creating_a_Client
func (s *Service) Emulator(address string) (name, value string) {
	return "STORAGE_EMULATOR_HOST", address
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short how it is declared.
func (s *Service) String() string {
	var b strings.Builder
	b.WriteString("Cloud Storage: buckets " + strings.Join(s.buckets, ", "))
	for i, o := range s.objects {
		b.WriteString(map[bool]string{true: "; objects ", false: ", "}[i == 0] + o.BucketName + "/" + o.Name)
	}
	for _, c := range s.configs {
		fmt.Fprintf(&b, "; %s tells topic %s", c.bucket, c.topic)
	}
	if len(s.versioned) > 0 {
		b.WriteString("; versioned: " + strings.Join(s.versioned, ", "))
	}
	return b.String()
}

// Open starts a Cloud Storage with the declared buckets.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	server, err := take()
	if err != nil {
		return nil, fmt.Errorf("gcs: %w", err)
	}
	b := &Backend{
		server: server, base: server.HTTPClient().Transport, name: s.name, kernel: k, configs: s.configs, limited: s.limited,
		careless: slices.Contains(s.without, preconditions),
		meta:     map[version]int64{}, buckets: map[string]int64{}, uploads: map[string]upload{}, changed: map[version]time.Time{},
	}
	for _, name := range s.buckets {
		server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: name, VersioningEnabled: slices.Contains(s.versioned, name)})
	}
	for _, o := range s.objects {
		o.Generation = b.next()
		server.CreateObject(o)
	}
	return b, nil
}

// Check returns the first bucket or topic that is named but not there.
func (s *Service) Check(d cloud.Deployment) error {
	for _, o := range s.objects {
		if !slices.Contains(s.buckets, o.BucketName) {
			return fmt.Errorf("%s: object %q is in bucket %q, wanted one of %q", s.name, o.Name, o.BucketName, s.buckets)
		}
	}
	for _, name := range s.versioned {
		if !slices.Contains(s.buckets, name) {
			return fmt.Errorf("%s: bucket %q is versioned, wanted one of %q", s.name, name, s.buckets)
		}
	}
	for _, c := range s.configs {
		switch {
		case !slices.Contains(s.buckets, c.bucket):
			return fmt.Errorf("%s: notifications of bucket %q, wanted one of %q", s.name, c.bucket, s.buckets)
		case !hasTopic(d, c.topic):
			return fmt.Errorf("%s: notifications of bucket %q go to topic %q, which the scenario does not have", s.name, c.bucket, c.topic)
		}
	}
	return nil
}

func hasTopic(d cloud.Deployment, topic string) bool {
	return slices.ContainsFunc(d.Services, func(v cloud.Service) bool {
		t, ok := v.(gcp.HasTopics)
		return ok && slices.Contains(t.TopicNames(d), topic)
	})
}

// TellsOf reports whether events of a type are Cloud Storage's.
func (s *Service) TellsOf(eventType string) bool {
	return strings.HasPrefix(eventType, "google.cloud.storage.")
}

// Backend is a Cloud Storage during one run.
type Backend struct {
	server   *fakestorage.Server
	base     http.RoundTripper
	name     string
	kernel   cloud.Kernel
	configs  []config
	limited  bool
	careless bool // preconditions mean nothing
	closed   atomic.Bool

	mu      sync.Mutex            // held while an operation happens
	last    int64                 // the newest generation
	meta    map[version]int64     // metagenerations that are not 1
	buckets map[string]int64      // the same, of buckets
	uploads map[string]upload     // that have begun, by their id
	changed map[version]time.Time // when, by name (generation 0); if limited
}

// Client returns the real client of a function instance. It panics if the
// client cannot be made, which is a mistake of ours.
func Client(env cloud.Env, service string, options ...option.ClientOption) *storage.Client {
	b := env.Backend(service).(*Backend)
	options = append(options, option.WithoutAuthentication(), // else it looks for a metadata server, outside the bubble
		option.WithHTTPClient(&http.Client{Transport: b.Transport(env.Tap())}))
	client, err := storage.NewClient(env.Context(), options...)
	if err != nil {
		panic(fmt.Errorf("gcs: the client could not be made in process: %w", err))
	}
	context.AfterFunc(env.Context(), func() { _ = client.Close() })
	return client
}

// Serves reports whether the host is Cloud Storage's.
func (b *Backend) Serves(host string) bool { return host == gcpprobe.GCSHost }

// Transport returns the round tripper that a tap's calls take.
func (b *Backend) Transport(tap probe.Tap) http.RoundTripper {
	return httpprobe.Transport(tap, http.RoundTripper(front{b}), b.describe)
}

func (b *Backend) describe(r *http.Request, op *event.Operation) {
	gcpprobe.DescribeGCS(r, op)
	op.Service = b.name
}

// Touches reports whether an operation touches nothing but the object that it
// names: one that copies reads another.
func (b *Backend) Touches(op *event.Operation) bool {
	switch op.Method {
	case "objects.get", "objects.insert", "objects.delete", "objects.patch", "objects.update":
		return true
	}
	return strings.HasPrefix(op.Method, "uploads.")
}

// Contents returns every live object, also of buckets that were created
// during the run, as bucket/name and its content.
func (b *Backend) Contents() []cloud.Content {
	buckets, err := b.server.Backend().ListBuckets()
	if err != nil {
		return nil
	}
	var out []cloud.Content
	for _, bucket := range buckets {
		list, err := b.server.ListObjectsWithOptionsPaginated(bucket.Name, fakestorage.ListOptions{})
		if err != nil {
			continue
		}
		for _, o := range list.Objects {
			full, err := b.server.GetObject(bucket.Name, o.Name)
			if err == nil {
				out = append(out, cloud.Content{Key: bucket.Name + "/" + o.Name, Value: string(full.Content)})
			}
		}
	}
	slices.SortFunc(out, func(a, b cloud.Content) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// Close gives the server to the next run; what still calls this one fails.
func (b *Backend) Close() {
	if !b.closed.Swap(true) {
		give(b.server)
	}
}
