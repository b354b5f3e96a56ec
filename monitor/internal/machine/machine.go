package machine

import (
	"math/bits"
	"slices"

	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// StartState is the automaton's, as instances store it.
const StartState = props.StartState

// Machine is the automaton of a property, with what was found out about it as
// it went. A letter is an event type and the guards passed. Letters are
// numbered as they are first seen.
type Machine struct {
	Auto *props.Automaton
	Dead []bool // by state: no violation can be reached

	Fates  []fate
	ByType [][]uint32 // letters, by event type
	Table  []uint16   // by letter and state: the state after
	width  uint32     // of the table: how many states there are

	both  map[[2]uint32]uint32 // letters that are two in a row, see both.go
	parts map[uint32][2]uint32 // the other way round

	Functions [][]uint16 // of states; the first is the identity
	composed  map[[2]uint32]uint16

	Covering bool   // keeps what is taken
	Taken    []bool // as table: an instance took the transition
	Fresh    []int  // of taken, what was not told yet

	Configs *Configs // of a stateful property, see config.go; else nil
}

// machineOptions say how a machine goes.
type Options struct {
	Exact    bool // there is no skew
	Covering bool // keeps track of what is taken
	Configs  int  // how many there may be before the unused are dropped for the first time
	Letters  int  // the same
}

// Start makes it the machine of an automaton, given from which states no
// violation can be reached.
func (s *Machine) Start(auto *props.Automaton, dead []bool, t *values.Table, from *order.Sources, o Options) {
	identity := make([]uint16, len(auto.States))
	for i := range identity {
		identity[i] = uint16(i)
	}
	*s = Machine{Auto: auto, Dead: dead, width: uint32(len(dead)), ByType: make([][]uint32, len(auto.Events)), Covering: o.Covering,
		Functions: [][]uint16{identity}}
	if auto.Stateful() {
		s.Configs = newConfigs(s, t, from, o)
	}
}

// fate is a letter.
type fate struct {
	Letter int // its event type
	Passed uint64
}

// Letter returns the number of a letter.
func (s *Machine) Letter(letter int, passed uint64) uint32 {
	for _, n := range s.ByType[letter] {
		if s.Fates[n].Passed == passed {
			return n
		}
	}
	n := uint32(len(s.Fates))
	s.Fates = append(s.Fates, fate{letter, passed})
	s.ByType[letter] = append(s.ByType[letter], n)
	for state := range s.Auto.States {
		s.Table = append(s.Table, uint16(s.Auto.Events[letter].Next(state, passed)))
	}
	return n
}

// Next is the automaton's transition.
func (s *Machine) Next(letter, state uint32, by *Stamp) uint32 {
	if s.Configs != nil {
		return s.Configs.Next(letter, state, by)
	}
	return uint32(s.Table[letter*s.width+state])
}

// IsDead tells whether no violation can be reached.
func (s *Machine) IsDead(state uint32) bool { return s.Dead[s.Base(state)] }

// Base is the state of the automaton.
func (s *Machine) Base(state uint32) uint32 {
	if s.Configs != nil {
		return uint32(s.Configs.All[state].State)
	}
	return state
}

// Timed tells whether the property has deadlines.
func (s *Machine) Timed() bool { return s.Configs != nil && s.Configs.Timed }

// Compose returns the function that a letter makes of another.
func (s *Machine) Compose(function uint16, letter uint32) uint16 {
	if n, ok := s.composed[[2]uint32{uint32(function), letter}]; ok {
		return n
	}
	f := make([]uint16, len(s.Dead))
	for i, to := range s.Functions[function] {
		f[i] = uint16(s.Next(letter, uint32(to), nil))
	}
	n := slices.IndexFunc(s.Functions, func(g []uint16) bool { return slices.Equal(f, g) })
	if n < 0 {
		n = len(s.Functions)
		s.Functions = append(s.Functions, f)
	}
	if s.composed == nil {
		s.composed = make(map[[2]uint32]uint16)
	}
	s.composed[[2]uint32{uint32(function), letter}] = uint16(n)
	return uint16(n)
}

// Took tells whether a letter of an event type took instances from one state
// to another.
func (s *Machine) Took(letter, from, to int) bool {
	if s.Configs != nil {
		at := s.stepAt(letter, from, to)
		return at < len(s.Taken) && s.Taken[at]
	}
	return slices.ContainsFunc(s.ByType[letter], func(n uint32) bool {
		at := int(n)*len(s.Dead) + from
		return at < len(s.Taken) && s.Taken[at] && int(s.Table[at]) == to
	})
}

// Move is next, for an instance that takes the transition.
func (s *Machine) Move(letter, state uint32, by *Stamp) uint32 {
	if s.Covering || s.Configs != nil {
		return s.moveAndCover(letter, state, by)
	}
	return uint32(s.Table[letter*s.width+state])
}

func (s *Machine) moveAndCover(letter, state uint32, by *Stamp) uint32 {
	if s.Configs != nil {
		return s.Configs.Move(letter, state, by)
	}
	if first, second, both := s.Parts(letter); both {
		return s.Move(second, s.Move(first, state, by), by)
	}
	at := letter*s.width + state
	s.take(int(at))
	return uint32(s.Table[at])
}

func (s *Machine) take(at int) {
	if at >= len(s.Taken) {
		s.Taken = append(s.Taken, make([]bool, s.Transitions()-len(s.Taken))...)
	}
	if !s.Taken[at] {
		s.Taken[at] = true
		s.Fresh = append(s.Fresh, at)
	}
}

// Transitions is how many there may be: by letter and state; of a stateful
// property, whose letters are without number, by event type or deadline, and
// the states before and after.
func (s *Machine) Transitions() int {
	if s.Configs != nil {
		return (len(s.Auto.Events) + 1) * len(s.Dead) * len(s.Dead)
	}
	return len(s.Table)
}

// stepAt is where a transition of a stateful property stands among those
// taken; the last letter are the deadlines.
func (s *Machine) stepAt(letter, from, to int) int {
	return (letter*len(s.Dead)+from)*len(s.Dead) + to
}

func (c *Configs) Move(letter, from uint32, by *Stamp) uint32 {
	to := c.Next(letter, from, by)
	if c.Store.Covering {
		c.coverMove(letter, from, to, by)
	}
	return to
}

// coverMove takes the transitions of a letter, one after the other.
func (c *Configs) coverMove(letter, from, to uint32, by *Stamp) {
	if first, second, both := c.Store.Parts(letter); both {
		between := c.Next(first, from, by)
		c.coverMove(first, from, between, by)
		letter, from, to = second, between, c.Next(second, between, by)
		if c.Store.IsDead(from) {
			return // what is dead is not followed
		}
	}
	c.cover(c.Store.Fates[letter].Letter, from, to)
}

// cover takes a transition of the automaton, for the configurations that a
// letter, or a deadline, leads from and to.
func (c *Configs) cover(letter int, from, to uint32) {
	if s := c.Store; s.Covering {
		s.take(s.stepAt(letter, int(s.Base(from)), int(s.Base(to))))
	}
}

// Expired is expire, for an instance whose deadline passes.
func (c *Configs) Expired(from uint32) uint32 {
	to := c.Expire(from)
	c.cover(len(c.Store.Auto.Events), from, to)
	return to
}

// TakeAll is take, for all states that an instance may be in.
func (s *Machine) TakeAll(letter uint32, states uint64) {
	for ; states != 0; states &= states - 1 {
		s.take(int(letter)*len(s.Dead) + bits.TrailingZeros64(states))
	}
}

// Transition is what stands at a place among those taken: an event type, or a
// deadline, which is the last, and the states before and after.
func (s *Machine) Transition(at int) (letter, from, to int) {
	n := len(s.Dead)
	if s.Configs != nil {
		return at / (n * n), at / n % n, at % n
	}
	return s.Fates[at/n].Letter, at % n, int(s.Table[at])
}

// DeadStates tells from which states neither violated nor a state that must
// not be the last can be reached. Guards are taken to hold in any
// combination.
func DeadStates(a *props.Automaton) []bool {
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
func (s *Machine) deadSet() (mask uint64) {
	for i, dead := range s.Dead {
		if dead {
			mask |= 1 << i
		}
	}
	return mask
}
