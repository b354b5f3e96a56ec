//lint:file-ignore SA1019 the signature is held against the signer of an old client, which is independent of ours

package bucket

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go/aws/credentials"
	v4 "github.com/aws/aws-sdk-go/aws/signer/v4"
)

// An object is put where S3 has it, signed as AWS's own library signs it, with the
// credentials of a container, which are asked for once.
func TestS3(t *testing.T) {
	asked, refuses := 0, false
	objects := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		switch {
		case r.URL.Path == "/credentials":
			asked++
			if r.Header.Get("Authorization") != "pass" {
				t.Error("credentials are asked for without the container's token")
			}
			_, _ = fmt.Fprintf(w, `{"AccessKeyId":"AKID","SecretAccessKey":"SECRET","Token":"SESSION","Expiration":%q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		case refuses:
			http.Error(w, "<Code>AccessDenied</Code>", http.StatusForbidden)
		default:
			if want := theirs(t, r, string(body)); r.Header.Get("Authorization") != want {
				t.Errorf("%s %s is signed %s, wanted %s", r.Method, r.URL, r.Header.Get("Authorization"), want)
			}
			if objects[r.URL.Path] = string(body); r.Method == http.MethodDelete {
				delete(objects, r.URL.Path)
			}
		}
	}))
	defer server.Close()
	made, err := New("s3://recordings/shop one", environment(map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": server.URL, "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.URL + "/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "pass",
	}), server.Client())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first\n", "second\n"} {
		if err := made.Write(t.Context(), "i-1_inv+1.jsonl", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if objects["/recordings/shop one/i-1_inv+1.jsonl"] != "second\n" || asked != 1 {
		t.Errorf("objects %q; asked %d times", objects, asked)
	}
	if err := made.Remove(t.Context(), "i-1_inv+1.jsonl"); err != nil || len(objects) != 0 {
		t.Errorf("%v; objects %q", err, objects)
	}
	refuses = true
	if err := made.Write(t.Context(), "x.jsonl", nil); err == nil || !strings.Contains(err.Error(), "403") || strings.Contains(err.Error(), "SECRET") {
		t.Error(err)
	}
}

// theirs is the signature that SDK v1's signer makes of the same request.
func theirs(t *testing.T, r *http.Request, body string) string {
	t.Helper()
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := http.NewRequest(r.Method, "http://"+r.Host+r.URL.EscapedPath(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Content-Type", "X-Amz-Content-Sha256"} {
		if v := r.Header.Get(name); v != "" {
			again.Header.Set(name, v)
		}
	}
	signer := v4.NewSigner(credentials.NewStaticCredentials("AKID", "SECRET", "SESSION"), func(s *v4.Signer) { s.DisableURIPathEscaping = true })
	if _, err := signer.Sign(again, strings.NewReader(body), "s3", "eu-west-1", at); err != nil {
		t.Fatal(err)
	}
	return again.Header.Get("Authorization")
}

// Lambda has credentials in the environment; without any it is said what is wanted.
func TestNewS3(t *testing.T) {
	made, err := New("s3://b/p", environment(map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}), http.DefaultClient)
	if s, ok := made.(*s3); err != nil || !ok || s.base.String() != "https://s3.us-east-1.amazonaws.com/b" || s.prefix != "p" {
		t.Error(made, err)
	}
	for place, env := range map[string]map[string]string{"s3://": nil, "s3://b": nil, "s3://c": {"AWS_REGION": "us-east-1"}} {
		if _, err := New(place, environment(env), http.DefaultClient); err == nil || !strings.Contains(err.Error(), "wanted") {
			t.Errorf("%s %v: %v", place, env, err)
		}
	}
}
