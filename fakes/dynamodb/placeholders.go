package dynamodb

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// placeholders are what a request's expressions have names and values for.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeNames.html
type placeholders struct {
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]*value

	used map[string]bool
}

func (g *placeholders) name(placeholder string) (string, bool) {
	name, ok := g.ExpressionAttributeNames[placeholder]
	g.use(placeholder)
	return name, ok
}

func (g *placeholders) value(placeholder string) *value {
	g.use(placeholder)
	return g.ExpressionAttributeValues[placeholder]
}

func (g *placeholders) use(placeholder string) {
	if g.used == nil {
		g.used = map[string]bool{}
	}
	g.used[placeholder] = true
}

// check refuses names and values that no expression can use; none says that a
// request has no expression, and which it could have.
func (g *placeholders) check(none string) error {
	names, values := g.ExpressionAttributeNames, g.ExpressionAttributeValues
	switch {
	case none != "" && names != nil:
		return invalid("ExpressionAttributeNames can only be specified when using expressions" + none)
	case none != "" && values != nil:
		return invalid("ExpressionAttributeValues can only be specified when using expressions" + none)
	case names != nil && len(names) == 0:
		return invalid("ExpressionAttributeNames must not be empty")
	case values != nil && len(values) == 0:
		return invalid("ExpressionAttributeValues must not be empty")
	}
	for _, key := range sorted(names) {
		if !placeholder(key, '#') {
			return invalid(`ExpressionAttributeNames contains invalid key: Syntax error; key: "` + key + `"`)
		}
	}
	for _, key := range sorted(values) {
		if !placeholder(key, ':') {
			return invalid(`ExpressionAttributeValues contains invalid key: Syntax error; key: "` + key + `"`)
		}
	}
	return nil
}

func placeholder(key string, first byte) bool {
	return len(key) > 1 && key[0] == first && span(key[1:], isNamePart) == len(key)-1
}

// unused refuses what no expression has used.
func (g *placeholders) unused() error {
	for _, of := range []struct {
		what string
		keys []string
	}{{"ExpressionAttributeNames", sorted(g.ExpressionAttributeNames)}, {"ExpressionAttributeValues", sorted(g.ExpressionAttributeValues)}} {
		left := slices.DeleteFunc(of.keys, func(key string) bool { return g.used[key] })
		if len(left) > 0 {
			return invalid("Value provided in " + of.what + " unused in expressions: keys: {" + strings.Join(left, ", ") + "}")
		}
	}
	return nil
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// mostExpression is the length of an expression.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-expression-parameters
const mostExpression = 4096

// parse reads an expression by one of the parser's methods. The error is the
// service's, and names the expression.
func parse[T any](g *placeholders, kind, source string, read func(*parser) (T, error)) (out T, err error) {
	if len(source) > mostExpression {
		return out, invalid("Invalid " + kind + ": Expression size has exceeded the maximum allowed size; expression size: " + strconv.Itoa(len(source)))
	}
	l, err := lex(source)
	if err == nil {
		p := &parser{lexer: l, given: g}
		if out, err = read(p); err == nil {
			err = p.ended()
		}
	}
	if e := failed(err); e != nil {
		return out, invalid("Invalid " + kind + ": " + e.Message)
	}
	return out, nil
}
