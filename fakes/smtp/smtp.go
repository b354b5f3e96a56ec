// Package smtp is a mail server in process, behind net/smtp and whatever else
// speaks SMTP: a sink that properties see.
//
// A mail is one operation: SEND, whose resource is who it is for, carried out when the
// client has written its last line. It may be refused (451, as a server does that
// cannot take it now), and its answer may be lost, after which a client cannot know
// whether it was sent (RFC 5321, 6.1: "the client must not assume"). What a client says
// before is none.
//
// Every password is taken. STARTTLS is offered to programs, whose TLS is no more than
// its handshake; what else of the protocol is not here is refused by name.
package smtp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	netmail "net/mail"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Service declares a mail server.
type Service struct {
	cloud.Places
	name string
}

// New declares a mail server under a name, usually "smtp".
func New(name string) *Service { return &Service{name: name} }

// At returns the service with addresses at which programs look for it that have
// them written down, such as "smtp.example.com:587".
func (s *Service) At(addresses ...string) *Service {
	out := *s
	out.Places = s.And(addresses...)
	return &out
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short what it is.
func (s *Service) String() string { return "a mail server" }

// Open starts it for a run.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	return &Backend{name: s.name, kernel: k, sent: map[string][]string{}}, nil
}

// Backend is a mail server during one run.
type Backend struct {
	name   string
	kernel cloud.Kernel

	mu   sync.Mutex
	to   []string            // recipients, in the order in which they got their first mail
	sent map[string][]string // subjects, by recipient
}

// Contents are the mails' subjects, as recipient/number.
func (b *Backend) Contents() (out []cloud.Content) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, to := range b.to {
		for i, subject := range b.sent[to] {
			out = append(out, cloud.Content{Key: to + "/" + strconv.Itoa(i+1), Value: subject})
		}
	}
	return out
}

// Close does nothing.
func (b *Backend) Close() {}

// Touches reports true: recipients are named.
func (b *Backend) Touches(*event.Operation) bool { return true }

// Dial returns a connection for a program that dials by itself.
func (b *Backend) Dial(tap probe.Tap) net.Conn { return b.connect(tap, true) }

// Dial returns a connection of a function instance, for [net/smtp.NewClient].
func Dial(env cloud.Env, service string) net.Conn {
	return env.Backend(service).(*Backend).connect(env.Tap(), false)
}

func (b *Backend) connect(tap probe.Tap, tls bool) net.Conn {
	c := &conn{b: b, tap: tap, tls: tls, wake: make(chan struct{}, 1)}
	c.say("220 " + b.name + " ESMTP")
	return c
}

// mail is one that is being written.
type mail struct {
	from string
	to   []string
	data bytes.Buffer
}

// deliver passes a mail through the tap.
func (b *Backend) deliver(tap probe.Tap, m *mail) error {
	subject := ""
	if parsed, err := netmail.ReadMessage(bytes.NewReader(m.data.Bytes())); err == nil {
		subject = parsed.Header.Get("Subject")
	}
	told, err := json.Marshal(map[string]any{"from": m.from, "to": m.to, "subject": subject})
	if err != nil {
		return err
	}
	_, err = probe.Do(context.Background(), tap, event.Operation{
		Service: b.name, Method: "SEND", Resource: strings.Join(m.to, " "), Access: event.Reads | event.Writes,
		Request: event.Payload{Body: told, JSON: true}, Fails: []string{"451"},
	}, func() event.Result {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, to := range m.to {
			if b.sent[to] == nil {
				b.to = append(b.to, to)
			}
			b.sent[to] = append(b.sent[to], subject)
		}
		return event.Result{Status: "250", OK: true}
	})
	return err
}

// conn is a client's connection and the server's side of it. Lines are answered
// where they are written, on the client's goroutine.
type conn struct {
	b    *Backend
	tap  probe.Tap
	tls  bool // STARTTLS is offered
	in   []byte
	mail *mail
	data bool // lines of the mail are coming
	auth int  // lines of an authentication that are to come

	mu   sync.Mutex
	out  bytes.Buffer
	gone error
	by   time.Time
	wake chan struct{}
}

func (c *conn) say(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone == nil {
		c.out.WriteString(line + "\r\n")
	}
	c.signal()
}

func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *conn) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone == nil {
		c.gone = err
	}
	c.signal()
}

// Write answers the lines that it completes.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	gone := c.gone
	c.mu.Unlock()
	if gone != nil {
		return 0, gone
	}
	c.in = append(c.in, p...)
	if len(c.in) > 0 && c.in[0] == 0x16 && !c.data { // a handshake of TLS
		c.b.kernel.Lacks("TLS to a mail server outside of programs")
		c.end(probe.ErrReset("read"))
		return len(p), nil
	}
	for {
		line, rest, whole := bytes.Cut(c.in, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		c.in = rest
		c.take(strings.TrimSuffix(string(line), "\r"))
	}
}

