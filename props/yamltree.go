package props

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// yamlReader builds a tree. What two readers could read in two ways is an
// error: a key that occurs twice, aliases, merge keys, tags, a second
// document.
type yamlReader struct{ *source }

// maxYAMLDepth bounds nesting: property files have less than ten.
const maxYAMLDepth = 64

func readYAML(s *source) (t *tree, err error) {
	r := &yamlReader{s}
	defer func() {
		if p := recover(); p != nil { // the library's: no content may end the process
			t, err = nil, fmt.Errorf("%s:1:1: not YAML: the reader stumbled over it: %v", s.file, p)
		}
	}()
	tokens := lexer.Tokenize(s.text)
	if at := deepAt(s.lines, tokens); at > 0 {
		return nil, fmt.Errorf("%s:%d:1: nested too deep, wanted at most %d levels", s.file, at, maxYAMLDepth)
	}
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, r.syntax(err)
	}
	var body ast.Node
	for _, d := range f.Docs {
		_, directive := d.Body.(*ast.DirectiveNode)
		switch {
		case d.Body == nil || directive:
		case body != nil:
			return nil, r.failAt(d.Body.GetToken(), "a second document, wanted one list of properties")
		default:
			body = d.Body
		}
	}
	if body == nil {
		return nil, fmt.Errorf("%s: the file is empty, wanted properties", s.file)
	}
	return r.value(body)
}

// deepAt returns the line where brackets or indentation nest too deep for
// recursion; 0 if nowhere.
func deepAt(lines []string, tokens token.Tokens) int {
	for i, line := range lines {
		head := line[:len(line)-len(strings.TrimLeft(line, " -?:\t"))]
		if max(strings.Count(head, "-")+strings.Count(head, "?"), len(head)/4) > maxYAMLDepth {
			return i + 1
		}
	}
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if depth > maxYAMLDepth {
			return t.Position.Line
		}
	}
	return 0
}

// syntax tells of an error of the library on one line.
func (r *yamlReader) syntax(err error) error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return fmt.Errorf("%s:1:1: not YAML: %s", r.file, first)
	}
	first, _, _ := strings.Cut(e.GetMessage(), "\n")
	return r.failAt(e.GetToken(), "not YAML: %s", first)
}

func (r *yamlReader) failAt(t *token.Token, format string, args ...any) error {
	p := t.Position
	if p == nil {
		p = &token.Position{Line: 1, Column: 1}
	}
	return r.at(max(p.Line, 1), max(p.Column, 1), format, args...)
}

func (r *yamlReader) value(n ast.Node) (*tree, error) {
	at := n.GetToken()
	if at == nil || at.Position == nil {
		return nil, fmt.Errorf("%s:1:1: not YAML that can be read", r.file)
	}
	t := &tree{line: max(at.Position.Line, 1), column: max(at.Position.Column, 1)}
	switch n := n.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 && !n.IsFlowStyle {
			key := n.Values[0].Key.GetToken().Position
			t.line, t.column = key.Line, key.Column
		}
		return t, r.mapping(t, n.Values)
	case *ast.MappingValueNode:
		key := n.Key.GetToken().Position
		t.line, t.column = key.Line, key.Column
		return t, r.mapping(t, []*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		t.kind = '['
		for _, v := range n.Values {
			item, err := r.value(v)
			if err != nil {
				return nil, err
			}
			t.items = append(t.items, item)
		}
		return t, nil
	case *ast.NullNode:
		return t, nil
	case *ast.LiteralNode:
		t.kind, t.text, t.quote = '"', strings.TrimRight(n.Value.Value, "\n"), at.Value[0]
		return t, nil
	case *ast.StringNode:
		t.kind, t.text = '"', n.Value
		switch n.Token.Type {
		case token.SingleQuoteType:
			t.quote = '\''
		case token.DoubleQuoteType:
			t.quote = '"'
		}
		return t, nil
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
	case ast.ScalarNode:
		t.kind, t.text = '"', strings.TrimSpace(at.Value)
		return t, nil
	}
	return nil, r.fail(t, "an anchor, alias, tag or merge key, wanted plain YAML: write it out")
}

func (r *yamlReader) mapping(t *tree, values []*ast.MappingValueNode) error {
	t.kind = '{'
	for _, v := range values {
		key, err := r.value(v.Key)
		if err != nil {
			return err
		}
		if key.kind != '"' {
			return r.fail(key, "a key that is no text, wanted a name")
		}
		if t.get(key.text) != nil {
			return r.fail(key, "%q occurs twice, wanted each name once", key.text)
		}
		value, err := r.value(v.Value)
		if err != nil {
			return err
		}
		t.members = append(t.members, member{key, value})
	}
	return nil
}
