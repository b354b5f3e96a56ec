package probe

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/event"
)

// A resource pattern binds what stands for its names: one or more characters
// without "/", each as few as will do.
func TestPattern(t *testing.T) {
	for _, c := range []struct{ pattern, resource, bound string }{
		{"", "anything/at all", "[]"}, {"a", "a", "[]"}, {"a", "ab", ""}, {"a", "", ""},
		{"orders/{o}.json", "orders/o-1.json", "[o-1]"}, {"orders/{o}.json", "orders/.json", ""},
		{"orders/{o}.json", "orders/x/y.json", ""}, {"orders/{o}.json", "orders/o.json.json", "[o.json]"},
		{"{o}", "o", "[o]"}, {"{o}", "", ""}, {"{o}", "a/b", ""}, {"{a}/{b}", "x/y", "[x y]"}, {"{a}/{b}", "x/y/z", ""},
		{"{a}-{b}.json", "x-y-z.json", "[x y-z]"}, {"{a}-{b}", "-x-y", "[-x y]"}, {"{a}-{b}", "--", ""}, {"{a}-{b}", "---", "[- -]"},
		{"/users/{u}/cart/{i}", "/users/u 1/cart/ü", "[u 1 ü]"}, {"a{b}c{d}e", "abcde", "[b d]"}, {"a{b}c{d}e", "ace", ""},
	} {
		p, err := parsePattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		ok, bound := p.fits(c.resource), []string{}
		for n := range p.names {
			text, _ := p.bound(c.resource, n)
			bound = append(bound, text)
		}
		if got := fmt.Sprint(bound); ok != (c.bound != "") || ok && got != c.bound {
			t.Errorf("%q on %q: %v %s, wanted %s", c.pattern, c.resource, ok, got, c.bound)
		}
	}
}

func applied(t *testing.T, op event.Operation, r Rule) string {
	t.Helper()
	rules, err := CompileRules([]Rule{r})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range rules.Apply(&op) {
		for _, f := range e.Data {
			out = append(out, f.Name+"="+f.Value.String())
		}
		out = append(out, e.Type)
	}
	return strings.Join(out, " ")
}

// Every expression finds its own; JSON values keep their type, and what is
// not there is left out.
func TestRuleExpressions(t *testing.T) {
	op := event.Operation{
		Service: "pay.example", Method: "POST", Resource: "/charges/o-1",
		Request: event.Payload{
			Words: []string{"SET", "k"}, Header: map[string]string{"Idempotency-Key": "i-1"},
			Body: []byte(`{"a":{"b":7,"t":"7","n":null,"l":[1,"x"]},"amount":12.50}`),
		},
		Result: event.Result{Status: "201", OK: true, Body: []byte(`{"id":true}`), Header: map[string]string{"Etag": "e"}},
	}
	for expr, want := range map[string]string{
		"{order}": `x=o-1 E`, "request.a.b": `x=7 E`, "request.a.t": `x="7" E`, "request.a.n": `x=null E`, "request.a.l": `x=[1,"x"] E`,
		"request.amount": `x=12.50 E`, "request.a.none": `E`, "request.amount.x": `E`, "response.id": `x=true E`, "response.x": `E`,
		"header.idempotency-key": `x=i-1 E`, "header.If-Match": `E`, "answer.ETag": `x=e E`, "answer.none": `E`,
		"arg.1": `x=k E`, "arg.2": `E`, "status": `x="201" E`, "method": `x=POST E`, "resource": `x=/charges/o-1 E`,
		"request": `x={"a":{"b":7,"t":"7","n":null,"l":[1,"x"]},"amount":12.50} E`,
		"body":    `x={"id":true} E`, "=text": `x=text E`, "=": `x= E`,
	} {
		r := Rule{Service: "pay.example", Method: "POST", Resource: "/charges/{order}", Emit: "E", With: map[string]string{"x": expr}}
		if got := applied(t, op, r); strings.ReplaceAll(got, `"`, "") != strings.ReplaceAll(want, `"`, "") {
			t.Errorf("%s: got %s, wanted %s", expr, got, want)
		}
		r.With, r.Where = nil, map[string]string{expr: "certainly not"}
		if got := applied(t, op, r); got != "" {
			t.Errorf("where %s is certainly not: %s", expr, got)
		}
	}
	var v event.Value
	rules, _ := CompileRules([]Rule{{Service: "pay.example", Emit: "E", With: map[string]string{"x": "request.a.b", "y": "request.a.t"}}})
	data := rules.Apply(&op)[0].Data
	if v, _ = data.Get("x"); v == data[1].Value {
		t.Errorf("the number 7 and the text 7 are the same: %+v", data)
	}
}

