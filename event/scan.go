package event

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep arrays and objects may be nested, as in
// encoding/json.
const maxDepth = 10_000

// scanner reads one JSON text that is known to be UTF-8. Whatever needs no
// change it returns as a part of the text, so that it allocates only for
// strings with escapes.
//
// A general decoder spends most of its time on finding out what a CloudEvent
// never is; this one reads some four times as many events a second.
type scanner struct {
	s     string
	i     int
	loose bool // half a surrogate pair is U+FFFD, else an error
}

func (s *scanner) space() {
	for s.i < len(s.s) {
		switch s.s[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// next skips space and returns the byte there without taking it; 0 at the end.
func (s *scanner) next() byte {
	s.space()
	if s.i == len(s.s) {
		return 0
	}
	return s.s[s.i]
}

// take takes a byte if it comes next.
func (s *scanner) take(c byte) bool {
	if s.next() != c || s.i == len(s.s) {
		return false
	}
	s.i++
	return true
}

// unexpected says what stands where something else was wanted.
func (s *scanner) unexpected(wanted string) error {
	if s.i >= len(s.s) {
		return fmt.Errorf("the line ends, wanted %s", wanted)
	}
	r, _ := utf8.DecodeRuneInString(s.s[s.i:])
	return fmt.Errorf("column %d is %q, wanted %s", s.i+1, r, wanted)
}

// each reads an object and calls member at each value, with its name.
func (s *scanner) each(member func(name string) error) error {
	if !s.take('{') {
		return s.unexpected("an object")
	}
	if s.take('}') {
		return nil
	}
	for {
		if s.next() != '"' {
			return s.unexpected("a name in quotes")
		}
		name, err := s.str()
		if err != nil {
			return err
		}
		if !s.take(':') {
			return s.unexpected("a colon")
		}
		s.space()
		if err := member(name); err != nil {
			return err
		}
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return s.unexpected("a comma or the end of the object")
		}
	}
}

// str reads a string; its opening quote comes next.
func (s *scanner) str() (string, error) {
	s.i++
	start := s.i
	for s.i < len(s.s) {
		switch c := s.s[s.i]; {
		case c == '"':
			s.i++
			return s.s[start : s.i-1], nil
		case c == '\\':
			return s.escaped(start)
		case c < 0x20:
			return "", s.unexpected("no control character in a string")
		}
		s.i++
	}
	return "", s.unexpected("a closing quote")
}

// escaped goes on with a string at its first escape.
func (s *scanner) escaped(start int) (string, error) {
	out := append(make([]byte, 0, 2*(s.i-start)+16), s.s[start:s.i]...)
	for s.i < len(s.s) {
		c := s.s[s.i]
		switch {
		case c == '"':
			s.i++
			return string(out), nil
		case c < 0x20:
			return "", s.unexpected("no control character in a string")
		case c != '\\':
			out = append(out, c)
			s.i++
			continue
		}
		s.i++
		r, err := s.escape()
		if err != nil {
			return "", err
		}
		out = utf8.AppendRune(out, r)
	}
	return "", s.unexpected("a closing quote")
}

// escape reads what follows a backslash. Half a surrogate pair is no
// character: two that differ must not become one value.
func (s *scanner) escape() (rune, error) {
	if s.i == len(s.s) {
		return 0, s.unexpected("an escape")
	}
	if i := strings.IndexByte(`"\/bfnrt`, s.s[s.i]); i >= 0 {
		s.i++
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	r, err := s.hex()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if at := s.i; strings.HasPrefix(s.s[at:], `\u`) {
		s.i++
		low, err := s.hex()
		if err != nil {
			return 0, err
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, nil
		}
		s.i = at
	}
	if s.loose {
		return utf8.RuneError, nil
	}
	s.i -= len(`\ud800`)
	return 0, s.unexpected("no half of a surrogate pair in a string")
}

// hex reads the u and the digits of \uXXXX.
func (s *scanner) hex() (rune, error) {
	if s.s[s.i] != 'u' || s.i+5 > len(s.s) {
		return 0, s.unexpected("an escape")
	}
	for _, c := range []byte(s.s[s.i+1 : s.i+5]) {
		if !isHex(c) {
			return 0, s.unexpected("u and four hexadecimal digits")
		}
	}
	n, err := strconv.ParseUint(s.s[s.i+1:s.i+5], 16, 32)
	s.i += 5
	return rune(n), err
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// value reads any value.
func (s *scanner) value() (Value, error) {
	start := s.i
	switch c := s.next(); {
	case c == '"':
		text, err := s.str()
		return Value{kind: String, text: text}, err
	case c == '{' || c == '[':
		err := s.composite()
		return Value{kind: Composite, text: s.s[start:s.i]}, err
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(s.s[s.i:], word) {
			if s.i += len(word); word == "null" {
				return Value{}, nil
			}
			return Value{kind: Bool, text: word}, nil
		}
	}
	return Value{}, s.unexpected("a value")
}

// number reads a number by JSON's grammar: no leading zeros, digits on both
// sides of a point.
func (s *scanner) number() (Value, error) {
	start := s.i
	if s.s[s.i] == '-' {
		s.i++
	}
	whole := s.i
	if s.digits() == 0 || s.s[whole] == '0' && s.i > whole+1 {
		return Value{}, s.unexpected("a number without leading zeros")
	}
	if s.i < len(s.s) && s.s[s.i] == '.' {
		s.i++
		if s.digits() == 0 {
			return Value{}, s.unexpected("a digit")
		}
	}
	if s.i < len(s.s) && s.s[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(s.s) && (s.s[s.i] == '+' || s.s[s.i] == '-') {
			s.i++
		}
		if s.digits() == 0 {
			return Value{}, s.unexpected("a digit")
		}
	}
	text := s.s[start:s.i]
	return Value{kind: Number, text: text, key: canonicalNumber(text)}, nil
}

func (s *scanner) digits() int {
	start := s.i
	for s.i < len(s.s) && s.s[s.i] >= '0' && s.s[s.i] <= '9' {
		s.i++
	}
	return s.i - start
}

// composite checks an array or an object, without recursion: what is nested
// is told by the brackets that are open.
func (s *scanner) composite() error {
	var open []byte
	for {
		if c := s.next(); c == '{' || c == '[' {
			s.i++
			if len(open) == maxDepth {
				return errors.New("nested too deep")
			}
			open = append(open, c+2) // the closing bracket of both
			if s.take(c + 2) {
				open = open[:len(open)-1]
			} else if err := s.member(c); err != nil {
				return err
			} else {
				continue
			}
		} else if _, err := s.value(); err != nil {
			return err
		}
		for len(open) > 0 && s.take(open[len(open)-1]) {
			open = open[:len(open)-1]
		}
		if len(open) == 0 {
			return nil
		}
		if !s.take(',') {
			return s.unexpected("a comma or the end of an array or object")
		}
		if err := s.member(open[len(open)-1] - 2); err != nil {
			return err
		}
	}
}

// member reads the name in front of a member of an object.
func (s *scanner) member(bracket byte) error {
	if bracket == '[' {
		return nil
	}
	if s.next() != '"' {
		return s.unexpected("a name in quotes")
	}
	if _, err := s.str(); err != nil {
		return err
	}
	if !s.take(':') {
		return s.unexpected("a colon")
	}
	return nil
}
