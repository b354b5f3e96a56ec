package gcs

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"cloud.google.com/go/storage"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// env is a function instance with this service alone. It lets everything
// happen, and remembers it.
type env struct {
	ctx     context.Context
	backend probe.Backend

	mu  sync.Mutex
	ops []event.Operation
}

func (e *env) Tap() probe.Tap               { return e }
func (e *env) Backend(string) probe.Backend { return e.backend }
func (e *env) Context() context.Context     { return e.ctx }

func (e *env) Enter(*probe.Call) probe.Verdict { return probe.Verdict{} }
func (e *env) Emit(string, map[string]any)     {}
func (e *env) Leave(c *probe.Call) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ops = append(e.ops, c.Op)
	return nil
}

// run opens the service in a bubble, as a run does, and closes it.
func run(t *testing.T, s *Service, f func(t *testing.T, e *env, client *storage.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		backend, err := s.Open(nil)
		if err != nil {
			t.Fatal(err)
		}
		e := &env{ctx: ctx, backend: backend}
		f(t, e, Client(e))
		cancel()
		backend.Close()
	})
}

func TestConformance(t *testing.T) {
	for _, c := range conformance {
		t.Run(c.name, func(t *testing.T) {
			run(t, New("b"), func(t *testing.T, _ *env, client *storage.Client) {
				if err := c.check(t.Context(), client.Bucket("b")); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// JSON reads heed preconditions as the XML API's do.
func TestJSONReads(t *testing.T) {
	run(t, New("b"), func(t *testing.T, e *env, _ *storage.Client) {
		b := Client(e, storage.WithJSONReads()).Bucket("b")
		for _, check := range []func(context.Context, *storage.BucketHandle) error{jsonReadConditions, metagenerations} {
			if err := check(t.Context(), b); err != nil {
				t.Error(err)
			}
		}
	})
}

func contents(b probe.Backend) string {
	var out []string
	for _, c := range b.Contents() {
		out = append(out, c.Key+"="+c.Value)
	}
	return strings.Join(out, ",")
}

// Contents are what is stored now, in whatever bucket, sorted by key.
func TestContents(t *testing.T) {
	s := New("b", "a").With("b", "z", "seed").With("a", "y/1", "seed")
	run(t, s, func(t *testing.T, e *env, client *storage.Client) {
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
		if got := contents(e.backend); got != "a/y/1=seed,ccc/l=new,ccc/m=new" {
			t.Errorf("got %s", got)
		}
	})
	if _, err := New("b").With("other", "o", "x").Open(nil); err == nil || err.Error() != `gcs: object "o" is in bucket "other", wanted one of ["b"]` {
		t.Errorf("a seed without a bucket: %v", err)
	}
}

// A server that is used again holds nothing of the run before: no buckets, no
// objects, no generations; an upload that was begun cannot go on.
func TestReuse(t *testing.T) {
	var upload string
	for i := range 3 {
		run(t, New("b"), func(t *testing.T, e *env, client *storage.Client) {
			ctx := t.Context()
			if got := contents(e.backend); got != "" {
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
			for _, op := range e.ops {
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
	run(t, New("b"), func(t *testing.T, e *env, client *storage.Client) { old, b = client, e.backend.(*Backend) })
	b.Close()
	b.Close()
	run(t, New("b"), func(t *testing.T, e *env, client *storage.Client) {
		if e.backend.(*Backend).server != b.server {
			t.Fatal("another server was taken, wanted the one that was given back last")
		}
		second, err := New("b").Open(nil)
		if err != nil || second.(*Backend).server == b.server {
			t.Errorf("two runs have one server, %v", err)
		}
		second.Close()
		if _, err := put(t.Context(), old.Bucket("b").Object("ghost"), "x"); err == nil {
			t.Error("the last run's client works")
		}
		if got := contents(e.backend); got != "" {
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
	run(t, New("b"), func(t *testing.T, e *env, client *storage.Client) {
		w := client.Bucket("b").Object("big").NewWriter(t.Context())
		if _, err := io.Copy(w, strings.NewReader(strings.Repeat("x", 17<<20))); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, op := range e.ops {
			got = append(got, op.Method+" "+op.Resource)
		}
		if want := []string{"uploads.start b/big", "uploads.chunk b/big", "objects.insert b/big"}; !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	})
}
