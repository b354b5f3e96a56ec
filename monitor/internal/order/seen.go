package order

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/codec"
)

// Seen remembers which events came, by source and id, and what they said. It
// keeps 128 bits of the name and 64 of the content, under a key of its own:
// by 2 to the power of 40 events, the odds that it once takes two for one
// stay below one in a billion.
//
// With a time to live, names are forgotten once the events' own times are
// older than that before the watermark. An event that old is late, so that
// none is ever judged twice.
type Seen struct {
	key    Key
	young  generation
	old    generation    // only with a time to live
	behind time.Duration // what the watermark and the time to live are behind the newest; 0 is for ever
	newest Instant
	any    bool
	buffer []byte
	loaded uint64
	lead   lead
}

// lead is what is known of the newest events: that of all sources, and that of
// all but its source.
type lead struct {
	by     time.Duration // how far an event may be ahead of those of all other sources; 0 is any
	first  newestOf
	second newestOf
}

type newestOf struct {
	source string
	at     Instant
	any    bool
}

// generation is the events that came in one stretch of time.
type generation struct {
	slots  []Sighting // open addressing
	n      int
	newest Instant
}

// Sighting is one event: the hashes of its name, of which the second is not
// 0, and of its content, which is 0 if nobody knows it: of an event without a
// type, which is no more than a name and a time.
type Sighting struct{ name, more, content uint64 }

const firstSightings = 64

// NewSeen returns one that has seen nothing. It forgets names that are more
// than behind older than the newest; 0 is never.
// What is more than ahead later than the newest of all other sources is
// refused by Await; 0 is nothing.
func NewSeen(behind, ahead time.Duration) Seen {
	return Seen{key: NewKey(), young: generation{slots: make([]Sighting, firstSightings)}, behind: behind, lead: lead{by: ahead}}
}

// Await tells of the next event, or tick of a source, whether it is too far
// ahead of all other sources. It is not remembered then.
func (s *Seen) Await(e *event.Event) Sight {
	l, at := &s.lead, InstantOf(e.Time)
	others := &l.first
	if l.first.any && l.first.source == e.Source {
		others = &l.second
	}
	switch {
	case others.any && others.at.Add(l.by).Before(at):
		return TooFarAhead
	case l.first.any && l.first.source == e.Source:
		l.first.at = Later(l.first.at, at)
	case !l.first.any || l.first.at.Before(at):
		l.second, l.first = l.first, newestOf{strings.Clone(e.Source), at, true}
	case !l.second.any || l.second.at.Before(at):
		l.second = newestOf{strings.Clone(e.Source), at, true}
	}
	return SeenFirst
}

// Sight tells whether an event came before.
type Sight uint8

const (
	SeenFirst   Sight = iota // no event of its source and id came before
	SeenAgain                // one did, and said the same
	SeenChanged              // one did, and said something else
	TooFarAhead              // it is no event that can be judged; see Await
)

// Load touches the memory that enter will need: of many events in a row, that
// of all of them is waited for at once.
func (s *Seen) Load(x Sighting) { s.loaded += s.young.slots[s.young.home(x)].more }

// Sign returns the hashes of an event.
func (s *Seen) Sign(e *event.Event) (x Sighting) {
	b := binary.AppendUvarint(s.buffer[:0], uint64(len(e.Source)))
	b = append(append(b, e.Source...), e.ID...)
	x.name, x.more = s.key.Sum(b)
	x.more |= 1
	if e.Type != "" {
		b = appendContent(b[:0], e)
		x.content, _ = s.key.Sum(b)
		x.content = max(x.content, 1)
	}
	s.buffer = b
	return x
}

// Len is how many events are remembered.
func (s *Seen) Len() int { return s.young.n + s.old.n }

// Enter tells whether an event came before.
func (s *Seen) Enter(x Sighting, e *event.Event) Sight {
	at := s.young.find(x)
	found := s.young.slots[at]
	if found.more == 0 && s.old.n > 0 {
		found = s.old.slots[s.old.find(x)]
	}
	switch {
	case found.more == 0:
	case found.content == x.content, found.content == 0, x.content == 0:
		return SeenAgain
	default:
		return SeenChanged
	}
	s.young.put(at, x)
	if s.behind > 0 {
		s.turn(InstantOf(e.Time))
	}
	return SeenFirst
}

