package rewind

import (
	"fmt"
	"strconv"

	"github.com/google/go-dap"
)

// place is where a run has stopped.
type place struct {
	step  int  // that the clock shows
	hook  bool // before all else that the step does
	hits  []hit
	exact bool // here is the last of hits; else it is somewhere after
}

// hit is one of a breakpoint: the line, and for the how manieth time since its
// step began.
type hit struct {
	step  int
	line  string
	times int
}

// hit adds a hit to a place.
func (p *place) add(step int, line string) hit {
	h := hit{step, line, 1}
	if p.step != step || p.hook {
		p.hits = nil
	}
	for _, before := range p.hits {
		if before.line == line {
			h.times++
		}
	}
	*p = place{step: step, hits: append(p.hits, h), exact: true}
	return h
}

// moved is a stop that is no hit.
func (p *place) moved(step int) {
	if p.step != step || p.hook {
		p.hits = nil
	}
	*p = place{step: step, hits: p.hits}
}

// before counts the hits of a run, in their order, that are before this place.
func (p *place) before(all []hit) int {
	n := 0
	for n < len(all) && all[n].step < p.step {
		n++
	}
	if p.hook || len(p.hits) == 0 {
		return n
	}
	last := p.hits[len(p.hits)-1]
	for i := n; i < len(all); i++ {
		if all[i] == last {
			n = i + 1
			if p.exact {
				n = i
			}
			break
		}
	}
	return n
}

// stopped finds out where the program has stopped.
func (s *session) stopped(stop *dap.StoppedEventBody) error {
	step, err := s.clock()
	if err != nil {
		return err
	}
	s.thread, s.hidden = stop.ThreadId, 0
	if !isHit(stop) {
		s.at.moved(step)
		return nil
	}
	_, err = s.hit(&s.at, stop)
	return err
}

// isHit tells whether a breakpoint of the user's was hit.
func isHit(stop *dap.StoppedEventBody) bool {
	switch stop.Reason {
	case "breakpoint", "function breakpoint":
		return true
	}
	return false
}

// clock reads the program's.
func (s *session) clock() (int, error) {
	if s.program.Held != nil {
		return s.at.step, nil
	}
	m, err := s.delve.must("evaluate", dap.EvaluateArguments{Expression: s.program.Clock, Context: "watch"})
	if err != nil {
		return 0, err
	}
	step, err := strconv.Atoi(part[dap.EvaluateResponseBody](m.Body).Result)
	if err != nil {
		return 0, fmt.Errorf("%s is no number: %w", s.program.Clock, err)
	}
	return step, nil
}

// line is the one that a thread has stopped at.
func (s *session) line(thread int) (string, error) {
	frames, err := s.frames(thread, 1)
	if err != nil || len(frames) == 0 || frames[0].Source == nil {
		return "", err
	}
	return fmt.Sprintf("%s:%d", frames[0].Source.Path, frames[0].Line), nil
}

// mostFrames is how deep the user's own frame is looked for.
const mostFrames = 500

// ownFrame is how many frames there are above the user's own; -1 if it is not
// among the first.
func (s *session) ownFrame(thread, first int) (int, error) {
	frames, err := s.frames(thread, first)
	if err != nil {
		return 0, err
	}
	for i, f := range frames {
		if f.Source != nil && s.program.Own(f.Source.Path) {
			return i, nil
		}
	}
	return -1, nil
}

func (s *session) frames(thread, first int) ([]dap.StackFrame, error) {
	m, err := s.delve.must("stackTrace", dap.StackTraceArguments{ThreadId: thread, Levels: first})
	return part[dap.StackTraceResponseBody](m.Body).StackFrames, err
}
