package event

import (
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
	if e.TraceParent != "" {
		dst = append(dst, `,"traceparent":`...)
		dst = appendString(dst, e.TraceParent)
	}
	if e.Lossy {
		dst = append(dst, `,"lossy":true`...)
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
