package otlp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/probe"
)

// eventName is where event names were before records had a field for them.
const eventName = "event.name"

// record makes an event of a log record that has a name.
func record(o *origin, l *logs.LogRecord, to Sink) {
	a := attributes{}
	err := a.add(l.GetAttributes(), func(name string) string { return name })
	name := l.GetEventName()
	if name == "" {
		name = a.text(eventName)
	}
	if name == "" {
		to.Unmatched()
		return
	}
	if err != nil {
		to.Refuse(fmt.Sprintf("log record %q: %v", name, err))
		return
	}
	at := l.GetTimeUnixNano()
	if at == 0 {
		at = l.GetObservedTimeUnixNano()
	}
	m := moment{origin: o, attributes: a}
	delete(a, eventName)
	e, err := m.event(probe.Emitted{Type: name}, at, sequenceOfEnd)
	if err == nil {
		e.ID, err = nameOf(l)
	}
	if err != nil {
		to.Refuse(fmt.Sprintf("log record %q: %v", name, err))
		return
	}
	delete(a, sequenceOfEnd)
	e.Data = a.data()
	to.Event(&e)
}

// nameOf is an id that a record has whenever it is sent: of all that it says.
func nameOf(l *logs.LogRecord) (string, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(l)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16]), nil
}
