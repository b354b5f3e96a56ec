package formula

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/wtsim/wtsim/event"
)

// Error is what is wrong with a formula, and where: line and column from 1, in
// bytes.
type Error struct {
	Line, Column int
	What         string
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.What) }

func (p place) fail(format string, args ...any) error {
	return &Error{p.line, p.column, fmt.Sprintf(format, args...)}
}

// token is a word, a sign or a constant; its text is empty at the end.
type token struct {
	at       place
	text     string
	word     bool
	constant event.Value // of a number or a text
}

func (t token) isConstant() bool { return t.constant.Kind() != event.Null }

func (t token) String() string {
	if t.text == "" {
		return "the end"
	}
	return fmt.Sprintf("%q", t.text)
}

// lexer cuts a text into tokens.
type lexer struct {
	text  string
	at    place
	plain string // what has been read, with a blank for a comment
}

func (l *lexer) advance(n int) string {
	part := l.text[:n]
	for i := range n {
		if l.at.column++; part[i] == '\n' {
			l.at = place{l.at.line + 1, 1}
		}
	}
	l.text = l.text[n:]
	return part
}

// skip leaves out blanks and comments.
func (l *lexer) skip() error {
	for {
		begin := l.at
		switch {
		case l.text != "" && strings.IndexByte(" \t\r\n", l.text[0]) >= 0:
			l.advance(1)
		case strings.HasPrefix(l.text, "#"):
			end := strings.IndexByte(l.text, '\n')
			if end < 0 {
				end = len(l.text)
			}
			l.advance(end)
		case strings.HasPrefix(l.text, "(*"):
			end := strings.Index(l.text, "*)")
			if end < 0 {
				return begin.fail("a comment that does not end, wanted *)")
			}
			l.advance(end + 2)
		default:
			return nil
		}
	}
}

// signs are tokens of their own, longer ones first.
var signs = []string{"<=", ">=", "<-", "|>", "<|", "(", ")", "[", "]", ",", ".", ";", "=", "<", ">", "*", "?", "+", "-", "/", "|"}

func (l *lexer) next() (t token, err error) {
	before := l.text
	if err := l.skip(); err != nil {
		return t, err
	}
	if len(l.text) < len(before) {
		l.plain += " "
	}
	begin := l.text
	defer func() { l.plain += begin[:len(begin)-len(l.text)] }()
	t.at = l.at
	switch n := wordLength(l.text); {
	case l.text == "":
		return t, nil
	case l.text[0] == '"' || l.text[0] == '\'':
		end := strings.IndexByte(l.text[1:], l.text[0])
		if end < 0 {
			return t, t.at.fail("a text that does not end, wanted %c", l.text[0])
		}
		t.text = l.advance(end + 2)
		t.constant = event.Str(t.text[1 : end+1])
		return t, nil
	case numberLength(l.text) > 0 && numberLength(l.text) >= n:
		t.text = l.advance(numberLength(l.text))
		if t.constant, err = event.Num(strings.TrimSuffix(trimZeros(t.text), ".")); err != nil {
			return t, t.at.fail("%q is no number: %v", t.text, err)
		}
		return t, nil
	case n > 0:
		t.text, t.word = l.advance(n), true
		return t, nil
	}
	for _, s := range signs {
		if strings.HasPrefix(l.text, s) {
			t.text = l.advance(len(s))
			return t, nil
		}
	}
	_, size := utf8.DecodeRuneInString(l.text)
	return t, t.at.fail("%q means nothing, wanted a formula in MonPoly's syntax", l.text[:size])
}

// trimZeros makes a number as JSON writes it: without zeros in front.
func trimZeros(s string) string {
	sign, digits := "", s
	if rest, minus := strings.CutPrefix(s, "-"); minus {
		sign, digits = "-", rest
	}
	for len(digits) > 1 && digits[0] == '0' && digits[1] != '.' {
		digits = digits[1:]
	}
	return sign + digits
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// wordLength is how long the name or keyword is that a text begins with.
func wordLength(s string) int {
	n := 0
	for n < len(s) {
		c := s[n]
		letter := c == '_' || isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (n == 0 || strings.IndexByte("-/:'", c) < 0) {
			break
		}
		n++
	}
	return n
}

// numberLength is how long the number is that a text begins with.
func numberLength(s string) int {
	n := 0
	if strings.HasPrefix(s, "-") {
		n++
	}
	digits := n
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	if n == digits {
		return 0
	}
	if n+1 < len(s) && s[n] == '.' && isDigit(s[n+1]) {
		for n++; n < len(s) && isDigit(s[n]); n++ {
		}
	}
	return n
}
