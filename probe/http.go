package probe

import (
	"bytes"
	"context"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// RoundTripper is [http.RoundTripper].
type RoundTripper = http.RoundTripper

// Describe tells what operation a request is. Request body and canonical
// payload are filled in already.
type Describe func(r *http.Request, op *event.Operation)

// Transport returns a round tripper that passes every request of a client
// through the tap before base carries it out. describe may be nil: the
// service is then the host, the method the HTTP method, the resource the
// path.
func Transport(tap Tap, base http.RoundTripper, describe Describe) http.RoundTripper {
	return &transport{tap: tap, base: base, describe: describe}
}

type transport struct {
	tap      Tap
	base     http.RoundTripper
	describe Describe
}

// RoundTrip waits at the tap, then does what the tap says.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := readBody(r)
	if err != nil {
		return nil, err
	}
	c := &Call{Op: t.operation(r, raw), GiveUp: r.Context().Done()}
	c.Op.Deadline, c.Timed = r.Context().Deadline()
	switch v := t.tap.Enter(c); v.Action {
	case Cut:
		return nil, ErrReset("read")
	case GaveUp:
		return nil, context.Cause(r.Context())
	case Refuse:
		return refusal(r, v.With)
	case Lose:
		return nil, t.lose(r, raw, c, v.With)
	default:
		return t.pass(r, raw, c)
	}
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	defer func() { _ = r.Body.Close() }()
	return io.ReadAll(r.Body)
}

func (t *transport) operation(r *http.Request, raw []byte) event.Operation {
	op := event.Operation{
		Service: r.URL.Host, Method: r.Method, Resource: r.URL.Path,
		Access: event.Reads | event.Writes,
		Fails:  []string{"503", "refused"},
		Request: event.Payload{
			Target: canonicalTarget(r.URL), Header: significant(r.Header), Body: canonicalBody(r.Header, raw)},
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		op.Access = event.Reads
	}
	if t.describe != nil {
		t.describe(r, &op)
	}
	return op
}

// pass carries the request out and reads the answer whole, so that nothing
// of it is outstanding when the caller goes on.
func (t *transport) pass(r *http.Request, raw []byte, c *Call) (*http.Response, error) {
	again := r.Clone(r.Context())
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	resp, err := t.base.RoundTrip(again)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body, resp.Request = io.NopCloser(bytes.NewReader(body)), r
	c.Op.Result = event.Result{
		Status: strconv.Itoa(resp.StatusCode), OK: resp.StatusCode < 400,
		Body: body, Header: flat(resp.Header)}
	if err := t.tap.Leave(c); err != nil {
		return nil, err
	}
	return resp, nil
}

// lose carries the request out and drops the answer.
func (t *transport) lose(r *http.Request, raw []byte, c *Call, how string) error {
	if _, err := t.pass(r, raw, c); err != nil {
		return err
	}
	if how == "timeout" {
		<-r.Context().Done()
		return context.Cause(r.Context())
	}
	return ErrReset("read")
}

// refusal is what a service that refuses a call answers.
func refusal(r *http.Request, status string) (*http.Response, error) {
	code, err := strconv.Atoi(status)
	if err != nil {
		return nil, ErrRefused()
	}
	text := http.StatusText(code)
	body := `{"error":{"code":` + status + `,"message":"` + text + `"}}`
	return &http.Response{
		StatusCode: code, Status: status + " " + text,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: r,
	}, nil
}

func canonicalTarget(u *url.URL) string {
	if u.RawQuery == "" {
		return u.EscapedPath()
	}
	return u.EscapedPath() + "?" + u.Query().Encode()
}

// significant keeps the headers that change what a request means.
func significant(h http.Header) map[string]string {
	var kept map[string]string
	for _, name := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "Idempotency-Key", "Range"} {
		if v := h.Get(name); v != "" {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[name] = v
		}
	}
	return kept
}

func flat(h http.Header) map[string]string {
	out := make(map[string]string, len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		out[name] = h.Get(name)
	}
	return out
}

// canonicalBody is the body without what varies from run to run: the
// boundaries of multipart uploads.
func canonicalBody(h http.Header, raw []byte) []byte {
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
