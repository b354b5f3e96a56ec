package monitor

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// seen remembers which events came, by source and id, and what they said. It
// keeps 128 bits of the name and 64 of the content, under seeds of its own:
// by 2 to the power of 40 events, the odds that it once takes two for one
// stay below one in a billion.
type seen struct {
	seeds  [2]maphash.Seed
	slots  []sighting // open addressing
	n      int
	buffer []byte
}

// sighting is one event: the hashes of its name, which are not both 0, and of
// its content.
type sighting struct{ name, more, content uint64 }

func newSeen() seen {
	return seen{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, slots: make([]sighting, 64)}
}

// Sight tells whether an event came before.
type Sight uint8

// The sights.
const (
	First   Sight = iota // no event of its source and id came before
	Again                // one did, and said the same
	Changed              // one did, and said something else
)

// enter tells whether the event came before.
func (s *seen) enter(e *event.Event) Sight {
	b := binary.AppendUvarint(s.buffer[:0], uint64(len(e.Source)))
	b = append(append(b, e.Source...), e.ID...)
	x := sighting{name: maphash.Bytes(s.seeds[0], b), more: maphash.Bytes(s.seeds[1], b) | 1}
	b = appendContent(b[:0], e)
	x.content, s.buffer = maphash.Bytes(s.seeds[0], b), b
	at := s.find(x)
	switch {
	case s.slots[at].more == 0:
	case s.slots[at].content == x.content:
		return Again
	default:
		return Changed
	}
	s.slots[at] = x
	if s.n++; 3*s.n > 2*len(s.slots) {
		s.grow()
	}
	return First
}

func (s *seen) find(x sighting) uint64 {
	mask := uint64(len(s.slots) - 1)
	i := x.name & mask
	for s.slots[i].more != 0 && (s.slots[i].name != x.name || s.slots[i].more != x.more) {
		i = (i + 1) & mask
	}
	return i
}

func (s *seen) grow() {
	old := s.slots
	s.slots = make([]sighting, 2*len(old))
	for _, x := range old {
		if x.more != 0 {
			s.slots[s.find(x)] = x
		}
	}
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
