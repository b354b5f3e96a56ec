package probe

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/wtsim/wtsim/event"
)

// OperationType is the type of an event that is an operation as it was recorded,
// whatever rules there were: other rules can be applied to it later. Events that
// the application emitted stand between them in a recording as they are.
const OperationType = NotePrefix + "operation"

// NotePrefix is what the types of events begin with that stand in recordings
// alone, see [Recorder.Note].
const NotePrefix = "wtsim."

// MostRecorded is how many bytes of a body a recording keeps, each of the
// request and of the answer. Of what is longer nothing is kept.
const MostRecorded = 64 << 10

// recorded is an operation in a recording: the data of its event.
type recorded struct {
	Service  string          `json:"service"`
	Method   string          `json:"method"`
	Resource string          `json:"resource,omitempty"`
	Access   event.Access    `json:"access,omitempty"`
	Try      int             `json:"try,omitempty"`
	Request  recordedPayload `json:"request"`
	Response recordedPayload `json:"response"`
	Status   string          `json:"status,omitempty"`
	OK       bool            `json:"ok"`
	Deadline *time.Time      `json:"deadline,omitempty"`
}

type recordedPayload struct {
	Words  []string          `json:"words,omitempty"`
	Target string            `json:"target,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body,omitempty"`
	Base64 string            `json:"base64,omitempty"` // a body that is no text
	Wire   *string           `json:"wire,omitempty"`   // what was sent, in base64, where the body is another form of it
	Cut    int               `json:"cut,omitempty"`    // how long a body was of which nothing is kept
	Stream uint64            `json:"stream,omitempty"` // whose messages come after it
}

func payloadOf(words []string, target string, header map[string]string, body []byte) recordedPayload {
	p := recordedPayload{Words: words, Target: target, Header: header}
	switch {
	case len(body) > MostRecorded:
		p.Cut = len(body)
	case utf8.Valid(body):
		p.Body = string(body)
	default:
		p.Base64 = base64.StdEncoding.EncodeToString(body)
	}
	return p
}

// wired adds what was sent to an answer.
func (p recordedPayload) wired(wire []byte) recordedPayload {
	switch {
	case wire == nil:
	case len(wire) > MostRecorded:
		p.Cut = max(p.Cut, len(wire))
	default:
		text := base64.StdEncoding.EncodeToString(wire)
		p.Wire = &text
	}
	return p
}

func (p *recordedPayload) body() ([]byte, error) {
	if p.Base64 != "" {
		return base64.StdEncoding.DecodeString(p.Base64)
	}
	return []byte(p.Body), nil
}

// recordingOf is an operation as a recording has it.
func recordingOf(op *event.Operation) (event.Data, error) {
	x := recorded{Service: op.Service, Method: op.Method, Resource: op.Resource, Access: op.Access, Try: op.Try, Status: op.Result.Status, OK: op.Result.OK,
		Request:  payloadOf(op.Request.Words, op.Request.Target, op.Request.Header, op.Request.Body),
		Response: payloadOf(nil, "", op.Result.Header, op.Result.Body).wired(op.Result.Wire)}
	x.Response.Stream = op.Result.Stream
	if !op.Deadline.IsZero() {
		at := op.Deadline.UTC()
		x.Deadline = &at
	}
	text, err := json.Marshal(x)
	if err != nil {
		return nil, err
	}
	var params map[string]any
	if err := json.Unmarshal(text, &params); err != nil {
		return nil, err
	}
	return event.DataOf(params)
}

// Recorded returns the operation that an event of a recording is; ok is false if
// it is another event.
func Recorded(e *event.Event) (op event.Operation, ok bool, err error) {
	if e.Type != OperationType {
		return op, false, nil
	}
	var x recorded
	if err := json.Unmarshal(e.Data.AppendJSON(nil), &x); err != nil {
		return op, true, fmt.Errorf("event %q of %q is no recorded operation: %w", e.ID, e.Source, err)
	}
	if x.Service == "" {
		return op, true, fmt.Errorf("event %q of %q is no recorded operation: service is missing", e.ID, e.Source)
	}
	op = event.Operation{Service: x.Service, Method: x.Method, Resource: x.Resource, Access: x.Access, Try: x.Try,
		Request: event.Payload{Words: x.Request.Words, Target: x.Request.Target, Header: x.Request.Header},
		Result:  event.Result{Status: x.Status, OK: x.OK, Header: x.Response.Header, Stream: x.Response.Stream}}
	op.Caller.Invocation = e.Invocation
	if x.Deadline != nil {
		op.Deadline = *x.Deadline
	}
	if op.Request.Body, err = x.Request.body(); err == nil {
		op.Result.Body, err = x.Response.body()
	}
	if err == nil && x.Response.Wire != nil {
		op.Result.Wire, err = base64.StdEncoding.DecodeString(*x.Response.Wire)
	}
	if err != nil {
		err = fmt.Errorf("event %q of %q: a body is not base64", e.ID, e.Source)
	}
	return op, true, err
}
