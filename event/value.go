package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Kind tells the JSON type of a [Value].
type Kind uint8

// The kinds of value. Only Bool, Number and String can bind a variable.
const (
	Null Kind = iota
	Bool
	Number
	String
	Composite // an array or an object, kept as its JSON text
)

// Value is one parameter of an event: a JSON value that remembers how it was
// first written. The zero Value is null.
type Value struct {
	kind Kind
	text string // as first written; for a String the decoded text
	key  string // for a Number the canonical text, equal for equal numbers; else empty
}

// Str returns a string value.
func Str(s string) Value { return Value{kind: String, text: s} }

// Int returns a number value.
func Int(n int64) Value {
	s := strconv.FormatInt(n, 10)
	return Value{kind: Number, text: s, key: canonicalNumber(s)}
}

// Boolean returns a boolean value.
func Boolean(b bool) Value { return Value{kind: Bool, text: strconv.FormatBool(b)} }

// Num returns the number written s, which must be a JSON number.
func Num(s string) (Value, error) {
	if !json.Valid([]byte(s)) || s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return Value{}, fmt.Errorf("%q is not a JSON number", s)
	}
	return Value{kind: Number, text: s, key: canonicalNumber(s)}, nil
}

// Scalar returns the value of a kind that can bind a variable, from its
// [Value.Text]. ok is false for other kinds and texts.
func Scalar(kind Kind, text string) (v Value, ok bool) {
	switch kind {
	case String:
		return Str(text), true
	case Bool:
		return Boolean(text == "true"), text == "true" || text == "false"
	case Number:
		v, err := Num(text)
		return v, err == nil
	}
	return Value{}, false
}

// Of converts a Go value: nil, bool, string, integers, floats and
// [json.Number] to the matching kind, a Value to itself, anything else by
// its JSON encoding.
func Of(x any) (Value, error) {
	switch x := x.(type) {
	case Value:
		return x, nil
	case string:
		return Str(x), nil
	case bool:
		return Boolean(x), nil
	case int:
		return Int(int64(x)), nil
	case int64:
		return Int(x), nil
	}
	b, err := json.Marshal(x)
	if err != nil {
		return Value{}, err
	}
	return ParseValue(b)
}

// ParseValue reads one JSON text that is known to be valid, such as a
// [json.RawMessage] of a decoder.
func ParseValue(b []byte) (Value, error) {
	switch c := b[0]; {
	case c == 'n':
		return Value{}, nil
	case c == 't', c == 'f':
		return Value{kind: Bool, text: string(b)}, nil
	case c == '"':
		s, err := unquote(b)
		return Value{kind: String, text: s}, err
	case c == '{', c == '[':
		return Value{kind: Composite, text: string(b)}, nil
	default:
		s := string(b)
		return Value{kind: Number, text: s, key: canonicalNumber(s)}, nil
	}
}

func unquote(b []byte) (string, error) {
	for _, c := range b[1 : len(b)-1] {
		if c == '\\' || c >= 0x80 {
			var s string
			err := json.Unmarshal(b, &s)
			return s, err
		}
	}
	return string(b[1 : len(b)-1]), nil
}

// Kind returns the value's JSON type.
func (v Value) Kind() Kind { return v.kind }

// CanBind reports whether the value can bind a property's variable.
func (v Value) CanBind() bool { return v.kind == Bool || v.kind == Number || v.kind == String }

// Text returns a string's content, or the JSON text of anything else as it
// was first written.
func (v Value) Text() string {
	if v.kind == Null {
		return "null"
	}
	return v.text
}

// Equal reports whether two values are the same: same kind, and numbers by
// exact value (1 equals 1.0, but not "1").
func (v Value) Equal(w Value) bool {
	if v.kind != w.kind {
		return false
	}
	if v.kind == Number {
		return v.key == w.key
	}
	return v.text == w.text
}

// Canonical returns the value written so that equal values have equal texts:
// 1 for 1.0.
func (v Value) Canonical() Value {
	if v.kind == Number {
		v.text = v.key
	}
	return v
}

// WithText returns the value with its text replaced by an equal copy, such as
// one that does not share memory with a whole line.
func (v Value) WithText(same string) Value {
	if v.key == v.text {
		v.key = same
	}
	v.text = same
	return v
}

// Key returns a string that is equal for equal values and for no others.
func (v Value) Key() string {
	switch v.kind {
	case String:
		return "s" + v.text
	case Number:
		return "n" + v.key
	case Bool:
		return "b" + v.text
	case Composite:
		return "c" + v.text
	}
	return "z"
}

// AppendJSON appends the value as JSON on one line: a number as first written.
func (v Value) AppendJSON(dst []byte) []byte {
	if v.kind == String {
		return appendString(dst, v.text)
	}
	start := len(dst)
	dst = append(dst, v.Text()...)
	if v.kind == Composite {
		for i, c := range dst[start:] {
			if c == '\n' || c == '\r' { // JSON has them between values alone
				dst[start+i] = ' '
			}
		}
	}
	return dst
}

// MarshalJSON writes the value as JSON: a number as first written.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// MarshalBinary keeps the value for another process of the same program.
func (v Value) MarshalBinary() ([]byte, error) { return append([]byte{byte(v.kind)}, v.text...), nil }

// UnmarshalBinary reads what MarshalBinary has written.
func (v *Value) UnmarshalBinary(b []byte) error {
	if len(b) == 0 {
		return errors.New("a value has at least its kind")
	}
	*v = Value{kind: Kind(b[0]), text: string(b[1:])}
	if v.kind == Number {
		v.key = canonicalNumber(v.text)
	}
	return nil
}

// String returns the text for people: strings without quotes.
func (v Value) String() string { return v.Text() }

// maxExponent bounds the exponents that are expanded; beyond it a number's
// own normalised text is its key, which is still exact.
const maxExponent = 400

// canonicalNumber returns one text for each numeric value: digits without
// leading or trailing zeros, and a decimal exponent.
func canonicalNumber(s string) string {
	if isPlainInteger(s) {
		return s
	}
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	mantissa, exponent := s, new(big.Int)
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa = s[:i]
		exponent.SetString(strings.TrimPrefix(s[i+1:], "+"), 10)
	}
	if i := strings.IndexByte(mantissa, '.'); i >= 0 {
		exponent.Sub(exponent, big.NewInt(int64(len(mantissa)-i-1)))
		mantissa = mantissa[:i] + mantissa[i+1:]
	}
	digits := strings.TrimLeft(mantissa, "0")
	trimmed := strings.TrimRight(digits, "0")
	if trimmed == "" {
		return "0"
	}
	exponent.Add(exponent, big.NewInt(int64(len(digits)-len(trimmed))))
	if exponent.Sign() >= 0 && exponent.IsInt64() && exponent.Int64() <= maxExponent {
		return sign + trimmed + strings.Repeat("0", int(exponent.Int64()))
	}
	return sign + trimmed + "e" + exponent.String()
}

func isPlainInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != "-0" && len(digits) <= maxExponent
}