// A rule is about its service, method and resource, and about what the
// service accepted; rules apply in order.
func TestRuleMatching(t *testing.T) {
	op := event.Operation{Service: "redis", Method: "SET", Resource: "order:1", Result: event.Result{OK: true, Status: "OK"}}
	for _, c := range []struct {
		rule Rule
		want string
	}{
		{Rule{Service: "redis", Emit: "E"}, "E"}, {Rule{Service: "redis", Method: "SET", Resource: "order:{o}", Emit: "E"}, "E"},
		{Rule{Service: "gcs", Emit: "E"}, ""}, {Rule{Service: "redis", Method: "GET", Emit: "E"}, ""},
		{Rule{Service: "redis", Method: "SETNX|SET", Emit: "E"}, "E"}, {Rule{Service: "redis", Method: "SETNX|GET", Emit: "E"}, ""},
		{Rule{Service: "redis", Resource: "cart:{c}", Emit: "E"}, ""},
		{Rule{Service: "redis", Where: map[string]string{"status": "OK"}, Emit: "E"}, "E"},
		{Rule{Service: "redis", Where: map[string]string{"status": "(nil)"}, Emit: "E"}, ""},
		{Rule{Service: "redis", Resource: "order:{o}", Where: map[string]string{"{o}": "1", "status": "OK"}, Emit: "E"}, "E"},
		{Rule{Service: "redis", Resource: "order:{o}", Where: map[string]string{"{o}": "2", "status": "OK"}, Emit: "E"}, ""},
	} {
		if got := applied(t, op, c.rule); got != c.want {
			t.Errorf("%+v: got %q", c.rule, got)
		}
	}
	rules, err := CompileRules([]Rule{{Service: "redis", Emit: "B"}, {Service: "x", Emit: "X"}, {Service: "redis", Emit: "A"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := rules.Apply(&op); len(got) != 2 || got[0].Type != "B" || got[1].Type != "A" {
		t.Errorf("got %+v", got)
	}
	if op.Result.OK = false; len(rules.Apply(&op)) != 0 {
		t.Error("a call that failed is an event")
	}
}

// What is wrong with a rule is said with its place, and what was wanted.
func TestCompileErrors(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		want string
	}{
		{Rule{Service: "s"}, `rules[1] (): emit is missing, wanted the event's type`},
		{Rule{Emit: "E"}, `rules[1] (E): service is missing, wanted the name of a service`},
		{Rule{Service: "s", Emit: "E", Resource: "a{b"}, `rules[1] (E): resource "a{b": { without a name and }`},
		{Rule{Service: "s", Emit: "E", Resource: "a{}"}, `rules[1] (E): resource "a{}": { without a name and }`},
		{Rule{Service: "s", Emit: "E", Resource: "{a}/{a}"}, `rules[1] (E): resource "{a}/{a}": {a} is bound twice`},
		{Rule{Service: "s", Emit: "E", Resource: "{a}{b}"}, `rules[1] (E): resource "{a}{b}": nothing between {a} and {b} tells where one ends`},
		{Rule{Service: "s", Emit: "E", With: map[string]string{"x": "{o}"}}, `rules[1] (E): {o} is not bound by the resource pattern ""`},
		{Rule{Service: "s", Emit: "E", Where: map[string]string{"nope": "x"}}, `rules[1] (E): unknown expression "nope", wanted {name}, `},
		{Rule{Service: "s", Emit: "E", With: map[string]string{"x": "request."}}, `rules[1] (E): unknown expression "request.", wanted `},
		{Rule{Service: "s", Emit: "E", With: map[string]string{"x": "arg.one"}}, `rules[1] (E): arg.one: "one" is not the number of a word, wanted 0 or more`},
		{Rule{Service: "s", Emit: "E", Each: "messages"}, `rules[1] (E): each is "messages", wanted request.x or response.x`},
		{Rule{Service: "s", Emit: "E", Each: "request."}, `rules[1] (E): each is "request.", wanted request.x or response.x`},
		{Rule{Service: "s", Emit: "E", With: map[string]string{"x": "each.a"}}, `rules[1] (E): each.a stands for an element, but the rule has no Each`},
		{Rule{Service: "s", Emit: "E", Each: "request.x", With: map[string]string{"x": "each."}}, `rules[1] (E): unknown expression "each.", wanted `},
		{Rule{Service: "s", Emit: "E", With: map[string]string{"x": "header.X-Id"}}, `rules[1] (E): header.X-Id is never seen, wanted one of If-Match, `},
	} {
		_, err := CompileRules([]Rule{{Service: "s", Emit: "FINE"}, c.rule})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v:\n got %v\nwant %s", c.rule, err, c.want)
		}
	}
}

// With Each, there is an event of each element of a batch that the conditions
// hold for; a place in the answer goes with the element.
func TestRuleEach(t *testing.T) {
	op := event.Operation{
		Service: "pubsub", Method: "publish", Resource: "orders",
		Request: event.Payload{Body: []byte(`{"messages":[{"data":{"o":1},"kind":"a"},{"data":{"o":2},"kind":"b"},{"data":"text","kind":"a"}],"ids":["x","y"],"one":{"0":"zero"}}`)},
		Result:  event.Result{Status: "OK", OK: true, Body: []byte(`{"messageIds":["m1","m2","m3"],"list":[[7]]}`)},
	}
	for _, c := range []struct {
		each  string
		where map[string]string
		expr  string
		want  string
	}{
		{"request.messages", nil, "each.data.o", "x=1 E x=2 E E"},
		{"request.messages", map[string]string{"each.kind": "a"}, "response.messageIds.#", "x=m1 E x=m3 E"},
		{"request.messages", nil, "{topic}", "x=orders E x=orders E x=orders E"},
		{"request.ids", nil, "each", "x=x E x=y E"}, {"response.messageIds", nil, "request.messages.#.kind", "x=a E x=b E x=a E"},
		{"request.one", nil, "=x", ""}, {"request.none", nil, "=x", ""}, {"response.list.0", nil, "each", "x=7 E"},
		{"", nil, "request.messages.1.data.o", "x=2 E"}, {"", nil, "request.messages.3.data", "E"}, {"", nil, "request.messages.-1", "E"},
		{"", nil, "request.one.0", "x=zero E"}, {"", nil, "response.messageIds.#", "x=m1 E"},
	} {
		r := Rule{Service: "pubsub", Resource: "{topic}", Each: c.each, Where: c.where, Emit: "E", With: map[string]string{"x": c.expr}}
		if got := applied(t, op, r); got != c.want {
			t.Errorf("%s, %s: got %q, wanted %q", c.each, c.expr, got, c.want)
		}
	}
}

// Parameters are sorted by name, as an event's data must be.
func TestRuleSorted(t *testing.T) {
	rules, err := CompileRules([]Rule{{Service: "s", Emit: "E", With: map[string]string{"c": "=3", "a": "=1", "b": "=2"}}})
	if err != nil {
		t.Fatal(err)
	}
	data := rules.Apply(&event.Operation{Service: "s", Result: event.Result{OK: true}})[0].Data
	if !slices.IsSortedFunc(data, func(a, b event.Field) int { return strings.Compare(a.Name, b.Name) }) || len(data) != 3 {
		t.Errorf("got %+v", data)
	}
}

// Of a multipart upload, rules see the last part.
func TestRuleMultipart(t *testing.T) {
	op := event.Operation{Service: "s", Request: event.Payload{Body: []byte("--\nx\n--\n" + `{"a":{"b":[1]}}` + "\n")}, Result: event.Result{OK: true}}
	if got := applied(t, op, Rule{Service: "s", Emit: "E", With: map[string]string{"x": "request.a.b"}}); got != "x=[1] E" {
		t.Errorf("got %s", got)
	}
}
