package event

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Tree is a value with the values in it.
type Tree struct {
	Value
	Items  []Tree   // of an array, else nil
	Fields []Branch // of an object, sorted by name, else nil; of a name that occurs twice the last
}

// Branch is a member of an object.
type Branch struct {
	Name string
	Tree
}

// Tree returns the value with the values in it, read in one pass. They share
// its memory.
func (v Value) Tree() Tree {
	if v.kind != Composite {
		return Tree{Value: v}
	}
	s := scanner{s: v.text, loose: true} // as encoding/json is, which bodies that are no events are read with
	t, _ := s.tree()                     // a Composite's text is known to be valid
	return t
}

func (s *scanner) tree() (t Tree, err error) {
	c, start := s.next(), s.i
	switch c {
	case '[':
		t.Items, err = s.items()
	case '{':
		t.Fields, err = s.branches()
	default:
		t.Value, err = s.scalar()
		return t, err
	}
	t.Value = Value{kind: Composite, text: s.s[start:s.i]}
	return t, err
}

func (s *scanner) items() ([]Tree, error) {
	s.i++
	items := []Tree{}
	for !s.take(']') {
		item, err := s.tree()
		if err != nil {
			return items, err
		}
		items = append(items, item)
		s.take(',')
	}
	return items, nil
}

func (s *scanner) branches() ([]Branch, error) {
	all := []Branch{}
	err := s.each(func(name string) error {
		t, err := s.tree()
		all = append(all, Branch{name, t})
		return err
	})
	slices.Reverse(all) // so that the last of a name comes first
	slices.SortStableFunc(all, func(a, b Branch) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(all, func(a, b Branch) bool { return a.Name == b.Name }), err
}

// scalar reads a value that is neither array nor object. Its text need not be
// UTF-8, as that of a body that is none of ours.
func (s *scanner) scalar() (Value, error) {
	start := s.i
	v, err := s.value()
	if err == nil && v.kind == String && !utf8.ValidString(v.text) {
		return ParseValue([]byte(s.s[start:s.i]))
	}
	return v, err
}
