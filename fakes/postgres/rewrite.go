package postgres

import (
	"slices"
	"strings"
)

// rewritten is a statement as the server gets it.
type rewritten struct {
	text  string
	lacks string // what of it is not simulated; empty if all is
}

// piece is a part of a statement: a word, a mark, or what is closed: a literal, a name
// in quotes, a comment, space.
type piece struct {
	text string
	kind byte // 'w', 's' (a literal), 'b' (a body, in dollars), ' ', 'q' (a name in quotes), or the mark itself
}

func (p piece) is(words ...string) bool {
	return p.kind == 'w' && slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(p.text, w) })
}

// names are what a name, or a literal, says.
func (p piece) name() string {
	switch p.kind {
	case 'w':
		return strings.ToLower(p.text)
	case 'q', 's':
		return strings.Trim(p.text, `"'`)
	}
	return ""
}

// keywords are time without brackets.
var keywords = []string{"CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP"}

// shadowed are the server's functions that are ours here.
var shadowed = []string{"now", "transaction_timestamp", "statement_timestamp", "clock_timestamp", "timeofday", "age", "random", "gen_random_uuid",
	"pg_backend_pid", "current_database", "pg_sleep", "pg_sleep_for", "pg_sleep_until", "pg_terminate_backend", "pg_cancel_backend"}

// rewrite has time, chance and names come from the run: see schema.sql.
//
//  1. CURRENT_TIMESTAMP and its like, and pg_catalog.now() and its like, become calls
//     of functions of ours. The others are found on the search path.
//  2. Who sets the search path gets ours behind it.
//  3. Timeouts are kept by us, and what a commit waits for: lock_timeout becomes wtsim.lock_timeout.
//  4. Extensions that shadow ours go to the end of the path.
//  5. Bodies of functions are statements too.
func rewrite(text string) rewritten {
	var out strings.Builder
	lacks := ""
	for _, statement := range statements(pieces(text)) {
		r := rewriteOne(statement)
		if lacks == "" {
			lacks = r.lacks
		}
		out.WriteString(r.text)
	}
	return rewritten{out.String(), lacks}
}

func rewriteOne(all []piece) rewritten {
	words := slices.DeleteFunc(slices.Clone(all), func(p piece) bool { return p.kind == ' ' || p.kind == ';' })
	r := rewritten{lacks: missing(words)}
	body := len(words) > 1 && (words[0].is("DO") || words[0].is("CREATE") && slices.ContainsFunc(words[:min(4, len(words))], func(p piece) bool { return p.is("FUNCTION", "PROCEDURE") }))
	var out strings.Builder
	before := piece{}
	for i, p := range all {
		rest := all[i+1:]
		switch {
		case p.kind == 'b' && body:
			tag := p.text[:strings.IndexByte(p.text[1:], '$')+2]
			inner := rewrite(p.text[len(tag) : len(p.text)-len(tag)])
			if r.lacks == "" {
				r.lacks = inner.lacks
			}
			out.WriteString(tag + inner.text + tag)
		case p.is(keywords...) && before.kind != '.' && !before.is("AS"):
			out.WriteString("wtsim." + strings.ToLower(p.text))
			if first(rest).kind != '(' {
				out.WriteString("()")
			}
		case p.is("CURRENT_CATALOG") && before.kind != '.' && !before.is("AS"):
			out.WriteString("wtsim.current_database()")
		case p.name() == "pg_catalog" && before.kind != '.' && callsShadowed(rest):
			out.WriteString("wtsim")
		case slices.Contains(heeded, p.name()) && (p.kind != 's') && len(words) > 1 && words[0].is("SET", "SHOW", "RESET"):
			out.WriteString("wtsim." + p.name())
		default:
			out.WriteString(p.text)
		}
		if endsPath(all, i) {
			out.WriteString(behindPath)
		}
		if p.kind != ' ' {
			before = p
		}
	}
	r.text = out.String()
	if len(words) > 2 && words[0].is("CREATE") && words[1].is("EXTENSION") && !slices.ContainsFunc(words, func(p piece) bool { return p.is("SCHEMA") }) &&
		slices.ContainsFunc(words, func(p piece) bool { return p.name() == "uuid-ossp" || p.name() == "pgcrypto" }) {
		r.text = strings.TrimRight(r.text, "; \n\t") + " SCHEMA wtsim_extensions;"
	}
	return r
}

// heeded are the settings that we keep.
var heeded = []string{"lock_timeout", "statement_timeout", "synchronous_commit"}

// first is the first piece that is no space.
func first(all []piece) piece {
	for _, p := range all {
		if p.kind != ' ' {
			return p
		}
	}
	return piece{}
}

// callsShadowed reports whether .name( follows, of a function that is ours here.
func callsShadowed(rest []piece) bool {
	words := slices.DeleteFunc(slices.Clone(rest[:min(6, len(rest))]), func(p piece) bool { return p.kind == ' ' })
	return len(words) > 2 && words[0].kind == '.' && slices.Contains(shadowed, words[1].name()) && words[2].kind == '('
}

