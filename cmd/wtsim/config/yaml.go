package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/wtsim/wtsim/internal/suggest"
)

// duration is one as Go writes it: 1m30s.
type duration time.Duration

// UnmarshalYAML reads it.
func (d *duration) UnmarshalYAML(node ast.Node) error {
	text := node.GetToken().Value
	v, err := time.ParseDuration(text)
	if err != nil {
		return &misplaced{node.GetToken(), fmt.Sprintf("%q is no duration, wanted one such as 90s or 1m30s", text)}
	}
	*d = duration(v)
	return nil
}

// misplaced is a value without meaning, and where it stands.
type misplaced struct {
	at   *token.Token
	what string
}

func (m *misplaced) Error() string { return m.what }

// ordered is a mapping whose order counts.
type ordered[T any] []named[T]

type named[T any] struct {
	name  string
	value T
}

// UnmarshalYAML reads it.
func (o *ordered[T]) UnmarshalYAML(read func(any) error) error {
	var values map[string]T
	if err := read(&values); err != nil {
		return err
	}
	var keys yaml.MapSlice
	if err := read(&keys); err != nil {
		return err
	}
	for _, k := range keys {
		name := fmt.Sprint(k.Key)
		*o = append(*o, named[T]{name, values[name]})
	}
	return nil
}

// wrong says where a file is wrong, what stands there, and what was wanted.
func wrong(err error) error {
	var at *token.Token
	var what string
	var own *misplaced
	var e yaml.Error
	var unknown *yaml.UnknownFieldError
	var kind *yaml.TypeError
	var node *yaml.UnexpectedNodeTypeError
	switch {
	case errors.As(err, &own):
		at, what = own.at, own.what
	case errors.As(err, &unknown):
		at, what = unknown.Token, fmt.Sprintf("unknown field %q, %s", unknown.Token.Value, wantedKey(unknown.Token.Value))
	case errors.As(err, &kind):
		at, what = kind.Token, fmt.Sprintf("%q, wanted %s", kind.Token.Value, wordFor(kind.DstType))
	case errors.As(err, &node):
		at, what = node.Token, fmt.Sprintf("%s, wanted %s", nodeWord(node.Actual), nodeWord(node.Expected))
	case errors.As(err, &e):
		at, what = e.GetToken(), strings.Join(strings.Fields(e.GetMessage()), " ")
	}
	if at == nil || at.Position == nil {
		return fmt.Errorf("it is no YAML: %s", strings.Join(strings.Fields(yaml.FormatError(err, false, false)), " "))
	}
	return fmt.Errorf("%d:%d: %s", at.Position.Line, at.Position.Column, what)
}

// wordFor is a type for people.
func wordFor(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "names with values"
	}
	return "a text"
}

// nodeWord is what stands in a file, for people.
func nodeWord(t ast.NodeType) string {
	switch t {
	case ast.MappingType, ast.MappingValueType:
		return "names with values"
	case ast.SequenceType:
		return "a list"
	}
	return "a single value"
}

// wantedKey says where all keys are, and proposes the nearest.
func wantedKey(name string) string {
	known := slices.Sorted(maps.Keys(keysOf(reflect.TypeFor[file](), map[reflect.Type]bool{})))
	return "wanted one that wtsim schema wtsim has" + suggest.DidYouMean(name, known)
}

// keysOf are the keys of a type, and of all that is in it.
func keysOf(t reflect.Type, seen map[reflect.Type]bool) map[string]bool {
	keys := map[string]bool{}
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return keys
	}
	seen[t] = true
	for i := range t.NumField() {
		f := t.Field(i)
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" && name != "-" {
			keys[name] = true
		}
		for k := range keysOf(f.Type, seen) { //wtsim:order a set
			keys[k] = true
		}
	}
	return keys
}
