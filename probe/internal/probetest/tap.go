// Package probetest is what the tests of the client families share: a tap that
// does as it is told.
package probetest

import (
	"errors"
	"sync"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Tap is a tap that does as it is told, and remembers.
type Tap struct {
	Fates  map[string][]probe.Fate // by method, one for each call; then Pass
	Dead   bool                    // Leave returns ErrDead
	Before func(*probe.Call)       // called by Enter; may block

	mu     sync.Mutex
	Calls  []*probe.Call     // that entered
	Left   []event.Operation // that had their effect
	Events []probe.Emitted
}

// ErrDead says that the caller's instance has died.
var ErrDead = errors.New("the instance has died")

// Enter returns the call's fate.
func (s *Tap) Enter(c *probe.Call) probe.Fate {
	s.mu.Lock()
	s.Calls = append(s.Calls, c)
	list := s.Fates[c.Op.Method]
	var fate probe.Fate
	if len(list) > 0 {
		fate, s.Fates[c.Op.Method] = list[0], list[1:]
	}
	s.mu.Unlock()
	if s.Before != nil {
		s.Before(c)
	}
	return fate
}

// Leave remembers the operation.
func (s *Tap) Leave(c *probe.Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Left = append(s.Left, c.Op)
	if s.Dead {
		return ErrDead
	}
	return nil
}

// Emit remembers the event.
func (s *Tap) Emit(eventType string, params map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, _ := event.DataOf(params)
	s.Events = append(s.Events, probe.Emitted{Type: eventType, Data: data})
}

// Passive is false: the tap holds calls and changes them.
func (s *Tap) Passive() bool { return false }

// Ops are the operations that entered, as "METHOD resource".
func (s *Tap) Ops() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []string{}
	for _, c := range s.Calls {
		text := c.Op.Method
		if c.Op.Resource != "" {
			text += " " + c.Op.Resource
		}
		out = append(out, text)
	}
	return out
}

// Reset forgets what entered so far.
func (s *Tap) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Calls, s.Left = nil, nil
}

// Wrapped is a tap around another, as an application would write one: it
// passes everything on.
type Wrapped struct{ probe.Tap }

// Recorder returns a recorder that appends to events.
func Recorder(events *[]event.Event, rules ...probe.Rule) *probe.Recorder {
	compiled, err := probe.CompileRules(rules)
	if err != nil {
		panic(err)
	}
	return probe.NewRecorder("charge", "i-1", compiled, probe.SinkFunc(func(e event.Event) { *events = append(*events, e) }))
}
