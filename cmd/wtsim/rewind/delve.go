package rewind

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// delve is one delve, with the one program that it runs.
type delve struct {
	*peer
	conn    net.Conn
	command *exec.Cmd
	printed bytes.Buffer  // by delve itself
	ended   chan struct{} // the process is gone
	events  []message     // that came before they could be dealt with
}

// patience is how long a delve may take to come, and to go.
const (
	comes = time.Minute
	goes  = 5 * time.Second
)

// start starts a delve, which dials the caller.
func start(ctx context.Context, path string) (*delve, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	d := &delve{command: exec.Command(path, "dap", "--client-addr", l.Addr().String()), ended: make(chan struct{})}
	d.command.Stdout, d.command.Stderr = &d.printed, &d.printed
	if err := d.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = d.command.Wait() // how it ended is told by what it said before
		close(d.ended)
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, comes, fmt.Errorf("delve has not come within %v", comes))
	defer cancel()
	came := make(chan net.Conn, 1)
	go func() {
		if conn, err := l.Accept(); err == nil { // else l is closed
			came <- conn
		}
	}()
	select {
	case d.conn = <-came:
	case <-d.ended:
		return nil, fmt.Errorf("delve has ended: %s", strings.TrimSpace(d.printed.String()))
	case <-ctx.Done():
		_ = d.command.Process.Kill()
		return nil, context.Cause(ctx)
	}
	d.peer = newPeer(d.conn)
	return d, nil
}

// errGone is what is said of a delve that does not answer any more.
var errGone = errors.New("delve has gone")

// ask makes a request and waits for its answer; events that come meanwhile wait.
func (d *delve) ask(command string, arguments any) (message, error) {
	seq := d.send(message{Type: "request", Command: command, Arguments: raw(arguments)})
	for m := range d.messages {
		switch {
		case m.Type == "event":
			d.events = append(d.events, m)
		case m.Type == "response" && m.RequestSeq == seq:
			return m, nil
		}
	}
	return message{}, errGone
}

// must is ask, of a request that there is no reason to refuse.
func (d *delve) must(command string, arguments any) (message, error) {
	m, err := d.ask(command, arguments)
	if err == nil && !m.ok() {
		err = fmt.Errorf("delve refuses %s: %s", command, m.why())
	}
	return m, err
}

// next returns the next event.
func (d *delve) next(ctx context.Context) (message, error) {
	if len(d.events) > 0 {
		m := d.events[0]
		d.events = d.events[1:]
		return m, nil
	}
	for {
		select {
		case m, ok := <-d.messages:
			if !ok {
				return m, errGone
			}
			if m.Type == "event" {
				return m, nil
			}
		case <-ctx.Done():
			return message{}, context.Cause(ctx)
		}
	}
}

// end ends the program and its delve.
func (d *delve) end() {
	d.send(message{Type: "request", Command: "disconnect", Arguments: raw(map[string]bool{"terminateDebuggee": true})})
	go func() {
		for range d.messages { // so that it is not held up
		}
	}()
	select {
	case <-d.ended:
	case <-time.After(goes):
		_ = d.command.Process.Signal(os.Kill)
		<-d.ended
	}
	_ = d.conn.Close()
}
