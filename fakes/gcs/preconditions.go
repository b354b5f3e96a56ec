package gcs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// preconditions checks generation preconditions and answers as Cloud Storage
// does, and as Google's own emulator does where the documentation is silent:
//
//  1. A failed "match" is 412, whether or not there is an object.
//  2. A failed "not match" is 304, whatever the method.
//  3. An absent object has generation 0; a missing object is told (404) only
//     if no precondition fails.
//  4. A copy's and a composition's preconditions are on what they write; those
//     on what they read are apart.
//
// https://docs.cloud.google.com/storage/docs/request-preconditions
type preconditions struct{ b *Backend }

// condition is one precondition on an object's generation.
type condition struct {
	bucket, object  string
	match, notMatch string // what it must and must not be; empty if any will do
}

// RoundTrip refuses a request whose precondition fails, and passes others on.
func (p preconditions) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.b.closed.Load() {
		return nil, fmt.Errorf("gcs: the run has ended")
	}
	if r.Body == nil { // a server's request always has one
		r = r.WithContext(r.Context())
		r.Body = http.NoBody
	}
	query := r.URL.Query()
	if name := metageneration(r, query); name != "" {
		return answer(r, http.StatusBadRequest, name+" is not supported by fakes/gcs, wanted a generation precondition"), nil
	}
	conditions, err := conditionsOf(r, query)
	if err != nil {
		return nil, err
	}
	for _, c := range conditions {
		now := strconv.FormatInt(p.generation(c.bucket, c.object), 10)
		if c.match != "" && c.match != now {
			return answer(r, http.StatusPreconditionFailed, "At least one of the pre-conditions you specified did not hold."), nil
		}
		if c.notMatch != "" && c.notMatch == now {
			return answer(r, http.StatusNotModified, ""), nil
		}
	}
	return p.b.base.RoundTrip(r)
}

// metageneration names a precondition that the server would ignore: to let it
// pass would show lost updates that Cloud Storage prevents.
func metageneration(r *http.Request, query url.Values) string {
	for _, name := range []string{"ifMetagenerationMatch", "ifMetagenerationNotMatch", "ifSourceMetagenerationMatch", "ifSourceMetagenerationNotMatch"} {
		if query.Has(name) {
			return name
		}
	}
	if r.Header.Get("X-Goog-If-Metageneration-Match") != "" {
		return "x-goog-if-metageneration-match"
	}
	return ""
}

// conditionsOf reads the JSON API's query parameters, a composition's body or
// the XML API's headers.
func conditionsOf(r *http.Request, query url.Values) ([]condition, error) {
	t := targetOf(r.URL, query)
	all := []condition{{
		bucket: t.bucket, object: t.object,
		match: query.Get("ifGenerationMatch"), notMatch: query.Get("ifGenerationNotMatch"),
	}}
	if header := r.Header.Get("X-Goog-If-Generation-Match"); header != "" { // of the XML API, which has no "not match"
		all[0].match = header
	}
	switch {
	case t.source != "":
		all = append(all, condition{
			bucket: t.sourceBucket, object: t.source,
			match: query.Get("ifSourceGenerationMatch"), notMatch: query.Get("ifSourceGenerationNotMatch"),
		})
	case t.compose:
		return composed(r, all)
	}
	return all, nil
}

// composed adds the preconditions on a composition's sources.
func composed(r *http.Request, all []condition) ([]condition, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var request struct {
		SourceObjects []struct {
			Name                string
			ObjectPreconditions struct{ IfGenerationMatch json.Number }
		}
	}
	if json.Unmarshal(body, &request) != nil { // the server says what is wrong with it
		return all, nil
	}
	for _, s := range request.SourceObjects {
		all = append(all, condition{bucket: all[0].bucket, object: s.Name, match: string(s.ObjectPreconditions.IfGenerationMatch)})
	}
	return all, nil
}

// generation returns that of the live object, 0 if there is none.
func (p preconditions) generation(bucket, object string) int64 {
	o, err := p.b.server.GetObjectStreaming(bucket, object)
	if err != nil {
		return 0
	}
	defer func() { _ = o.Close() }()
	return o.Generation
}

// target is what a request is about: of a copy, what it writes.
type target struct {
	bucket, object       string
	sourceBucket, source string // of a copy
	compose              bool
}

func targetOf(u *url.URL, query url.Values) target {
	path := u.EscapedPath()
	if rest, ok := strings.CutPrefix(path, "/upload/storage/v1/b/"); ok {
		bucket, _, _ := strings.Cut(rest, "/")
		return target{bucket: unescape(bucket), object: query.Get("name")}
	}
	rest, isJSON := strings.CutPrefix(strings.TrimPrefix(path, "/download"), "/storage/v1/b/")
	if !isJSON {
		bucket, object, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		return target{bucket: unescape(bucket), object: unescape(object)}
	}
	var t target
	t.bucket, t.object, rest = bucketAndObject(rest)
	if _, to, copies := strings.Cut(rest, "To/b/"); copies { // rewriteTo, copyTo
		t.sourceBucket, t.source = t.bucket, t.object
		t.bucket, t.object, _ = bucketAndObject(to)
	}
	t.compose = rest == "compose"
	return t
}

// bucketAndObject reads {bucket}/o/{object}/{rest}.
func bucketAndObject(path string) (bucket, object, rest string) {
	bucket, path, _ = strings.Cut(path, "/o/")
	object, rest, _ = strings.Cut(path, "/")
	return unescape(bucket), unescape(object), rest
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

func answer(r *http.Request, code int, message string) *http.Response {
	body := ""
	if message != "" {
		body = fmt.Sprintf(`{"error":{"code":%d,"message":%q,"errors":[{"reason":"conditionNotMet","message":%q}]}}`, code, message, message)
	}
	return &http.Response{
		StatusCode: code, Status: strconv.Itoa(code) + " " + http.StatusText(code),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}
