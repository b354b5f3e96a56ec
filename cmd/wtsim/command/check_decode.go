package command

import (
	"sync/atomic"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
)

// decoded is a line as it was read.
type decoded struct {
	event event.Event
	line  int
	sight monitor.Sight
	why   string // why it is no event; else empty
}

// batch is some lines in a row. The last one carries the error that ended
// them, if not errNoMore.
type batch struct {
	all  []decoded
	err  error
	read float64 // the part of the file up to here, if it is known
}

const batchSize = 512

// decoder reads, decodes and looks for duplicates ahead of the judge, on
// another core.
type decoder struct {
	look  func(*event.Event) monitor.Sight
	ready chan *batch
	free  chan *batch
	stop  atomic.Bool
}

func newDecoder(in *eventInput, look func(*event.Event) monitor.Sight) *decoder {
	d := &decoder{look: look, ready: make(chan *batch, 4), free: make(chan *batch, 6)}
	for range cap(d.free) {
		d.free <- &batch{}
	}
	go d.run(in)
	return d
}

func (d *decoder) run(in *eventInput) {
	defer close(d.ready)
	lines := newLineReader(in)
	n := 0
	for b := range d.free {
		b.all, b.err = b.all[:0], nil
		for len(b.all) < batchSize && b.err == nil && !d.stop.Load() {
			var line string
			if line, b.err = lines.next(); b.err == nil {
				n++
				d.add(b, line, n)
			}
		}
		b.read = in.consumed()
		last := b.err != nil || d.stop.Load()
		if b.err == errNoMore {
			b.err = nil
		}
		d.ready <- b
		if last {
			return
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
		b.all = append(b.all, decoded{})
	}
	x := &b.all[len(b.all)-1]
	x.line, x.why = n, ""
	if err := event.DecodeInto(&x.event, line); err != nil {
		x.why = err.Error()
		return
	}
	x.sight = d.look(&x.event)
}
