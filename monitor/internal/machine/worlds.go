package machine

import "github.com/wtsim/wtsim/props"

// Worlds are the states of the automaton that an instance may be in if events
// of it may be missing: by state. Of registers, deadlines and windows nothing is
// known: what guards over them say, and whether a deadline has passed, may be
// either.
type Worlds []bool

// FirstWorlds are those of an instance that has seen nothing: all that may be
// missing leads to them. fits tells which event types, in which roles, the
// instance's slice may have.
func (s *Machine) FirstWorlds(fits func(letter int) bool) Worlds {
	w := make(Worlds, len(s.Dead))
	w[props.StartState] = true
	return s.Closed(w, fits)
}

// After are the worlds after a letter, and whatever may be missing then.
func (s *Machine) After(w Worlds, letter uint32, fits func(letter int) bool) Worlds {
	return s.Closed(s.led(w, letter), fits)
}

// led is where a letter leads to. Nothing is missing between what an event is in
// its roles.
func (s *Machine) led(w Worlds, letter uint32) Worlds {
	if first, second, both := s.Parts(letter); both {
		return s.led(s.led(w, first), second)
	}
	f, to := s.Fates[letter], make(Worlds, len(w))
	for state, is := range w {
		if is {
			for _, next := range s.Auto.Events[f.Letter].Possible(state, f.Passed) {
				to[next] = true
			}
		}
	}
	return to
}

// Closed adds what events and deadlines may lead to.
func (s *Machine) Closed(w Worlds, fits func(letter int) bool) Worlds {
	var open []int
	enter := func(state int) {
		if !w[state] {
			w[state] = true
			open = append(open, state)
		}
	}
	for state, is := range w {
		if is {
			open = append(open, state)
		}
	}
	for ; len(open) > 0; open = open[1:] {
		state := open[0]
		for letter := range s.Auto.Events {
			if fits(letter) {
				for _, to := range s.Auto.Events[letter].Targets(state) {
					enter(to)
				}
			}
		}
		for _, to := range s.Auto.Deadlines[state].Targets() {
			enter(to)
		}
	}
	return w
}

// Violated tells whether the instance is violated in all worlds; at the end, in
// states that must not be the last too.
func (s *Machine) Violated(w Worlds, end bool) bool {
	for state, is := range w {
		if is && state != props.ViolatedState && !(end && s.Auto.AtEnd[state]) {
			return false
		}
	}
	return true
}

// Escaped tells whether the instance never can be violated in some world.
func (s *Machine) Escaped(w Worlds) bool {
	for state, is := range w {
		if is && s.Dead[state] && state != props.ViolatedState {
			return true
		}
	}
	return false
}
