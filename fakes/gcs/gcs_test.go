package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/fakestest"
)

// run opens the service in a bubble, as a run does, and closes it.
func run(t *testing.T, s *Service, f func(t *testing.T, e *fakestest.Env, client *storage.Client)) {
	t.Helper()
	runWith(t, s, fakestest.NewListener(), f)
}

func runWith(t *testing.T, s *Service, l *fakestest.Listener, f func(t *testing.T, e *fakestest.Env, client *storage.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, err := fakestest.Open(t.Context(), s, l)
		if err != nil {
			t.Fatal(err)
		}
		f(t, e, Client(e, "gcs"))
		e.Close()
	})
}

// The bubble's clock stands still while the suite does not sleep: generations
// rise all the same.
func TestConformance(t *testing.T) {
	run(t, New("gcs", "b"), func(t *testing.T, e *fakestest.Env, client *storage.Client) {
		if err := fakestest.GCS(t.Context(), client, fakestest.GCSOptions{}); err != nil {
			t.Error(err)
		}
		if err := fakestest.GCS(t.Context(), Client(e, "gcs", storage.WithJSONReads()), fakestest.GCSOptions{Prefix: "json-", JSONReads: true}); err != nil {
			t.Error(err)
		}
	})
}

func put(ctx context.Context, o *storage.ObjectHandle, content string) (*storage.ObjectAttrs, error) {
	w := o.NewWriter(ctx)
	if _, err := io.WriteString(w, content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return w.Attrs(), nil
}

// Contents are what is stored now, in whatever bucket, sorted by key.
func TestContents(t *testing.T) {
	s := New("gcs", "b", "a").With("b", "z", "seed").With("a", "y/1", "seed")
	run(t, s, func(t *testing.T, e *fakestest.Env, client *storage.Client) {
		ctx := t.Context()
		if err := client.Bucket("ccc").Create(ctx, "project", nil); err != nil {
			t.Error(err)
		}
		for _, name := range []string{"m", "l"} {
			if _, err := put(ctx, client.Bucket("ccc").Object(name), "new"); err != nil {
				t.Error(err)
			}
		}
		if err := client.Bucket("b").Object("z").Delete(ctx); err != nil {
			t.Error(err)
		}
		if got := fakestest.Contents(e.Backend("gcs")); got != "a/y/1=seed,ccc/l=new,ccc/m=new" {
			t.Errorf("got %s", got)
		}
	})
	if err := New("gcs", "b").With("other", "o", "x").Check(cloud.Deployment{}); err == nil || err.Error() != `gcs: object "o" is in bucket "other", wanted one of ["b"]` {
		t.Errorf("a seed without a bucket: %v", err)
	}
}

// A server that is used again holds nothing of the run before: no buckets, no
// objects, no generations; an upload that was begun cannot go on.
func TestReuse(t *testing.T) {
	var upload string
	for i := range 3 {
		run(t, New("gcs", "b"), func(t *testing.T, e *fakestest.Env, client *storage.Client) {
			ctx := t.Context()
			if got := fakestest.Contents(e.Backend("gcs")); got != "" {
				t.Errorf("run %d begins with %s", i, got)
			}
			if i > 0 {
				if err := client.Bucket("mine").Object("o").Delete(ctx); err == nil {
					t.Error("the bucket is still there")
				}
			}
			if err := client.Bucket("mine").Create(ctx, "project", nil); err != nil {
				t.Error(err)
			}
			o := client.Bucket("mine").Object("o").If(storage.Conditions{DoesNotExist: true})
			if _, err := put(ctx, o, fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
			uploading, leave := context.WithCancel(ctx)
			w := client.Bucket("b").Object("big").NewWriter(uploading)
			w.ChunkSize = 256 << 10
			if _, err := io.WriteString(w, strings.Repeat("x", 600<<10)); err != nil {
				t.Error(err)
			}
			leave()
			_ = w.Close()
			for _, op := range e.Operations() {
				if op.Method == "uploads.start" && op.Result.Header["Location"] == upload {
					t.Error("the same upload begins again")
				} else if op.Method == "uploads.start" {
					upload = op.Result.Header["Location"]
				}
			}
		})
	}
}

// A backend that is closed twice is given away once, and what still calls it
// does not reach the run that has its server now.
func TestClosed(t *testing.T) {
	var old *storage.Client
	var b *Backend
	run(t, New("gcs", "b"), func(t *testing.T, e *fakestest.Env, client *storage.Client) {
		old, b = client, e.Backend("gcs").(*Backend)
	})
	b.Close()
	b.Close()
	run(t, New("gcs", "b"), func(t *testing.T, e *fakestest.Env, client *storage.Client) {
		if e.Backend("gcs").(*Backend).server != b.server {
			t.Fatal("another server was taken, wanted the one that was given back last")
		}
		second, err := New("gcs", "b").Open(nil)
		if err != nil || second.(*Backend).server == b.server {
			t.Errorf("two runs have one server, %v", err)
		}
		second.Close()
		if _, err := put(t.Context(), old.Bucket("b").Object("ghost"), "x"); err == nil {
			t.Error("the last run's client works")
		}
		if got := fakestest.Contents(e.Backend("gcs")); got != "" {
			t.Errorf("got %s", got)
		}
	})
}

// An object beyond the client's own buffer of 16 MiB goes up in parts: each
// is an operation, and the object is there with the last.
func TestResumable(t *testing.T) {
	if testing.Short() {
		t.Skip("32 MiB through a race detector")
	}
	run(t, New("gcs", "b"), func(t *testing.T, e *fakestest.Env, client *storage.Client) {
		w := client.Bucket("b").Object("big").NewWriter(t.Context())
		if _, err := io.Copy(w, strings.NewReader(strings.Repeat("x", 17<<20))); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, op := range e.Operations() {
			got = append(got, op.Method+" "+op.Resource)
		}
		if want := []string{"uploads.start b/big", "uploads.chunk b/big", "objects.insert b/big"}; !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	})
}

// told is a change as notifications tell it.
type told struct {
	event, object              string
	overwrote, overwrittenBy   string
	generation, metageneration string
}

// heard reads what was told, both ways, which must agree.
func heard(t *testing.T, l *fakestest.Listener) []told {
	t.Helper()
	var out []told
	published, routed := l.Published(), l.Routed()
	if len(published) != len(routed) {
		t.Fatalf("%d messages, %d events", len(published), len(routed))
	}
	for i, m := range published {
		var data struct{ Kind, Bucket, Name, Generation, Metageneration, TimeCreated string }
		if err := json.Unmarshal(m.Data, &data); err != nil || data.Kind != "storage#object" || data.TimeCreated == "" {
			t.Errorf("%s: %v", m.Data, err)
		}
		a, e := m.Attributes, routed[i]
		if a["objectId"] != data.Name || a["bucketId"] != "b" || a["objectGeneration"] != data.Generation || a["payloadFormat"] != "JSON_API_V1" ||
			a["notificationConfig"] != "projects/_/buckets/b/notificationConfigs/1" || a["eventTime"] == "" {
			t.Errorf("got %v", a)
		}
		names := map[string]string{"finalized": "OBJECT_FINALIZE", "deleted": "OBJECT_DELETE", "metadataUpdated": "OBJECT_METADATA_UPDATE", "archived": "OBJECT_ARCHIVE"}
		if names[strings.TrimPrefix(e.Type, "google.cloud.storage.object.v1.")] != a["eventType"] || e.Subject != "objects/"+data.Name ||
			e.Source != "//storage.googleapis.com/projects/_/buckets/b" || e.Attributes["bucket"] != "b" || string(e.Data) != string(m.Data) {
			t.Errorf("got %+v for %v", e, a)
		}
		if m.Cause == nil || m.Cause != e.Cause || m.Cause.Op.Service != "gcs" {
			t.Errorf("the cause is %+v", m.Cause)
		}
		out = append(out, told{a["eventType"], data.Name, a["overwroteGeneration"], a["overwrittenByGeneration"], data.Generation, data.Metageneration})
	}
	return out
}

// Each change of an object is told once, with what it replaced; what is
// refused, fails, or is only a part of an upload, is not.
func TestNotifications(t *testing.T) {
	l := fakestest.NewListener("changes")
	for _, versioned := range []bool{false, true} {
		s, gone := New("gcs", "b").Notify("b", "changes"), "OBJECT_DELETE"
		if versioned {
			s, gone = s.Versioned("b"), "OBJECT_ARCHIVE"
		}
		runWith(t, s, l, func(t *testing.T, _ *fakestest.Env, client *storage.Client) {
			ctx := t.Context()
			o := client.Bucket("b").Object("o")
			gen := func(a *storage.ObjectAttrs, err error) string {
				if err != nil {
					t.Error(err)
					return ""
				}
				return fmt.Sprint(a.Generation)
			}
			want := func(what string, all ...told) {
				t.Helper()
				if got := heard(t, l); !slices.Equal(got, all) {
					t.Errorf("versioned %v: %s: got\n%+v, wanted\n%+v", versioned, what, got, all)
				}
			}
			one := gen(put(ctx, o, "1"))
			want("create", told{"OBJECT_FINALIZE", "o", "", "", one, "1"})
			two := gen(put(ctx, o, "2"))
			want("overwrite", told{"OBJECT_FINALIZE", "o", one, "", two, "1"}, told{gone, "o", "", two, one, "1"})
			gen(o.Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "x"}))
			want("update", told{"OBJECT_METADATA_UPDATE", "o", "", "", two, "2"})
			if err := o.ACL().Set(ctx, storage.AllUsers, storage.RoleReader); err != nil {
				t.Error(err)
			}
			want("access control", told{"OBJECT_METADATA_UPDATE", "o", "", "", two, "3"})
			copied := gen(client.Bucket("b").Object("c").CopierFrom(o).Run(ctx))
			want("copy", told{"OBJECT_FINALIZE", "c", "", "", copied, "1"})
			again := gen(client.Bucket("b").Object("c").ComposerFrom(o, o).Run(ctx))
			want("compose", told{"OBJECT_FINALIZE", "c", copied, "", again, "1"}, told{gone, "c", "", again, copied, "1"})
			_, err := put(ctx, o.If(storage.Conditions{DoesNotExist: true}), "3")
			_, err2 := o.If(storage.Conditions{MetagenerationMatch: 1}).Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "y"})
			if err3 := client.Bucket("b").Object("none").Delete(ctx); err == nil || err2 == nil || err3 == nil {
				t.Error(err, err2, err3)
			}
			want("refused")
			w := o.NewWriter(ctx)
			w.ChunkSize = 256 << 10
			if _, err := io.WriteString(w, strings.Repeat("x", 300<<10)); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			want("a part")
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			three := fmt.Sprint(w.Attrs().Generation)
			want("upload in parts", told{"OBJECT_FINALIZE", "o", two, "", three, "1"}, told{gone, "o", "", three, two, "3"})
			if err := o.Delete(ctx); err != nil {
				t.Error(err)
			}
			want("delete", told{gone, "o", "", "", three, "1"})
			if !versioned {
				return
			}
			if err := o.Generation(w.Attrs().Generation).Delete(ctx); err != nil {
				t.Error(err)
			}
			want("delete for good", told{"OBJECT_DELETE", "o", "", "", three, "1"})
		})
	}
}

