// Package bucket keeps recordings in Cloud Storage, or in S3: an object an
// invocation. It links the standard library alone, for programs that cannot link a
// cloud's client, such as those of `wtsim build --record`; others have package
// gcsrecording, which tries again what fails.
//
//	store, err := bucket.New("gs://recordings/shop", os.Getenv, http.DefaultClient)
//	recorder.Keep(recording.NewFiles(store, recording.Limits{}))
//
// Who it is it asks the metadata server, which Cloud Run, GKE and Compute Engine
// have (GCE_METADATA_HOST names another). STORAGE_EMULATOR_HOST is asked without. Not
// supported: files of keys (GOOGLE_APPLICATION_CREDENTIALS).
//
// S3 (s3://BUCKET/PREFIX) wants AWS_REGION, and credentials where Lambda (AWS_ACCESS_KEY_ID
// and so on), ECS and EKS (AWS_CONTAINER_CREDENTIALS_...) have them. AWS_ENDPOINT_URL
// names another endpoint. Not supported: profiles, and the metadata of EC2.
package bucket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/wtsim/wtsim/probe/recording"
)

// New returns a store below a place, gs://BUCKET/PREFIX or s3://BUCKET/PREFIX; the prefix may be
// left out. The client must not be a recorded one.
func New(place string, env func(string) string, client *http.Client) (recording.Store, error) {
	if strings.HasPrefix(place, "s3://") {
		return newS3(place, env, client)
	}
	name, prefix, err := recording.Bucket(place)
	if err != nil {
		return nil, err
	}
	s := &store{client: client, endpoint: "https://storage.googleapis.com", bucket: name, prefix: prefix}
	if host := env("STORAGE_EMULATOR_HOST"); host != "" {
		if !strings.Contains(host, "://") {
			host = "http://" + host
		}
		s.endpoint = strings.TrimSuffix(host, "/")
		return s, nil
	}
	if env("GOOGLE_APPLICATION_CREDENTIALS") != "" {
		return nil, errors.New("GOOGLE_APPLICATION_CREDENTIALS names a file of keys, wanted the metadata server's account (unset it), or recordings in a directory")
	}
	host := env("GCE_METADATA_HOST")
	if host == "" {
		host = "metadata.google.internal"
	}
	s.metadata = "http://" + host + "/computeMetadata/v1/instance/service-accounts/default/token"
	return s, nil
}

type store struct {
	client                             *http.Client
	endpoint, metadata, bucket, prefix string

	mu    sync.Mutex
	token string
	until time.Time // the token is good
}

// Write stores an object.
func (s *store) Write(ctx context.Context, name string, text []byte) error {
	query := url.Values{"uploadType": {"media"}, "name": {path.Join(s.prefix, name)}}
	return s.do(ctx, http.MethodPost, "/upload/storage/v1/b/"+url.PathEscape(s.bucket)+"/o?"+query.Encode(), text)
}

// Remove deletes an object.
func (s *store) Remove(ctx context.Context, name string) error {
	return s.do(ctx, http.MethodDelete, "/storage/v1/b/"+url.PathEscape(s.bucket)+"/o/"+url.PathEscape(path.Join(s.prefix, name)), nil)
}

func (s *store) do(ctx context.Context, method, target string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, method, s.endpoint+target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	token, err := s.authority(ctx)
	if err != nil {
		return fmt.Errorf("the token of this instance's account: %w", err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	_, err = answered(s.client, r)
	return err
}

// mostAnswered is how much of an answer is read.
const mostAnswered = 64 << 10

// answered is the body of an answer that is no error.
func answered(client *http.Client, r *http.Request) ([]byte, error) {
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswered))
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nil, fmt.Errorf("%s %s: %s: %.200s", r.Method, r.URL.Redacted(), resp.Status, bytes.TrimSpace(text))
	}
	return text, err
}

// early is how long before its end a token is not used any more.
const early = time.Minute

// authority is the token of the instance's account; empty where none is wanted.
func (s *store) authority(ctx context.Context) (string, error) {
	if s.metadata == "" {
		return "", nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now() //wtsim:clock how long a token is good
	if now.Before(s.until) {
		return s.token, nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.metadata, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Metadata-Flavor", "Google")
	text, err := answered(s.client, r)
	if err != nil {
		return "", err
	}
	var answer struct {
		Token   string `json:"access_token"`
		Seconds int    `json:"expires_in"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Token == "" {
		return "", errors.New("the metadata server's answer has no access_token")
	}
	s.token, s.until = answer.Token, now.Add(time.Duration(answer.Seconds)*time.Second-early)
	return s.token, nil
}
