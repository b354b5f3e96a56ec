package sink

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// leastKey is how many bytes a key has at least: whoever can guess it can try
// values.
const leastKey = 16

// Redacted returns a sink that passes events on to next with the values of the
// named parameters, of all where none is named, replaced by keyed hashes
// (HMAC-SHA-256, cut to 128 bits, in hexadecimal). Equal values have equal
// hashes under one key, whatever parameter they are in, so a monitor joins
// events as before; give each tenant a key of its own, and all instances that a
// property speaks of the same one. Of an object or array each value in it is
// replaced; null stays null.
//
// What remains visible: the type, source, time, sequence, invocation and
// traceparent of each event, the names of parameters and of fields in them, how
// long arrays are, which values are equal, and so how often each occurs. What
// has few values (a Boolean, a country) can be told from that. Whoever has the key can
// try values. A guard that compares with a constant, or computes, needs its
// parameter as it is: name the others.
func Redacted(next probe.Sink, key []byte, params ...string) (probe.Sink, error) {
	if len(key) < leastKey {
		return nil, errors.New("the key of redaction has fewer than 16 bytes, wanted a random one, such as of crypto/rand")
	}
	return &redacted{Sink: next, key: slices.Clone(key), params: slices.Clone(params)}, nil
}

type redacted struct {
	probe.Sink
	key    []byte
	params []string
}

func (r *redacted) Put(e event.Event) {
	data := slices.Clone(e.Data)
	for i, f := range data {
		if len(r.params) == 0 || slices.Contains(r.params, f.Name) {
			data[i].Value = r.hidden(f.Value.Tree())
		}
	}
	e.Data = data
	r.Sink.Put(e)
}

// Lost passes on what was lost before it came here.
func (r *redacted) Lost(n int) {
	if l, ok := r.Sink.(probe.Loser); ok {
		l.Lost(n)
	}
}

// hidden is a value with each scalar in it replaced.
func (r *redacted) hidden(t event.Tree) event.Value {
	switch t.Kind() {
	case event.Null:
		return t.Value
	case event.Composite:
		v, _ := event.ParseValue(r.structure(nil, t)) // which is valid
		return v
	}
	mac := hmac.New(sha256.New, r.key)
	mac.Write([]byte(t.Key())) // equal for 1 and 1.0, not for "1"
	return event.Str(hex.EncodeToString(mac.Sum(nil)[:16]))
}

// structure appends an object or array.
func (r *redacted) structure(dst []byte, t event.Tree) []byte {
	if t.Fields != nil {
		dst = append(dst, '{')
		for i, f := range t.Fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(event.Str(f.Name).AppendJSON(dst), ':')
			dst = r.hidden(f.Tree).AppendJSON(dst)
		}
		return append(dst, '}')
	}
	dst = append(dst, '[')
	for i, item := range t.Items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = r.hidden(item).AppendJSON(dst)
	}
	return append(dst, ']')
}
