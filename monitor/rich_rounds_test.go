package monitor

import (
	"slices"
	"time"

	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// Deadlines as the reference knows them, those in a circle among them.

// round is how long it takes until deadlines lead back to a state; 0 is for
// ever.
func (ri *rich) round(state int) (round int) {
	at := state
	for range ri.steps {
		if at < 2 || ri.after[at] == 0 {
			return 0
		}
		if round, at = round+ri.after[at], ri.timeout[at]; at == state {
			return round
		}
	}
	return 0
}

func newMemoryModel() memoryModel {
	return memoryModel{state: 2, set: map[int]bool{}, last: -1, from: -1}
}

// around is what a whole round does.
func (r *richRun) around(c memoryModel) memoryModel {
	to := r.expire(c)
	for to.armed && to.state != c.state {
		to = r.expire(to)
	}
	return to
}

// withRounds adds what configurations come to by whole rounds, which are not
// told: no event that is left precedes one of their deadlines.
func (r *richRun) withRounds(cs []memoryModel, left []int) []memoryModel {
	for i := 0; i < len(cs); i++ {
		c := cs[i]
		if r.round(c.state) == 0 || c.deadline > r.p.newest+r.skew {
			continue
		}
		may := true
		for n := 0; may && (n == 0 || c.state != cs[i].state); n++ {
			may = c.armed && !slices.ContainsFunc(left, func(e int) bool { return r.precedesDeadline(e, c) })
			c = r.expire(c)
		}
		if may {
			cs = append(slices.Clip(cs), c)
		}
	}
	return cs
}

// expire is what the deadline does.
func (ri *rich) expire(c memoryModel) memoryModel {
	c = c.clone()
	switch ri.passing[c.state] {
	case clearSet:
		c.set = map[int]bool{}
	case clearLast:
		c.last = -1
	case clearCount:
		c.count = 0
	case clearAmount:
		c.amount = 0
	case clearWindow:
		c.in[0] = nil
	case countUp:
		c.count++
	}
	c.state, c.armed = ri.timeout[c.state], false
	if d := ri.after[c.state]; d > 0 {
		c.armed, c.deadline, c.after = true, c.deadline+d, c.after+d
	}
	return c
}

// drawPassing draws what deadlines write, and lets some lead back.
func (ri *rich) drawPassing(t *rapid.T) {
	if ri.plain || ri.stacked {
		return
	}
	back := rapid.Bool().Draw(t, "back")
	updates := []int{noUpdate, clearSet, clearLast, clearCount, clearAmount, countUp, countUp, countUp, countUp}
	if ri.windowed {
		updates = []int{noUpdate, clearWindow, clearWindow, countUp, countUp, clearCount}
	}
	for s, after := range ri.after {
		if after == 0 {
			continue
		}
		ri.passing[s] = rapid.SampledFrom(updates).Draw(t, "passing")
		if back {
			ri.timeout[s] = rapid.IntRange(2, len(ri.steps)-1).Draw(t, "back to")
		}
	}
	for s := range ri.steps {
		if ri.round(s) > 0 {
			ri.atEnd[s] = false // refused
		}
		if ri.timeout[s] == s && ri.passing[s] == noUpdate {
			ri.passing[s] = countUp // the same
		}
	}
}

// limited adds the deadline of a state to its rule.
func (ri *rich) limited(r props.Rule, s int) props.Rule {
	limit := r.After(time.Duration(ri.after[s]) * time.Millisecond)
	if u := ri.passing[s]; u != noUpdate {
		limit = limit.Do(ri.updates()[u])
	}
	return limit.To(stateName(ri.timeout[s]))
}
