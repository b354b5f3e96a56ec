// Package recording keeps invocations of production, so that one can be run again
// in a debugger: its request, the operations it made with their answers, and what
// it drew at random. `wtsim debug` does that.
//
// A recording is what [probe.Recorder.Keep] keeps, an event a line, with notes
// between: that an invocation begins, with its request ([Handler]), what is drawn
// ([Reader]), and that it ends. [Files] keeps them in files, one an invocation,
// no more than it is told; [Read] reads them; a [Player] answers a handler out of
// one. It plays operations of HTTP and of Redis and calls of gRPC, and of its streams what
// came in.
//
// What is not recorded: the time that passes within an invocation (a Player's
// answers come when they came), math/rand but in a program of `wtsim build --record`, the order of
// goroutines and of maps, and what a handler remembers of invocations before.
package recording

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// The notes, behind [probe.NotePrefix].
const (
	noteBegin = "begin" // method, target, header, body or base64 or cut
	noteDraw  = "draw"  // base64, or number
	noteEnd   = "end"   // status

	noteMessage = "message" // of a stream: its number, and base64; or the status, and text, that it ends with
)

// Secret are the headers whose values no recording has: they stand there as
// [Hidden].
var Secret = []string{"Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "X-Auth-Token", "X-Csrf-Token"}

// Hidden stands for a value that is not kept.
const Hidden = "(hidden)"

// Handler notes each request of an HTTP function, and how it ends. It stands below
// [httpprobe.Handler], which makes it an invocation:
//
//	h = httpprobe.Handler(recorder, recording.Handler(recorder, h))
//
// Of a body longer than [probe.MostRecorded] nothing is kept but its length; such a
// request cannot be played.
func Handler(r *probe.Recorder, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		Begin(r, req)
		answer := &answered{ResponseWriter: w, status: http.StatusOK}
		defer func() { End(r, answer.status) }()
		h.ServeHTTP(answer, req)
	})
}

// Begin notes that the calling goroutine's invocation begins with a request, whose body
// can be read still. It is for protocols over HTTP; others have [Handler].
func Begin(r *probe.Recorder, req *http.Request) { note(r, noteBegin, begun(req)) }

// End notes the status that the invocation ends with.
func End(r *probe.Recorder, status int) { note(r, noteEnd, map[string]any{"status": status}) }

func note(r *probe.Recorder, what string, params map[string]any) {
	data, err := event.DataOf(params)
	if err != nil {
		data = event.Data{{Name: "error", Value: event.Str(err.Error())}} // which whoever reads it says
	}
	r.Note(what, data)
}

// begun is a request as a recording has it. Its body can be read still.
func begun(req *http.Request) map[string]any {
	header := map[string]any{}
	for name, values := range req.Header { // the recording sorts them
		header[name] = strings.Join(values, ", ")
		if slices.Contains(Secret, name) {
			header[name] = Hidden
		}
	}
	params := map[string]any{"method": req.Method, "target": req.URL.RequestURI(), "host": req.Host, "header": header}
	if req.Body == nil {
		if req.ContentLength < 0 { // there is one, of which nothing is known
			params["cut"] = true
		}
		return params
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, probe.MostRecorded+1))
	rest := io.Reader(req.Body)
	if err != nil {
		rest = failing{err}
	}
	req.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), rest), req.Body}
	if len(body) > probe.MostRecorded {
		params["cut"] = true
		return params
	}
	params["base64"] = base64.StdEncoding.EncodeToString(body)
	return params
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// answered knows the status of a response.
type answered struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (a *answered) WriteHeader(status int) {
	if !a.wrote {
		a.status, a.wrote = status, status >= 200
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answered) Write(b []byte) (int, error) {
	a.wrote = true
	return a.ResponseWriter.Write(b)
}

// Unwrap lets [http.ResponseController] at what is below.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Reader returns a source of random bytes that notes what invocations draw of it,
// to be set as [crypto/rand.Reader], and for libraries that take one (such as uuid's
// SetRand). A recording then has the tokens that the application makes: keep it as
// you keep them, or do not use this, and a Player tells where random bytes make a
// difference.
func Reader(r *probe.Recorder, of io.Reader) io.Reader { return &reader{r, of} }

type reader struct {
	recorder *probe.Recorder
	of       io.Reader
}

// Read draws, and notes what it has drawn.
func (r *reader) Read(b []byte) (int, error) {
	n, err := r.of.Read(b)
	Drawn(r.recorder, b[:n])
	return n, err
}

// Drawn notes random bytes that the calling goroutine has drawn for its invocation. What
// TLS draws is no matter of the application's: who plays it has no connections.
func Drawn(r *probe.Recorder, b []byte) {
	if len(b) > 0 && probe.Caller() != "" && !withinTLS() {
		note(r, noteDraw, map[string]any{"base64": base64.StdEncoding.EncodeToString(b)})
	}
}

// Numbered notes a random number that math/rand has drawn for the calling goroutine's
// invocation.
func Numbered(r *probe.Recorder, x uint64) {
	if probe.Caller() != "" {
		note(r, noteDraw, map[string]any{"number": strconv.FormatUint(x, 10)})
	}
}

// deepest is how many frames above a draw are looked at.
const deepest = 32

func withinTLS() bool {
	var above [deepest]uintptr
	frames := runtime.CallersFrames(above[:runtime.Callers(2, above[:])])
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "crypto/tls.") {
			return true
		}
		if !more {
			return false
		}
	}
}
