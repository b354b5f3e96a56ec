package dynamodb

import (
	_ "embed"
	"strings"
)

// token is a part of an expression.
type token struct {
	kind byte // 'a' a name, '#' and ':' placeholders, '0' digits, 'p' punctuation; 0 at the end
	text string
	at   int // where it begins
}

// lexer cuts an expression into tokens.
type lexer struct {
	source string
	tokens []token
}

// lex cuts an expression. The error is the service's, without what kind of
// expression it is.
func lex(source string) (*lexer, error) {
	l := &lexer{source: source}
	for i := 0; i < len(source); {
		c := source[i]
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			i++
			continue
		case c == '#' || c == ':':
			l.add(c, i, 1+span(source[i+1:], isNamePart))
		case isLetter(c):
			l.add('a', i, span(source[i:], isNamePart))
		case isDigit(c):
			l.add('0', i, span(source[i:], isDigit))
		case strings.HasPrefix(source[i:], "<>") || strings.HasPrefix(source[i:], "<=") || strings.HasPrefix(source[i:], ">="):
			l.add('p', i, 2)
		case strings.IndexByte("()[],.=<>+-", c) >= 0:
			l.add('p', i, 1)
		default:
			l.add('p', i, 1)
			return nil, l.unexpected(len(l.tokens) - 1)
		}
		i += len(l.tokens[len(l.tokens)-1].text)
	}
	if len(l.tokens) == 0 {
		return nil, invalid("The expression can not be empty;")
	}
	return l, nil
}

func (l *lexer) add(kind byte, at, length int) {
	l.tokens = append(l.tokens, token{kind, l.source[at : at+length], at})
}

// unexpected is the error of the n-th token, as the service words it: with
// what stands around it.
func (l *lexer) unexpected(n int) error {
	text := "<EOF>"
	if n < len(l.tokens) {
		text = l.tokens[n].text
	}
	from := l.tokens[max(0, min(n, len(l.tokens))-1)].at
	to := len(l.source)
	if n+1 < len(l.tokens) {
		to = l.tokens[n+1].at + len(l.tokens[n+1].text)
	}
	return invalid(`Syntax error; token: "` + text + `", near: "` + l.source[from:to] + `"`)
}

func span(s string, is func(byte) bool) int {
	for i := range len(s) {
		if !is(s[i]) {
			return i
		}
	}
	return len(s)
}

func isLetter(c byte) bool   { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool    { return c >= '0' && c <= '9' }
func isNamePart(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }

// reservedWords cannot be names in expressions.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
//
//go:embed reserved.txt
var reservedWords string

var reserved = func() map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(reservedWords) {
		out[w] = true
	}
	return out
}()

func isReserved(name string) bool { return reserved[strings.ToUpper(name)] }
