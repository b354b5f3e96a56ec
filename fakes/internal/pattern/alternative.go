package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
)

// alternative is one of the values that a name may have: is decides for a value
// that is no array; exists says that it is of whether there is one.
type alternative struct {
	is     func(v any) bool
	exists *bool
}

func (a alternative) matches(v any, there bool) bool {
	_, object := v.(map[string]any)
	switch {
	case a.exists != nil: // of leaves alone
		return *a.exists == (there && !object)
	case !there || object:
		return false
	}
	if list, ok := v.([]any); ok {
		return slices.ContainsFunc(list, func(x any) bool { return a.matches(x, true) })
	}
	return a.is(v)
}

// compileAlternative reads a value, or a comparison.
func compileAlternative(x any, kind Kind) (alternative, error) {
	switch x := x.(type) {
	case map[string]any:
		if len(x) != 1 {
			return alternative{}, fmt.Errorf("%s has %d comparisons, wanted one", words(x), len(x))
		}
		for name, of := range x { //wtsim:order there is one
			return comparison(name, of, kind)
		}
	case []any:
		return alternative{}, fmt.Errorf("%s is a list within a list", words(x))
	}
	return alternative{is: func(v any) bool { return equal(x, v, kind) }}, nil
}

// equal compares values. EventBridge compares numbers as they are written.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
func equal(want, v any, kind Kind) bool {
	n, number := want.(json.Number)
	m, also := v.(json.Number)
	switch {
	case !number || !also:
		return want == v
	case kind == Event:
		return n == m
	}
	a, b := decimal(n), decimal(m)
	return a != nil && b != nil && a.Cmp(b) == 0
}

// decimal is a number of JSON, exactly; nil of one that is out of all bounds.
func decimal(n json.Number) *big.Rat {
	if _, exponent, ok := strings.Cut(strings.ToLower(n.String()), "e"); ok && len(exponent) > 4 {
		return nil
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		panic("pattern: JSON has no number " + n.String())
	}
	return r
}

// comparison reads one that has a name.
func comparison(name string, of any, kind Kind) (alternative, error) {
	switch name {
	case "exists":
		there, ok := of.(bool)
		if !ok {
			return alternative{}, fmt.Errorf("exists: %s, wanted true or false", words(of))
		}
		return alternative{exists: &there}, nil
	case "numeric":
		is, err := numeric(of)
		return alternative{is: is}, err
	case "cidr":
		is, err := cidr(of)
		return alternative{is: is}, err
	case "anything-but":
		is, err := anythingBut(of, kind)
		return alternative{is: is}, err
	}
	is, err := textual(name, of)
	return alternative{is: is}, err
}

// textual are the comparisons of texts: prefix, suffix, equals-ignore-case,
// wildcard. The first two may ignore case as well.
func textual(name string, of any) (func(any) bool, error) {
	test, ok := map[string]func(s, of string) bool{
		"prefix": strings.HasPrefix, "suffix": strings.HasSuffix, "equals-ignore-case": func(s, of string) bool { return s == of }, "wildcard": wildcard,
	}[name]
	if !ok {
		return nil, fmt.Errorf("there is no comparison %q, wanted prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, exists or cidr", name)
	}
	fold := name == "equals-ignore-case"
	if object, ok := of.(map[string]any); ok && len(object) == 1 && object["equals-ignore-case"] != nil && (name == "prefix" || name == "suffix") {
		of, fold = object["equals-ignore-case"], true
	}
	want, ok := of.(string)
	switch {
	case !ok:
		return nil, fmt.Errorf("%s: %s, wanted a text", name, words(of))
	case name == "wildcard" && strings.Contains(want, "**"):
		return nil, fmt.Errorf("wildcard: %q has two * in a row", want)
	case fold:
		want = strings.ToLower(want)
	}
	return func(v any) bool {
		s, ok := v.(string)
		if fold {
			s = strings.ToLower(s)
		}
		return ok && test(s, want)
	}, nil
}

// wildcard reports whether a text is a pattern in which * stands for any letters,
// and a backslash takes a star or a backslash as it is.
func wildcard(s, of string) bool {
	if of == "" {
		return s == ""
	}
	switch rest := of[1:]; {
	case of[0] == '*':
		for i := range len(s) + 1 {
			if wildcard(s[i:], rest) {
				return true
			}
		}
		return false
	case of[0] == '\\' && rest != "":
		return s != "" && s[0] == rest[0] && wildcard(s[1:], rest[1:])
	default:
		return s != "" && s[0] == of[0] && wildcard(s[1:], rest)
	}
}

// anythingBut is a value, several, or a comparison of texts, of one or several.
func anythingBut(of any, kind Kind) (func(any) bool, error) {
	var tests []func(any) bool
	if object, ok := of.(map[string]any); ok {
		if len(object) != 1 {
			return nil, fmt.Errorf("anything-but: %s, wanted one comparison", words(of))
		}
		for name, x := range object { //wtsim:order there is one
			for _, x := range listed(x) {
				test, err := textual(name, x)
				if err != nil {
					return nil, fmt.Errorf("anything-but: %w", err)
				}
				tests = append(tests, test)
			}
		}
	} else {
		for _, x := range listed(of) {
			switch x.(type) {
			case string, json.Number:
			default:
				return nil, fmt.Errorf("anything-but: %s, wanted texts or numbers", words(of))
			}
			tests = append(tests, func(v any) bool { return equal(x, v, kind) })
		}
	}
	if len(tests) == 0 {
		return nil, errors.New("anything-but: an empty list")
	}
	return func(v any) bool {
		return !slices.ContainsFunc(tests, func(test func(any) bool) bool { return test(v) })
	}, nil
}

func listed(x any) []any {
	if list, ok := x.([]any); ok {
		return list
	}
	return []any{x}
}

// numeric is one bound, or two: ["=", 3], [">", 10, "<=", 20].
func numeric(of any) (func(any) bool, error) {
	list, ok := of.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return nil, fmt.Errorf("numeric: %s, wanted a list of an operator and a number, or two of each", words(of))
	}
	var tests []func(c *big.Rat) bool
	for i := 0; i < len(list); i += 2 {
		op, _ := list[i].(string)
		n, number := list[i+1].(json.Number)
		holds, known := map[string]func(int) bool{
			"=": func(c int) bool { return c == 0 }, "<": func(c int) bool { return c < 0 }, "<=": func(c int) bool { return c <= 0 },
			">": func(c int) bool { return c > 0 }, ">=": func(c int) bool { return c >= 0 },
		}[op]
		if !number || !known {
			return nil, fmt.Errorf("numeric: %s %s, wanted =, <, <=, > or >=, and a number", words(list[i]), words(list[i+1]))
		}
		bound := decimal(n)
		if bound == nil {
			return nil, fmt.Errorf("numeric: %s is out of bounds", n)
		}
		tests = append(tests, func(x *big.Rat) bool { return holds(x.Cmp(bound)) })
	}
	return func(v any) bool {
		n, ok := v.(json.Number)
		if !ok {
			return false
		}
		x := decimal(n)
		return x != nil && !slices.ContainsFunc(tests, func(test func(*big.Rat) bool) bool { return !test(x) })
	}, nil
}

// cidr is an address within a network.
func cidr(of any) (func(any) bool, error) {
	text, _ := of.(string)
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, fmt.Errorf("cidr: %s, wanted a network such as \"10.0.0.0/24\"", words(of))
	}
	return func(v any) bool {
		s, _ := v.(string)
		address, err := netip.ParseAddr(s)
		return err == nil && network.Contains(address)
	}, nil
}
