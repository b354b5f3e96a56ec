// Package intake takes events out of requests: CloudEvents in each of the forms
// that they come in over HTTP, within limits. Who runs a server says what becomes
// of them.
package intake

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/wtsim/wtsim/event"
)

// Limits bound what a request may bring.
type Limits struct {
	Body       int64 // bytes, decompressed
	Event      int   // bytes of one event
	Batch      int   // events in one request
	Parameters int   // of one event
	Depth      int   // of objects and arrays in one event
}

// Usual are the limits that hold unless others are given.
func Usual() Limits {
	return Limits{Body: 8 << 20, Event: 256 << 10, Batch: 100_000, Parameters: 256, Depth: 32}
}

// ErrTooLarge says that a limit of size is passed.
var ErrTooLarge = errors.New("too large")

// Reader takes events out of one request.
type Reader struct {
	Limits *Limits
	Event  func(e *event.Event, line int)
	Wrong  func(line int, why string) // what would have been an event, and why it is none

	Large bool // something was beyond a limit of size
	lines int  // taken
}

// Read takes the events of a request in. The error is of the request as a
// whole.
func (in *Reader) Read(r *http.Request, body io.Reader) error {
	form, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	binary := r.Header.Get("Ce-Specversion") != "" || r.Header.Get("Ce-Id") != ""
	switch {
	case form == "application/cloudevents+json":
		return in.whole(body, func(text []byte) error { in.Line(1, text); return nil })
	case form == "application/cloudevents-batch+json":
		return in.whole(body, in.Batch)
	case form == "application/x-ndjson":
		return in.ndjson(body)
	case r.Header.Get("Ce-Type") == publishedType:
		return in.whole(body, in.pushed)
	case binary:
		return in.whole(body, func(text []byte) error { return in.binary(r.Header, text) })
	case form == "application/json" || err != nil && r.Header.Get("Content-Type") == "":
		return in.whole(body, in.pushed)
	}
	return fmt.Errorf("content type %q, wanted application/cloudevents+json, application/cloudevents-batch+json, application/x-ndjson, a Pub/Sub push envelope in application/json, or the attributes in ce- headers", form)
}

func (in *Reader) whole(body io.Reader, take func([]byte) error) error {
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	return take(text)
}

// ndjson takes one event a line.
func (in *Reader) ndjson(body io.Reader) error {
	b := bufio.NewReaderSize(body, 64<<10)
	for n := 1; ; n++ {
		line, err := readLine(b, in.Limits.Event)
		switch {
		case errors.Is(err, ErrTooLarge):
			in.tooLarge(n)
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return err
		}
		if len(bytes.TrimSpace(line)) > 0 {
			if in.lines >= in.Limits.Batch {
				return fmt.Errorf("%w: more than %d lines", ErrTooLarge, in.Limits.Batch)
			}
			in.Line(n, line)
		}
		if err != nil {
			return nil
		}
	}
}

// readLine reads a line without its end; of one that is too long nothing.
func readLine(b *bufio.Reader, most int) (line []byte, err error) {
	long := false
	for {
		part, err := b.ReadSlice('\n')
		if len(line)+len(part) > most+1 {
			long, line = true, nil
		}
		if !long {
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if long && (err == nil || errors.Is(err, io.EOF) && len(part) >= 0) {
			if err == nil {
				return nil, ErrTooLarge
			}
			return nil, fmt.Errorf("%w: the last line", ErrTooLarge)
		}
		return bytes.TrimSuffix(line, []byte("\n")), err
	}
}

func (in *Reader) tooLarge(line int) {
	in.Large = true
	in.wrong(line, fmt.Sprintf("an event of more than %d bytes", in.Limits.Event))
}

// Batch takes a JSON array of events.
func (in *Reader) Batch(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return errors.New("not a batch, wanted a JSON array of CloudEvents")
	}
	for n := 1; d.More(); n++ {
		var one json.RawMessage
		if err := d.Decode(&one); err != nil {
			return fmt.Errorf("event %d of the batch: %w", n, err)
		}
		if n > in.Limits.Batch {
			return fmt.Errorf("%w: more than %d events", ErrTooLarge, in.Limits.Batch)
		}
		in.Line(n, one)
	}
	if _, err := d.Token(); err != nil {
		return errors.New("the batch does not end, wanted a JSON array of CloudEvents")
	}
	return nil
}

// Line takes one event in JSON.
func (in *Reader) Line(n int, text []byte) {
	if len(text) > in.Limits.Event {
		in.tooLarge(n)
		return
	}
	e, err := event.Decode(text)
	if err == nil {
		err = in.Limits.check(&e, text)
	}
	if err != nil {
		in.wrong(n, err.Error())
		return
	}
	in.lines++
	in.Event(&e, n)
}

// wrong tells why a line is no event.
func (in *Reader) wrong(line int, why string) {
	in.lines++
	in.Wrong(line, why)
}

func (l *Limits) check(e *event.Event, text []byte) error {
	if len(e.Data) > l.Parameters {
		return fmt.Errorf("%d parameters, wanted at most %d", len(e.Data), l.Parameters)
	}
	if d := depth(text); d > l.Depth {
		return fmt.Errorf("objects and arrays within another %d deep, wanted at most %d", d, l.Depth)
	}
	if e.Time.Year() < 1 || e.Time.Year() > 9999 {
		return fmt.Errorf("time is in the year %d, wanted 1 to 9999", e.Time.Year())
	}
	return nil
}

