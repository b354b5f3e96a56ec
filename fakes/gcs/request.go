package gcs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe/gcpprobe"
)

// request is a request of the client, read.
type request struct {
	*http.Request
	query  url.Values
	method string // as gcpprobe.DescribeGCS names it
	body   []byte // of those that have one which is no content
	id     string // of a resumable upload that has begun
	result object // what it has made of the object

	// What it is about; of a copy or composition, what that writes. An empty
	// object stands for the bucket itself.
	version
	from version // what is copied
}

// version is a generation of an object; generation 0 stands for the live one.
type version struct {
	bucket, object string
	generation     int64
}

func (v version) name() version { return version{v.bucket, v.object, 0} }

// changes reports whether an operation may change an object.
func (q *request) changes() bool {
	switch q.method {
	case "objects.insert", "objects.update", "objects.patch", "objects.delete", "objects.copy", "objects.rewrite", "objects.compose",
		"objectAccessControls.insert", "objectAccessControls.update", "objectAccessControls.delete":
		return true
	}
	return false
}

// read reads a request. Only what a client wrote by hand makes an error.
func read(r *http.Request) (*request, error) {
	r = r.WithContext(r.Context())
	if r.Body == nil { // a server's request always has one
		r.Body = http.NoBody
	}
	var op event.Operation
	gcpprobe.DescribeGCS(r, &op)
	q := &request{Request: r, query: r.URL.Query(), method: op.Method}
	switch q.method {
	case "objects.update", "objects.patch", "objects.copy", "objects.rewrite", "objects.compose", "uploads.start":
		if err := q.readBody(); err != nil {
			return nil, err
		}
	}
	err := q.readTarget()
	return q, err
}

// unconditional is the request without preconditions, which have been checked:
// the server's own, on uploads, are by its numbers of generations.
func (q *request) unconditional() *http.Request {
	if !q.query.Has("ifGenerationMatch") && !q.query.Has("ifGenerationNotMatch") {
		return q.Request
	}
	query := maps.Clone(q.query)
	query.Del("ifGenerationMatch")
	query.Del("ifGenerationNotMatch")
	r := q.WithContext(q.Context())
	u := *q.URL
	u.RawQuery = query.Encode()
	r.URL = &u
	return r
}

func (q *request) readBody() (err error) {
	if q.body, err = io.ReadAll(q.Body); err == nil {
		q.Body = io.NopCloser(bytes.NewReader(q.body))
	}
	return err
}

// readTarget tells what the request is about.
func (q *request) readTarget() error {
	path := q.URL.EscapedPath()
	if rest, ok := strings.CutPrefix(path, "/upload/storage/v1/b/"); ok {
		bucket, _, _ := strings.Cut(rest, "/")
		q.bucket, q.object, q.id = unescape(bucket), q.query.Get("name"), q.query.Get("upload_id")
		if q.object == "" && q.id == "" {
			return q.nameInBody()
		}
		return nil
	}
	rest, isJSON := strings.CutPrefix(strings.TrimPrefix(path, "/download"), "/storage/v1/b/")
	if !isJSON {
		bucket, object, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		q.bucket, q.object = unescape(bucket), unescape(object)
		return q.number("generation", &q.generation)
	}
	q.bucket, q.object, rest = bucketAndObject(rest)
	if _, to, copies := strings.Cut(rest, "To/b/"); copies { // rewriteTo, copyTo
		q.from = q.version
		q.bucket, q.object, _ = bucketAndObject(to)
		return q.number("sourceGeneration", &q.from.generation)
	}
	return q.number("generation", &q.generation)
}

func (q *request) number(name string, n *int64) (err error) {
	if text := q.query.Get(name); text != "" {
		if *n, err = strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("invalid generation ID: %q", text)
		}
	}
	return nil
}

// nameInBody finds the name of what is uploaded in the metadata that lead the
// body.
func (q *request) nameInBody() error {
	if q.body == nil {
		if err := q.readBody(); err != nil {
			return err
		}
	}
	leading := io.Reader(bytes.NewReader(q.body))
	if kind, params, err := mime.ParseMediaType(q.Header.Get("Content-Type")); err == nil && strings.HasPrefix(kind, "multipart/") {
		part, err := multipart.NewReader(leading, params["boundary"]).NextPart()
		if err != nil {
			return err
		}
		leading = part
	}
	var meta struct{ Name string }
	if json.NewDecoder(leading).Decode(&meta) == nil { // else the server says what is wrong with it
		q.object = meta.Name
	}
	return nil
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
