package probe

import (
	"fmt"
	"slices"
	"strings"
)

// pattern is a resource with {name} placeholders.
type pattern struct {
	literals []string // one more than names
	names    []string
	any      bool
}

func parsePattern(s string) (pattern, error) {
	p, whole := pattern{any: s == ""}, s
	for {
		before, rest, open := strings.Cut(s, "{")
		p.literals = append(p.literals, before)
		if !open {
			return p, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		switch {
		case !closed || name == "":
			return p, fmt.Errorf("resource %q: { without a name and }", whole)
		case slices.Contains(p.names, name):
			return p, fmt.Errorf("resource %q: {%s} is bound twice", whole, name)
		case before == "" && len(p.names) > 0:
			return p, fmt.Errorf("resource %q: nothing between {%s} and {%s} tells where one ends", whole, p.names[len(p.names)-1], name)
		}
		p.names = append(p.names, name)
		s = after
	}
}

// fits tells whether a resource is one of the pattern's.
func (p *pattern) fits(s string) bool {
	_, ok := p.bound(s, -1)
	return ok
}

// bound is what the n-th placeholder is bound to; each takes as little as it can.
func (p *pattern) bound(s string, n int) (text string, ok bool) {
	if p.any {
		return "", true
	}
	s, ok = strings.CutPrefix(s, p.literals[0])
	if !ok {
		return "", false
	}
	for i := range p.names {
		end := p.end(s, i)
		if end <= 0 || strings.Contains(s[:end], "/") {
			return "", false
		}
		if i == n {
			text = s[:end]
		}
		s = s[end+len(p.literals[i+1]):]
	}
	return text, s == ""
}

// end is where the i-th placeholder's text ends, which s begins with; 0 or
// less if the pattern does not match.
func (p *pattern) end(s string, i int) int {
	next := p.literals[i+1]
	if i == len(p.names)-1 {
		if !strings.HasSuffix(s, next) {
			return -1
		}
		return len(s) - len(next)
	}
	if s == "" {
		return -1
	}
	return 1 + strings.Index(s[1:], next) // its first byte may look like what follows
}