// depth is how deep objects and arrays are within one another.
func depth(text []byte) (most int) {
	now, quoted, escaped := 0, false, false
	for _, c := range text {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			now++
			most = max(most, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return most
}

// publishedType is the type under which Eventarc delivers a message of Pub/Sub:
// the event that is meant is in the message, as if it had been pushed.
// https://docs.cloud.google.com/eventarc/docs/cloudevents
const publishedType = "google.cloud.pubsub.topic.v1.messagePublished"

// envelope is what Pub/Sub pushes.
type envelope struct {
	Message *struct {
		Data       string            `json:"data"`
		Attributes map[string]string `json:"attributes"`
	} `json:"message"`
	SpecVersion string `json:"specversion"`
}

// pushed takes a Pub/Sub push envelope. Its message is a CloudEvent in JSON, or
// has the attributes in ce- attributes and parameters as data.
func (in *Reader) pushed(text []byte) error {
	var x envelope
	if err := json.Unmarshal(text, &x); err != nil {
		return fmt.Errorf("not a push envelope: %w", err)
	}
	if x.Message == nil {
		if x.SpecVersion != "" {
			in.Line(1, text)
			return nil
		}
		return errors.New("message is missing, wanted a Pub/Sub push envelope")
	}
	data, err := base64.StdEncoding.DecodeString(x.Message.Data)
	if err != nil {
		in.wrong(1, "message.data is not base64")
		return nil
	}
	h := http.Header{}
	for name, value := range x.Message.Attributes { //wtsim:order each has a name of its own in the header, or one of two is malformed
		if strings.HasPrefix(strings.ToLower(name), "ce-") {
			h.Add(name, value)
		}
	}
	if h.Get("Ce-Id") != "" || h.Get("Ce-Specversion") != "" {
		return in.attributes(h, data, func(s string) string { return s })
	}
	in.Line(1, data)
	return nil
}

// binary takes the binary mode of HTTP: attributes in headers, percent-encoded.
func (in *Reader) binary(h http.Header, data []byte) error {
	return in.attributes(h, data, percentDecoded)
}

// attributes puts an event together, to be decoded like any other.
func (in *Reader) attributes(h http.Header, data []byte, decoded func(string) string) error {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, name := range []string{"specversion", "id", "source", "type", "time", "sequence", "invocation", "lossy"} {
		all := h.Values("Ce-" + name)
		switch {
		case len(all) > 1:
			in.wrong(1, fmt.Sprintf("%q occurs twice, wanted each name once", name))
			return nil
		case len(all) == 1:
			text, err := json.Marshal(decoded(all[0]))
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, `%q:%s,`, name, text)
		}
	}
	b.WriteString(`"data":`)
	if data = bytes.TrimSpace(data); len(data) == 0 {
		data = []byte("null")
	}
	if !json.Valid(data) {
		in.wrong(1, "the body is not JSON, wanted an object of parameters")
		return nil
	}
	b.Write(data)
	b.WriteByte('}')
	in.Line(1, b.Bytes())
	return nil
}

// percentDecoded is the value of a header: what is no valid encoding stays.
func percentDecoded(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	if !utf8.ValidString(b.String()) {
		return s
	}
	return b.String()
}

func hexDigit(c byte) int {
	if c >= 'A' && c <= 'F' {
		c += 'a' - 'A'
	}
	return strings.IndexByte("0123456789abcdef", c)
}

// Body is that of a request, decompressed, within a number of bytes.
func Body(w http.ResponseWriter, r *http.Request, most int64) (body io.Reader, err error) {
	body = http.MaxBytesReader(w, r.Body, most)
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		if body, err = gzip.NewReader(body); err == nil {
			body = http.MaxBytesReader(w, io.NopCloser(body), most)
		}
	}
	return body, err
}

// TooLarge turns the error of a [Body] that is too large into [ErrTooLarge].
func TooLarge(err error) error {
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return fmt.Errorf("%w: a body of more than %d bytes", ErrTooLarge, large.Limit)
	}
	return err
}

// Answer is what a request with events is told.
type Answer struct {
	Accepted  int      `json:"accepted"`
	Malformed int      `json:"malformed"`
	Reasons   []string `json:"reasons,omitempty"` // the first
	Error     string   `json:"error,omitempty"`
}

// mostReasons is how many reasons an answer has.
const mostReasons = 10

// Refuse counts a line that is no event.
func (a *Answer) Refuse(line int, why string) {
	a.Malformed++
	if len(a.Reasons) < mostReasons {
		a.Reasons = append(a.Reasons, fmt.Sprintf("line %d: %s", line, why))
	}
}

// Status is the status of a request whose events are stored. The error is of
// the request as a whole, large says that something was beyond a limit of size.
func (a *Answer) Status(err error, large bool) int {
	if err != nil {
		a.Error = err.Error()
	}
	switch {
	case errors.Is(err, ErrTooLarge), err == nil && a.Accepted == 0 && large:
		return http.StatusRequestEntityTooLarge
	case err != nil, a.Accepted == 0:
		return http.StatusBadRequest
	}
	return http.StatusAccepted
}

// Write answers with JSON; where it is to be tried again, with Retry-After.
func Write(w http.ResponseWriter, status int, x any) {
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(x) // who does not read does not want it
}