// A configuration tells its own bucket and events; without one only Eventarc
// is told; a bucket or topic that is not there is a mistake of the scenario.
func TestNotifySelects(t *testing.T) {
	l := fakestest.NewListener("t1", "t2")
	s := New("gcs", "b", "c").Notify("b", "t1", Delete).Notify("b", "t2", Finalize, Delete)
	runWith(t, s, l, func(t *testing.T, _ *fakestest.Env, client *storage.Client) {
		for _, bucket := range []string{"b", "c"} {
			if _, err := put(t.Context(), client.Bucket(bucket).Object("o"), "x"); err != nil {
				t.Error(err)
			}
			if err := client.Bucket(bucket).Object("o").Delete(t.Context()); err != nil {
				t.Error(err)
			}
		}
		var got []string
		for _, m := range l.Published() {
			got = append(got, m.Topic+" "+m.Attributes["eventType"])
		}
		if want := []string{"t2 OBJECT_FINALIZE", "t1 OBJECT_DELETE", "t2 OBJECT_DELETE"}; !slices.Equal(got, want) {
			t.Errorf("got %q, wanted %q", got, want)
		}
		if n := len(l.Routed()); n != 4 {
			t.Errorf("Eventarc was told %d times", n)
		}
	})
	for _, c := range []struct {
		s    *Service
		want string
	}{
		{New("gcs", "b").Notify("x", "t1"), `gcs: notifications of bucket "x", wanted one of ["b"]`},
		{New("gcs", "b").Notify("b", "t3"), `gcs: notifications of bucket "b" go to topic "t3", which the scenario does not have`},
		{New("gcs", "b").Versioned("x"), `gcs: bucket "x" is versioned, wanted one of ["b"]`},
	} {
		if err := c.s.Check(cloud.Deployment{Services: []cloud.Service{l}}); err == nil || err.Error() != c.want {
			t.Errorf("got %v, wanted %s", err, c.want)
		}
	}
}

