package rewind

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/google/go-dap"
)

// message is a message of the protocol: a request, a response or an event. What
// is in it is passed on as it came, whatever the version of who speaks.
type message struct {
	Seq        int             `json:"seq"`
	Type       string          `json:"type"`
	Command    string          `json:"command,omitempty"`
	Event      string          `json:"event,omitempty"`
	RequestSeq int             `json:"request_seq,omitempty"`
	Success    *bool           `json:"success,omitempty"`
	Message    string          `json:"message,omitempty"`
	Arguments  json.RawMessage `json:"arguments,omitempty"`
	Body       json.RawMessage `json:"body,omitempty"`
}

// ok tells whether a response grants its request.
func (m *message) ok() bool { return m.Success != nil && *m.Success }

// why is what a response says of a request that it does not grant.
func (m *message) why() string {
	var body dap.ErrorResponseBody
	if json.Unmarshal(m.Body, &body) == nil && body.Error != nil && body.Error.Format != "" {
		return body.Error.Format
	}
	return m.Message
}

// raw is a value as a part of a message.
func raw(v any) json.RawMessage {
	if r, ok := v.(json.RawMessage); ok || v == nil {
		return r
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("rewind: parts of the protocol have a JSON form: %w", err))
	}
	return text
}

// part reads a part of a message; what it does not have stays zero.
func part[T any](text json.RawMessage) (v T) {
	_ = json.Unmarshal(text, &v) // who sent it gets the answer to what could be read
	return v
}

// peer is one end of a connection.
type peer struct {
	messages chan message // what comes; closed when nothing does any more

	mu  sync.Mutex
	out io.Writer
	seq int
}

func newPeer(conn io.ReadWriter) *peer {
	p := &peer{messages: make(chan message), out: conn}
	go p.read(bufio.NewReader(conn))
	return p
}

func (p *peer) read(in *bufio.Reader) {
	defer close(p.messages)
	for {
		text, err := dap.ReadBaseMessage(in)
		if err != nil {
			return // it has gone
		}
		m := message{}
		if json.Unmarshal(text, &m) != nil {
			return // it does not speak the protocol
		}
		p.messages <- m
	}
}

// send gives a message its number, which it returns. Whom it cannot reach has
// gone, which its channel tells.
func (p *peer) send(m message) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq++
	m.Seq = p.seq
	_ = dap.WriteBaseMessage(p.out, raw(m))
	return m.Seq
}

// grant answers a request.
func (p *peer) grant(request message, body any) {
	yes := true
	p.send(message{Type: "response", Command: request.Command, RequestSeq: request.Seq, Success: &yes, Body: raw(body)})
}

// refuse answers a request with why it cannot be done.
func (p *peer) refuse(request message, why string) {
	no := false
	body := dap.ErrorResponseBody{Error: &dap.ErrorMessage{Format: why, ShowUser: true}}
	p.send(message{Type: "response", Command: request.Command, RequestSeq: request.Seq, Success: &no, Message: why, Body: raw(body)})
}

// pass passes the answer to a request on.
func (p *peer) pass(request, answer message) {
	answer.RequestSeq = request.Seq
	p.send(answer)
}

// tell sends an event.
func (p *peer) tell(event string, body any) {
	p.send(message{Type: "event", Event: event, Body: raw(body)})
}

// say shows a line in the editor's console.
func (p *peer) say(format string, args ...any) {
	p.tell("output", dap.OutputEventBody{Category: "console", Output: fmt.Sprintf(format, args...) + "\n"})
}
