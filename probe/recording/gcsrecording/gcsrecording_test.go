package gcsrecording

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/httpprobe"
	"github.com/wtsim/wtsim/probe/recording"
	"github.com/wtsim/wtsim/probe/sink"
)

// bucket is a server of Cloud Storage, and a client of it. What stuck says is not
// answered.
func bucket(t *testing.T, stuck *atomic.Bool) *storage.Client {
	gcs, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true})
	if err != nil {
		t.Fatal(err)
	}
	gcs.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "recordings"})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stuck.Load() {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return
		}
		gcs.HTTPHandler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	client, err := storage.NewClient(t.Context(), option.WithEndpoint(server.URL+"/storage/v1/"), option.WithoutAuthentication(), storage.WithJSONReads())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func names(t *testing.T, c *storage.Client) (names []string) {
	for all := c.Bucket("recordings").Objects(t.Context(), nil); ; {
		o, err := all.Next()
		if errors.Is(err, iterator.Done) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, o.Name)
	}
}

// Invocations are in the bucket when their responses have left, no more than the
// newest, without what is hidden, and can be read; a store that does not answer
// holds no response for longer than is said.
func TestBucket(t *testing.T) {
	var stuck atomic.Bool
	client := bucket(t, &stuck)
	var log strings.Builder
	kept, err := New(client, "gs://recordings/shop/eu", recording.Limits{Invocations: 2, Wait: 200 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := sink.Redacted(kept, []byte("0123456789abcdef"), "user")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := probe.CompileRules(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := probe.NewRecorder("shop", "i-1", rules, probe.SinkFunc(func(event.Event) {}))
	r.Keep(hidden)
	h := httpprobe.Handler(r, recording.Handler(r, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		r.Emit("ORDERED", map[string]any{"user": "ann", "order": "o-1"})
	})))
	ask := func() {
		req := httptest.NewRequest("POST", "/orders", nil)
		req.Header.Set("Authorization", "Bearer secret")
		h.ServeHTTP(httptest.NewRecorder(), req)
	}
	for range 3 {
		ask()
	}
	want := []string{"shop/eu/i-1_inv-2.jsonl", "shop/eu/i-1_inv-3.jsonl"}
	if got := names(t, client); !slices.Equal(got, want) {
		t.Errorf("the bucket has %q, wanted %q: %s", got, want, &log)
	}
	in, err := client.Bucket("recordings").Object(want[1]).NewReader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil || strings.Contains(string(text), "secret") || strings.Contains(string(text), "ann") || !strings.Contains(string(text), "o-1") {
		t.Errorf("%v: %s", err, text)
	}
	all, err := recording.Read(strings.NewReader(string(text)))
	if err != nil || len(all) != 1 || all[0].Request.Target != "/orders" || all[0].Status != http.StatusOK {
		t.Errorf("%v: %+v", err, all)
	}
	stuck.Store(true)
	began := time.Now()
	ask()
	ask() // which does not try
	if took := time.Since(began); took < 200*time.Millisecond || took > 10*time.Second || strings.Count(log.String(), "not recorded") != 2 || !strings.Contains(log.String(), "not tried") {
		t.Errorf("it took %v: %s", took, &log)
	}
	stuck.Store(false)
}

func TestPlace(t *testing.T) {
	for _, place := range []string{"", "recordings", "gs://", "s3://recordings/x"} {
		if _, err := New(nil, place, recording.Limits{}); err == nil || !strings.Contains(err.Error(), "wanted gs://BUCKET") {
			t.Errorf("%q: %v", place, err)
		}
	}
}