// A second change of an object within a second is refused as the service
// refuses it, whatever the operation; reads, other objects, what was refused
// itself and a second later are not.
func TestRateLimit(t *testing.T) {
	run(t, New("gcs", "b").RateLimited(), func(t *testing.T, e *fakestest.Env, client *storage.Client) {
		client.SetRetry(storage.WithPolicy(storage.RetryNever))
		ctx := t.Context()
		o, other := client.Bucket("b").Object("o"), client.Bucket("b").Object("other")
		write := func(o *storage.ObjectHandle) error { _, err := put(ctx, o, "x"); return err }
		if err := errors.Join(write(o), write(other)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(999 * time.Millisecond)
		_, updated := o.Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "x"})
		_, copied := o.CopierFrom(other).Run(ctx)
		_, composed := o.ComposerFrom(other).Run(ctx)
		for _, err := range []error{write(o), updated, copied, composed, o.Delete(ctx)} {
			var refused *googleapi.Error
			const want = "The object b/o exceeded the rate limit for object mutation operations (create, update, and delete). " +
				"Please reduce your request rate. See https://cloud.google.com/storage/docs/gcs429."
			if !errors.As(err, &refused) || refused.Code != 429 || refused.Message != want || refused.Errors[0].Reason != "rateLimitExceeded" {
				t.Errorf("got %v", err)
			}
		}
		if attrs, err := o.Attrs(ctx); err != nil || attrs.Metageneration != 1 {
			t.Errorf("got %+v, %v", attrs, err)
		}
		time.Sleep(time.Millisecond)
		if err := errors.Join(o.Delete(ctx), other.Delete(ctx)); err != nil {
			t.Error(err)
		}
	})
	run(t, New("gcs", "b").RateLimited(), func(t *testing.T, e *fakestest.Env, client *storage.Client) {
		o := client.Bucket("b").Object("o").Retryer(storage.WithPolicy(storage.RetryAlways))
		began := time.Now()
		for range 2 {
			if _, err := put(t.Context(), o, "x"); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); took < time.Second || len(e.Operations()) < 3 {
			t.Errorf("the client did not wait and try again: %v, %d operations", took, len(e.Operations()))
		}
	})
}

// What would pass the front by is refused, not carried out otherwise than the
// service does.
func TestUnsupported(t *testing.T) {
	run(t, New("gcs", "b"), func(t *testing.T, e *fakestest.Env, _ *storage.Client) {
		through := e.Backend("gcs").(*Backend).Transport(e)
		for _, c := range [][2]string{
			{"POST", "/batch/storage/v1"}, {"POST", "/storage/v1/b/b/notificationConfigs"}, {"PUT", "/b/o?X-Goog-Algorithm=x"},
			{"POST", "/_internal/delete_all"}, {"DELETE", "/b/o"}, {"PUT", "/upload/resumable/x"},
		} {
			r, err := http.NewRequest(c[0], "https://storage.googleapis.com"+c[1], nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := through.RoundTrip(r); err != nil || resp.StatusCode != http.StatusNotImplemented {
				t.Errorf("%s %s: %v, %v", c[0], c[1], resp, err)
			}
		}
	})
}
