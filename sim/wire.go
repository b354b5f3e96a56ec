package sim

import (
	"errors"
	"io"
	"net"
	"sync"

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
	end  chan struct{}
	once sync.Once

	mu   sync.Mutex
	out  [][]byte
	work uint32 // for whom the process has written last
	last bool   // the process has closed it
}

func newWire(p *process, id uint32, conn net.Conn, work uint32) *wire {
	return &wire{p: p, id: id, conn: conn, work: work, wake: make(chan struct{}, 1), end: make(chan struct{})}
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
		if err != nil {
			w.broken(err)
			return
		}
	}
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
// are made for whom the process has written last.
type processWire struct {
	p  *process
	id uint32
}

func (t *processWire) label() {
	if w := t.p.wire(t.id); w != nil {
		w.mu.Lock()
		work := w.work
		w.mu.Unlock()
		probe.Label(t.p.inst.ctx, t.p.inst.tap, t.p.label(work))
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
