package event

import (
	"slices"
	"strings"
)

// Items returns the elements of an array; nil for any other value.
func (v Value) Items() []Value {
	if v.kind != Composite || v.text[0] != '[' {
		return nil
	}
	items := []Value{}
	s := scanner{s: v.text, i: 1}
	for s.next() != ']' {
		item, err := s.part()
		if err != nil {
			break // a Composite's text is known to be valid
		}
		items = append(items, item)
		s.take(',')
	}
	return items
}

// Fields returns the members of an object, sorted by name; of a name that
// occurs twice the last. It is nil for any other value.
func (v Value) Fields() Data {
	if v.kind != Composite || v.text[0] != '{' {
		return nil
	}
	fields := Data{}
	s := scanner{s: v.text}
	_ = s.each(func(name string) error { // a Composite's text is known to be valid
		field, err := s.part()
		fields = append(fields, Field{name, field})
		return err
	})
	slices.Reverse(fields)
	slices.SortStableFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(fields, func(a, b Field) bool { return a.Name == b.Name })
}

// part reads a value by itself: its text need not be UTF-8.
func (s *scanner) part() (Value, error) {
	s.space()
	start := s.i
	if _, err := s.value(); err != nil {
		return Value{}, err
	}
	return ParseValue([]byte(s.s[start:s.i]))
}