// take does what a line says.
func (c *conn) take(line string) {
	switch {
	case c.data && line == ".":
		c.finish()
		return
	case c.data:
		c.mail.data.WriteString(strings.TrimPrefix(line, ".") + "\r\n")
		return
	case c.auth > 0:
		if c.auth--; c.auth > 0 {
			c.say("334 UGFzc3dvcmQ6")
		} else {
			c.say("235 2.7.0 accepted")
		}
		return
	}
	word, rest, _ := strings.Cut(line, " ")
	if f := verb(strings.ToUpper(word)); f != nil {
		f(c, rest)
		return
	}
	c.b.kernel.Lacks("SMTP's " + strings.ToUpper(word))
	c.say("502 5.5.1 wtsim does not have " + strings.ToUpper(word))
}

// verb returns what a command does; nil if it is not known.
func verb(word string) func(c *conn, rest string) {
	switch word {
	case "EHLO":
		return (*conn).hello
	case "HELO":
		return func(c *conn, _ string) { c.say("250 " + c.b.name) }
	case "NOOP":
		return func(c *conn, _ string) { c.say("250 2.0.0 OK") }
	case "RSET":
		return func(c *conn, _ string) { c.mail = nil; c.say("250 2.0.0 OK") }
	case "QUIT":
		return func(c *conn, _ string) { c.say("221 2.0.0 bye") }
	case "AUTH":
		return (*conn).authenticate
	case "STARTTLS":
		return (*conn).startTLS
	case "MAIL":
		return (*conn).from
	case "RCPT":
		return (*conn).recipient
	case "DATA":
		return (*conn).begin
	}
	return nil
}

func (c *conn) hello(string) {
	c.say("250-" + c.b.name)
	if c.tls {
		c.say("250-STARTTLS")
	}
	c.say("250-AUTH PLAIN LOGIN")
	c.say("250 8BITMIME")
}

func (c *conn) startTLS(string) {
	if !c.tls {
		c.say("502 5.5.1 not offered")
		return
	}
	c.tls = false // once
	c.say("220 2.0.0 go ahead")
}

func (c *conn) authenticate(rest string) {
	kind, initial, _ := strings.Cut(rest, " ")
	switch {
	case strings.EqualFold(kind, "PLAIN") && initial != "":
		c.say("235 2.7.0 accepted")
	case strings.EqualFold(kind, "PLAIN"):
		c.auth = 1
		c.say("334 ")
	case strings.EqualFold(kind, "LOGIN"):
		if c.auth = 2; initial != "" {
			c.auth = 1
		}
		c.say("334 VXNlcm5hbWU6")
	default:
		c.b.kernel.Lacks("SMTP's AUTH " + kind)
		c.say("504 5.5.4 wtsim does not have AUTH " + kind)
	}
}

// address is what stands between the brackets.
func address(rest string) string {
	_, after, ok := strings.Cut(rest, "<")
	if !ok {
		return ""
	}
	inside, _, _ := strings.Cut(after, ">")
	return inside
}

func (c *conn) from(rest string) {
	if c.mail != nil {
		c.say("503 5.5.1 nested MAIL command")
		return
	}
	c.mail = &mail{from: address(rest)}
	c.say("250 2.1.0 OK")
}

func (c *conn) recipient(rest string) {
	to := address(rest)
	switch {
	case c.mail == nil:
		c.say("503 5.5.1 MAIL first")
	case !strings.Contains(to, "@"):
		c.say("550 5.1.1 no such recipient")
	default:
		c.mail.to = append(c.mail.to, to)
		c.say("250 2.1.5 OK")
	}
}

func (c *conn) begin(string) {
	if c.mail == nil || len(c.mail.to) == 0 {
		c.say("503 5.5.1 RCPT first")
		return
	}
	c.data = true
	c.say("354 go ahead")
}

// finish delivers the mail.
func (c *conn) finish() {
	m := c.mail
	c.mail, c.data = nil, false
	err := c.b.deliver(c.tap, m)
	var refused *probe.RefusedError
	switch {
	case errors.As(err, &refused):
		c.say("451 4.3.0 try again later")
	case err != nil:
		c.end(err)
	default:
		c.say("250 2.0.0 queued")
	}
}

// Read returns answers.
func (c *conn) Read(p []byte) (int, error) {
	for {
		c.mu.Lock()
		gone, by := c.gone, c.by
		n, _ := c.out.Read(p) // what is there comes before the end
		c.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		if gone != nil {
			return 0, gone
		}
		if by.IsZero() {
			<-c.wake
			continue
		}
		timer := time.NewTimer(time.Until(by)) //wtsim:clock the bubble's clock
		select {
		case <-c.wake:
			timer.Stop()
		case <-timer.C:
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// Close ends the connection.
func (c *conn) Close() error {
	c.end(net.ErrClosed)
	return nil
}

// LocalAddr is of no use.
func (c *conn) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr is of no use.
func (c *conn) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// SetDeadline sets when a read gives up; writes do not wait.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline does nothing.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline sets when a read gives up.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by = t
	c.signal()
	return nil
}
