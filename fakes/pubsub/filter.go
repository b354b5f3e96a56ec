package pubsub

import (
	"fmt"
	"strings"
)

// filter is a subscription's filter, compiled.
type filter func(attributes map[string]string) bool

// parseFilter reads Pub/Sub's filter language:
//
//	filter = term { ("AND" | "OR") term }        one kind of operator, or parentheses
//	term   = ["NOT" | "-"] ( "(" filter ")" | "attributes:" key | "attributes." key ("=" | "!=") string
//	         | "hasPrefix(attributes." key "," string ")" )
//
// https://docs.cloud.google.com/pubsub/docs/subscription-message-filter
func parseFilter(text string) (filter, error) {
	if strings.TrimSpace(text) == "" {
		return func(map[string]string) bool { return true }, nil
	}
	p := &filterParser{text: text}
	f, err := p.filter()
	if err == nil && p.peek() != "" {
		err = fmt.Errorf("%q is left over", p.peek())
	}
	if err != nil {
		return nil, fmt.Errorf("filter %q, at byte %d: %w", text, p.at, err)
	}
	return f, nil
}

type filterParser struct {
	text string
	at   int // where the next token begins
}

// token returns the next token and where it ends: a string in quotes, a word
// of a key, or one of the signs.
func (p *filterParser) token() (tok string, end int) {
	for p.at < len(p.text) && strings.IndexByte(" \t\n", p.text[p.at]) >= 0 {
		p.at++
	}
	rest := p.text[p.at:]
	switch {
	case rest == "":
		return "", p.at
	case rest[0] == '"':
		for i := 1; i < len(rest); i++ {
			if rest[i] == '\\' {
				i++
			} else if rest[i] == '"' {
				return rest[:i+1], p.at + i + 1
			}
		}
		return rest, len(p.text)
	case strings.HasPrefix(rest, "!="):
		return "!=", p.at + 2
	case strings.IndexByte("()=:.,-", rest[0]) >= 0:
		return rest[:1], p.at + 1
	}
	n := strings.IndexAny(rest, " \t\n()=!:.,\"")
	if n < 0 {
		n = len(rest)
	}
	return rest[:max(n, 1)], p.at + max(n, 1)
}

func (p *filterParser) peek() string {
	tok, _ := p.token()
	return tok
}

func (p *filterParser) take() string {
	tok, end := p.token()
	p.at = end
	return tok
}

func (p *filterParser) want(tok string) error {
	if got := p.peek(); got != tok {
		return fmt.Errorf("got %q, wanted %q", got, tok)
	}
	p.take()
	return nil
}

func (p *filterParser) filter() (filter, error) {
	left, err := p.term()
	if err != nil {
		return nil, err
	}
	op := p.peek()
	for next := op; next == "AND" || next == "OR"; next = p.peek() {
		if next != op {
			return nil, fmt.Errorf("AND and OR side by side, wanted parentheses")
		}
		p.take()
		a := left
		b, err := p.term()
		if err != nil {
			return nil, err
		}
		if op == "AND" {
			left = func(m map[string]string) bool { return a(m) && b(m) }
		} else {
			left = func(m map[string]string) bool { return a(m) || b(m) }
		}
	}
	return left, nil
}

func (p *filterParser) term() (filter, error) {
	switch p.peek() {
	case "NOT", "-":
		p.take()
		f, err := p.term()
		if err != nil {
			return nil, err
		}
		return func(m map[string]string) bool { return !f(m) }, nil
	case "(":
		p.take()
		f, err := p.filter()
		if err != nil {
			return nil, err
		}
		return f, p.want(")")
	case "hasPrefix":
		return p.prefix()
	case "attributes":
		return p.attribute()
	}
	return nil, fmt.Errorf("got %q, wanted attributes, hasPrefix, NOT or a parenthesis", p.peek())
}

// attribute reads attributes:key, attributes.key = "value" or != "value".
func (p *filterParser) attribute() (filter, error) {
	p.take()
	if p.peek() == ":" {
		p.take()
		key, err := p.key()
		return func(m map[string]string) bool { _, ok := m[key]; return ok }, err
	}
	key, err := p.dotKey()
	if err != nil {
		return nil, err
	}
	op := p.take()
	if op != "=" && op != "!=" {
		return nil, fmt.Errorf("got %q, wanted = or !=", op)
	}
	value, err := p.str()
	return func(m map[string]string) bool {
		got, ok := m[key]
		return (ok && got == value) == (op == "=")
	}, err
}

func (p *filterParser) prefix() (filter, error) {
	p.take()
	for _, token := range []string{"(", "attributes"} {
		if err := p.want(token); err != nil {
			return nil, err
		}
	}
	key, err := p.dotKey()
	if err != nil {
		return nil, err
	}
	if err := p.want(","); err != nil {
		return nil, err
	}
	value, err := p.str()
	if err != nil {
		return nil, err
	}
	return func(m map[string]string) bool { got, ok := m[key]; return ok && strings.HasPrefix(got, value) }, p.want(")")
}

func (p *filterParser) dotKey() (string, error) {
	if err := p.want("."); err != nil {
		return "", err
	}
	return p.key()
}

// key reads a word, or a string.
func (p *filterParser) key() (string, error) {
	tok := p.peek()
	if strings.HasPrefix(tok, `"`) {
		return p.str()
	}
	if tok == "" || strings.IndexByte("()=!:.,-", tok[0]) >= 0 {
		return "", fmt.Errorf("got %q, wanted an attribute's key", tok)
	}
	return p.take(), nil
}

func (p *filterParser) str() (string, error) {
	tok := p.peek()
	if len(tok) < 2 || tok[0] != '"' || tok[len(tok)-1] != '"' {
		return "", fmt.Errorf("got %q, wanted a string in quotes", tok)
	}
	p.take()
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(tok[1 : len(tok)-1]), nil
}
