package sim

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/wtsim/wtsim/internal/program"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
)

// wire is a connection of a process: what the process writes goes into conn, and
// what comes from there goes to the process.
type wire struct {
	p    *process
	id   uint32
	conn net.Conn
	wake chan struct{}
	more chan struct{} // it may be read again
	end  chan struct{}
	once sync.Once

	mu   sync.Mutex
	out  [][]byte
	work uint32    // for whom the process has written last
	last bool      // the process has closed it
	by   time.Time // until when the process waits for an answer; zero for ever
}

func newWire(p *process, id uint32, conn net.Conn, work uint32) *wire {
	return &wire{p: p, id: id, conn: conn, work: work, wake: make(chan struct{}, 1), more: make(chan struct{}, 1), end: make(chan struct{})}
}

// open begins to carry.
func (w *wire) open() {
	go w.read()  //wtsim:go one direction
	go w.write() //wtsim:go the other
}

// send takes what the process has written, or that it has closed the
// connection.
func (w *wire) send(r *program.Record) {
	w.mu.Lock()
	if r.Kind == program.Close {
		w.last = true
	} else {
		w.out, w.work = append(w.out, r.Data), r.Work
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *wire) write() {
	seeded.Quiet(true)
	for {
		w.mu.Lock()
		out, last := w.out, w.last
		w.out = nil
		w.mu.Unlock()
		for _, b := range out {
			if _, err := w.conn.Write(b); err != nil {
				return // the reader sees it too
			}
		}
		if last {
			w.close()
			return
		}
		select {
		case <-w.wake:
		case <-w.end:
			return
		}
	}
}

func (w *wire) read() {
	seeded.Quiet(true)
	b := make([]byte, 32<<10)
	for {
		n, err := w.conn.Read(b)
		if n > 0 {
			w.p.tell(program.Record{Kind: program.Data, ID: w.id, Data: append([]byte{}, b[:n]...)})
		}
		if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
			select { // the process has noticed by itself
			case <-w.more:
				continue
			case <-w.end:
				return
			}
		}
		if err != nil {
			w.broken(err)
			return
		}
	}
}

// waits takes note of until when the process waits for an answer: a service may
// let it wait. The process's own clock is what ends that, so this one comes after
// it.
func (w *wire) waits(unixNano int64) {
	by, after := time.Time{}, time.Time{}
	if unixNano != 0 {
		by = time.Unix(0, unixNano)
		after = by.Add(time.Nanosecond)
	}
	w.mu.Lock()
	w.by = by
	w.mu.Unlock()
	_ = w.conn.SetReadDeadline(after) // a connection that has ended has none
	select {
	case w.more <- struct{}{}:
	default:
	}
}

func (w *wire) waitsUntil() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.by
}

// worker is for whom the process has written last.
func (w *wire) worker() uint32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.work
}

// broken tells the process that the connection has ended, unless it knows.
func (w *wire) broken(err error) {
	w.mu.Lock()
	last := w.last
	w.mu.Unlock()
	r := program.Record{Kind: program.Close, ID: w.id}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
		r.Data = []byte("reset")
	}
	if !last {
		w.p.tell(r)
	}
	w.close()
}

func (w *wire) close() {
	w.once.Do(func() {
		close(w.end)
		_ = w.conn.Close() // it is a pipe of ours
	})
}

// processWire is the tap of a connection that a process has dialled: its calls
// are made for whom they say, or for whom the process has written last.
type processWire struct {
	p  *process
	id uint32
}

func (t *processWire) label() {
	if told := probe.Caller(); strings.HasPrefix(told, "#") { // by a call of gRPC
		probe.Label(t.p.inst.ctx, t.p.inst.tap, t.p.called(told))
	} else if w := t.p.wire(t.id); w != nil {
		probe.Label(t.p.inst.ctx, t.p.inst.tap, t.p.label(w.worker()))
	}
}

// Enter parks the call until the world decides.
func (t *processWire) Enter(c *probe.Call) probe.Fate {
	t.label()
	return t.p.inst.tap.Enter(c)
}

// Leave takes note of an operation's effect.
func (t *processWire) Leave(c *probe.Call) error { return t.p.inst.tap.Leave(c) }

// Emit records an event that no operation shows.
func (t *processWire) Emit(eventType string, params map[string]any) {
	t.label()
	t.p.inst.tap.Emit(eventType, params)
}

// Depart ends the calling goroutine if the run is over.
func (t *processWire) Depart() { t.p.inst.tap.Depart() }

// Passive is false: the world decides about every call.
func (t *processWire) Passive() bool { return false }