// turn begins a new generation when all of the old one is old enough.
func (s *Seen) turn(at Instant) {
	if !s.any || s.newest.Before(at) {
		s.newest, s.any = at, true
	}
	if s.young.n == 1 || s.young.newest.Before(at) {
		s.young.newest = at
	}
	if s.old.n == 0 || s.old.newest.Before(s.newest.Add(-s.behind)) {
		s.old, s.young = s.young, generation{slots: make([]Sighting, firstSightings)}
	}
}

func (g *generation) put(at uint64, x Sighting) {
	g.slots[at] = x
	if g.n++; 3*g.n <= 2*len(g.slots) {
		return
	}
	old := g.slots
	g.slots = make([]Sighting, 2*len(old))
	for _, x := range old {
		if x.more != 0 {
			g.slots[g.find(x)] = x
		}
	}
}

// home is where an event stands, or the first of those before it.
func (g *generation) home(x Sighting) uint64 { return x.name & uint64(len(g.slots)-1) }

func (g *generation) find(x Sighting) uint64 {
	mask := uint64(len(g.slots) - 1)
	i := g.home(x)
	for g.slots[i].more != 0 && (g.slots[i].name != x.name || g.slots[i].more != x.more) {
		i = (i + 1) & mask
	}
	return i
}

// appendContent appends what an event says so that equal events come to equal
// bytes, however they are written.
func appendContent(b []byte, e *event.Event) []byte {
	b = binary.AppendVarint(b, e.Time.Unix())
	b = binary.AppendUvarint(b, uint64(e.Time.Nanosecond()))
	for _, text := range []string{e.Type, strings.TrimLeft(e.Sequence, "0"), e.Invocation} {
		b = appendText(b, text)
	}
	b = append(b, byte(min(len(e.Sequence), 1)))
	for _, f := range e.Data {
		b = append(appendText(b, f.Name), byte(f.Value.Kind()))
		if f.Value.Kind() == event.Composite {
			b = appendText(b, string(appendCanonical(nil, f.Value.Tree())))
		} else {
			b = appendText(b, f.Value.Canonical().Text())
		}
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// appendCanonical appends a value without space, with sorted names and with
// numbers in canonical form.
func appendCanonical(b []byte, t event.Tree) []byte {
	switch {
	case t.Items != nil:
		b = append(b, '[')
		for _, item := range t.Items {
			b = append(appendCanonical(b, item), ',')
		}
		return append(b, ']')
	case t.Fields != nil:
		b = append(b, '{')
		for _, f := range t.Fields {
			b = appendCanonical(event.Str(f.Name).AppendJSON(b), f.Tree)
		}
		return append(b, '}')
	}
	return t.Canonical().AppendJSON(b)
}

func (s *Seen) Encode(e *codec.Encoder) {
	for _, n := range []*newestOf{&s.lead.first, &s.lead.second} {
		e.Text(n.source)
		n.at.Encode(e)
		e.Bool(n.any)
	}
	for _, k := range s.key {
		e.Bits(k)
	}
	e.Bool(s.any)
	s.newest.Encode(e)
	for _, g := range []*generation{&s.young, &s.old} {
		e.Count(g.n)
		g.newest.Encode(e)
		slots := g.slots
		if g == &s.young { // nothing is added to the old one
			slots = codec.Copy(e, slots)
		}
		e.Later(func(e *codec.Encoder) { encodeSightings(e, slots) })
	}
}

func encodeSightings(e *codec.Encoder, slots []Sighting) {
	for _, x := range slots {
		if x.more != 0 {
			e.Bits(x.name)
			e.Bits(x.more)
			e.Bits(x.content)
		}
	}
}

func (s *Seen) Decode(d *codec.Decoder) {
	for _, n := range []*newestOf{&s.lead.first, &s.lead.second} {
		*n = newestOf{d.Text(), DecodeInstant(d), d.Bool()}
	}
	for i := range s.key {
		s.key[i] = d.Bits()
	}
	s.any, s.newest = d.Bool(), DecodeInstant(d)
	for _, g := range []*generation{&s.young, &s.old} {
		n := d.Count()
		*g = generation{slots: make([]Sighting, firstSightings), newest: DecodeInstant(d)}
		for ; n > 0 && d.Err == nil; n-- {
			x := Sighting{d.Bits(), d.Bits() | 1, d.Bits()}
			g.put(g.find(x), x)
		}
	}
}
