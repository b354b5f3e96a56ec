package sqlprobe

import "strings"

// class is what a token is; punctuation is its own.
type class byte

const (
	word    class = 'w' // a keyword or a name
	quoted  class = 'q' // a name in quotes
	text    class = 's' // a literal in quotes
	number  class = 'n'
	mark    class = 'p' // a parameter: $1, ?, ?1, :name, @name
	cast    class = 'c' // ::
	nothing class = 0
)

// token is a piece of a statement; its text is without quotes.
type token struct {
	class class
	text  string
}

// is tells whether a token is a keyword, which is written in upper case here.
func (t token) is(keyword string) bool {
	return t.class == word && strings.EqualFold(t.text, keyword)
}

func (t token) isOne(keywords ...string) bool {
	for _, k := range keywords {
		if t.is(k) {
			return true
		}
	}
	return false
}

// name is a name as it is compared: the standard, and PostgreSQL, fold what is not
// quoted.
func (t token) name() string {
	if t.class == word {
		return strings.ToLower(t.text)
	}
	return t.text
}

// lexer takes a statement to pieces, of any of the usual dialects.
type lexer struct {
	in     string
	at     int
	tokens []token
}

// lex returns a statement's tokens, without comments; ok is false if the dialects
// differ about where one ends, or it does not end.
func lex(statement string) (tokens []token, ok bool) {
	l := &lexer{in: statement}
	for l.at < len(l.in) {
		if !l.next() {
			return l.tokens, false
		}
	}
	return l.tokens, true
}

func (l *lexer) rest() string { return l.in[l.at:] }

// take adds a token that is n bytes long.
func (l *lexer) take(c class, n int) bool {
	l.tokens = append(l.tokens, token{c, l.in[l.at : l.at+n]})
	l.at += n
	return true
}

// next takes the next token, or what stands between tokens.
func (l *lexer) next() bool {
	rest := l.rest()
	switch c := rest[0]; {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
		l.at++
		return true
	case strings.HasPrefix(rest, "--"):
		l.at += lineEnd(rest)
		return true
	case strings.HasPrefix(rest, "/*"):
		return l.comment()
	case c == '\'':
		return l.literal(false)
	case (c == 'E' || c == 'e') && strings.HasPrefix(rest[1:], "'"):
		l.at++
		return l.literal(true)
	case c == '"' || c == '`':
		return l.delimited(c)
	case c == '[' && l.opensName():
		return l.delimited(']')
	case c == '$' && (len(rest) == 1 || !isDigit(rest[1])):
		return l.dollar()
	case isDigit(c) || c == '.' && len(rest) > 1 && isDigit(rest[1]):
		return l.take(number, numberEnd(rest))
	case isLetter(c):
		return l.take(word, wordEnd(rest))
	case strings.HasPrefix(rest, "::"):
		return l.take(cast, 2)
	case c == '?' || c == '$':
		return l.take(mark, 1+digits(rest[1:]))
	case (c == ':' || c == '@') && len(rest) > 1 && (isLetter(rest[1]) || c == ':' && isDigit(rest[1])):
		return l.take(mark, 1+wordEnd(rest[1:]))
	default:
		return l.take(class(c), 1)
	}
}

func lineEnd(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i + 1
	}
	return len(s)
}

// comment passes over one; PostgreSQL's may be nested, others' may not.
func (l *lexer) comment() bool {
	rest := l.rest()
	end := strings.Index(rest, "*/")
	if end < 0 || strings.Contains(rest[2:end], "/*") {
		return false
	}
	l.at += end + 2
	return true
}

// literal takes a text. A backslash before a quote is an escape in MySQL, and the
// end in PostgreSQL, unless it says that there are escapes.
func (l *lexer) literal(escapes bool) bool {
	for i := l.at + 1; i < len(l.in); i++ {
		switch l.in[i] {
		case '\\':
			if escapes || i+1 < len(l.in) && l.in[i+1] == '\'' {
				return false
			}
		case '\'':
			if i+1 < len(l.in) && l.in[i+1] == '\'' {
				i++
				continue
			}
			l.tokens = append(l.tokens, token{text, strings.ReplaceAll(l.in[l.at+1:i], "''", "'")})
			l.at = i + 1
			return true
		}
	}
	return false
}

// opensName tells whether a bracket is SQL Server's quote, not a subscript.
func (l *lexer) opensName() bool {
	rest := l.rest()
	if len(rest) < 2 || !isLetter(rest[1]) || l.at == 0 {
		return false
	}
	before := l.in[l.at-1]
	return before != ']' && before != ')' && !isLetter(before) && !isDigit(before)
}

// delimited takes a name in quotes.
func (l *lexer) delimited(end byte) bool {
	for i := l.at + 1; i < len(l.in); i++ {
		if l.in[i] != end {
			continue
		}
		if i+1 < len(l.in) && l.in[i+1] == end {
			i++
			continue
		}
		q := string(end)
		l.tokens = append(l.tokens, token{quoted, strings.ReplaceAll(l.in[l.at+1:i], q+q, q)})
		l.at = i + 1
		return true
	}
	return false
}

// dollar takes a text between $$, or $tag$, of PostgreSQL; else a parameter that
// has a name, of SQLite.
func (l *lexer) dollar() bool {
	rest := l.rest()
	n := 1 + wordEnd(rest[1:])
	if n < len(rest) && rest[n] == '$' {
		tag := rest[:n+1]
		end := strings.Index(rest[len(tag):], tag)
		if end < 0 {
			return false
		}
		l.tokens = append(l.tokens, token{text, rest[len(tag) : len(tag)+end]})
		l.at += end + 2*len(tag)
		return true
	}
	if n == 1 {
		return l.take('$', 1)
	}
	return l.take(mark, n)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func wordEnd(s string) int {
	n := 0
	for n < len(s) && (isLetter(s[n]) || isDigit(s[n])) {
		n++
	}
	return n
}

func numberEnd(s string) int {
	n := 0
	for n < len(s) {
		c := s[n]
		exponent := (c == '+' || c == '-') && n > 0 && (s[n-1] == 'e' || s[n-1] == 'E')
		if !isDigit(c) && c != '.' && !isLetter(c) && !exponent {
			break
		}
		n++
	}
	return n
}
