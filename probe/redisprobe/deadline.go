package redisprobe

import (
	"net"
	"os"
	"time"
)

func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// past is how long after its deadline a read gives up. A client takes the
// deadline from a context where that is sooner than its own: the context is done
// by then, and not just so, or just not, when the client looks at it.
const past = time.Nanosecond

// wait waits for something to change, or for the deadline.
func (c *conn) wait() error {
	c.mu.Lock()
	by := c.readBy
	c.mu.Unlock()
	var expired <-chan time.Time
	if !by.IsZero() {
		timer := time.NewTimer(time.Until(by) + past) //wtsim:clock the deadlines of a connection are by its clock
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-c.wake:
		return nil
	case <-expired:
		return os.ErrDeadlineExceeded
	case <-c.closed:
		return net.ErrClosed
	}
}

// SetDeadline sets both deadlines.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetWriteDeadline(t); err != nil {
		return err
	}
	return c.SetReadDeadline(t)
}

// SetWriteDeadline does nothing where a call may be held: a request is
// accepted at once, as a socket's buffer does, and what follows is the
// answer's time.
func (c *conn) SetWriteDeadline(t time.Time) error {
	if c.through {
		return c.Conn.SetWriteDeadline(t)
	}
	return nil
}

// SetReadDeadline sets when a read gives up.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.readBy = t
	now := c.through || c.busy && !c.framed // there the reader waits for the pump
	c.mu.Unlock()
	c.signal()
	if now {
		return c.Conn.SetReadDeadline(t)
	}
	return nil
}

// Close closes the connection; a call that waits at the tap is given up.
func (c *conn) Close() error {
	c.closing.Do(func() { close(c.closed) })
	c.mu.Lock()
	late := c.late
	c.mu.Unlock()
	if late {
		return nil
	}
	return c.Conn.Close()
}
