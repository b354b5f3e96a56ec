package awswire

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Error is a refusal as the service tells it.
type Error struct {
	Code      string
	Message   string
	Status    int            // 400 if zero
	Namespace string         // of its name in JSON; the API's if empty
	Fields    map[string]any // what the error tells besides, in JSON
	Query     string         // its code in the Query protocol, where that is another; a client of JSON is told it as well
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Lack is the error of what is not simulated.
type Lack struct {
	What   string // "DynamoDB's ExecuteStatement"
	Advice string // what to do instead
}

func (l *Lack) Error() string { return "wtsim does not have " + l.What + ": " + l.Advice }

// refuse is an error's answer. What is lacking is told to the run.
func (w *Wire) refuse(q *Request, err error) *http.Response {
	var e *Error
	var l *Lack
	switch {
	case errors.As(err, &e):
	case errors.As(err, &l):
		w.api.Kernel.Lacks(l.What)
		e = &Error{Code: "UnsupportedOperationException", Status: http.StatusNotImplemented, Message: l.Error()}
	default:
		e = &Error{Code: "InternalFailure", Status: http.StatusInternalServerError, Message: err.Error()}
	}
	if e.Status == 0 {
		e.Status = http.StatusBadRequest
	}
	switch {
	case w.api.Refuse != nil:
		return w.api.Refuse(q, e)
	case q.Form != nil:
		return w.refuseXML(q, e)
	}
	return w.refuseJSON(q, e)
}

// sides are who is to blame, as the protocols have it.
func (e *Error) side() string {
	if e.Status >= 500 {
		return "Receiver"
	}
	return "Sender"
}

// refuseJSON tells an error in the protocols of JSON.
// https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#operation-error-serialization
func (w *Wire) refuseJSON(q *Request, e *Error) *http.Response {
	name := e.Code
	if ns := e.Namespace; ns != "" {
		name = ns + "#" + name
	} else if w.api.Namespace != "" {
		name = w.api.Namespace + "#" + name
	}
	fields := map[string]any{"__type": name}
	for k, v := range e.Fields { //wtsim:order a map to a map
		fields[k] = v
	}
	if _, told := fields["Message"]; !told && e.Message != "" {
		fields["message"] = e.Message
	}
	resp := w.json(q, e.Status, fields)
	if q.Target.Name == "" { // REST has no names in bodies
		resp.Header.Set("X-Amzn-Errortype", e.Code)
	}
	if e.Query != "" {
		resp.Header.Set("X-Amzn-Query-Error", e.Query+";"+e.side())
	}
	return resp
}

// refuseXML tells an error in the Query protocol.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#operation-error-serialization
func (w *Wire) refuseXML(q *Request, e *Error) *http.Response {
	code := e.Query
	if code == "" {
		code = e.Code
	}
	type one struct{ Type, Code, Message string }
	return w.xml(q, e.Status, struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		NS        string   `xml:"xmlns,attr,omitempty"`
		Error     one
		RequestID string `xml:"RequestId"`
	}{NS: w.api.XMLNS, Error: one{e.side(), code, e.Message}, RequestID: q.ID})
}

// answer is what an operation returns.
func (w *Wire) answer(q *Request, value any) *http.Response {
	switch v := value.(type) {
	case *http.Response:
		if v.Header == nil {
			v.Header = http.Header{}
		}
		v.Header.Set("X-Amzn-Requestid", q.ID)
		return v
	default:
		if q.Form != nil {
			return w.xml(q, http.StatusOK, wrapped{q.Operation, w.api.XMLNS, q.ID, value})
		}
		return w.json(q, http.StatusOK, value)
	}
}

// wrapped is an answer in the Query protocol: its members are those of value,
// which may be nil.
type wrapped struct {
	operation, ns, id string
	value             any
}

// MarshalXML writes it.
func (v wrapped) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	outer := xml.StartElement{Name: xml.Name{Local: v.operation + "Response"}}
	if v.ns != "" {
		outer.Attr = []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: v.ns}}
	}
	type metadata struct {
		ID string `xml:"RequestId"`
	}
	err := e.EncodeToken(outer)
	if err == nil && v.value != nil {
		err = e.EncodeElement(v.value, xml.StartElement{Name: xml.Name{Local: v.operation + "Result"}})
	}
	if err == nil {
		err = e.EncodeElement(metadata{v.id}, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}})
	}
	if err == nil {
		err = e.EncodeToken(outer.End())
	}
	return err
}

func (w *Wire) xml(q *Request, status int, value any) *http.Response {
	body, err := xml.Marshal(value)
	if err != nil {
		panic("awswire: answers are made of what XML can tell: " + err.Error())
	}
	return w.response(q, status, "text/xml", body)
}

// JSON is an answer with a body of JSON, for services that speak REST.
func (w *Wire) JSON(q *Request, status int, value any) *http.Response {
	return w.json(q, status, value)
}

func (w *Wire) json(q *Request, status int, value any) *http.Response {
	body, ok := value.(json.RawMessage)
	switch {
	case ok:
	case value == nil:
		body = json.RawMessage("{}")
	default:
		var out bytes.Buffer
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		if err := e.Encode(value); err != nil {
			panic("awswire: answers are made of what JSON can tell: " + err.Error())
		}
		body = bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	}
	kind := "application/json"
	if asked := q.Header.Get("Content-Type"); strings.HasPrefix(asked, "application/x-amz-json-") {
		kind = asked
	}
	return w.response(q, status, kind, body)
}

func (w *Wire) response(q *Request, status int, kind string, body []byte) *http.Response {
	h := http.Header{
		"Content-Type": {kind}, "Content-Length": {strconv.Itoa(len(body))},
		"X-Amzn-Requestid": {q.ID}, "Server": {"Server"},
	}
	if w.api.Checksum {
		h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	}
	return &http.Response{
		StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Request: q.Request, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
}
