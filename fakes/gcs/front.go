package gcs

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/gcpprobe"
)

// front stands before fake-gcs-server. It carries out itself what the server
// does otherwise than Cloud Storage: updates, copies and compositions.
type front struct{ b *Backend }

// RoundTrip carries out a request. One that changes something is told to the
// platform before its answer is given.
func (f front) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.b.closed.Load() {
		return nil, errors.New("gcs: the run has ended")
	}
	if r.URL.Host != gcpprobe.GCSHost { // a client of an emulator
		r = r.Clone(r.Context())
		r.URL.Host, r.Host = gcpprobe.GCSHost, gcpprobe.GCSHost
	}
	q, err := read(r)
	if err != nil {
		return refuse(r, http.StatusBadRequest, "global", "invalid", err.Error()), nil
	}
	if what := q.unsupported(); what != "" {
		f.b.kernel.Lacks(what)
		return refuse(r, http.StatusNotImplemented, "global", "notImplemented", what+" are not supported by fakes/gcs"), nil
	}
	resp, changes, err := f.b.serve(q)
	f.b.tell(probe.CallOf(r.Context()), changes)
	return resp, err
}

// unsupported names what the server would do past this front.
func (q *request) unsupported() string {
	switch {
	case strings.HasPrefix(q.URL.Path, "/batch/"):
		return "batches"
	case strings.HasPrefix(q.method, "notificationConfigs."):
		return "notification configurations during a run"
	case strings.HasPrefix(q.URL.Path, "/_internal/"), strings.HasPrefix(q.URL.Path, "/upload/resumable/"):
		return "requests to " + q.URL.Path
	case !strings.Contains(q.URL.Path, "/storage/v1/") && q.method != "objects.get":
		return "changes through the XML API"
	}
	return ""
}

// serve carries out a request, and returns what it has changed.
func (b *Backend) serve(q *request) (*http.Response, []change, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if u, ok := b.uploads[q.id]; ok {
		q.version = u.version
	}
	if resp := b.refusal(q); resp != nil {
		return resp, nil, nil
	}
	if !q.changes() {
		resp, err := b.observe(q)
		return resp, nil, err
	}
	if b.tooSoon(q) {
		return refuse(q.Request, http.StatusTooManyRequests, "usageLimits", "rateLimitExceeded", fmt.Sprintf(
			"The object %s/%s exceeded the rate limit for object mutation operations (create, update, and delete). "+
				"Please reduce your request rate. See https://cloud.google.com/storage/docs/gcs429.", q.bucket, q.object)), nil, nil
	}
	before, had := b.find(q.version)
	resp, err := b.perform(q)
	if err != nil || resp.StatusCode >= 300 {
		return resp, nil, err
	}
	if b.limited {
		b.changed[q.name()] = time.Now() //wtsim:clock the bubble's clock
	}
	return resp, b.changes(q, before, had), nil
}

// changes tells what an operation that has happened did to an object; before
// is what it was about, if there was such a thing.
func (b *Backend) changes(q *request, before object, had bool) []change {
	switch {
	case q.method == "objects.delete":
		return b.deleted(q, before)
	case strings.HasPrefix(q.method, "objectAccessControls."):
		b.updated(before.version())
		before.metageneration++
		return []change{{event: MetadataUpdate, object: before}}
	case q.method == "objects.update" || q.method == "objects.patch":
		return []change{{event: MetadataUpdate, object: q.result}}
	}
	return b.written(q, before, had)
}

// perform carries out what changes an object.
func (b *Backend) perform(q *request) (*http.Response, error) {
	switch q.method {
	case "objects.update", "objects.patch":
		return b.edit(q), nil
	case "objects.copy", "objects.rewrite":
		return b.copy(q), nil
	case "objects.compose":
		return b.compose(q), nil
	case "objects.insert":
		return b.insert(q)
	}
	return b.base.RoundTrip(q.Request)
}

// tooSoon reports whether the object has been changed within a second.
func (b *Backend) tooSoon(q *request) bool {
	at, ok := b.changed[q.name()]
	return ok && time.Since(at) < time.Second //wtsim:clock the bubble's clock
}
