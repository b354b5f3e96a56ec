package monitor

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
)

// seen remembers which events came, by source and id, and what they said. It
// keeps 128 bits of the name and 64 of the content, under a key of its own:
// by 2 to the power of 40 events, the odds that it once takes two for one
// stay below one in a billion.
//
// With a time to live, names are forgotten once the events' own times are
// older than that before the watermark. An event that old is late, so that
// none is ever judged twice.
type seen struct {
	key    hashKey
	young  generation
	old    generation    // only with a time to live
	behind time.Duration // what the watermark and the time to live are behind the newest; 0 is for ever
	newest instant
	any    bool
	buffer []byte
	loaded uint64
}

// generation is the events that came in one stretch of time.
type generation struct {
	slots  []sighting // open addressing
	n      int
	newest instant
}

// sighting is one event: the hashes of its name, of which the second is not
// 0, and of its content.
type sighting struct{ name, more, content uint64 }

const firstSightings = 64

// newSeen returns one that has seen nothing. It forgets names that are more
// than behind older than the newest; 0 is never.
func newSeen(behind time.Duration) seen {
	return seen{key: newHashKey(), young: generation{slots: make([]sighting, firstSightings)}, behind: behind}
}

// sight tells whether an event came before.
type sight uint8

const (
	seenFirst   sight = iota // no event of its source and id came before
	seenAgain                // one did, and said the same
	seenChanged              // one did, and said something else
)

// load touches the memory that enter will need: of many events in a row, that
// of all of them is waited for at once.
func (s *seen) load(x sighting) { s.loaded += s.young.slots[s.young.home(x)].more }

// sign returns the hashes of an event.
func (s *seen) sign(e *event.Event) (x sighting) {
	b := binary.AppendUvarint(s.buffer[:0], uint64(len(e.Source)))
	b = append(append(b, e.Source...), e.ID...)
	x.name, x.more = s.key.sum(b)
	x.more |= 1
	b = appendContent(b[:0], e)
	x.content, _ = s.key.sum(b)
	s.buffer = b
	return x
}

// enter tells whether an event came before.
func (s *seen) enter(x sighting, e *event.Event) sight {
	at := s.young.find(x)
	found := s.young.slots[at]
	if found.more == 0 && s.old.n > 0 {
		found = s.old.slots[s.old.find(x)]
	}
	switch {
	case found.more == 0:
	case found.content == x.content:
		return seenAgain
	default:
		return seenChanged
	}
	s.young.put(at, x)
	if s.behind > 0 {
		s.turn(instantOf(e.Time))
	}
	return seenFirst
}

// turn begins a new generation when all of the old one is old enough.
func (s *seen) turn(at instant) {
	if !s.any || s.newest.before(at) {
		s.newest, s.any = at, true
	}
	if s.young.n == 1 || s.young.newest.before(at) {
		s.young.newest = at
	}
	if s.old.n == 0 || s.old.newest.before(s.newest.add(-s.behind)) {
		s.old, s.young = s.young, generation{slots: make([]sighting, firstSightings)}
	}
}

func (g *generation) put(at uint64, x sighting) {
	g.slots[at] = x
	if g.n++; 3*g.n <= 2*len(g.slots) {
		return
	}
	old := g.slots
	g.slots = make([]sighting, 2*len(old))
	for _, x := range old {
		if x.more != 0 {
			g.slots[g.find(x)] = x
		}
	}
}

// home is where an event stands, or the first of those before it.
func (g *generation) home(x sighting) uint64 { return x.name & uint64(len(g.slots)-1) }

func (g *generation) find(x sighting) uint64 {
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
			b = appendText(b, canonicalJSON(f.Value.Text()))
		} else {
			b = appendText(b, f.Value.Canonical().Text())
		}
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// canonicalJSON writes a JSON text without space, with sorted names and with
// numbers in canonical form.
func canonicalJSON(text string) string {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var x any
	if d.Decode(&x) != nil {
		return text
	}
	var out bytes.Buffer
	writeCanonical(&out, x)
	return out.String()
}

func writeCanonical(out *bytes.Buffer, x any) {
	switch x := x.(type) {
	case map[string]any:
		out.WriteByte('{')
		names := make([]string, 0, len(x))
		for name := range x { //wtsim:order sorted below
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			out.Write(event.Str(name).AppendJSON(nil))
			writeCanonical(out, x[name])
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for _, item := range x {
			writeCanonical(out, item)
			out.WriteByte(',')
		}
		out.WriteByte(']')
	case json.Number:
		if v, err := event.Num(x.String()); err == nil {
			out.WriteString(v.Canonical().Text())
		}
	case string:
		out.Write(event.Str(x).AppendJSON(nil))
	case bool:
		out.WriteString(map[bool]string{true: "true", false: "false"}[x])
	case nil:
		out.WriteString("null")
	}
}

func (s *seen) encode(e *encoder) {
	for _, k := range s.key {
		e.bits(k)
	}
	e.bool(s.any)
	s.newest.encode(e)
	for _, g := range []*generation{&s.young, &s.old} {
		e.count(g.n)
		g.newest.encode(e)
		for _, x := range g.slots {
			if x.more != 0 {
				e.bits(x.name)
				e.bits(x.more)
				e.bits(x.content)
			}
		}
	}
}

func (s *seen) decode(d *decoder) {
	for i := range s.key {
		s.key[i] = d.bits()
	}
	s.any, s.newest = d.bool(), decodeInstant(d)
	for _, g := range []*generation{&s.young, &s.old} {
		n := d.count()
		*g = generation{slots: make([]sighting, firstSightings), newest: decodeInstant(d)}
		for ; n > 0 && d.err == nil; n-- {
			x := sighting{d.bits(), d.bits() | 1, d.bits()}
			g.put(g.find(x), x)
		}
	}
}
