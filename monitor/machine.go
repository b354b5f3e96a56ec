package monitor

import (
	"math/bits"
	"slices"

	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// startState is the automaton's, as instances store it.
const startState = props.StartState

// machine is the automaton of a property, with what was found out about it as
// it went. A letter is an event type and the guards passed. Letters are
// numbered as they are first seen.
type machine struct {
	auto *props.Automaton
	dead []bool // by state: no violation can be reached

	fates  []fate
	byType [][]uint32 // letters, by event type
	table  []uint16   // by letter and state: the state after
	width  uint32     // of the table: how many states there are

	functions [][]uint16 // of states; the first is the identity
	composed  map[[2]uint32]uint16

	covering bool   // keeps what is taken
	taken    []bool // as table: an instance took the transition
	fresh    []int  // of taken, what was not told yet

	configs *configs // of a stateful property, see memory.go; else nil
}

// machineOptions say how a machine goes.
type machineOptions struct {
	exact    bool // there is no skew
	covering bool // keeps track of what is taken
	configs  int  // how many there may be before the unused are dropped for the first time
	letters  int  // the same
}

// newMachine returns the machine of an automaton, given from which states no
// violation can be reached.
func newMachine(auto *props.Automaton, dead []bool, t *values.Table, from *order.Sources, o machineOptions) *machine {
	identity := make([]uint16, len(auto.States))
	for i := range identity {
		identity[i] = uint16(i)
	}
	s := &machine{auto: auto, dead: dead, width: uint32(len(dead)), byType: make([][]uint32, len(auto.Events)), covering: o.covering,
		functions: [][]uint16{identity}}
	if auto.Stateful() {
		s.configs = newConfigs(s, t, from, o)
	}
	return s
}

// fate is a letter.
type fate struct {
	letter int // its event type
	passed uint64
}

// letter returns the number of a letter.
func (s *machine) letter(letter int, passed uint64) uint32 {
	for _, n := range s.byType[letter] {
		if s.fates[n].passed == passed {
			return n
		}
	}
	n := uint32(len(s.fates))
	s.fates = append(s.fates, fate{letter, passed})
	s.byType[letter] = append(s.byType[letter], n)
	for state := range s.auto.States {
		s.table = append(s.table, uint16(s.auto.Events[letter].Next(state, passed)))
	}
	return n
}

// next is the automaton's transition.
func (s *machine) next(letter, state uint32, by *stamp) uint32 {
	if s.configs != nil {
		return s.configs.next(letter, state, by)
	}
	return uint32(s.table[letter*s.width+state])
}

// isDead tells whether no violation can be reached.
func (s *machine) isDead(state uint32) bool { return s.dead[s.base(state)] }

// base is the state of the automaton.
func (s *machine) base(state uint32) uint32 {
	if s.configs != nil {
		return uint32(s.configs.all[state].state)
	}
	return state
}

// timed tells whether the property has deadlines.
func (s *machine) timed() bool { return s.configs != nil && s.configs.timed }

// compose returns the function that a letter makes of another.
func (s *machine) compose(function uint16, letter uint32) uint16 {
	if n, ok := s.composed[[2]uint32{uint32(function), letter}]; ok {
		return n
	}
	f := make([]uint16, len(s.dead))
	for i, to := range s.functions[function] {
		f[i] = uint16(s.next(letter, uint32(to), nil))
	}
	n := slices.IndexFunc(s.functions, func(g []uint16) bool { return slices.Equal(f, g) })
	if n < 0 {
		n = len(s.functions)
		s.functions = append(s.functions, f)
	}
	if s.composed == nil {
		s.composed = make(map[[2]uint32]uint16)
	}
	s.composed[[2]uint32{uint32(function), letter}] = uint16(n)
	return uint16(n)
}

// took tells whether a letter of an event type took instances from one state
// to another.
func (s *machine) took(letter, from, to int) bool {
	if s.configs != nil {
		at := s.stepAt(letter, from, to)
		return at < len(s.taken) && s.taken[at]
	}
	return slices.ContainsFunc(s.byType[letter], func(n uint32) bool {
		at := int(n)*len(s.dead) + from
		return at < len(s.taken) && s.taken[at] && int(s.table[at]) == to
	})
}

// move is next, for an instance that takes the transition.
func (s *machine) move(letter, state uint32, by *stamp) uint32 {
	if s.covering || s.configs != nil {
		return s.moveAndCover(letter, state, by)
	}
	return uint32(s.table[letter*s.width+state])
}

func (s *machine) moveAndCover(letter, state uint32, by *stamp) uint32 {
	if s.configs != nil {
		return s.configs.move(letter, state, by)
	}
	at := letter*s.width + state
	s.take(int(at))
	return uint32(s.table[at])
}

func (s *machine) take(at int) {
	if at >= len(s.taken) {
		s.taken = append(s.taken, make([]bool, s.transitions()-len(s.taken))...)
	}
	if !s.taken[at] {
		s.taken[at] = true
		s.fresh = append(s.fresh, at)
	}
}

// transitions is how many there may be: by letter and state; of a stateful
// property, whose letters are without number, by event type or deadline, and
// the states before and after.
func (s *machine) transitions() int {
	if s.configs != nil {
		return (len(s.auto.Events) + 1) * len(s.dead) * len(s.dead)
	}
	return len(s.table)
}

// stepAt is where a transition of a stateful property stands among those
// taken; the last letter are the deadlines.
func (s *machine) stepAt(letter, from, to int) int {
	return (letter*len(s.dead)+from)*len(s.dead) + to
}

func (c *configs) move(letter, from uint32, by *stamp) uint32 {
	to := c.next(letter, from, by)
	c.cover(c.store.fates[letter].letter, from, to)
	return to
}

// cover takes a transition of the automaton, for the configurations that a
// letter, or a deadline, leads from and to.
func (c *configs) cover(letter int, from, to uint32) {
	if s := c.store; s.covering {
		s.take(s.stepAt(letter, int(s.base(from)), int(s.base(to))))
	}
}

// expired is expire, for an instance whose deadline passes.
func (c *configs) expired(from uint32) uint32 {
	to := c.expire(from)
	c.cover(len(c.store.auto.Events), from, to)
	return to
}

// takeAll is take, for all states that an instance may be in.
func (s *machine) takeAll(letter uint32, states uint64) {
	for ; states != 0; states &= states - 1 {
		s.take(int(letter)*len(s.dead) + bits.TrailingZeros64(states))
	}
}

// transition is what stands at a place among those taken: an event type, or a
// deadline, which is the last, and the states before and after.
func (s *machine) transition(at int) (letter, from, to int) {
	n := len(s.dead)
	if s.configs != nil {
		return at / (n * n), at / n % n, at % n
	}
	return s.fates[at/n].letter, at % n, int(s.table[at])
}

// deadStates tells from which states neither violated nor a state that must
// not be the last can be reached. Guards are taken to hold in any
// combination.
func deadStates(a *props.Automaton) []bool {
	dead := make([]bool, len(a.States))
	for s := range dead {
		dead[s] = s != props.ViolatedState && !a.AtEnd[s]
	}
	for changed := true; changed; {
		changed = false
		for s := props.StartState; s < len(dead); s++ {
			if dead[s] && slices.ContainsFunc(a.Successors(s), func(to int) bool { return !dead[to] }) {
				dead[s], changed = false, true
			}
		}
	}
	dead[props.ViolatedState] = true // what is violated is not violated again
	return dead
}

// deadSet are the states that a settled instance may be in.
func (s *machine) deadSet() (mask uint64) {
	for i, dead := range s.dead {
		if dead {
			mask |= 1 << i
		}
	}
	return mask
}
