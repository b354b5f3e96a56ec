// Package s3 is Amazon S3 in process, behind the clients of AWS's SDK for Go,
// v1 and v2. The server is ours.
//
// A scenario declares it with [New], and with it its buckets. What clients
// make of https://s3.REGION.amazonaws.com and https://BUCKET.s3.REGION.amazonaws.com
// reaches it; a constructor gives its client [Client], or [cloud.Env.HTTPClient]:
//
//	s3.NewFromConfig(aws.Config{Region: "us-east-1", HTTPClient: env.HTTPClient(), Credentials: ...})
//
// What holds, and what may happen (see docs/aws.md):
//
//   - Reads and listings are strong; the last write of a key wins; nothing is
//     atomic across keys.
//   - Conditions of reads, puts, copies, deletes and of the end of an upload in
//     parts. One beside a change of the same key may be refused with 409
//     (conflict).
//   - Versions, where a bucket keeps them, and delete markers.
//   - Checksums, of the content and of what is sent in chunks.
//   - Events ([Trigger]): at least once, in no order; of two changes of one key
//     at about the same time, where there are no versions, one may be all that
//     is told (coalesce).
//   - 500 InternalError and 503 SlowDown, before a call has an effect; lost answers.
//   - URLs that are signed, until they expire. Signatures are not checked, nor
//     who may do what: ACLs and policies let everybody in.
//
// Not supported, and refused by name: what configures a bucket besides its
// versions (lifecycle, CORS, policies, replication, encryption, object lock,
// notifications, ...), reading ACLs, keys of the customer's (SSE-C), uploads by
// forms, SelectObjectContent, RestoreObject, GetObjectAttributes, several
// ranges, directory buckets, access points.
package s3

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/awsprobe"
)

// DefaultName is the name that triggers look for.
const DefaultName = "s3"

// Service declares an S3. It is a value: its methods return another and leave
// it as it is.
type Service struct {
	cloud.Places

	name      string
	buckets   []string
	versioned []string
	objects   []stored
	notifies  []Notification
	without   []string // guarantees
}

// stored is an object that exists when a run starts.
type stored struct{ bucket, key, content string }

// New declares an S3 with these buckets under a name, usually "s3". Its
// operations are those of a service of that name. Their resources are those of
// package awsprobe: "photos/a.jpg" is the object of that key in bucket photos.
func New(name string, buckets ...string) *Service { return &Service{name: name, buckets: buckets} }

// At returns the service with addresses at which programs look for it that have
// them written down, such as "localhost:4566". Other services of AWS may have the
// same address.
func (s *Service) At(addresses ...string) *Service {
	out := *s
	out.Places = s.And(addresses...)
	return &out
}

// With returns the service with an object that exists when a run starts.
// Nobody is told of it.
func (s *Service) With(bucket, key, content string) *Service {
	out := *s
	out.objects = append(slices.Clip(s.objects), stored{bucket, key, content})
	return &out
}

// Notify returns the service with notifications to queues, topics or EventBridge.
func (s *Service) Notify(notifications ...Notification) *Service {
	out := *s
	out.notifies = append(slices.Clip(s.notifies), notifications...)
	return &out
}

