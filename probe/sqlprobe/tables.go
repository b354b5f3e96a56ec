package sqlprobe

import (
	"slices"
	"strings"
)

// finder finds the tables of a statement.
type finder struct {
	all     []token
	ctes    []string // names that WITH has given, which are no tables
	tables  []string
	written string // the table that the statement itself writes
	writes  bool   // it, or one within it, does

	groups []group // the brackets that are open, the statement itself first
	wants  bool    // a table comes next
}

// group is a statement, or what stands in brackets.
type group struct {
	head string // the keyword that it begins with
	list bool   // a comma is followed by a table
}

// ctes are the names that a statement gives to others within it: name AS (SELECT ...).
func ctes(p []token) (names []string) {
	for i, t := range p {
		if !t.is("AS") || i == 0 || !startsStatement(p[i+1:]) {
			continue
		}
		at := i - 1
		for depth := 0; at > 0; at-- { // the names of its columns may stand before
			if depth += nests(p[at]); depth == 0 && p[at].class != ')' && p[at].class != '(' {
				break
			}
		}
		names = append(names, p[at].name())
	}
	return names
}

// startsStatement tells whether tokens are ( and then a statement, materialised or
// not.
func startsStatement(p []token) bool {
	for len(p) > 0 && p[0].isOne("NOT", "MATERIALIZED") {
		p = p[1:]
	}
	return len(p) > 1 && p[0].class == '(' && (p[1].isOne(heads...) || p[1].is("WITH"))
}

func (f *finder) find() {
	f.groups = []group{{}}
	for i := 0; i < len(f.all); i++ {
		switch t := f.all[i]; {
		case t.class == '(':
			f.groups = append(f.groups, group{list: f.wants})
		case t.class == ')':
			if len(f.groups) > 1 {
				f.groups = f.groups[:len(f.groups)-1]
			}
			f.wants = false
		case t.class == ',':
			f.wants = f.top().list
		case t.class == word && f.keyword(i):
		case f.wants && (t.class == word || t.class == quoted):
			i = f.table(i)
		default:
			f.wants = false
		}
	}
}

func (f *finder) top() *group { return &f.groups[len(f.groups)-1] }

func (f *finder) at(i int) token {
	if i < 0 || i >= len(f.all) {
		return token{}
	}
	return f.all[i]
}

// keyword takes a keyword; false if the word is none that matters.
func (f *finder) keyword(i int) bool {
	t, g := f.all[i], f.top()
	begins := i == 0 || f.at(i-1).class == '(' || g.head == "WITH" && f.at(i-1).class == ')'
	switch {
	case t.is("WITH") && begins:
		g.head = "WITH"
	case t.is("SELECT"):
		g.head, g.list, f.wants = "SELECT", false, false
	case begins && t.isOne("INSERT", "REPLACE", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY", "LOCK", "TABLE"):
		g.head = strings.ToUpper(t.text)
		f.writes = f.writes || g.head != "TABLE"
		f.wants = t.isOne("UPDATE", "TRUNCATE", "COPY", "LOCK", "TABLE")
		g.list = t.isOne("UPDATE", "TRUNCATE", "LOCK")
	case t.is("FROM"):
		f.wants = slices.Contains([]string{"SELECT", "DELETE", "UPDATE"}, g.head) && !f.at(i-1).is("DISTINCT")
		g.list = f.wants || g.list
	case t.is("USING") && f.at(i+1).class != '(' || t.isOne("JOIN", "STRAIGHT_JOIN"):
		f.wants = true
	case t.is("INTO"):
		f.wants = g.head == "INSERT" || g.head == "REPLACE" || g.head == "MERGE"
	case f.wants && t.isOne("ONLY", "LATERAL", "TABLE", "LOW_PRIORITY", "IGNORE", "OR", "ROLLBACK", "ABORT", "FAIL", "REPLACE"):
	case t.isOne("WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "SET", "RETURNING", "UNION", "FOR", "WINDOW", "FETCH", "OFFSET", "VALUES"):
		g.list, f.wants = false, false
	default:
		return false
	}
	return true
}

// table takes the name that begins at i and returns where it ends.
func (f *finder) table(i int) (end int) {
	head, outer := f.top().head, len(f.groups) == 1
	name := f.all[i].name()
	for f.at(i+1).class == '.' && (f.at(i+2).class == word || f.at(i+2).class == quoted) {
		i += 2
		name += "." + f.all[i].name()
	}
	f.wants = false
	if f.at(i+1).class == '(' && head != "INSERT" && head != "REPLACE" && head != "COPY" || slices.Contains(f.ctes, name) {
		return i // what a function returns, or another statement
	}
	f.tables = appendNew(f.tables, name)
	if outer && f.written == "" && head != "SELECT" {
		f.written = name
	}
	return i
}
