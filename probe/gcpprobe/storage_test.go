package gcpprobe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/option"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/httpprobe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// handled is a round tripper that a handler answers.
type handled func(http.ResponseWriter, *http.Request)

func (h handled) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h(w, r)
	return w.Result(), nil
}

// recorded is Cloud Storage as far as the client needs it to go on; it
// notes the operation of every request.
type recorded struct {
	ops   []string
	fails int // how many requests are refused first
}

func (r *recorded) RoundTrip(req *http.Request) (*http.Response, error) {
	return httpprobe.Transport(&probetest.Tap{Before: r.note}, handled(r.serve), DescribeGCS).RoundTrip(req)
}

func (r *recorded) note(c *probe.Call) {
	op := c.Op
	access := map[event.Access]string{event.Reads: "r", event.Writes: "w", event.Reads | event.Writes: "rw"}[op.Access]
	text := fmt.Sprintf("%s.%s %s %s", op.Service, op.Method, op.Resource, access)
	if op.Try > 0 {
		text += fmt.Sprintf(" try %d", op.Try)
	}
	r.ops = append(r.ops, text)
}

func (r *recorded) serve(w http.ResponseWriter, req *http.Request) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
	q := req.URL.Query()
	switch {
	case r.fails > 0:
		r.fails--
		w.WriteHeader(http.StatusServiceUnavailable)
	case q.Get("uploadType") == "resumable" && q.Get("upload_id") == "":
		// The name is left out, as a server may: the id is all that is known.
		w.Header().Set("Location", "https://storage.googleapis.com"+req.URL.Path+"?uploadType=resumable&name=big&upload_id=abc")
	case q.Get("upload_id") != "" && strings.HasSuffix(req.Header.Get("Content-Range"), "/*"):
		w.Header().Set("X-Http-Status-Code-Override", "308")
		w.Header().Set("Range", "bytes=0-262143")
	case req.Method == http.MethodGet && !strings.Contains(req.URL.Path, "/storage/v1/b") || q.Get("alt") == "media":
		_, _ = io.WriteString(w, "content")
	case req.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"name":"n","bucket":"b","done":true,"resource":{"name":"n","bucket":"b"}}`)
	}
}

func gcsClient(t *testing.T, r *recorded, options ...option.ClientOption) *storage.Client {
	t.Helper()
	c, err := storage.NewClient(t.Context(), append(options, option.WithHTTPClient(&http.Client{Transport: r}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func write(ctx context.Context, o *storage.ObjectHandle, content string) error {
	w := o.NewWriter(ctx)
	if _, err := io.WriteString(w, content); err != nil {
		return err
	}
	return w.Close()
}

func read(ctx context.Context, o *storage.ObjectHandle) error {
	r, err := o.NewReader(ctx)
	if err != nil {
		return err
	}
	_, err = io.ReadAll(r)
	return err
}

// Every call of the real client is the operation that the JSON API names,
// on the object that the handler named.
func TestDescribeGCS(t *testing.T) {
	r := &recorded{}
	client := gcsClient(t, r)
	ctx := t.Context()
	b := client.Bucket("b")
	o := b.Object("dir/o-1.json")
	for _, c := range []struct {
		want string
		do   func() error
	}{
		{"objects.insert b/dir/o-1.json w", func() error { return write(ctx, o, "x") }},
		{"objects.insert b/dir/o-1.json rw", func() error { return write(ctx, o.If(storage.Conditions{DoesNotExist: true}), "x") }},
		{"objects.insert b/dir/o-1.json rw", func() error { return write(ctx, o.If(storage.Conditions{GenerationMatch: 7}), "x") }},
		{"objects.get b/dir/o-1.json r", func() error { return read(ctx, o) }},
		{"objects.get b/dir/o-1.json r", func() error { _, err := o.Attrs(ctx); return err }},
		{"objects.patch b/dir/o-1.json rw", func() error {
			_, err := o.Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "x"})
			return err
		}},
		{"objects.delete b/dir/o-1.json rw", func() error { return o.Delete(ctx) }},
		{"objects.rewrite c/copy/1 rw", func() error { _, err := client.Bucket("c").Object("copy/1").CopierFrom(o).Run(ctx); return err }},
		{"objects.compose b/all rw", func() error { _, err := b.Object("all").ComposerFrom(o, o).Run(ctx); return err }},
		{"objects.list b/dir/* r", func() error {
			_, _ = b.Objects(ctx, &storage.Query{Prefix: "dir/"}).Next()
			return nil
		}},
		{"objects.list b/* r", func() error { _, _ = b.Objects(ctx, nil).Next(); return nil }},
		{"buckets.insert  rw", func() error { return b.Create(ctx, "project", nil) }},
		{"buckets.get b r", func() error { _, err := b.Attrs(ctx); return err }},
		{"buckets.patch b rw", func() error {
			_, err := b.Update(ctx, storage.BucketAttrsToUpdate{VersioningEnabled: true})
			return err
		}},
		{"buckets.delete b rw", func() error { return b.Delete(ctx) }},
		{"buckets.list  r", func() error { _, _ = client.Buckets(ctx, "project").Next(); return nil }},
		{"buckets.getIamPolicy b r", func() error { _, err := b.IAM().Policy(ctx); return err }},
		{"objectAccessControls.list b/dir/o-1.json r", func() error { _, err := o.ACL().List(ctx); return err }},
		{"bucketAccessControls.update b rw", func() error { return b.ACL().Set(ctx, storage.AllUsers, storage.RoleReader) }},
	} {
		r.ops = nil
		if err := c.do(); err != nil {
			t.Errorf("%s: %v", c.want, err)
		}
		if !slices.Equal(r.ops, []string{"gcs." + c.want}) {
			t.Errorf("got %q, wanted gcs.%s", r.ops, c.want)
		}
	}
}

// Names are told as the handler wrote them, by whatever way they travel.
func TestDescribeGCSNames(t *testing.T) {
	for _, name := range []string{"a", "a/b", "a b", "grüße/日本", "100%", "a%2Fb", "a+b&c=d?e#f", "dir/", "/a", "a//b", "o/acl", "x/rewriteTo/b/y"} {
		for _, jsonReads := range []bool{false, true} {
			r := &recorded{}
			var options []option.ClientOption
			if jsonReads {
				options = append(options, storage.WithJSONReads())
			}
			o := gcsClient(t, r, options...).Bucket("b").Object(name)
			ctx := t.Context()
			for _, err := range []error{write(ctx, o, "x"), read(ctx, o), o.Delete(ctx)} {
				if err != nil {
					t.Errorf("%q: %v", name, err)
				}
			}
			if want := []string{"gcs.objects.insert b/" + name + " w", "gcs.objects.get b/" + name + " r", "gcs.objects.delete b/" + name + " rw"}; !slices.Equal(r.ops, want) {
				t.Errorf("got  %q\nwant %q", r.ops, want)
			}
		}
	}
}

// An upload in parts has its effect, and so its event, with the last one.
func TestDescribeGCSResumable(t *testing.T) {
	r := &recorded{}
	w := gcsClient(t, r).Bucket("b").Object("big").NewWriter(t.Context())
	w.ChunkSize = 256 << 10
	if _, err := io.WriteString(w, strings.Repeat("x", 300<<10)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"gcs.uploads.start b/big w", "gcs.uploads.chunk b/big w", "gcs.objects.insert b/big w"}; !slices.Equal(r.ops, want) {
		t.Errorf("got  %q\nwant %q", r.ops, want)
	}
	for _, c := range []struct{ contentRange, want string }{
		{"", "objects.insert"}, {"bytes 0-9/*", "uploads.chunk"}, {"bytes 0-9/20", "uploads.chunk"}, {"bytes 10-19/20", "objects.insert"},
		{"bytes */20", "objects.insert"}, {"bytes */*", "uploads.chunk"},
	} {
		req, _ := http.NewRequest("PUT", "https://storage.googleapis.com/upload/storage/v1/b/b/o?uploadType=resumable&upload_id=x", nil)
		req.Header.Set("Content-Range", c.contentRange)
		var op event.Operation
		if DescribeGCS(req, &op); op.Method != c.want || op.Resource != "b/x" {
			t.Errorf("%q: %s %s", c.contentRange, op.Method, op.Resource)
		}
	}
}

// The client tells which attempt a request is.
func TestDescribeGCSTry(t *testing.T) {
	r := &recorded{fails: 1}
	client := gcsClient(t, r)
	if _, err := client.Bucket("b").Object("o").Retryer(storage.WithBackoff(gax.Backoff{Initial: 1, Max: 1})).Attrs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"gcs.objects.get b/o r", "gcs.objects.get b/o r try 2"}; !slices.Equal(r.ops, want) {
		t.Errorf("got %q", r.ops)
	}
}
