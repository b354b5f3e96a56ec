package probe

import (
	"bytes"
	"context"
	"io"
	"maps"
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
//
// A call takes the time that base takes: where base does not watch the
// request's context, a caller whose deadline passes meanwhile learns of it
// when base has answered. The operation has happened then.
func Transport(tap Tap, base http.RoundTripper, describe Describe) http.RoundTripper {
	return &transport{tap: tap, base: base, describe: describe, through: passive(tap)}
}

type transport struct {
	tap      Tap
	base     http.RoundTripper
	describe Describe
	through  bool // the tap never holds nor changes a call
}

// RoundTrip waits at the tap, then does what the tap says.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, rest, err := t.readBody(r)
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
		return nil, t.lose(t.carry(again(r, raw, rest), c), c, v.With)
	default:
		return t.pass(t.carry(again(r, raw, rest), c), c)
	}
}

// carry lets what is below know the call; in production nobody asks.
func (t *transport) carry(r *http.Request, c *Call) *http.Request {
	if t.through {
		return r
	}
	return r.WithContext(withCall(r.Context(), c))
}

// readBody reads the request's body; rest is what a Recorder leaves to base.
func (t *transport) readBody(r *http.Request) (raw []byte, rest io.ReadCloser, err error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil, nil
	}
	if t.through {
		raw, err = io.ReadAll(io.LimitReader(r.Body, mostBody+1))
		if err == nil && len(raw) > mostBody {
			return raw, r.Body, nil
		}
	} else {
		raw, err = io.ReadAll(r.Body)
	}
	_ = r.Body.Close()
	return raw, nil, err
}

func (t *transport) operation(r *http.Request, raw []byte) event.Operation {
	op := event.Operation{
		Service: r.URL.Host, Method: r.Method, Resource: r.URL.Path,
		Access: event.Reads | event.Writes,
		Fails:  httpFails,
		Request: event.Payload{
			Target: canonicalTarget(r.URL), Header: significant(r.Header), Body: canonicalBody(r.Header, raw)},
	}
	switch r.Method {
	case "": // as net/http has it
		op.Method, op.Access = http.MethodGet, event.Reads
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		op.Access = event.Reads
	}
	if t.describe != nil {
		t.describe(r, &op)
	}
	return op
}

var httpFails = []string{"503", "refused"}

// pass carries the request out and reads the answer whole, so that nothing
// of it is outstanding when the caller goes on.
func (t *transport) pass(r *http.Request, c *Call) (*http.Response, error) {
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	var body []byte
	if !t.through || !streams(resp) {
		body, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
	}
	resp.Request = r
	c.Op.Result = event.Result{
		Status: strconv.Itoa(resp.StatusCode), OK: resp.StatusCode < 400,
		Body: decoded(resp.Header, body), Header: flat(resp.Header)}
	if err := t.tap.Leave(c); err != nil {
		return nil, err
	}
	if !t.through && r.Context().Err() != nil {
		return nil, context.Cause(r.Context())
	}
	return resp, nil
}

type callKey struct{}

func withCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallOf returns the call that is being carried out, to what carries it out:
// the base of a [Transport] or of [GRPC]. It is the cause that a [Platform]
// asks for. It is nil where there is none, and below a [Recorder].
func CallOf(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

// lose carries the request out and drops the answer.
func (t *transport) lose(r *http.Request, c *Call, how string) error {
	if _, err := t.pass(r, c); err != nil {
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
	if r.Method == http.MethodHead {
		body = ""
	}
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

var significantHeaders = []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Idempotency-Key", "Range", "Content-Range",
	"X-Goog-If-Generation-Match", "X-Goog-If-Metageneration-Match"}

// significant keeps the headers that change what a request means.
func significant(h http.Header) map[string]string {
	var kept map[string]string
	for _, name := range significantHeaders {
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
