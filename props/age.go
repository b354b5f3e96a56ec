package props

import (
	"slices"
	"time"
)

// The age of a state: how long ago the event was that led into it, to the event
// that is judged. Whether it is less than a duration is what a window tells that
// holds that event and nothing else; so it is exact where windows are. Such
// windows are registers that nobody declares.

// GivenYounger restricts the letter to when the event that led into the state
// happened less than a duration before. An event that stays does not count, nor
// does a deadline. A state that no event has led into is as old as can be.
func (l Letter) GivenYounger(than time.Duration) Letter {
	name := ageName(than)
	return l.guarded(&guard{desc: "the state is younger than " + said(than), ages: []time.Duration{than},
		holds: func(m Memory) bool { return m.Size(name) > 0 }})
}

// GivenOlder restricts the letter to when [Letter.GivenYounger] does not hold:
// the event that led into the state happened that long before, or longer.
func (l Letter) GivenOlder(orEqual time.Duration) Letter {
	name := ageName(orEqual)
	return l.guarded(&guard{desc: "the state is " + said(orEqual) + " old or older", ages: []time.Duration{orEqual},
		holds: func(m Memory) bool { return m.Size(name) == 0 }})
}

// ageName is the register of what is younger than a duration. No file can
// declare such a name.
func ageName(d time.Duration) string { return "younger than " + d.String() }

// ages are the windows that guards over the age of a state look at.
func (s *spec) ages() (all []Register) {
	for _, l := range s.allLetters() {
		for _, g := range l.guards {
			for _, d := range g.ages {
				if registerNamed(all, ageName(d)) < 0 {
					all = append(all, Window(ageName(d), d))
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b Register) int { return int(a.length - b.length) })
	return all
}

// renewals write what a state is entered by to the windows of ages.
func (c *compiler) renewals() (all []Write) {
	for i := len(c.registers); i < len(c.a.Registers); i++ {
		all = append(all, Write{Register: i, Op: Renew, Param: -1})
	}
	return all
}
