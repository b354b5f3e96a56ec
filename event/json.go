package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// AppendJSON appends the event as one line of CloudEvents JSON, without the
// newline. Equal events give equal bytes.
func (e Event) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"specversion":"1.0","id":`...)
	dst = appendString(dst, e.ID)
	dst = append(dst, `,"source":`...)
	dst = appendString(dst, e.Source)
	dst = append(dst, `,"type":`...)
	dst = appendString(dst, e.Type)
	dst = append(dst, `,"time":"`...)
	dst = e.Time.UTC().AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, '"')
	if e.Sequence != "" {
		dst = append(dst, `,"sequence":`...)
		dst = appendString(dst, e.Sequence)
	}
	if e.Invocation != "" {
		dst = append(dst, `,"invocation":`...)
		dst = appendString(dst, e.Invocation)
	}
	if e.Data != nil {
		dst = append(dst, `,"data":`...)
		dst = e.Data.AppendJSON(dst)
	}
	return append(dst, '}')
}

// MarshalJSON writes the event as CloudEvents JSON.
func (e Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// AppendJSON appends the parameters as a JSON object with sorted keys.
func (d Data) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i, f := range d {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, f.Name)
		dst = append(dst, ':')
		dst = f.Value.AppendJSON(dst)
	}
	return append(dst, '}')
}

// MarshalJSON writes the parameters as a JSON object with sorted keys.
func (d Data) MarshalJSON() ([]byte, error) { return d.AppendJSON(nil), nil }

// UnmarshalJSON reads one CloudEvent; the error says what is missing or
// wrong and what was wanted.
func (e *Event) UnmarshalJSON(line []byte) error {
	got, err := Decode(line)
	if err == nil {
		*e = got
	}
	return err
}

// wire is the JSON form; unknown attributes are ignored.
type wire struct {
	SpecVersion *string         `json:"specversion"`
	ID          *string         `json:"id"`
	Source      *string         `json:"source"`
	Type        *string         `json:"type"`
	Time        *string         `json:"time"`
	Sequence    *string         `json:"sequence"`
	Invocation  *string         `json:"invocation"`
	Data        json.RawMessage `json:"data"`
}

// Decode reads one CloudEvent from a line of JSON. The error says what is
// missing or wrong and what was wanted.
func Decode(line []byte) (Event, error) {
	var w wire
	if !utf8.Valid(line) {
		return Event{}, errors.New("not UTF-8, wanted a CloudEvent in JSON")
	}
	if err := json.Unmarshal(line, &w); err != nil {
		return Event{}, fmt.Errorf("not a CloudEvent in JSON: %v", err)
	}
	if err := w.missing(); err != nil {
		return Event{}, err
	}
	at, err := parseTime(*w.Time)
	if err != nil {
		return Event{}, err
	}
	e := Event{ID: *w.ID, Source: *w.Source, Type: *w.Type, Time: at}
	if w.Sequence != nil {
		if e.Sequence = *w.Sequence; !isDecimal(e.Sequence) {
			return Event{}, fmt.Errorf("sequence is %q, wanted a decimal string", e.Sequence)
		}
	}
	if w.Invocation != nil {
		e.Invocation = *w.Invocation
	}
	e.Data, err = decodeData(w.Data)
	return e, err
}

func (w *wire) missing() error {
	if w.SpecVersion != nil && *w.SpecVersion != "1.0" {
		return fmt.Errorf("specversion is %q, wanted \"1.0\"", *w.SpecVersion)
	}
	for _, a := range []struct {
		name  string
		value *string
	}{{"specversion", w.SpecVersion}, {"id", w.ID}, {"source", w.Source}, {"type", w.Type}, {"time", w.Time}} {
		if a.value == nil || *a.value == "" {
			return fmt.Errorf("%s is missing, wanted a non-empty string", a.name)
		}
	}
	return nil
}

func parseTime(s string) (time.Time, error) {
	if i := strings.IndexByte(s, '.'); i >= 0 {
		digits := 0
		for i++; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			digits++
		}
		if digits > 9 {
			return time.Time{}, fmt.Errorf("time %q has more than nine decimals", s)
		}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || strings.ContainsRune(s, ',') {
		return time.Time{}, fmt.Errorf("time is %q, wanted RFC 3339", s)
	}
	return t.UTC(), nil
}

func isDecimal(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

func decodeData(raw json.RawMessage) (Data, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, errors.New("data is not an object")
	}
	d := make(Data, 0, len(fields))
	for _, name := range sortedKeys(fields) {
		v, err := ParseValue(fields[name])
		if err != nil {
			return nil, fmt.Errorf("data.%s: %v", name, err)
		}
		d = append(d, Field{name, v})
	}
	return d, nil
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string: only what JSON requires is
// escaped, invalid UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
			continue
		}
		i++
	}
	return append(dst, '"')
}
