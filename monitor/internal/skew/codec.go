package skew

import (
	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/monitor/internal/order"
)

func (f *Front) Encode(e *codec.Encoder, s *Judge) {
	e.Bool(f != nil)
	if f == nil {
		return
	}
	e.Bool(f.Undecided)
	f.last.Encode(e)
	e.Bits(f.States)
	e.Count(len(f.Waiting))
	for _, w := range f.Waiting {
		w.At.Encode(e)
		e.Count(int(w.Letter))
		e.Count(int(w.Source))
		e.Bool(w.chained)
		e.Bool(w.done)
	}
	if s.Timed() {
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

func DecodeFront(d *codec.Decoder, s *Judge, from *order.Sources) *Front {
	if !d.Bool() {
		return nil
	}
	f := &Front{Undecided: d.Bool(), last: order.DecodeInstant(d), States: s.DecodeStates(d)}
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		f.Waiting = append(f.Waiting, Pending{order.DecodeInstant(d), uint32(d.Below(len(s.Fates), "a letter")),
			int32(d.Below(len(from.Names), "a source")), 0, d.Bool(), d.Bool()})
	}
	if s.Timed() {
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
			name.of = int64(d.Below(len(s.Fates), "a letter"))
		}
		l.names = append(l.names, name)
	}
	for n := d.Below(s.MaxLayer+1, "the number of down-sets"); n > 0 && d.Err == nil; n-- {
		l.states = append(l.states, s.DecodeStates(d))
		for range l.names {
			l.counts = append(l.counts, uint16(d.Below(len(f.Waiting)+1, "a count of events")))
		}
	}
	f.layer = l
	return f
}
