package sqlprobe

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// statement is what is told of the text of one, whatever its parameters are.
type statement struct {
	text     string
	method   string
	resource string
	access   event.Access
	writes   bool // what it does can be rolled back
	effects  []effect
	tables   []string
	rows     [][]field // of an INSERT
	set      []field   // of an UPDATE, and of an INSERT that may be one
	where    []field   // what the rows are, all of these
}

// effect is what a statement does to the transaction that it stands in.
type effect struct {
	kind string // the operation's method
	name string // of the savepoint
}

// The kinds of effects.
const (
	begins      = "BEGIN"
	commits     = "COMMIT"
	rollsBack   = "ROLLBACK"
	rollsBackTo = "ROLLBACK TO"
	saves       = "SAVEPOINT"
	releases    = "RELEASE"
)

// field is a column and its value.
type field struct {
	column string
	value  value
}

// value is a literal, in JSON, or an argument.
type value struct {
	literal string
	ordinal int    // of the argument, from 1
	name    string // of the argument
}

// heads begin statements that have tables.
var heads = []string{"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "VALUES", "TABLE"}

// parse tells what a text says. What it cannot tell it leaves out.
func parse(s string) *statement {
	st := &statement{text: s}
	tokens, ok := lex(s)
	if !ok {
		st.method = unread(tokens)
		st.access, st.writes = event.Reads|event.Writes, true
		return st
	}
	numberMarks(tokens)
	parts := slices.DeleteFunc(split(tokens, ';'), func(p []token) bool { return len(p) == 0 })
	var methods, resources []string
	for _, p := range parts {
		methods = append(methods, st.part(p, len(parts) == 1))
		resources = appendNew(resources, st.resource)
	}
	st.method, st.resource = strings.Join(methods, " "), strings.Join(resources, " ")
	return st
}

// unread is the method of a statement that is not understood.
func unread(tokens []token) string {
	if len(tokens) == 0 || tokens[0].class != word {
		return ""
	}
	return strings.ToUpper(tokens[0].text)
}

// numberMarks gives the parameters that have no number theirs. Where others have
// one, a question mark is an operator of PostgreSQL.
func numberMarks(tokens []token) {
	numbered := slices.ContainsFunc(tokens, func(t token) bool { return t.class == mark && t.text[0] == '$' })
	n := 0
	for i, t := range tokens {
		if t.class != mark || t.text != "?" {
			continue
		}
		if n++; numbered {
			tokens[i].class = '?'
		} else {
			tokens[i].text = "?" + strconv.Itoa(n)
		}
	}
}

// part tells one statement of those in a text; only says that there is no other.
func (st *statement) part(p []token, only bool) (method string) {
	st.resource = ""
	main := p[mainAt(p):]
	method = strings.ToUpper(main[0].text)
	if main[0].class != word {
		method = ""
	}
	if e, ok := effectOf(p); ok {
		st.effects = append(st.effects, e)
		return e.kind
	}
	f := finder{all: p, ctes: ctes(p)}
	f.find()
	for _, t := range f.tables {
		st.tables = appendNew(st.tables, t)
	}
	reads := method == "SELECT" || method == "VALUES" || method == "TABLE" || method == "SHOW"
	switch {
	case reads && !f.writes:
		st.resource = strings.Join(f.tables, " ")
		st.access |= event.Reads
		if locks(main) {
			st.access |= event.Writes
		}
	case reads:
		st.resource = strings.Join(f.tables, " ")
		st.access, st.writes = event.Reads|event.Writes, true
	default:
		st.resource = f.written
		st.access, st.writes = event.Reads|event.Writes, method != "EXPLAIN" && method != "SET"
	}
	if only {
		st.fields(method, main)
	}
	return method
}

// mainAt is where the statement itself begins: behind what WITH has.
func mainAt(p []token) int {
	i := 0
	for i < len(p)-1 && p[i].class == '(' {
		i++
	}
	if !p[i].is("WITH") {
		return i
	}
	depth := 0
	for j, t := range p[i:] {
		depth += nests(t)
		if depth == 0 && t.isOne(heads...) {
			return i + j
		}
	}
	return i
}

func nests(t token) int {
	switch t.class {
	case '(', '[':
		return 1
	case ')', ']':
		return -1
	}
	return 0
}

// locks tells whether a query locks rows.
func locks(p []token) bool {
	for i := range len(p) - 1 {
		if p[i].is("FOR") && p[i+1].isOne("UPDATE", "SHARE", "NO", "KEY") {
			return true
		}
	}
	return false
}

// effectOf is what a statement that is about transactions does.
func effectOf(p []token) (effect, bool) {
	last := p[len(p)-1]
	switch head := p[0]; {
	case head.is("BEGIN"), head.is("START") && len(p) > 1 && p[1].is("TRANSACTION"):
		return effect{kind: begins}, true
	case head.isOne("COMMIT", "END") && !(len(p) > 1 && p[1].is("PREPARED")):
		return effect{kind: commits}, true
	case head.is("ROLLBACK") && slices.ContainsFunc(p, func(t token) bool { return t.is("TO") }):
		return effect{kind: rollsBackTo, name: last.name()}, true
	case head.isOne("ROLLBACK", "ABORT") && !(len(p) > 1 && p[1].is("PREPARED")):
		return effect{kind: rollsBack}, true
	case head.is("SAVEPOINT"):
		return effect{kind: saves, name: last.name()}, true
	case head.is("RELEASE"):
		return effect{kind: releases, name: last.name()}, true
	}
	return effect{}, false
}

// split cuts at a punctuation mark that stands in no brackets.
func split(p []token, at class) [][]token {
	return splitBy(p, func(t token) bool { return t.class == at })
}

func splitBy(p []token, at func(token) bool) (parts [][]token) {
	depth, start := 0, 0
	for i, t := range p {
		if depth += nests(t); depth == 0 && at(t) {
			parts, start = append(parts, p[start:i]), i+1
		}
	}
	return append(parts, p[start:])
}

// until is what stands before the first of some keywords, in no brackets.
func until(p []token, keywords ...string) []token {
	depth := 0
	for i, t := range p {
		if depth += nests(t); depth == 0 && t.isOne(keywords...) {
			return p[:i]
		}
	}
	return p
}

// after is what stands behind a keyword, in no brackets; nil if it is not there.
func after(p []token, keyword string) []token {
	if before := until(p, keyword); len(before) < len(p) {
		return p[len(before)+1:]
	}
	return nil
}

// fields tells the columns that a statement names with their values.
func (st *statement) fields(method string, p []token) {
	switch method {
	case "INSERT", "REPLACE":
		st.rows = inserted(p)
		set := after(p, "SET")
		if set == nil && after(p, "DUPLICATE") != nil {
			set = after(p, "UPDATE")
		}
		st.set = assigned(until(set, "WHERE", "RETURNING", "ON"))
	case "UPDATE":
		st.set = assigned(until(after(p, "SET"), "WHERE", "FROM", "RETURNING", "ORDER", "LIMIT"))
		st.where = conditions(p)
	case "DELETE", "SELECT":
		st.where = conditions(p)
	}
}

// inserted are the rows of INSERT INTO t (columns) VALUES (...), (...).
func inserted(p []token) [][]field {
	head := until(p, "VALUES")
	values := after(p, "VALUES")
	open := slices.IndexFunc(head, func(t token) bool { return t.class == '(' })
	if values == nil || open < 0 {
		return nil
	}
	var columns []string
	for _, c := range split(inner(head[open:]), ',') {
		if len(c) != 1 {
			return nil
		}
		columns = append(columns, c[0].name())
	}
	var rows [][]field
	for _, row := range split(until(values, "ON", "RETURNING", "AS"), ',') {
		cells := split(inner(row), ',')
		if len(cells) != len(columns) {
			return nil
		}
		var fields []field
		for i, cell := range cells {
			if v, ok := valueOf(cell); ok {
				fields = append(fields, field{columns[i], v})
			}
		}
		rows = append(rows, fields)
	}
	return rows
}

// inner is what stands in the brackets that tokens begin with.
func inner(p []token) []token {
	depth := 0
	for i, t := range p {
		if depth += nests(t); depth == 0 {
			return p[min(1, i):i]
		}
	}
	return nil
}

func assigned(p []token) []field {
	var fields []field
	for _, a := range split(p, ',') {
		if f, ok := equality(a); ok {
			fields = append(fields, f)
		}
	}
	return fields
}

// conditions are those that every row has that a statement is about: of several
// that are joined by anything but AND none is told.
func conditions(p []token) []field {
	region := until(after(p, "WHERE"), "RETURNING", "ORDER", "GROUP", "LIMIT", "HAVING", "FOR", "WINDOW", "FETCH", "OFFSET")
	if len(until(p, "UNION", "EXCEPT", "INTERSECT")) < len(p) || len(until(region, "OR", "XOR", "CASE", "BETWEEN")) < len(region) {
		return nil
	}
	var fields []field
	for _, c := range splitBy(region, func(t token) bool { return t.is("AND") }) {
		if len(c) > 2 && c[0].class == '(' && len(inner(c)) == len(c)-2 {
			c = inner(c)
		}
		if f, ok := equality(c); ok {
			fields = append(fields, f)
		}
	}
	return fields
}

// equality reads column = value.
func equality(p []token) (field, bool) {
	sides := split(p, '=')
	if len(sides) != 2 {
		return field{}, false
	}
	column, right := sides[0], sides[1]
	if v, ok := valueOf(column); ok {
		column, right = right, nil
		return columnOf(column, v)
	}
	v, ok := valueOf(right)
	if !ok {
		return field{}, false
	}
	return columnOf(column, v)
}

// columnOf names a column, without the table that may stand before it.
func columnOf(p []token, v value) (field, bool) {
	if len(p) == 0 || len(p)%2 == 0 {
		return field{}, false
	}
	for i, t := range p {
		if name := t.class == word || t.class == quoted; name != (i%2 == 0) || !name && t.class != '.' {
			return field{}, false
		}
	}
	return field{p[len(p)-1].name(), v}, true
}

// valueOf reads a literal or a parameter, which may be cast.
func valueOf(p []token) (value, bool) {
	for i, t := range p {
		if t.class == cast {
			if slices.ContainsFunc(p[i+1:], func(t token) bool { return !strings.ContainsRune("wqnc()[],.", rune(t.class)) }) {
				return value{}, false
			}
			p = p[:i]
			break
		}
	}
	minus := len(p) == 2 && p[0].class == '-' && p[1].class == number
	switch {
	case minus:
		return numeral("-" + p[1].text)
	case len(p) != 1:
		return value{}, false
	}
	switch t := p[0]; {
	case t.class == text:
		quoted, err := json.Marshal(t.text)
		return value{literal: string(quoted)}, err == nil
	case t.class == number:
		return numeral(t.text)
	case t.class == mark:
		return marked(t.text)
	case t.isOne("TRUE", "FALSE", "NULL"):
		return value{literal: strings.ToLower(t.text)}, true
	}
	return value{}, false
}

func numeral(s string) (value, bool) { return value{literal: s}, json.Valid([]byte(s)) }

// marked is the argument of a parameter.
func marked(s string) (value, bool) {
	name := s[1:]
	if n, err := strconv.Atoi(strings.TrimPrefix(name, "p")); err == nil && (s[0] == '@') == strings.HasPrefix(name, "p") {
		return value{ordinal: n, name: name}, true
	}
	return value{name: name}, name != ""
}

func appendNew(list []string, more string) []string {
	if more == "" || slices.Contains(list, more) {
		return list
	}
	return append(list, more)
}
