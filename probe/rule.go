package probe

import (
	"fmt"
	"net/textproto"
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
// "/", and binds them; an empty Method or Resource fits all. Method may name
// several: "EVAL|EVALSHA" are the ways in which clients run a script.
//
// Where and With use expressions:
//
//	{name}               what the resource pattern bound
//	request              the request's body as text; of a multipart upload, its last part
//	request.a.b          a field of the request's JSON body; request.a.0 the first element of an array
//	response.a.b         a field of the answer's JSON body
//	each, each.a.b       the element that the event is of, or a field of it (see Each)
//	header.NAME          a request header (If-Match, Idempotency-Key, ...)
//	answer.NAME          a header of the answer
//	arg.N                the N-th word of a command that is words, from 0
//	attribute.NAME       an attribute of a span, where operations are made of OpenTelemetry
//	status, method, resource
//	body                 the answer's body as text
//	=text                the text itself
//
// With Each, a rule makes one event of each element of an array: those of a
// batch. "#" in a path is then the element's place, so that
// response.messageIds.# is the id that the service gave to it.
//
// Several commands that happen at once are one operation: its method names all
// of them, its resource is all their keys, and arg.N counts the words of all,
// with a ";" after each command.
//
// A parameter whose expression finds nothing is left out of the event, which
// makes it malformed for the properties that want it: it is counted and
// shown, not dropped.
type Rule struct {
	Service  string            `json:"service"`            // e.g. "store", "payments.example"
	Method   string            `json:"method,omitempty"`   // e.g. "SET", "objects.insert", "POST"
	Resource string            `json:"resource,omitempty"` // e.g. "orders/{order}.json"
	Each     string            `json:"each,omitempty"`     // an array, e.g. "request.messages": one event for each element; may be empty
	Where    map[string]string `json:"where,omitempty"`    // expression to the text it must have
	Emit     string            `json:"emit"`               // the event's type
	With     map[string]string `json:"with,omitempty"`     // the event's parameters: name to expression
}

// Rules are rules made ready; see [CompileRules].
type Rules struct{ rules []compiled }

type compiled struct {
	Rule
	methods  []string // none for all
	pattern  pattern
	where    []pair
	with     []pair
	request  bool // it looks into the request's body
	response bool // into the answer's
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
		if r.Method != "" {
			c.methods = strings.Split(r.Method, "|")
		}
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
	if head, rest, _ := strings.Cut(c.Each, "."); c.Each != "" && (rest == "" || head != "request" && head != "response") {
		return fmt.Errorf("each is %q, wanted request.x or response.x", c.Each)
	}
	exprs := []string{c.Each}
	for _, p := range c.where {
		exprs = append(exprs, p.name)
	}
	for _, p := range c.with {
		exprs = append(exprs, p.expr)
	}
	for _, expr := range exprs[1:] {
		if err := c.checkExpr(expr); err != nil {
			return err
		}
	}
	for _, expr := range exprs {
		head, _, _ := strings.Cut(expr, ".")
		c.request = c.request || head == "request"
		c.response = c.response || head == "response" || head == "body"
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
	case head == "each" && c.Each == "":
		return fmt.Errorf("%s stands for an element, but the rule has no Each", expr)
	case head == "each" && (rest != "" || !dotted):
		return nil
	case expr == "status", expr == "method", expr == "resource", expr == "request", expr == "body", strings.HasPrefix(expr, "="):
		return nil
	case !dotted || rest == "":
	case head == "request", head == "response", head == "answer", head == "attribute":
		return nil
	case head == "header":
		if !slices.Contains(keptHeaders, textproto.CanonicalMIMEHeaderKey(rest)) {
			return fmt.Errorf("%s is never seen, wanted one of %s", expr, strings.Join(keptHeaders, ", "))
		}
		return nil
	case head == "arg":
		if n, err := strconv.Atoi(rest); err != nil || n < 0 {
			return fmt.Errorf("%s: %q is not the number of a word, wanted 0 or more", expr, rest)
		}
		return nil
	}
	return fmt.Errorf("unknown expression %q, wanted {name}, request, request.x, response.x, header.X, answer.X, attribute.X, each, arg.N, status, method, resource, body or =text", expr)
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
	var out []Emitted
	r.each(op, func(e Emitted) { out = append(out, e) })
	return out
}

// each visits the events that an operation stands for. The operation is not kept.
func (r *Rules) each(op *event.Operation, visit func(Emitted)) {
	if !op.Result.OK {
		return
	}
	s := scope{op: op, request: document{body: op.Request.Body, read: op.Request.JSON, valid: op.Request.JSON}, response: document{body: op.Result.Body}}
	for i := range r.rules {
		c := &r.rules[i]
		if !c.about(op) {
			continue
		}
		if c.Each == "" {
			c.emit(&s, visit)
			continue
		}
		for s.place, s.element = range s.elements(c.Each) {
			c.emit(&s, visit)
		}
	}
}

// about tells whether a rule is about an operation.
func (c *compiled) about(op *event.Operation) bool {
	return c.Service == op.Service && (c.methods == nil || slices.Contains(c.methods, op.Method)) && c.pattern.fits(op.Resource)
}

// wants tells whether a rule is about an operation.
func (r *Rules) wants(op *event.Operation) bool {
	for i := range r.rules {
		if r.rules[i].about(op) {
			return true
		}
	}
	return false
}

// bodies tells whether a rule that is about an operation looks into the body of its
// request, and of its answer.
func (r *Rules) bodies(op *event.Operation) (request, response bool) {
	for i := range r.rules {
		c := &r.rules[i]
		if (c.request || c.response) && c.about(op) {
			request, response = request || c.request, response || c.response
		}
	}
	return request, response
}

// scope is what expressions are about.
type scope struct {
	op       *event.Operation
	request  document
	response document
	element  event.Tree // with Each
	place    int        // of the element
}

// path is a path with the element's place filled in.
func (s *scope) path(path string) string {
	if !strings.Contains(path, "#") {
		return path
	}
	names := strings.Split(path, ".")
	for i, name := range names {
		if name == "#" {
			names[i] = strconv.Itoa(s.place)
		}
	}
	return strings.Join(names, ".")
}

// elements is the array that each event is about one element of.
func (s *scope) elements(each string) []event.Tree {
	body, path := &s.request, strings.TrimPrefix(each, "request.")
	if rest, ok := strings.CutPrefix(each, "response."); ok {
		body, path = &s.response, rest
	}
	array, _ := body.at(path)
	return array.Items
}

// emit visits the event of a rule, if its conditions hold.
func (c *compiled) emit(s *scope, visit func(Emitted)) {
	for _, p := range c.where {
		v, ok := c.eval(p.name, s)
		if !ok || v.Text() != p.expr {
			return
		}
	}
	e := Emitted{Type: c.Emit, Data: make(event.Data, 0, len(c.with))}
	for _, p := range c.with {
		if v, ok := c.eval(p.expr, s); ok {
			e.Data = append(e.Data, event.Field{Name: p.name, Value: v})
		}
	}
	visit(e)
}

func (c *compiled) eval(expr string, s *scope) (event.Value, bool) {
	if name, ok := captureName(expr); ok {
		text, _ := c.pattern.bound(s.op.Resource, slices.Index(c.pattern.names, name))
		return event.Str(text), true
	}
	if text, ok := strings.CutPrefix(expr, "="); ok {
		return event.Str(text), true
	}
	op := s.op
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
		if rest == "" {
			return event.Str(string(content(op.Request.Body))), true
		}
		t, ok := s.request.at(s.path(rest))
		return t.Value, ok
	case "response":
		t, ok := s.response.at(s.path(rest))
		return t.Value, ok
	case "each":
		return own(follow(s.element, s.path(rest)))
	case "header":
		return found(op.Request.Header, rest)
	case "answer":
		return found(op.Result.Header, rest)
	case "attribute":
		return op.Attributes.Get(rest)
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
	v, ok := m[textproto.CanonicalMIMEHeaderKey(key)]
	return event.Str(v), ok
}

// own is a value that does not keep a whole body in memory.
func own(t event.Tree, found bool) (event.Value, bool) {
	if t.Kind() == event.Null {
		return event.Value{}, found
	}
	return t.WithText(strings.Clone(t.Text())), found
}

// keptHeaders are the request headers that change what a request means.
var keptHeaders = []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Idempotency-Key", "Range", "Content-Range",
	"X-Goog-If-Generation-Match", "X-Goog-If-Metageneration-Match", "X-Amz-Copy-Source-If-Match", "X-Amz-Copy-Source-If-None-Match"}

// KeptHeaders returns the headers that an operation keeps of a request: those
// that change what it means. get returns a header, empty if there is none.
func KeptHeaders(get func(name string) string) map[string]string {
	var kept map[string]string
	for _, name := range keptHeaders {
		if v := get(name); v != "" {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[name] = v
		}
	}
	return kept
}
