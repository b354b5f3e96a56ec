package probe

import (
	"errors"
	"sync"

	"github.com/wtsim/wtsim/event"
)

// scripted is a tap that does as it is told, and remembers.
type scripted struct {
	verdicts map[string][]Verdict // by method, one for each call; then Pass
	dead     bool                 // Leave says that the instance has died
	before   func(*Call)          // called by Enter; may block

	mu     sync.Mutex
	calls  []*Call
	left   []event.Operation
	events []Emitted
}

var errDead = errors.New("the instance has died")

func (s *scripted) Enter(c *Call) Verdict {
	s.mu.Lock()
	s.calls = append(s.calls, c)
	list := s.verdicts[c.Op.Method]
	var v Verdict
	if len(list) > 0 {
		v, s.verdicts[c.Op.Method] = list[0], list[1:]
	}
	s.mu.Unlock()
	if s.before != nil {
		s.before(c)
	}
	return v
}

func (s *scripted) Leave(c *Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = append(s.left, c.Op)
	if s.dead {
		return errDead
	}
	return nil
}

func (s *scripted) Emit(eventType string, params map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, _ := event.DataOf(params)
	s.events = append(s.events, Emitted{eventType, data})
}

// ops are the operations that entered, as "METHOD resource".
func (s *scripted) ops() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []string{}
	for _, c := range s.calls {
		text := c.Op.Method
		if c.Op.Resource != "" {
			text += " " + c.Op.Resource
		}
		out = append(out, text)
	}
	return out
}

// reset forgets what entered so far.
func (s *scripted) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.left = nil, nil
}
