package bucket

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/wtsim/wtsim/probe/recording"
)

func environment(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

// Objects are written below the prefix and removed, with the account's token, which
// is asked for once; a refusal is told with its status.
func TestStore(t *testing.T) {
	gcs, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true})
	if err != nil {
		t.Fatal(err)
	}
	gcs.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "recordings"})
	asked, refuses := 0, false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/computeMetadata/"):
			asked++
			if r.Header.Get("Metadata-Flavor") != "Google" {
				t.Error("the metadata server is not asked as it wants")
			}
			_, _ = fmt.Fprint(w, `{"access_token":"tok","expires_in":3600,"token_type":"Bearer"}`)
		case refuses:
			http.Error(w, "no", http.StatusForbidden)
		default:
			if r.Header.Get("Authorization") != "Bearer tok" {
				t.Errorf("%s %s has the authority %q", r.Method, r.URL, r.Header.Get("Authorization"))
			}
			gcs.HTTPHandler().ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	made, err := New("gs://recordings/shop/eu", environment(map[string]string{"GCE_METADATA_HOST": strings.TrimPrefix(server.URL, "http://")}), server.Client())
	if err != nil {
		t.Fatal(err)
	}
	made.(*store).endpoint = server.URL
	for _, text := range []string{"first\n", "second\n"} { // the same again is the newer one
		if err := made.Write(t.Context(), "i-1_inv-1.jsonl", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	o, err := gcs.GetObject("recordings", "shop/eu/i-1_inv-1.jsonl")
	if err != nil || string(o.Content) != "second\n" || asked != 1 {
		t.Errorf("%q, %v; the token was asked for %d times", o.Content, err, asked)
	}
	if err := made.Remove(t.Context(), "i-1_inv-1.jsonl"); err != nil {
		t.Error(err)
	}
	if _, err := gcs.GetObject("recordings", "shop/eu/i-1_inv-1.jsonl"); err == nil {
		t.Error("it is there still")
	}
	refuses = true
	if err := made.Write(t.Context(), "x.jsonl", nil); err == nil || !strings.Contains(err.Error(), "403") || strings.Contains(err.Error(), "tok") {
		t.Error(err)
	}
}

// An emulator is asked without a token; what cannot be is refused.
func TestNew(t *testing.T) {
	made, err := New("gs://b", environment(map[string]string{"STORAGE_EMULATOR_HOST": "127.0.0.1:4443"}), http.DefaultClient)
	if s, ok := made.(*store); err != nil || !ok || s.endpoint != "http://127.0.0.1:4443" || s.metadata != "" {
		t.Error(made, err)
	}
	for place, env := range map[string]map[string]string{"gs://": nil, "gs://b": {"GOOGLE_APPLICATION_CREDENTIALS": "key.json"}} {
		if _, err := New(place, environment(env), http.DefaultClient); err == nil || !strings.Contains(err.Error(), "wanted") {
			t.Errorf("%s %v: %v", place, env, err)
		}
	}
	var _ recording.Store = made
}
