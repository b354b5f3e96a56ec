package httpprobe

import (
	"bytes"
	"compress/gzip"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// mostBody is how much of a body a Recorder keeps. What is longer passes on
// without being kept whole in memory: rules see the beginning of a request,
// and nothing of an answer.
const mostBody = 8 << 20

// again is the request with its body unread.
func again(r *http.Request, raw []byte, rest io.ReadCloser) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	out := r.WithContext(r.Context())
	switch {
	case rest != nil:
		out.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(raw), rest), rest}
	case len(raw) == 0:
		out.Body, out.ContentLength = http.NoBody, 0
	default:
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	}
	return out
}

// failing ends a body as it ended the first time.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// streams reports whether a Recorder must not wait for the end of an answer.
func streams(resp *http.Response) bool {
	if resp.StatusCode == http.StatusSwitchingProtocols || resp.ContentLength > mostBody {
		return true
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch kind {
	case "text/event-stream", "application/x-ndjson", "application/json-seq", "application/stream+json":
		return true
	}
	return strings.HasPrefix(kind, "application/grpc") || strings.HasPrefix(kind, "multipart/")
}

// canonicalBody is the decoded body without what varies from run to run: the
// boundaries of multipart uploads.
func canonicalBody(h http.Header, raw []byte) []byte {
	raw = decoded(h, raw)
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return raw
	}
	var out bytes.Buffer
	parts := multipart.NewReader(bytes.NewReader(raw), params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if err != nil {
			return out.Bytes()
		}
		out.WriteString("--\n")
		if _, err := io.Copy(&out, p); err != nil {
			return raw
		}
		out.WriteByte('\n')
	}
}

// decoded undoes a content encoding, for rules and the trace; what is not
// what it claims to be stays as it is.
func decoded(h http.Header, raw []byte) []byte {
	if len(raw) == 0 || !strings.EqualFold(h.Get("Content-Encoding"), "gzip") {
		return raw
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return raw
	}
	text, err := io.ReadAll(io.LimitReader(z, mostBody))
	if err != nil {
		return raw
	}
	return text
}
