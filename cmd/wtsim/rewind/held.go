package rewind

import (
	"errors"
	"strconv"

	"github.com/google/go-dap"
)

// toHeld finds the goroutine that makes the operation, in a process that waits
// there, and the user's frame in it.
func (s *session) toHeld(step int) (dap.StoppedEventBody, error) {
	stop, err := s.run("configurationDone", nil, nil)
	switch {
	case err != nil:
		return dap.StoppedEventBody{}, err
	case stop == nil:
		return dap.StoppedEventBody{}, errors.New("the process has ended before delve had it")
	}
	s.at = place{step: step, hook: true}
	s.thread, s.hidden, err = s.maker()
	if s.thread == 0 {
		s.thread = stop.ThreadId
		s.editor.say("wtsim: no frame of the application makes this operation; a client's own goroutine does")
	}
	stop.ThreadId, stop.Reason, stop.Description = s.thread, "step", ""
	return *stop, err
}

// maker is the goroutine that makes the operation, and how many frames of it are
// above the user's own: of those that wait for an answer the one that works for
// what the operation is made for, else the first. 0 if there is none.
func (s *session) maker() (thread, above int, err error) {
	m, err := s.delve.must("threads", nil)
	if err != nil {
		return 0, 0, err
	}
	for _, t := range part[dap.ThreadsResponseBody](m.Body).Threads {
		frames, err := s.frames(t.Id, mostFrames)
		if err != nil {
			return 0, 0, err
		}
		own := -1
		for i, f := range frames {
			if own = i; f.Source != nil && s.program.Own(f.Source.Path) {
				break
			}
			own = -1
		}
		if own < 0 || !s.waits(frames) {
			continue
		}
		mine, err := s.works(frames[own].Id)
		if err != nil {
			return 0, 0, err
		}
		if mine || thread == 0 {
			thread, above = t.Id, own
		}
		if mine {
			break
		}
	}
	return thread, above, nil
}

func (s *session) waits(frames []dap.StackFrame) bool {
	for _, f := range frames {
		if s.program.Waits(f.Name) {
			return true
		}
	}
	return false
}

// works tells whether the goroutine of a frame works for what the operation is
// made for.
func (s *session) works(frame int) (bool, error) {
	m, err := s.delve.must("evaluate", dap.EvaluateArguments{Expression: s.program.Work, FrameId: frame, Context: "watch"})
	return part[dap.EvaluateResponseBody](m.Body).Result == strconv.Itoa(int(s.work)), err
}
