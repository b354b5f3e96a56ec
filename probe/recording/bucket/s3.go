package bucket

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wtsim/wtsim/probe/recording"
)

// s3 is a bucket of S3's.
type s3 struct {
	client         *http.Client
	base           *url.URL // of the bucket
	region, prefix string
	keys           func(context.Context) (keys, error)
}

// keys are credentials.
type keys struct{ id, secret, token string }

func newS3(place string, env func(string) string, client *http.Client) (recording.Store, error) {
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(place, "s3://"), "/")
	if bucket == "" {
		return nil, fmt.Errorf("recordings go to %q, wanted s3://BUCKET or s3://BUCKET/PREFIX", place)
	}
	s := &s3{client: client, prefix: prefix, region: first(env, "AWS_REGION", "AWS_DEFAULT_REGION")}
	if s.region == "" {
		return nil, errors.New("AWS_REGION is not set, wanted the bucket's region")
	}
	at := "https://s3." + s.region + ".amazonaws.com/" + bucket
	if endpoint := first(env, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"); endpoint != "" {
		at = strings.TrimSuffix(endpoint, "/") + "/" + bucket
	}
	var err error
	if s.base, err = url.Parse(at); err != nil {
		return nil, err
	}
	s.keys, err = keysOf(env, client)
	return s, err
}

func first(env func(string) string, names ...string) string {
	for _, name := range names {
		if v := env(name); v != "" {
			return v
		}
	}
	return ""
}

// keysOf finds credentials where Lambda, and where ECS and EKS, have them.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func keysOf(env func(string) string, client *http.Client) (func(context.Context) (keys, error), error) {
	if id := env("AWS_ACCESS_KEY_ID"); id != "" {
		k := keys{id, env("AWS_SECRET_ACCESS_KEY"), env("AWS_SESSION_TOKEN")}
		return func(context.Context) (keys, error) { return k, nil }, nil
	}
	at := env("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if relative := env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative != "" {
		at = "http://169.254.170.2" + relative
	}
	if at == "" {
		return nil, errors.New("neither AWS_ACCESS_KEY_ID nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set, wanted the credentials that Lambda, ECS or EKS give, or recordings in a directory")
	}
	c := &container{client: client, at: at, authorization: env("AWS_CONTAINER_AUTHORIZATION_TOKEN")}
	return c.get, nil
}

// container asks for credentials, and keeps them until they are over.
type container struct {
	client            *http.Client
	at, authorization string

	mu    sync.Mutex
	have  keys
	until time.Time
}

func (c *container) get(ctx context.Context) (keys, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.until) { //wtsim:clock how long credentials are good
		return c.have, nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.at, nil)
	if err != nil {
		return keys{}, err
	}
	if c.authorization != "" {
		r.Header.Set("Authorization", c.authorization)
	}
	text, err := answered(c.client, r)
	if err != nil {
		return keys{}, err
	}
	var a struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		Token           string
		Expiration      time.Time
	}
	if err := json.Unmarshal(text, &a); err != nil || a.AccessKeyID == "" {
		return keys{}, errors.New("the answer with credentials has no AccessKeyId")
	}
	c.have, c.until = keys{a.AccessKeyID, a.SecretAccessKey, a.Token}, a.Expiration.Add(-early)
	return c.have, nil
}

// Write keeps an object.
func (s *s3) Write(ctx context.Context, name string, text []byte) error {
	return s.do(ctx, http.MethodPut, name, text)
}

// Remove deletes one; one that is not there is deleted.
func (s *s3) Remove(ctx context.Context, name string) error {
	return s.do(ctx, http.MethodDelete, name, nil)
}

func (s *s3) do(ctx context.Context, method, name string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, method, s.base.JoinPath(path.Join(s.prefix, name)).String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.URL.RawPath = escaped(r.URL.Path) // a plus sign too
	k, err := s.keys(ctx)
	if err != nil {
		return fmt.Errorf("the credentials of this instance: %w", err)
	}
	if method == http.MethodPut {
		r.Header.Set("Content-Type", "application/x-ndjson")
	}
	sign(r, body, k, s.region, time.Now()) //wtsim:clock a signature has the time
	_, err = answered(s.client, r)
	return err
}

// sign signs a request to S3 (version 4).
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func sign(r *http.Request, body []byte, k keys, region string, now time.Time) {
	at := now.UTC().Format("20060102T150405Z")
	hash := hex.EncodeToString(sum(body))
	r.Header.Set("X-Amz-Date", at)
	r.Header.Set("X-Amz-Content-Sha256", hash)
	if k.token != "" {
		r.Header.Set("X-Amz-Security-Token", k.token)
	}
	names := []string{"host"}
	for name := range r.Header { //wtsim:order sorted below
		names = append(names, strings.ToLower(name))
	}
	slices.Sort(names)
	var headers strings.Builder
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.URL.Host
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
	}
	signed := strings.Join(names, ";")
	request := strings.Join([]string{r.Method, escaped(r.URL.Path), "", headers.String(), signed, hash}, "\n")
	scope := at[:8] + "/" + region + "/s3/aws4_request"
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", at, scope, hex.EncodeToString(sum([]byte(request)))}, "\n")
	key := []byte("AWS4" + k.secret)
	for _, part := range []string{at[:8], region, "s3", "aws4_request", toSign} {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+k.id+"/"+scope+", SignedHeaders="+signed+", Signature="+hex.EncodeToString(key))
}

// escaped is a path as a signature has it: all but unreserved characters and
// slashes percent-encoded.
func escaped(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func sum(b []byte) []byte {
	s := sha256.Sum256(b)
	return s[:]
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = io.WriteString(h, text) // it never fails
	return h.Sum(nil)
}
