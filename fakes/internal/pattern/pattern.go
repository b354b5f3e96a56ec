// Package pattern matches JSON against the patterns of AWS's event services:
// event patterns of EventBridge and filter policies of SNS, which differ in
// little.
//
//	{"detail": {"state": ["done", {"prefix": "fail"}], "price": [{"numeric": [">", 10, "<=", 20]}]}}
//
// Every member of a pattern must match, by one of its alternatives; an array of
// the event matches by one of its elements, and members of an array of objects
// by one object.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
// https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
package pattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Pattern is one, compiled.
type Pattern struct{ all []member }

// member is what one name of an object must be: one of some values, or an object
// of its own. Of "$or" it is one of several patterns, and has no name.
type member struct {
	name   string
	leaf   []alternative
	object *Pattern
	or     []*Pattern
}

// Kind is whose pattern it is.
type Kind int

// The kinds.
const (
	Event      Kind = iota // an event pattern of EventBridge
	Body                   // a filter policy over a message's body
	Attributes             // a filter policy over its attributes: no objects within it
)

// Compile reads a pattern. The error says what is wrong with it.
func Compile(text string, kind Kind) (*Pattern, error) {
	v, err := Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("wanted an object")
	}
	return compile(object, kind, 1)
}

// Decode reads JSON, its numbers as they are written.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after its end")
	}
	return v, nil
}

func compile(object map[string]any, kind Kind, depth int) (*Pattern, error) {
	if len(object) == 0 {
		return nil, errors.New("an object of it is empty, wanted members")
	}
	p := &Pattern{}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		m, err := compileMember(name, object[name], kind, depth)
		if err != nil {
			return nil, err
		}
		p.all = append(p.all, m)
	}
	return p, nil
}

func compileMember(name string, v any, kind Kind, depth int) (member, error) {
	m := member{name: name}
	var err error
	switch v := v.(type) {
	case map[string]any:
		if kind == Attributes {
			return m, fmt.Errorf("%q is an object, wanted a list: attributes have no members", name)
		}
		m.object, err = compile(v, kind, depth+1)
		return m, err
	case []any:
		if name == "$or" {
			m.or, err = compileOr(v, kind, depth)
			return m, err
		}
		if len(v) == 0 {
			return m, fmt.Errorf("%q is an empty list", name)
		}
		for _, x := range v {
			a, err := compileAlternative(x, kind)
			if err != nil {
				return m, fmt.Errorf("%q: %w", name, err)
			}
			m.leaf = append(m.leaf, a)
		}
		return m, nil
	}
	return m, fmt.Errorf("%q is %s, wanted a list or an object", name, words(v))
}

func compileOr(v []any, kind Kind, depth int) (out []*Pattern, err error) {
	if len(v) < 2 {
		return nil, errors.New("\"$or\" has fewer than two alternatives")
	}
	for _, x := range v {
		object, ok := x.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("\"$or\" has the alternative %s, wanted objects", words(x))
		}
		p, err := compile(object, kind, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Matches reports whether a value of JSON, as [Decode] reads it, matches.
func (p *Pattern) Matches(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for i := range p.all {
			if !p.all[i].matches(v) {
				return false
			}
		}
		return true
	case []any:
		return slices.ContainsFunc(v, p.Matches)
	}
	return p.matchesNothing()
}

// matchesNothing reports whether it matches where there is no object: all that it
// wants is that names are not there.
func (p *Pattern) matchesNothing() bool { return p.Matches(map[string]any{}) }

func (m *member) matches(object map[string]any) bool {
	if m.or != nil {
		return slices.ContainsFunc(m.or, func(p *Pattern) bool { return p.Matches(object) })
	}
	v, there := object[m.name]
	switch {
	case m.object != nil && there:
		return m.object.Matches(v)
	case m.object != nil:
		return m.object.matchesNothing()
	}
	return slices.ContainsFunc(m.leaf, func(a alternative) bool { return a.matches(v, there) })
}

func words(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // it comes from JSON
	}
	return string(text)
}
