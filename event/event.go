// Package event says what happened: an [Event] is what a property sees, an
// [Operation] is one call of a handler to the outside.
//
// Events travel as CloudEvents 1.0 in JSON, one a line. An event is named by
// its source and its id; its source is a clock domain (one function
// instance, one client), and events of one source are ordered by their
// sequence. Everything else in wtsim stands on this package; it depends on
// nothing but the standard library.
package event

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Event is one thing that happened, with the parameters that properties
// refer to.
type Event struct {
	ID         string    // unique within Source
	Source     string    // the clock domain, e.g. "/functions/charge/i-7"
	Type       string    // the event's name, e.g. "ORDER_CHARGED"
	Time       time.Time // by the source's clock
	Sequence   string    // decimal, orders the events of one source; may be empty
	Invocation string    // the invocation that it happened in; may be empty
	Data       Data      // parameters, sorted by name
	// TraceParent is that of the request that it happened for, of W3C's trace
	// context (CloudEvents' distributed tracing extension), for people and
	// tools: it is written and never read. May be empty.
	TraceParent string
	Lossy       bool // its source may have kept others to itself: what it says is, what it does not say may be
}

// Field is one named parameter.
type Field struct {
	Name  string
	Value Value
}

// Data is a set of parameters, sorted by name, each name once.
type Data []Field

// Get returns the named parameter.
func (d Data) Get(name string) (Value, bool) {
	for i := range d {
		if d[i].Name == name {
			return d[i].Value, true
		}
	}
	return Value{}, false
}

// With returns d with the parameter set; d is not changed.
func (d Data) With(name string, v Value) Data {
	i, found := slices.BinarySearchFunc(d, name, func(f Field, n string) int { return strings.Compare(f.Name, n) })
	out := slices.Clone(d)
	if found {
		out[i].Value = v
		return out
	}
	return slices.Insert(out, i, Field{name, v})
}

// DataOf converts parameters given as Go values (see [Of]).
func DataOf(params map[string]any) (Data, error) {
	d := make(Data, 0, len(params))
	for _, name := range sortedKeys(params) {
		v, err := Of(params[name])
		if err != nil {
			return nil, err
		}
		d = append(d, Field{name, v})
	}
	return d, nil
}

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m { //wtsim:order sorted below
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// String returns the event for people, on one line: its type and its
// parameters' values, such as ORDER_CHARGED(o-1). Long values are cut.
func (e Event) String() string {
	var b strings.Builder
	b.WriteString(e.Type)
	if len(e.Data) == 0 {
		return b.String()
	}
	b.WriteByte('(')
	for i, f := range e.Data {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(short(f.Value.String()))
	}
	b.WriteByte(')')
	return b.String()
}

// short is a value's text where it is short and plain, else quoted and cut.
func short(text string) string {
	const most = 60
	if len(text) <= most && !strings.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	if r := []rune(text); len(r) > most {
		return strconv.Quote(string(r[:most])) + "..."
	}
	return strconv.Quote(text)
}