// Versioned returns the service with versioning enabled for buckets.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html
func (s *Service) Versioned(buckets ...string) *Service {
	out := *s
	out.versioned = append(slices.Clip(s.versioned), buckets...)
	return &out
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short how it is declared.
func (s *Service) String() string {
	var b strings.Builder
	b.WriteString("S3: buckets " + strings.Join(s.buckets, ", "))
	for i, o := range s.objects {
		b.WriteString([]string{"; objects ", ", "}[min(i, 1)] + o.bucket + "/" + o.key)
	}
	if len(s.versioned) > 0 {
		b.WriteString("; versioned: " + strings.Join(s.versioned, ", "))
	}
	return b.String()
}

// Check returns the first thing that is wrong with it, in a sentence.
func (s *Service) Check(d cloud.Deployment) error {
	for i, name := range s.buckets {
		switch {
		case !validBucket(name):
			return fmt.Errorf("%s: %q is no name of a bucket, wanted 3 to 63 small letters, digits, dots and hyphens", s.name, name)
		case slices.Contains(s.buckets[:i], name):
			return fmt.Errorf("%s: bucket %q is declared twice", s.name, name)
		}
	}
	for _, o := range s.objects {
		if !slices.Contains(s.buckets, o.bucket) {
			return fmt.Errorf("%s: object %q is in bucket %q, wanted one of %q", s.name, o.key, o.bucket, s.buckets)
		}
	}
	for _, name := range s.versioned {
		if !slices.Contains(s.buckets, name) {
			return fmt.Errorf("%s: bucket %q is versioned, wanted one of %q", s.name, name, s.buckets)
		}
	}
	for _, n := range s.notifies {
		if !slices.Contains(s.buckets, n.Bucket) {
			return fmt.Errorf("%s: a notification is of bucket %q, wanted one of %q", s.name, n.Bucket, s.buckets)
		}
		if err := n.check(&d); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for _, b := range d.Of(s.name) {
		if t, ok := b.Trigger.(Trigger); ok && !slices.Contains(s.buckets, t.Bucket) {
			return fmt.Errorf("%s: function %q is told of bucket %q, wanted one of %q", s.name, b.Function, t.Bucket, s.buckets)
		}
	}
	return nil
}

// Open starts an S3 with the declared buckets.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	b := &Backend{service: s, kernel: k, buckets: map[string]*bucket{}, fates: map[*probe.Call]string{}}
	b.Wire = awswire.New(awswire.API{
		Service: "s3", Called: s.name, Faults: faults, Kernel: k, Handle: b.handle, Refuse: refuse, Raw: true,
	})
	for _, name := range s.buckets {
		b.buckets[name] = &bucket{name: name, made: k.Now()}
		if slices.Contains(s.versioned, name) {
			b.buckets[name].versioning = enabled
		}
	}
	for _, o := range s.objects {
		to := b.buckets[o.bucket]
		if to == nil {
			return nil, fmt.Errorf("%s: there is no bucket %q", s.name, o.bucket)
		}
		v := &version{data: []byte(o.content), modified: k.Now(), etag: etagOf([]byte(o.content)), kind: defaultKind, class: standard}
		v.sums = []checksum{crc64NVME.of(v.data)}
		to.put(o.key, v)
	}
	for _, bound := range k.Deployment().Of(s.name) {
		if t, ok := bound.Trigger.(Trigger); ok {
			b.rules = append(b.rules, &rule{Trigger: t, of: bound})
		}
	}
	for _, n := range s.notifies {
		b.rules = append(b.rules, &rule{Trigger: n.trigger(), to: n.arn()})
	}
	return b, nil
}

// Backend is an S3 during one run. Its lock guards it; effects that invoke
// functions take the kernel's before. Its methods are so many because each
// operation of the API is one.
type Backend struct {
	*awswire.Wire
	service *Service
	kernel  cloud.Kernel
	rules   []*rule

	mu      sync.Mutex
	buckets map[string]*bucket
	region  string                 // that requests have named; empty before the first
	fates   map[*probe.Call]string // deviations of calls
	uses    []use                  // of the last second
}

// Client returns an HTTP client of a function instance that reaches this
// service, for the configuration of a client of AWS's.
func Client(env cloud.Env, service string) *http.Client {
	return env.Backend(service).(*Backend).Client(env)
}

// Serves reports whether the host is one of S3's, or a bucket's at a local
// address.
func (b *Backend) Serves(host string) bool {
	if b.Wire.Serves(host) {
		return true
	}
	name, _, _ := strings.Cut(host, ":")
	name, local := strings.CutSuffix(name, ".localhost")
	b.mu.Lock()
	defer b.mu.Unlock()
	return local && (name == "s3" || b.buckets[strings.TrimSuffix(name, ".s3")] != nil)
}

// Contents returns the current version of every object, as bucket/key and its
// content.
func (b *Backend) Contents() []cloud.Content {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []cloud.Content
	for _, of := range b.sorted() {
		for _, e := range of.entries {
			if v := e.current(); v != nil && !v.marker {
				out = append(out, cloud.Content{Key: of.name + "/" + e.key, Value: string(v.data)})
			}
		}
	}
	slices.SortFunc(out, func(a, b cloud.Content) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// sorted are the buckets by name.
func (b *Backend) sorted() []*bucket {
	var out []*bucket
	for _, of := range b.buckets { //wtsim:order sorted below
		out = append(out, of)
	}
	slices.SortFunc(out, func(a, b *bucket) int { return strings.Compare(a.name, b.name) })
	return out
}

// Touches reports whether an operation touches nothing but what it names: one
// on objects does. (A bucket is there, or not, for all that is in it.)
func (b *Backend) Touches(op *event.Operation) bool {
	for _, name := range strings.Fields(op.Resource) {
		if !strings.Contains(name, "/") || strings.HasSuffix(name, "*") {
			return false
		}
	}
	return op.Resource != ""
}

// AppendState adds what may be in conflict with what comes.
func (b *Backend) AppendState(d *cloud.Digest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget()
	for _, u := range b.uses {
		d.Text(u.name + " " + u.by.Invocation)
		d.Time(u.at)
	}
}

// arn is a bucket's name.
func arn(bucket string) string { return "arn:aws:s3:::" + bucket }

// resource is the name of an object in operations.
func resource(bucket, key string) string { return awsprobe.S3Object(bucket, key) }
