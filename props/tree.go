package props

import (
	"fmt"
	"slices"
	"strings"
)

// tree is a value of a file of properties, in YAML or JSON, that knows where it
// stands. Columns count bytes.
type tree struct {
	line, column int
	kind         byte   // '{', '[', '"' for a text, 0 for null and, in JSON, what is no text
	text         string // of a text; in YAML any scalar is one, whatever it looks like: +1, 5s and true
	quote        byte   // in YAML '"', '\'', '|' or '>'; 0 if plain
	items        []*tree
	members      []member
}

type member struct {
	name  *tree
	value *tree
}

// get returns a member of a mapping by name.
func (t *tree) get(name string) *tree {
	for _, m := range t.members {
		if m.name.text == name {
			return m.value
		}
	}
	return nil
}

// str returns a text, if it is one.
func (t *tree) str() (string, bool) { return t.text, t.kind == '"' }

// source is the file that a tree was read from, which messages name.
type source struct {
	file   string
	text   string
	lines  []string
	starts []int // where each line begins in text
}

func newSource(file, text string) *source {
	s := &source{file: file, text: text, lines: strings.Split(text, "\n")}
	at := 0
	for _, l := range s.lines {
		s.starts = append(s.starts, at)
		at += len(l) + 1
	}
	return s
}

// position is the line and column of an offset in the text, both from 1.
func (s *source) position(offset int) (line, column int) {
	offset = min(offset, len(s.text))
	i, begins := slices.BinarySearch(s.starts, offset)
	if !begins {
		i--
	}
	return i + 1, offset - s.starts[i] + 1
}

// at is an error at a place of the file, in the form that editors jump to.
func (s *source) at(line, column int, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: "+format, append([]any{s.file, line, column}, args...)...)
}

// fail is an error about a value.
func (s *source) fail(t *tree, format string, args ...any) error {
	return s.at(t.line, t.column, format, args...)
}

// within returns the place of a part of a scalar: line and column in its text,
// both from 1. For a text that is folded over several lines it is that of the
// scalar.
func (s *source) within(t *tree, line, column int) (int, int) {
	switch {
	case t.quote == '|' && t.line+line <= len(s.lines):
		first := ""
		for _, l := range s.lines[t.line:] {
			if first = l; strings.TrimSpace(l) != "" {
				break
			}
		}
		return t.line + line, column + len(first) - len(strings.TrimLeft(first, " "))
	case line == 1 && (t.quote == '"' || t.quote == '\''):
		return t.line, t.column + column
	case line == 1 && t.quote == 0:
		return t.line, t.column + column - 1
	}
	return t.line, t.column
}
