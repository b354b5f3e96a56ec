package recording

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Invocation is one that was recorded.
type Invocation struct {
	ID         string
	Source     string // the function instance
	Began      time.Time
	Request    Request
	Operations []Operation
	Draws      [][]byte
	Numbers    []uint64 // that math/rand has drawn
	Status     int      // of the response; 0 if the invocation has not ended
}

// Request is what an invocation was asked.
type Request struct {
	Method, Target, Host string
	Header               map[string]string
	Body                 []byte
	Cut                  bool // the body was too long to be kept
}

// Operation is one of an invocation's.
type Operation struct {
	ID   string // its event's
	Time time.Time
	event.Operation
	Messages []Message // of a stream of gRPC
}

// Message is one that came in on a stream, or its end.
type Message struct {
	Time   time.Time
	Wire   []byte
	Status string // of the end; else empty
	Text   string // of an end that is an error
}

// Begun reports whether an invocation has its request in the recording: else it
// began before that, or on an instance without [Handler].
func (i *Invocation) Begun() bool { return i.Request.Method != "" }

// HTTP is the request again.
func (i *Invocation) HTTP() (*http.Request, error) {
	r := &i.Request
	switch {
	case !i.Begun():
		return nil, fmt.Errorf("invocation %s has no request in the recording, wanted recording.Handler around the function's handler", i.ID)
	case r.Cut:
		return nil, fmt.Errorf("invocation %s has a body of more than %d bytes, of which nothing is kept", i.ID, probe.MostRecorded)
	}
	req, err := http.NewRequest(r.Method, r.Target, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("invocation %s: %w", i.ID, err)
	}
	req.Host, req.RequestURI = r.Host, r.Target
	if strings.HasPrefix(r.Header["Content-Type"], "application/grpc") {
		req.Proto, req.ProtoMajor, req.ProtoMinor = "HTTP/2.0", 2, 0
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	return req, nil
}

// Read reads the invocations of a recording, in the order in which they begin. An
// error names the line.
func Read(in io.Reader) ([]*Invocation, error) {
	b := bufio.NewReader(in)
	var all []*Invocation
	by := map[string]*Invocation{}
	for n := 1; ; n++ {
		line, end := b.ReadBytes('\n')
		if end != nil && !errors.Is(end, io.EOF) {
			return nil, end
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			e, err := event.Decode(line)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			i := by[e.Invocation]
			if i == nil && e.Invocation != "" {
				i = &Invocation{ID: e.Invocation, Source: e.Source, Began: e.Time}
				by[e.Invocation], all = i, append(all, i)
			}
			if i != nil {
				err = i.take(&e)
			}
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
		}
		if end != nil {
			return all, nil
		}
	}
}

// noted is the data of any note.
type noted struct {
	Method, Target, Host string
	Header               map[string]string
	Base64, Number       string
	Cut                  bool
	Status               json.RawMessage // of HTTP, or of gRPC
	Error, Text          string
	Stream               uint64
}

func (i *Invocation) take(e *event.Event) error {
	op, ok, err := probe.Recorded(e)
	if ok {
		i.Operations = append(i.Operations, Operation{ID: e.ID, Time: e.Time, Operation: op})
		return err
	}
	var x noted
	switch e.Type {
	case probe.NotePrefix + noteBegin, probe.NotePrefix + noteDraw, probe.NotePrefix + noteMessage, probe.NotePrefix + noteEnd:
		if err := json.Unmarshal(e.Data.AppendJSON(nil), &x); err != nil {
			return fmt.Errorf("event %q is no note of a recording: %w", e.ID, err)
		}
	default:
		return nil // what the application emits
	}
	if x.Error != "" {
		return fmt.Errorf("event %q could not be recorded: %s", e.ID, x.Error)
	}
	body, err := base64.StdEncoding.DecodeString(x.Base64)
	if err != nil {
		return fmt.Errorf("event %q: not base64: it was redacted, or is no recording", e.ID)
	}
	switch e.Type {
	case probe.NotePrefix + noteBegin:
		i.Began, i.Request = e.Time, Request{Method: x.Method, Target: x.Target, Host: x.Host, Header: x.Header, Body: body, Cut: x.Cut}
	case probe.NotePrefix + noteDraw:
		return i.drawn(e.ID, body, x.Number)
	case probe.NotePrefix + noteMessage:
		m := Message{Time: e.Time, Wire: body, Text: x.Text}
		if len(x.Status) > 0 {
			err = json.Unmarshal(x.Status, &m.Status)
		}
		i.came(x.Stream, m)
	default:
		err = json.Unmarshal(x.Status, &i.Status)
	}
	if err != nil {
		err = fmt.Errorf("event %q: status is %s, wanted a number at an end and a text at a message", e.ID, x.Status)
	}
	return err
}

// came takes a message of a stream; of one that began before there was a recording it
// is left out.
func (i *Invocation) came(stream uint64, m Message) {
	for n := range i.Operations {
		if op := &i.Operations[n]; stream != 0 && op.Result.Stream == stream {
			op.Messages = append(op.Messages, m)
		}
	}
}

// drawn takes what was drawn: bytes, or a number.
func (i *Invocation) drawn(id string, body []byte, number string) error {
	if number == "" {
		i.Draws = append(i.Draws, body)
		return nil
	}
	x, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return fmt.Errorf("event %q: %q is no number: it was redacted, or is no recording", id, number)
	}
	i.Numbers = append(i.Numbers, x)
	return nil
}
