package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// Rule turns an operation into an event, without a change to the
// application. It is data, so that tests and production share it.
//
// A rule applies to operations of its service, method and resource that the
// service accepted, whether or not the caller got to see the answer.
// Resource is a pattern: "{name}" stands for one or more characters without
// "/", and binds them; an empty Method or Resource fits all.
//
// Where and With use expressions:
//
//	{name}               what the resource pattern bound
//	request.a.b          a field of the request's JSON body
//	response.a.b         a field of the answer's JSON body
//	header.NAME          a request header (If-Match, Idempotency-Key, ...)
//	answer.NAME          a header of the answer
//	arg.N                the N-th word of a Redis command, from 0
//	status, method, resource, body
//	=text                the text itself
//
// A Redis transaction is one operation: its method is "MULTI SET INCR EXEC",
// its resource all keys, and arg.N counts the words of all its commands, with
// a ";" after each.
//
// A parameter whose expression finds nothing is left out of the event, which
// makes it malformed for the properties that want it: it is counted and
// shown, not dropped.
type Rule struct {
	Service  string            // e.g. "redis", "gcs", "payments.example"
	Method   string            // e.g. "SET", "objects.insert", "POST"
	Resource string            // e.g. "orders/{order}.json"
	Where    map[string]string // expression to the text it must have
	Emit     string            // the event's type
	With     map[string]string // the event's parameters: name to expression
}

// Rules are rules made ready; see [CompileRules].
type Rules struct{ rules []compiled }

type compiled struct {
	Rule
	pattern pattern
	where   []pair
	with    []pair
}

type pair struct {
	name string
	expr string
}

// Emitted is an event that an operation stands for, before it has a source,
// an id and a time.
type Emitted struct {
	Type string
	Data event.Data
}

// CompileRules checks rules. The error names the first one that is wrong.
func CompileRules(rules []Rule) (*Rules, error) {
	out := &Rules{}
	for i, r := range rules {
		c := compiled{Rule: r, where: sortedPairs(r.Where), with: sortedPairs(r.With)}
		var err error
		if c.pattern, err = parsePattern(r.Resource); err == nil {
			err = c.validate()
		}
		if err != nil {
			return nil, fmt.Errorf("rules[%d] (%s): %w", i, r.Emit, err)
		}
		out.rules = append(out.rules, c)
	}
	return out, nil
}

func sortedPairs(m map[string]string) []pair {
	var out []pair
	for k, v := range m { //wtsim:order sorted below
		out = append(out, pair{k, v})
	}
	slices.SortFunc(out, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	return out
}

func (c *compiled) validate() error {
	switch {
	case c.Emit == "":
		return fmt.Errorf("emit is missing, wanted the event's type")
	case c.Service == "":
		return fmt.Errorf("service is missing, wanted the name of a service")
	}
	for _, p := range c.where {
		if err := c.checkExpr(p.name); err != nil {
			return err
		}
	}
	for _, p := range c.with {
		if err := c.checkExpr(p.expr); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiled) checkExpr(expr string) error {
	if name, ok := captureName(expr); ok {
		if !slices.Contains(c.pattern.names, name) {
			return fmt.Errorf("%s is not bound by the resource pattern %q", expr, c.Resource)
		}
		return nil
	}
	head, rest, dotted := strings.Cut(expr, ".")
	switch {
	case expr == "status", expr == "method", expr == "resource", expr == "body", strings.HasPrefix(expr, "="):
		return nil
	case !dotted || rest == "":
	case head == "request", head == "response", head == "answer":
		return nil
	case head == "header":
		if !slices.Contains(significantHeaders, http.CanonicalHeaderKey(rest)) {
			return fmt.Errorf("%s is never seen, wanted one of %s", expr, strings.Join(significantHeaders, ", "))
		}
		return nil
	case head == "arg":
		if n, err := strconv.Atoi(rest); err != nil || n < 0 {
			return fmt.Errorf("%s: %q is not the number of a word, wanted 0 or more", expr, rest)
		}
		return nil
	}
	return fmt.Errorf("unknown expression %q, wanted {name}, request.x, response.x, header.X, answer.X, arg.N, status, method, resource, body or =text", expr)
}

func captureName(expr string) (string, bool) {
	if strings.HasPrefix(expr, "{") && strings.HasSuffix(expr, "}") {
		return expr[1 : len(expr)-1], true
	}
	return "", false
}

// Apply returns the events that an operation stands for, in the order of the
// rules.
func (r *Rules) Apply(op *event.Operation) []Emitted {
	if !op.Result.OK {
		return nil
	}
	var out []Emitted
	for i := range r.rules {
		c := &r.rules[i]
		if c.Service != op.Service || c.Method != "" && c.Method != op.Method {
			continue
		}
		bound, ok := c.pattern.match(op.Resource)
		if !ok || !c.holds(op, bound) {
			continue
		}
		e := Emitted{Type: c.Emit, Data: event.Data{}}
		for _, p := range c.with {
			if v, ok := c.eval(p.expr, op, bound); ok {
				e.Data = append(e.Data, event.Field{Name: p.name, Value: v})
			}
		}
		out = append(out, e)
	}
	return out
}

func (c *compiled) holds(op *event.Operation, bound []string) bool {
	for _, p := range c.where {
		v, ok := c.eval(p.name, op, bound)
		if !ok || v.Text() != p.expr {
			return false
		}
	}
	return true
}

func (c *compiled) eval(expr string, op *event.Operation, bound []string) (event.Value, bool) {
	if name, ok := captureName(expr); ok {
		return event.Str(bound[slices.Index(c.pattern.names, name)]), true
	}
	if text, ok := strings.CutPrefix(expr, "="); ok {
		return event.Str(text), true
	}
	head, rest, _ := strings.Cut(expr, ".")
	switch head {
	case "status":
		return event.Str(op.Result.Status), true
	case "method":
		return event.Str(op.Method), true
	case "resource":
		return event.Str(op.Resource), true
	case "body":
		return event.Str(string(op.Result.Body)), true
	case "request":
		return jsonField(op.Request.Body, rest)
	case "response":
		return jsonField(op.Result.Body, rest)
	case "header":
		return found(op.Request.Header, rest)
	case "answer":
		return found(op.Result.Header, rest)
	case "arg":
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 || n >= len(op.Request.Words) {
			return event.Value{}, false
		}
		return event.Str(op.Request.Words[n]), true
	}
	return event.Value{}, false
}

func found(m map[string]string, key string) (event.Value, bool) {
	v, ok := m[http.CanonicalHeaderKey(key)]
	return event.Str(v), ok
}

// jsonField finds a field by its dotted path in a JSON body (for a multipart
// upload, in its last part).
func jsonField(body []byte, path string) (event.Value, bool) {
	if i := bytes.LastIndex(body, []byte("\n--\n")); i >= 0 && bytes.HasPrefix(body, []byte("--\n")) {
		body = body[i+4:]
	}
	raw := json.RawMessage(body)
	for _, name := range strings.Split(path, ".") {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(raw, &object); err != nil {
			return event.Value{}, false
		}
		var ok bool
		if raw, ok = object[name]; !ok {
			return event.Value{}, false
		}
	}
	v, err := event.ParseValue(raw)
	return v, err == nil
}
