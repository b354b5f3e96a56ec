package gcs

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/option"

	"github.com/wtsim/wtsim/fakes/fakestest"
)

// A client that was told of an emulator reads and writes, by either API.
func TestEmulator(t *testing.T) {
	name, value := New("gcs").Emulator("192.0.2.10:8085")
	t.Setenv(name, value)
	e, err := fakestest.Open(t.Context(), New("gcs", "b"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	hosts := map[string]bool{}
	through := e.Backend("gcs").(*Backend).Transport(e.Tap())
	client, err := storage.NewClient(context.Background(), option.WithHTTPClient(&http.Client{Transport: seen{hosts, through}}))
	if err != nil {
		t.Fatal(err)
	}
	w := client.Bucket("b").Object("dir/o").NewWriter(t.Context())
	_, _ = io.WriteString(w, "text")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := client.Bucket("b").Object("dir/o").NewReader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); string(text) != "text" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	if len(hosts) != 1 || !hosts[value] {
		t.Errorf("hosts: %v", hosts)
	}
}

type seen struct {
	hosts map[string]bool
	base  http.RoundTripper
}

func (s seen) RoundTrip(r *http.Request) (*http.Response, error) {
	s.hosts[(&url.URL{Host: r.URL.Host}).Host] = true
	return s.base.RoundTrip(r)
}
