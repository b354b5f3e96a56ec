// Package gcs is Cloud Storage in process: fake-gcs-server behind the real
// cloud.google.com/go/storage client, with the preconditions of reads,
// updates, copies and deletes put right (fake-gcs-server checks those of
// uploads only).
//
// Object generations are the virtual time in microseconds. Every operation
// of a run has its own instant, so they are distinct and rise.
//
// Not supported yet: metageneration (it stays 1; a precondition on it is
// refused with 400), ETags as preconditions, object versioning, soft delete, signed URLs,
// notifications, and the limit of one update a second and object.
package gcs

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"cloud.google.com/go/storage"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	"google.golang.org/api/option"

	"github.com/wtsim/wtsim/probe"
)

// Service declares a Cloud Storage.
type Service struct {
	buckets []string
	objects []fakestorage.Object
}

// New declares a Cloud Storage with these buckets. Its operations are those
// of service "gcs".
func New(buckets ...string) *Service { return &Service{buckets: buckets} }

// With returns the service with an object that exists when a run starts.
func (s *Service) With(bucket, name, content string) *Service {
	objects := append([]fakestorage.Object{}, s.objects...)
	return &Service{buckets: s.buckets, objects: append(objects, fakestorage.Object{
		ObjectAttrs: fakestorage.ObjectAttrs{BucketName: bucket, Name: name}, Content: []byte(content)})}
}

// Name returns "gcs".
func (s *Service) Name() string { return "gcs" }

// Open starts a Cloud Storage with the declared buckets.
func (s *Service) Open(probe.Platform) (probe.Backend, error) {
	server, err := take()
	if err != nil {
		return nil, fmt.Errorf("gcs: %w", err)
	}
	for _, b := range s.buckets {
		server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: b})
	}
	for _, o := range s.objects {
		if !slices.Contains(s.buckets, o.BucketName) {
			return nil, fmt.Errorf("gcs: object %q is in bucket %q, wanted one of %q", o.Name, o.BucketName, s.buckets)
		}
		server.CreateObject(o)
	}
	return &Backend{server: server, base: server.HTTPClient().Transport}, nil
}

// Backend is a Cloud Storage during one run.
type Backend struct {
	server *fakestorage.Server
	base   http.RoundTripper
	closed atomic.Bool
}

// Client returns the real client of a function instance. It panics if the
// client cannot be made, which is a mistake of ours.
func Client(env probe.Env, options ...option.ClientOption) *storage.Client {
	b := env.Backend("gcs").(*Backend)
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
func (b *Backend) Serves(host string) bool { return host == probe.GCSHost }

// Transport returns the round tripper that a tap's calls take.
func (b *Backend) Transport(tap probe.Tap) http.RoundTripper {
	return probe.Transport(tap, http.RoundTripper(preconditions{b}), probe.DescribeGCS)
}

// Contents returns every live object, also of buckets that were created
// during the run, as bucket/name and its content.
func (b *Backend) Contents() []probe.Content {
	buckets, err := b.server.Backend().ListBuckets()
	if err != nil {
		return nil
	}
	var out []probe.Content
	for _, bucket := range buckets {
		list, err := b.server.ListObjectsWithOptionsPaginated(bucket.Name, fakestorage.ListOptions{})
		if err != nil {
			continue
		}
		for _, o := range list.Objects {
			full, err := b.server.GetObject(bucket.Name, o.Name)
			if err == nil {
				out = append(out, probe.Content{Key: bucket.Name + "/" + o.Name, Value: string(full.Content)})
			}
		}
	}
	slices.SortFunc(out, func(a, b probe.Content) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// Close gives the server to the next run; what still calls this one fails.
func (b *Backend) Close() {
	if !b.closed.Swap(true) {
		give(b.server)
	}
}
