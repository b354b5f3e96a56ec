package gcs

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// preconditions checks generation preconditions of every request but
// uploads, whose own the server checks, and answers as Cloud Storage does:
// 412, or 304 for a read whose object has not changed.
//
// https://docs.cloud.google.com/storage/docs/request-preconditions
type preconditions struct{ b *Backend }

// RoundTrip refuses a request whose precondition fails, and passes others on.
func (p preconditions) RoundTrip(r *http.Request) (*http.Response, error) {
	match, notMatch := conditions(r)
	if match == "" && notMatch == "" || strings.HasPrefix(r.URL.Path, "/upload/") {
		return p.b.base.RoundTrip(r)
	}
	now := strconv.FormatInt(p.generation(r.URL), 10)
	switch {
	case match != "" && match != now:
		return answer(r, http.StatusPreconditionFailed), nil
	case notMatch != "" && notMatch == now && r.Method == http.MethodGet:
		return answer(r, http.StatusNotModified), nil
	case notMatch != "" && notMatch == now:
		return answer(r, http.StatusPreconditionFailed), nil
	}
	return p.b.base.RoundTrip(r)
}

// conditions reads the JSON API's query parameters or the XML API's headers.
func conditions(r *http.Request) (match, notMatch string) {
	q := r.URL.Query()
	match, notMatch = q.Get("ifGenerationMatch"), q.Get("ifGenerationNotMatch")
	if match == "" {
		match = r.Header.Get("X-Goog-If-Generation-Match")
	}
	if notMatch == "" {
		notMatch = r.Header.Get("X-Goog-If-Generation-Not-Match")
	}
	return match, notMatch
}

// generation returns that of the object which the request is about (the
// destination of a copy or compose), 0 if there is none.
func (p preconditions) generation(u *url.URL) int64 {
	bucket, object := target(u.EscapedPath())
	o, err := p.b.server.GetObjectStreaming(bucket, object)
	if err != nil {
		return 0
	}
	defer func() { _ = o.Close() }()
	return o.Generation
}

func target(path string) (bucket, object string) {
	rest, isJSON := strings.CutPrefix(path, "/storage/v1/b/")
	if !isJSON {
		bucket, object, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
		return unescape(bucket), unescape(object)
	}
	if i := strings.LastIndex(rest, "/b/"); i >= 0 { // rewriteTo, copyTo
		rest = rest[i+3:]
	}
	bucket, rest, _ = strings.Cut(rest, "/o/")
	object, _, _ = strings.Cut(rest, "/")
	return unescape(bucket), unescape(object)
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

func answer(r *http.Request, code int) *http.Response {
	body := fmt.Sprintf(`{"error":{"code":%d,"message":"At least one of the pre-conditions you specified did not hold.","errors":[{"reason":"conditionNotMet"}]}}`, code)
	if code == http.StatusNotModified {
		body = ""
	}
	return &http.Response{
		StatusCode: code, Status: strconv.Itoa(code) + " " + http.StatusText(code),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}
