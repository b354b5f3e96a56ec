package props

import (
	"fmt"
	"slices"
	"time"
)

// Stacks are for what is nested: what was true outside is pushed where something
// begins, and is on top where it ends. They are bounded: what wants to go deeper
// violates the property, by a transition that stands before the one that would.

// Stack returns the register that holds values one upon the other, as many as a
// depth at most, and none at first. A transition that pushes where it is full
// leads to [Violated] instead.
func Stack(name string, depth int) Register {
	return Register{name: name, kind: StackRegister, length: time.Duration(depth)}
}

// Depth returns how many values a stack holds at most; 0 if it is none.
func (r Register) Depth() int {
	if r.kind != StackRegister {
		return 0
	}
	return int(r.length)
}

// Push puts the value of a parameter on a stack.
func (r Register) Push(param string) Update { return Update{register: r, op: PushValue, param: param} }

// PushCount puts what a counter holds on a stack.
func (r Register) PushCount(counter Register) Update {
	return Update{register: r, op: PushCount, from: counter.name}
}

// Pop takes the value on top from a stack; nothing, if it is empty.
func (r Register) Pop() Update { return Update{register: r, op: PopValue} }

func (u Update) pushes() bool { return u.op == PushValue || u.op == PushCount }

// bounded puts before each transition that pushes the one that is taken if the
// stack is full.
func (s *spec) bounded() {
	full := map[string]*guard{}
	for i := range s.rules {
		pushes := func(t transition) bool { return slices.ContainsFunc(t.updates, Update.pushes) }
		if !slices.ContainsFunc(s.rules[i].steps, pushes) {
			continue
		}
		var steps []transition
		for _, t := range s.rules[i].steps {
			for _, u := range t.updates {
				if r := u.register; u.pushes() {
					if full[r.name] == nil {
						full[r.name] = &guard{desc: fmt.Sprintf("%s is %d deep", r.name, r.Depth()), holds: func(m Memory) bool { return m.Size(r.name) >= int64(r.Depth()) }}
					}
					steps = append(steps, transition{letter: t.letter.guarded(full[r.name]), to: s.violated})
				}
			}
			steps = append(steps, t)
		}
		s.rules[i].steps = steps
	}
}