// endsPath reports whether the i-th piece is the last name of a search path that is
// set: SET search_path = a, b.
func endsPath(all []piece, i int) bool {
	if all[i].name() == "" || all[i].is("DEFAULT") || all[i].name() == "search_path" {
		return false
	}
	if n := first(all[i+1:]); n.kind == ',' {
		return false
	}
	var back []piece
	for _, p := range slices.Backward(all[:i+1]) {
		if p.kind != ' ' {
			back = append(back, p)
		}
	}
	j := 1
	for j+1 < len(back) && back[j].kind == ',' && back[j+1].name() != "" {
		j += 2
	}
	return j+2 < len(back) && (back[j].kind == '=' || back[j].is("TO")) && back[j+1].name() == "search_path" && back[j+2].is("SET", "LOCAL", "SESSION")
}

// missing is what of a statement is not simulated.
func missing(words []piece) string {
	at := func(i int, is ...string) bool { return i < len(words) && words[i].is(is...) }
	switch {
	case at(0, "VACUUM", "CLUSTER", "CHECKPOINT", "LOAD"):
		return strings.ToUpper(words[0].text)
	case at(0, "PREPARE") && at(1, "TRANSACTION"), at(0, "COMMIT", "ROLLBACK") && at(1, "PREPARED"):
		return "two-phase commit (" + strings.ToUpper(words[0].text+" "+words[1].text) + ")"
	case at(0, "CREATE", "ALTER", "DROP") && at(1, "DATABASE", "ROLE", "USER", "GROUP", "TABLESPACE", "SUBSCRIPTION", "SERVER", "SYSTEM") && !at(2, "MAPPING"):
		return strings.ToUpper(words[0].text + " " + words[1].text)
	}
	for i := range words {
		switch {
		case words[i].kind == 's' && slices.Contains(ofNow, strings.ToLower(words[i].name())) && isTime(words, i):
			return words[i].text + " as a time (now() and CURRENT_DATE are those of the run)"
		case at(0, "COPY") && at(i, "TO", "FROM") && (at(i+1, "PROGRAM") || i+1 < len(words) && words[i+1].kind == 's'):
			return "COPY " + strings.ToUpper(words[i].text) + " a file of the server"
		case at(i, "SET_CONFIG") && i+2 < len(words) && slices.Contains(append([]string{"search_path"}, heeded...), words[i+2].name()):
			return "set_config of " + words[i+2].name()
		case words[0].is("SET", "ALTER") && slices.Contains([]string{"idle_in_transaction_session_timeout", "idle_session_timeout", "transaction_timeout", "deadlock_timeout"}, words[i].name()):
			return words[i].name()
		case words[0].is("CREATE") && i > 0 && at(i-1, "SET") && slices.Contains(heeded, words[i].name()):
			return words[i].name() + " of a function"
		}
	}
	return ""
}

// ofNow are the texts that are a time of the server's clock.
var ofNow = []string{"now", "today", "tomorrow", "yesterday"}

// isTime reports whether the i-th word is said to be a time: timestamptz 'now', 'now'::date.
func isTime(words []piece, i int) bool {
	is := []string{"timestamp", "timestamptz", "date", "zone"}
	return i > 0 && slices.Contains(is, words[i-1].name()) || i+3 < len(words) && words[i+1].kind == ':' && words[i+2].kind == ':' && slices.Contains(is, words[i+3].name())
}

// statements cuts where a statement ends.
func statements(all []piece) (out [][]piece) {
	start := 0
	for i, p := range all {
		if p.kind == ';' {
			out, start = append(out, all[start:i+1]), i+1
		}
	}
	return append(out, all[start:])
}

// pieces takes a text apart; put together they are the text.
func pieces(s string) (out []piece) {
	for len(s) > 0 {
		kind, n := piece1(s)
		out = append(out, piece{s[:n], kind})
		s = s[n:]
	}
	return out
}

func piece1(s string) (kind byte, n int) {
	switch c := s[0]; {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
		return ' ', 1
	case strings.HasPrefix(s, "--"):
		return ' ', through(s, "\n", 2)
	case strings.HasPrefix(s, "/*"):
		return ' ', comment(s)
	case c == '\'':
		return 's', literal(s, 0, false)
	case (c == 'E' || c == 'e') && strings.HasPrefix(s[1:], "'"):
		return 's', literal(s, 1, true)
	case c == '"':
		return 'q', literal(s, 0, false)
	case c == '$':
		if end := strings.IndexByte(s[1:], '$'); end >= 0 && isTag(s[1:1+end]) {
			tag := s[:end+2]
			return 'b', through(s, tag, len(tag))
		}
		return '$', 1
	case isNamed(c):
		for n < len(s) && (isNamed(s[n]) || s[n] >= '0' && s[n] <= '9' || s[n] == '$') {
			n++
		}
		return 'w', n
	case c >= '0' && c <= '9':
		for n < len(s) && (s[n] >= '0' && s[n] <= '9' || isNamed(s[n]) || s[n] == '.') {
			n++
		}
		return '0', n
	default:
		return c, 1
	}
}

func isNamed(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// isTag tells the tag of a body in dollars from a parameter.
func isTag(s string) bool {
	return s == "" || isNamed(s[0]) && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x80 && !isNamed(byte(r)) && (r < '0' || r > '9') })
}

// through is the length up to the next of something, with it.
func through(s, end string, from int) int {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(s)
}

func comment(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			i++
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// literal is the length of what stands in quotes, from a place on.
func literal(s string, from int, escapes bool) int {
	q := s[from]
	for i := from + 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && escapes:
			i++
		case s[i] == q && i+1 < len(s) && s[i+1] == q:
			i++
		case s[i] == q:
			return i + 1
		}
	}
	return len(s)
}
