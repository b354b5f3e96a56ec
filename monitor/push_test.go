package monitor

import "github.com/wtsim/wtsim/event"

// push pushes one event.
func push(s *Stream, e *event.Event, line int) Judgement {
	return s.Push([]Input{{Event: *e, Line: line}})
}

// finish closes a stream and returns its summary.
func finish(s *Stream) Summary {
	s.Close()
	return s.Summary()
}
