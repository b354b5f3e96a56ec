// Package httpprobe is the seam of clients of HTTP: a round tripper that passes
// every request through the tap. [Handler] is the other side: a function's
// requests, as invocations.
package httpprobe

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
	"github.com/wtsim/wtsim/probe"
)

// Describe tells what operation a request is. Request body and canonical
// payload are filled in already.
type Describe func(r *http.Request, op *event.Operation)

// Transport returns a round tripper that passes every request of a client
// through the tap before base carries it out. describe may be nil: the
// service is then the host, the method the HTTP method, the resource the
// path.
//
// Where the tap is a [probe.Recorder], bodies are read that rules look into
// ([probe.Recorder.Bodies]), or all if describe is given. Others go their way as they do without
// a probe: streams in either direction do not wait.
//
// Where the tap refuses a call, base says in what words if it is a [Refuser];
// where a read is to happen on an older state, base learns by [Missing] how
// old.
//
// A call takes the time that base takes: where base does not watch the
// request's context, a caller whose deadline passes meanwhile learns of it
// when base has answered. The operation has happened then.
func Transport(tap probe.Tap, base http.RoundTripper, describe Describe) http.RoundTripper {
	return Headed(tap, base, describe, func(*http.Request) bool { return describe == nil })
}

// Headed returns the same, where describe tells the operation of a request by its
// head alone if byHead says so: a Recorder then reads its bodies only if rules look
// into them.
func Headed(tap probe.Tap, base http.RoundTripper, describe Describe, byHead func(*http.Request) bool) http.RoundTripper {
	t := &transport{tap: tap, base: base, describe: describe, byHead: byHead, through: tap.Passive()}
	if t.through {
		t.reader, _ = tap.(reader)
	}
	return t
}

type transport struct {
	tap      probe.Tap
	base     http.RoundTripper
	describe Describe
	byHead   func(*http.Request) bool
	through  bool   // the tap never holds nor changes a call
	reader   reader // of bodies; nil if all are read
}

// reader is a tap that knows whether bodies are looked into.
type reader interface {
	Bodies(op *event.Operation) (request, response bool)
}

// Refuser is a service that has words of its own for a refusal.
type Refuser interface {
	// Refuse returns the answer to a request, whose body is unread, that is
	// refused with one of its operation's Fails.
	Refuse(r *http.Request, with string) *http.Response
}

type missingKey struct{}

// Missing is how many of the newest writes the answer to a read may not show,
// for what carries it out; see [probe.Stale].
func Missing(ctx context.Context) int {
	n, _ := ctx.Value(missingKey{}).(int)
	return n
}

// missing lets what is below know how old a state it is to answer from.
func missing(r *http.Request, writes string) *http.Request {
	n, _ := strconv.Atoi(writes)
	return r.WithContext(context.WithValue(r.Context(), missingKey{}, n))
}

// RoundTrip waits at the tap, then does what the tap says.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	lazy := t.reader != nil && t.byHead(r)
	if lazy {
		c := &probe.Call{Op: t.operation(r, nil)}
		if request, response := t.reader.Bodies(&c.Op); !request {
			t.tap.Enter(c)
			return t.pass(r, c, response)
		}
	}
	raw, rest, err := t.readBody(r)
	if err != nil {
		return nil, err
	}
	c := &probe.Call{Op: t.operation(r, raw), GiveUp: r.Context().Done()}
	c.Op.Deadline, c.Timed = r.Context().Deadline()
	c.Detached = rest == nil
	switch fate := t.tap.Enter(c); fate.Action {
	case probe.Cut:
		return nil, probe.ErrReset("read")
	case probe.GaveUp:
		return nil, fate.GaveUpWith(r.Context())
	case probe.Late:
		probe.Later(t.tap, c, func(late *probe.Call) {
			_, _ = t.pass(t.carry(again(r.WithContext(context.WithoutCancel(r.Context())), raw, rest), late), late, true)
		})
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	case probe.Refuse:
		if own, ok := t.base.(Refuser); ok && fate.With != probe.Refused {
			return own.Refuse(again(r, raw, rest), fate.With), nil
		}
		return refusal(r, fate.With)
	case probe.Stale:
		return t.pass(t.carry(missing(again(r, raw, rest), fate.With), c), c, true)
	case probe.Lose:
		return nil, t.lose(t.carry(again(r, raw, rest), c), c, fate.With)
	default:
		return t.pass(t.carry(again(r, raw, rest), c), c, !lazy || t.wanted(c))
	}
}

// carry lets what is below know the call; in production nobody asks.
func (t *transport) carry(r *http.Request, c *probe.Call) *http.Request {
	if t.through {
		return r
	}
	return r.WithContext(probe.WithCall(r.Context(), c))
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
		Fails:  fails,
		Request: event.Payload{
			Target: canonicalTarget(r.URL), Header: probe.KeptHeaders(r.Header.Get), Body: canonicalBody(r.Header, raw)},
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

var fails = []string{"503", probe.Refused}

// wanted tells whether the answer's body is looked into.
func (t *transport) wanted(c *probe.Call) bool {
	_, response := t.reader.Bodies(&c.Op)
	return response
}

// pass carries the request out and reads the answer whole, if it is looked into, so that nothing
// of it is outstanding when the caller goes on.
func (t *transport) pass(r *http.Request, c *probe.Call, whole bool) (*http.Response, error) {
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		probe.Depart(t.tap)
		return nil, err
	}
	var body []byte
	if whole && (!t.through || !streams(resp)) {
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

// lose carries the request out and drops the answer.
func (t *transport) lose(r *http.Request, c *probe.Call, how string) error {
	if _, err := t.pass(r, c, true); err != nil {
		return err
	}
	if how == "timeout" {
		<-r.Context().Done()
		return context.Cause(r.Context())
	}
	return probe.ErrReset("read")
}

// refusal is what a service that refuses a call answers.
func refusal(r *http.Request, status string) (*http.Response, error) {
	code, err := strconv.Atoi(status)
	if err != nil {
		return nil, probe.ErrRefused()
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

func flat(h http.Header) map[string]string {
	out := make(map[string]string, len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		out[name] = h.Get(name)
	}
	return out
}
