package monitor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// Deadlines as the reference knows them, those in a circle among them.

// instead is what the deadline does instead, if it does.
func (ri *rich) instead(c memoryModel) (richStep, bool) {
	if len(ri.cases) == 0 || ri.cases[c.state].guard == noGuard {
		return richStep{}, false
	}
	return ri.cases[c.state], ri.fits(ri.cases[c.state], c, richArrival{})
}

// roundOf is round for a configuration: where guards decide what deadlines do,
// until it is what it was.
func (ri *rich) roundOf(c memoryModel) (round int) {
	if len(ri.cases) == 0 {
		return ri.round(c.state)
	}
	for at := c; round < 1000 && at.armed; {
		round += ri.after[at.state]
		if at = ri.expire(at); at.state == c.state && fmt.Sprint(at.set, at.count, at.last, at.amount, at.from) == fmt.Sprint(c.set, c.count, c.last, c.amount, c.from) {
			return round
		}
	}
	return 0
}

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
	for i := 0; i < len(cs) && r.some == noneSuch; i++ {
		c := cs[i]
		if r.roundOf(c) == 0 || c.deadline > r.p.newest+r.skew {
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
	update, to := ri.passing[c.state], ri.timeout[c.state]
	if x, instead := ri.instead(c); instead {
		update, to = x.update, x.to
	}
	switch update {
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
	c.state, c.armed = to, false
	if d := ri.after[c.state]; d > 0 {
		c.armed, c.deadline, c.after = true, c.deadline+d, c.after+d
	}
	return c
}

// drawPassing draws what deadlines write, and where they lead back.
func (ri *rich) drawPassing(t *rapid.T, back bool) {
	if ri.plain || ri.stacked {
		return
	}
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

// limited adds the deadlines of a state to its rule.
func (ri *rich) limited(r props.Rule, s int) props.Rule {
	after := time.Duration(ri.after[s]) * time.Millisecond
	if len(ri.cases) > 0 && ri.cases[s].guard != noGuard {
		x := ri.cases[s]
		limit := r.After(after).Given("so", func(m props.Memory) bool {
			switch x.guard {
			case counted:
				return m.Count("c") >= 2
			case bareSet:
				return len(m.Values("s")) == 0
			}
			order, _ := props.Compare(m.Sum("a"), event.Int(1))
			return order >= 0
		})
		r = ri.doing(limit, x.update).To(stateName(x.to))
	}
	return ri.doing(r.After(after), ri.passing[s]).To(stateName(ri.timeout[s]))
}

func (ri *rich) doing(limit props.Deadline, update int) props.Deadline {
	if update == noUpdate {
		return limit
	}
	return limit.Do(ri.updates()[update])
}

// beatCourses are courses with guards of deadlines, most of which lead in a
// circle.
func beatCourses(skewed bool) *rapid.Generator[richCourse] {
	return rapid.Custom(func(t *rapid.T) richCourse {
		c := richCourses(skewed).Draw(t, "course")
		ri := &c.rich
		ri.windowed, ri.stacked, ri.plain, ri.aged = false, false, false, false
		ri.cases = make([]richStep, len(ri.steps))
		clears := []int{noUpdate, clearSet, clearCount, clearCount, clearAmount}
		for s := 2; s < len(ri.steps); s++ {
			ri.atEnd[s] = false // refused in circles
			ri.after[s] = rapid.SampledFrom([]int{1, 2, 3, 5, 0}).Draw(t, "beat")
			ri.timeout[s] = rapid.IntRange(2, len(ri.steps)-1).Draw(t, "on to")
			ri.passing[s] = rapid.SampledFrom(clears).Draw(t, "clears")
			if ri.after[s] > 0 {
				ri.cases[s] = richStep{guard: rapid.SampledFrom([]int{counted, bareSet, bareSet, wealthy}).Draw(t, "guard"),
					update: rapid.SampledFrom(clears).Draw(t, "does"), to: rapid.SampledFrom([]int{0, 0, 1, 2, 2}).Draw(t, "case to")}
			}
			for role := range ri.types {
				ri.steps[s][role] = ri.drawBeatSteps(t)
			}
		}
		return c
	})
}

func (ri *rich) drawBeatSteps(t *rapid.T) (all []richStep) {
	if rapid.IntRange(0, 2).Draw(t, "flagged") == 0 {
		all = append(all, richStep{flag: true, to: rapid.IntRange(2, len(ri.steps)-1).Draw(t, "to")})
	}
	return append(all, richStep{update: rapid.SampledFrom([]int{addX, countUp, countUp, plusN, removeX}).Draw(t, "update"), to: rapid.SampledFrom([]int{-1, -1, -1, 2}).Draw(t, "target")})
}

// Properties whose deadlines have guards report what the definition says, in
// exact order and with skew, whole and in two halves, in shards.
func TestBeatsAgreeWithReference(t *testing.T) {
	agreesWithReference(t, beatCourses, func(event string) bool { return strings.Contains(event, "ms") })
}

// The comparison above is able to fail.
func TestBeatsComparisonNoticesMistakes(t *testing.T) {
	for name, f := range map[string]flaw{"nothing passing": nothingPassing, "staying begins anew": stayingBeginsNew, "deadlines first": deadlinesFirst} {
		noticedIn(t, name, func(seed int) (string, error) {
			c := beatCourses(false).Example(seed)
			return c.differs(c.rich, f)
		})
	}
}

// misplaced says why an event, or a deadline, cannot be the next of an order;
// left are the events that are not in it yet.
func (r *richRun) misplaced(slice []int, c memoryModel, left []int, name string, e int, event bool) string {
	d, runs := r.runningNamed(c, name)
	switch {
	case name == theEnd && (len(r.running(c)) > 0 || !r.owing(c) || len(left) > 0):
		return "the end comes too early, or must not violate"
	case name == theEnd:
	case !event && !runs:
		return fmt.Sprintf("no deadline %s runs", name)
	case !event && (r.comesAfterOne(c, d) || slices.ContainsFunc(left, func(o int) bool { return r.precedesDeadline(o, d) })):
		return fmt.Sprintf("%s comes too early", name)
	case !event && len(left) == 0 && !r.passedInTime(d) && !r.mayPass(d, slice):
		return fmt.Sprintf("%s has not passed", name)
	case !event:
	case !slices.Contains(left, e) || slices.ContainsFunc(left, func(o int) bool { return o != e && r.precedes(o, e) }) && r.skew > 0:
		return fmt.Sprintf("%d is not next", e)
	case r.anyPrecedes(c, e):
		return fmt.Sprintf("%d comes after a deadline", e)
	}
	return ""
}
