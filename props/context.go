package props

import (
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// What an event says besides its parameters: in guards and updates of files,
// context.source, context.type and context.time. The last is what the source's
// clock said, whatever the order of its events makes of that.

// contextName is the variable that holds it.
const contextName = "context"

// contextMark begins the name by which the readings of an event type call a part
// of its context. No parameter that a property names begins so.
const contextMark = "\x00"

// fieldMark begins the name by which they call a field of a parameter.
const fieldMark = contextMark + "."

// What may stand where updates and [Letter.Given] take a parameter: a part of the
// event's context.
const (
	ContextSource = contextMark + "source"
	ContextType   = contextMark + "type"
)

// contextParts are the parts, by name.
var contextParts = map[string]func(*event.Event) event.Value{
	"source": func(e *event.Event) event.Value { return event.Str(e.Source) },
	"type":   func(e *event.Event) event.Value { return event.Str(e.Type) },
}

// contextEvent is the name by which a letter binds which event it is: its source
// and its id.
const contextEvent = contextMark + "event"

// eventNamed is the value of contextEvent. No two events have the same.
func eventNamed(e *event.Event) event.Value {
	source := e.Source
	if strings.ContainsAny(source, `" `) {
		source = strconv.Quote(source)
	}
	return event.Str(source + " " + e.ID)
}

// timePart is the part that only guards over the event alone see.
const timePart = "time"

// Read returns a value of an event by the name that the type reads it by: a
// parameter, or a part of its context.
func Read(e *event.Event, name string) (event.Value, bool) {
	if !isParam(name) {
		if of := contextParts[name[len(contextMark):]]; of != nil {
			return of(e), true
		}
		if way, ok := strings.CutPrefix(name, fieldMark); ok {
			return (&Bind{Param: way, Nested: true}).Of(e)
		}
	}
	return e.Data.Get(name)
}

// readName reads event.PARAMETER or a part of the context, as updates of files
// write it; empty if it is something else.
func readName(text string) string {
	if part, ok := strings.CutPrefix(strings.TrimSpace(text), contextName+"."); ok && contextParts[part] != nil {
		return contextMark + part
	}
	return paramOf(text)
}

// shownName is what is read, for people.
func shownName(name string) string {
	if part, ok := strings.CutPrefix(name, contextMark); ok {
		return "the event's " + part
	}
	return name
}

// isParam tells whether what is read is a parameter.
func isParam(name string) bool { return name == "" || name[0] != contextMark[0] }
