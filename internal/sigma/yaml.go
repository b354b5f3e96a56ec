package sigma

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// value is a part of a YAML file, with its place from 1.
type value struct {
	line, column int
	text         string // of a scalar
	plain        bool   // a number, a boolean: no text
	null         bool
	items        []*value
	members      []member
}

type member struct{ name, value *value }

// get follows keys; nil if there is no such value.
func (v *value) get(keys ...string) *value {
	for _, k := range keys {
		var next *value
		if v != nil {
			for _, m := range v.members {
				if m.name.text == k {
					next = m.value
				}
			}
		}
		v = next
	}
	return v
}

// or is the value of a key, or the mapping, as a place.
func (v *value) or(key string) *value {
	if x := v.get(key); x != nil {
		return x
	}
	return v
}

// textOf is the text of a key's value; empty if there is none.
func (v *value) textOf(key string) string {
	if x := v.get(key); x != nil {
		return x.text
	}
	return ""
}

// list is the items, or the value alone.
func (v *value) list() []*value {
	if len(v.items) > 0 || len(v.members) > 0 {
		return v.items
	}
	return []*value{v}
}

// read returns the documents of a file.
func read(file, text string) (docs []*value, err error) {
	defer func() {
		if p := recover(); p != nil { // the library's: no content may end the process
			docs, err = nil, fmt.Errorf("%s:1:1: not YAML: the reader stumbled over it: %v", file, p)
		}
	}()
	f, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		var e yaml.Error
		if errors.As(err, &e) && e.GetToken() != nil {
			first, _, _ := strings.Cut(e.GetMessage(), "\n")
			return nil, fmt.Errorf("%s:%d:%d: not YAML: %s", file, e.GetToken().Position.Line, e.GetToken().Position.Column, first)
		}
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("%s:1:1: not YAML: %s", file, first)
	}
	for _, d := range f.Docs {
		if d.Body == nil {
			continue
		}
		v, err := valueOf(file, d.Body)
		if err != nil {
			return nil, err
		}
		docs = append(docs, v)
	}
	return docs, nil
}

func valueOf(file string, n ast.Node) (*value, error) {
	at := n.GetToken()
	v := &value{line: at.Position.Line, column: at.Position.Column}
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	case *ast.SequenceNode:
		for _, item := range n.Values {
			x, err := valueOf(file, item)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, x)
		}
	case *ast.NullNode:
		v.null = true
	case *ast.LiteralNode:
		v.text = strings.TrimRight(n.Value.Value, "\n")
	case *ast.StringNode:
		v.text = n.Value
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return nil, fmt.Errorf("%s:%d:%d: an anchor, alias, tag or merge key, wanted plain YAML: write it out", file, v.line, v.column)
	default:
		v.text, v.plain = strings.TrimSpace(at.Value), true
	}
	for i, p := range pairs {
		name, err := valueOf(file, p.Key)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			v.line, v.column = name.line, name.column
		}
		x, err := valueOf(file, p.Value)
		if err != nil {
			return nil, err
		}
		v.members = append(v.members, member{name, x})
	}
	return v, nil
}
