package command

import (
	"sync"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
)

// batch is some lines in a row. The last one carries the error that ended
// them, if not errNoMore.
type batch struct {
	all  []monitor.Input
	text []byte // what the events are parts of, until the batch is free again
	err  error
	read float64 // the part of the file up to here, if it is known
}

// decoder reads, decodes and looks for duplicates ahead of the judge, on
// another core. It holds back nothing: before it waits for more input it
// hands over what it has.
type decoder struct {
	look  func([]monitor.Input)
	ready chan *batch
	free  chan *batch

	mu      sync.Mutex
	halted  bool // nothing more is looked at
	reading bool // may wait for input that never comes; all before is handed over
}

func newDecoder(in *eventInput, look func([]monitor.Input)) *decoder {
	d := &decoder{look: look, ready: make(chan *batch, 4), free: make(chan *batch, 6)}
	for range cap(d.free) {
		d.free <- &batch{}
	}
	go d.run(in)
	return d
}

// halt ends the reading. It tells whether the decoder waits for input: then
// what is ready is all that there is, else it goes on to close ready.
func (d *decoder) halt() (waits bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.halted = true
	return d.reading
}

func (d *decoder) isHalted() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.halted
}

// fill reads on into a batch; false if the decoder was halted.
func (d *decoder) fill(lines *lineReader, b *batch) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.halted {
		return false
	}
	d.reading = true
	d.mu.Unlock()
	b.text = lines.fill(b.text)
	d.mu.Lock()
	if d.halted {
		return false
	}
	d.reading = false
	return true
}

func (d *decoder) run(in *eventInput) {
	lines := newLineReader(in, in.live)
	n := 0
	for b := range d.free {
		b.all, b.err = b.all[:0], nil
		for len(b.all) == 0 && b.err == nil {
			if !d.fill(lines, b) {
				if !d.reading { // else whoever halted has closed it
					close(d.ready)
				}
				return
			}
			n, b.err = d.addLines(b, lines, n)
		}
		d.look(b.all)
		b.read = in.consumed()
		last := b.err != nil || d.isHalted()
		if b.err == errNoMore {
			b.err = nil
		}
		d.ready <- b
		if last {
			close(d.ready)
			return
		}
	}
}

// addLines decodes the lines that are there, after n before them.
func (d *decoder) addLines(b *batch, lines *lineReader, n int) (int, error) {
	for {
		switch line, err := lines.next(); err {
		case nil:
			n++
			d.add(b, line, n)
		case errNoLine:
			return n, nil
		default:
			return n, err
		}
	}
}

// add decodes a line into memory that the batch had before.
func (d *decoder) add(b *batch, line string, n int) {
	if blank(line) {
		return
	}
	if len(b.all) < cap(b.all) {
		b.all = b.all[:len(b.all)+1]
	} else {
		b.all = append(b.all, monitor.Input{})
	}
	x := &b.all[len(b.all)-1]
	x.Line, x.Why = n, ""
	if err := event.DecodeInto(&x.Event, line); err != nil {
		x.Why = err.Error()
	}
}
