package rewind

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/google/go-dap"
)

// stepBack goes to the last step before.
func (s *session) stepBack() error {
	i, here := slices.BinarySearch(s.program.Steps, s.at.step)
	if here && !s.at.hook {
		i++
	}
	if i == 0 {
		s.editor.say("wtsim: no operation is before this one")
	}
	return s.again(s.program.Steps[max(i-1, 0)])
}

// again runs the program up to a step.
func (s *session) again(step int) error {
	if err := s.restart(step); err != nil {
		return s.gone(err)
	}
	return s.begin(step)
}

// begin brings a program that is loaded to its hook.
func (s *session) begin(step int) error {
	stop, err := s.toHook(step)
	if err != nil {
		return s.gone(err)
	}
	if stop.Description == "" {
		stop.Reason, stop.Description = "step", s.program.Told(step)
	}
	if err := s.wanted.set(s.delve); err != nil {
		return err
	}
	return s.show(stop)
}

// gone ends the session without a word where the editor has ended it.
func (s *session) gone(err error) error {
	if s.ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // its request comes next
	}
	return err
}

// toHook lets a program that is loaded run to its hook, past all breakpoints.
func (s *session) toHook(step int) (dap.StoppedEventBody, error) {
	var stop dap.StoppedEventBody
	if err := s.wanted.clear(s.delve); err != nil {
		return stop, err
	}
	if s.program.Held != nil {
		return s.toHeld(step)
	}
	if _, err := s.wanted.functionsAnd(s.delve, s.program.Hook, false); err != nil {
		return stop, err
	}
	came, err := s.run("configurationDone", nil, nil)
	switch {
	case err != nil:
		return stop, err
	case came == nil:
		return stop, errors.New("the run has ended before it was at the step")
	}
	return *came, s.atHook(came)
}

// atHook finds the user's frame, once stopped.
func (s *session) atHook(stop *dap.StoppedEventBody) error {
	if stop.Reason != "function breakpoint" { // a panic, say
		return s.stopped(stop)
	}
	step, err := s.clock()
	if err != nil {
		return err
	}
	s.at, s.thread = place{step: step, hook: true}, stop.ThreadId
	above, err := s.ownFrame(stop.ThreadId, mostFrames)
	if err != nil {
		return err
	}
	if s.hidden = max(above, 0); above < 0 {
		s.editor.say("wtsim: no frame of the application makes this operation; a client's own goroutine does")
	}
	return nil
}

// run has the program go on, and waits until it stops: nil if it ends. Other
// events are dealt with by a function; nobody sees them where it is nil, since the
// editor has seen this run before.
func (s *session) run(command string, arguments any, other func(message) error) (*dap.StoppedEventBody, error) {
	if _, err := s.delve.must(command, arguments); err != nil {
		return nil, err
	}
	for {
		m, err := s.delve.next(s.ctx)
		if err != nil {
			return nil, err
		}
		if m.Event == "stopped" {
			stop := part[dap.StoppedEventBody](m.Body)
			return &stop, nil
		}
		if other != nil {
			if err := other(m); err != nil {
				return nil, err
			}
		}
		if m.Event == "terminated" {
			return nil, nil
		}
	}
}

// restart loads the program anew, for a run that passes by the hook at a step.
func (s *session) restart(step int) error {
	s.end()
	s.over = false
	d, err := start(s.ctx, s.program.Delve)
	if err != nil {
		return err
	}
	s.delve = d
	if _, err := d.must("initialize", s.hello.Arguments); err != nil {
		return err
	}
	if m, err := s.load(step); err != nil {
		return err
	} else if !m.ok() {
		return fmt.Errorf("delve refuses: %s", m.why())
	}
	for {
		if m, err := d.next(s.ctx); err != nil || m.Event == "initialized" {
			return err
		}
	}
}

// reverse goes to the last hit of a breakpoint before.
func (s *session) reverse() error {
	if s.program.Held != nil {
		s.editor.say("wtsim: what the program did before is not seen, nor which breakpoints it hit: this goes back one operation")
		return s.stepBack()
	}
	hits, err := s.count()
	if err != nil {
		return s.gone(err)
	}
	n := s.at.before(hits)
	if n == 0 {
		s.editor.say("wtsim: no breakpoint is hit before this place")
		return s.again(s.program.Steps[0])
	}
	return s.gone(s.toHit(hits[:n]))
}

// count is the hits of a run up to here, and maybe some after.
func (s *session) count() ([]hit, error) {
	until := math.MaxInt32 // no step
	if i, here := slices.BinarySearch(s.program.Steps, s.at.step); here && s.at.hook {
		until = s.at.step
	} else if i < len(s.program.Steps) && !here {
		until = s.program.Steps[i]
	} else if i+1 < len(s.program.Steps) {
		until = s.program.Steps[i+1]
	}
	if err := s.restart(until); err != nil {
		return nil, err
	}
	hook, err := s.breakpointsAnd(s.program.Hook)
	if err != nil {
		return nil, err
	}
	var seen place
	var all []hit
	stop, err := s.run("configurationDone", nil, nil)
	for err == nil && stop != nil && isHit(stop) && !slices.Contains(stop.HitBreakpointIds, hook) {
		var h hit
		if h, err = s.hit(&seen, stop); err != nil || h.step > s.at.step {
			break
		}
		all = append(all, h)
		stop, err = s.run("continue", dap.ContinueArguments{ThreadId: stop.ThreadId}, nil)
	}
	return all, err
}

// breakpointsAnd sets all that the editor wants, and one at a function, whose
// number it returns.
func (s *session) breakpointsAnd(function string) (int, error) {
	if err := s.wanted.set(s.delve); err != nil {
		return 0, err
	}
	return s.wanted.functionsAnd(s.delve, function, true)
}

// hit notes one.
func (s *session) hit(at *place, stop *dap.StoppedEventBody) (hit, error) {
	step, err := s.clock()
	if err != nil {
		return hit{}, err
	}
	line, err := s.line(stop.ThreadId)
	return at.add(step, line), err
}

// toHit stops a new run at the last of the hits.
func (s *session) toHit(hits []hit) error {
	if err := s.restart(math.MaxInt32); err != nil {
		return err
	}
	if err := s.wanted.set(s.delve); err != nil {
		return err
	}
	s.at = place{}
	stop, err := s.run("configurationDone", nil, nil)
	for i := range hits {
		if err != nil {
			return err
		}
		if stop == nil {
			return errors.New("the run has ended before it was at the breakpoint: it is not the same one")
		}
		if i == len(hits)-1 {
			break
		}
		s.at.add(hits[i].step, hits[i].line)
		stop, err = s.run("continue", dap.ContinueArguments{ThreadId: stop.ThreadId}, nil)
	}
	if err := s.stopped(stop); err != nil {
		return err
	}
	return s.show(*stop)
}
