package monitor

import (
	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/monitor/internal/order"
)

func (f *front) encode(e *codec.Encoder, s *judge) {
	e.Bool(f != nil)
	if f == nil {
		return
	}
	e.Bool(f.undecided)
	f.last.Encode(e)
	e.Bits(f.states)
	e.Count(len(f.waiting))
	for _, w := range f.waiting {
		w.at.Encode(e)
		e.Count(int(w.letter))
		e.Count(int(w.source))
		e.Bool(w.chained)
		e.Bool(w.done)
	}
	if s.timed() {
		e.Count(len(f.armed))
		for _, n := range f.armed {
			e.Count(int(n))
		}
	}
	e.Bool(f.layer != nil)
	if f.layer == nil {
		return
	}
	e.Count(len(f.layer.names))
	for _, name := range f.layer.names {
		e.Bool(name.chain)
		e.Uint(uint64(name.of))
	}
	e.Count(len(f.layer.states))
	for d, states := range f.layer.states {
		e.Bits(states)
		for _, n := range f.layer.counts[d*len(f.layer.names):][:len(f.layer.names)] {
			e.Count(int(n))
		}
	}
}

func decodeFront(d *codec.Decoder, s *judge, from *order.Sources) *front {
	if !d.Bool() {
		return nil
	}
	f := &front{undecided: d.Bool(), last: order.DecodeInstant(d), states: s.decodeStates(d)}
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		f.waiting = append(f.waiting, pending{order.DecodeInstant(d), uint32(d.Below(len(s.fates), "a letter")),
			int32(d.Below(len(from.Names), "a source")), d.Bool(), d.Bool()})
	}
	if s.timed() {
		for n := d.Below(len(from.Names)+1, "the number of sources"); n > 0 && d.Err == nil; n-- {
			f.armed = append(f.armed, int32(d.Below(len(from.Names), "a source")))
		}
	}
	if !d.Bool() {
		return f
	}
	l := &layer{}
	for n := d.Below(1<<16, "the number of groups"); n > 0 && d.Err == nil; n-- {
		name := groupName{chain: d.Bool()}
		if name.chain {
			name.of = int64(d.Below(len(from.Names), "a source"))
		} else {
			name.of = int64(d.Below(len(s.fates), "a letter"))
		}
		l.names = append(l.names, name)
	}
	for n := d.Below(s.maxLayer+1, "the number of down-sets"); n > 0 && d.Err == nil; n-- {
		l.states = append(l.states, s.decodeStates(d))
		for range l.names {
			l.counts = append(l.counts, uint16(d.Below(len(f.waiting)+1, "a count of events")))
		}
	}
	f.layer = l
	return f
}
