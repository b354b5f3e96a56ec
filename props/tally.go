package props

import (
	"fmt"
	"time"

	"github.com/wtsim/wtsim/event"
)

// Tally is what [AtMost] and [AtLeast] count: how often a letter happens within
// a time, what a parameter of it comes to, or how many different values that has.
type Tally struct {
	letter   Letter
	within   time.Duration
	param    string // that is summed up, or whose values are counted; empty to count
	distinct bool
}

// Occurrences counts how often a letter happens within a duration.
func Occurrences(letter Letter, within time.Duration) Tally {
	return Tally{letter: letter, within: within}
}

// SumOf sums up a parameter of a letter's events within a duration: numbers of
// less than a thousand digits, or the event is malformed for the property.
func SumOf(param string, letter Letter, within time.Duration) Tally {
	return Tally{letter, within, param, false}
}

// DistinctOf counts the different values that a parameter of a letter's events
// has within a duration.
func DistinctOf(param string, letter Letter, within time.Duration) Tally {
	return Tally{letter, within, param, true}
}

// says returns what must hold of the tally, as a sentence.
func (t Tally) says(bound string, limit event.Value, scope Scope) string {
	if t.distinct {
		return fmt.Sprintf("%v happens with %s %s different %s within %s%v", t.letter, bound, limit.Text(), t.param, said(t.within), scope)
	}
	if t.param != "" {
		return fmt.Sprintf("%s of %v comes to %s %s within %s%v", t.param, t.letter, bound, limit.Text(), said(t.within), scope)
	}
	times := "times"
	if limit.Equal(event.Int(1)) {
		times = "time"
	}
	return fmt.Sprintf("%v happens %s %s %s within %s%v", t.letter, bound, limit.Text(), times, said(t.within), scope)
}

// recent is the window of a tally.
func (t Tally) recent() Register {
	if t.distinct {
		return Distinct("recent", t.within)
	}
	return Window("recent", t.within)
}

// occur adds an event to it.
func (t Tally) occur() Update {
	if t.param != "" {
		return t.recent().Add(t.param)
	}
	return t.recent().Occur()
}

// in returns what the window holds, without the event that asks.
func (t Tally) in(m Memory) Total {
	if t.param == "" || t.distinct {
		return Total{n: m.Size("recent")}
	}
	sum, _ := TotalOf(m.Sum("recent"))
	return sum
}

// one returns what the event that asks adds to what a register holds.
func (t Tally) one(m Memory, register string) Total {
	if t.param == "" {
		return Total{n: 1}
	}
	v, _ := m.Param(t.param)
	if t.distinct {
		if m.Has(register, v) {
			return Total{}
		}
		return Total{n: 1}
	}
	one, _ := TotalOf(v)
	return one
}

func (t Total) compare(limit event.Value) int {
	order, _ := Compare(t.Value(), limit)
	return order
}

// AtMost returns the property that a tally is never more than a number. The
// window holds what happened in the time up to an event, itself included, and
// excluding what is exactly the time before it:
//
//	within: letter when there are more -> violated
//	        letter, adding it to recent
func AtMost(name string, limit event.Value, t Tally) *Property {
	more := t.letter.Given("it makes more than "+limit.Text(), func(m Memory) bool { return t.in(m).Plus(t.one(m, "recent")).compare(limit) > 0 }, t.params()...)
	rule := From("within").On(more).To(Violated).On(t.letter).Do(t.occur()).Stay()
	return t.property(name, limit, t.says("at most", limit, Always()), []Letter{t.letter}, t.recent(), rule)
}

// AtLeast returns the property that a tally is at least a number, after each
// event of a letter, or before it, as the scope says: [After] or [Before]. The
// first event after which too little has happened counts until there is enough;
// the time begins with it, and its end is in time.
//
//	After:  outside: from -> missing, clearing so far
//	        missing: letter when it is the last that is missing -> outside
//	                 letter, counting so far
//	                 after the time -> violated, and violated at the end
//	Before: always: to when recent holds less -> violated
//	                letter, adding it to recent
//
// The letter must not bind a variable that the scope's does not: no event would
// say for which value it is missing.
func AtLeast(name string, limit event.Value, t Tally, scope Scope) *Property {
	sentence := t.says("at least", limit, scope)
	switch scope.kind {
	case inAfter:
		return t.after(name, limit, sentence, scope.from)
	case inBefore:
		less := scope.to.Given("there were less than "+limit.Text(), func(m Memory) bool { return t.in(m).compare(limit) < 0 })
		rule := From("always").On(less).To(Violated).On(t.letter).Do(t.occur()).Stay()
		p := t.property(name, limit, sentence, []Letter{scope.to, t.letter}, t.recent(), rule)
		p.mustNotAdd(t.letter, scope.to)
		return p
	}
	p := t.property(name, limit, sentence, []Letter{t.letter}, t.recent(), From("always"))
	if p.err == nil {
		p.err = fmt.Errorf("at least %s of %v has no event that it is counted from, wanted After or Before one", limit.Text(), t.letter)
	}
	return p
}

// after is AtLeast after an event.
func (t Tally) after(name string, limit event.Value, sentence string, from Letter) *Property {
	far, sum := Counter("so far"), func(m Memory) Total { return Total{n: m.Count("so far")} }
	more := far.Count(1)
	switch {
	case t.distinct:
		far = Set("so far")
		more = far.Add(t.param)
		sum = func(m Memory) Total { return Total{n: int64(len(m.Values("so far")))} }
	case t.param != "":
		far = Amount("so far")
		more = far.Plus(t.param)
		sum = func(m Memory) Total { total, _ := TotalOf(m.Sum("so far")); return total }
	}
	enough := t.letter.Given("it is the last that is missing", func(m Memory) bool {
		return sum(m).Plus(t.one(m, "so far")).compare(limit) >= 0
	}, t.params()...)
	p := t.property(name, limit, sentence, []Letter{from, t.letter}, far,
		From("outside").On(from).Do(far.Clear()).To("missing"),
		From("missing").On(enough).To("outside").On(t.letter).Do(more).Stay().ViolatedAtEnd().After(t.within).To(Violated))
	p.mustNotAdd(t.letter, from)
	return p
}

func (t Tally) params() []string {
	if t.param == "" {
		return nil
	}
	return []string{t.param}
}

// property builds the machine, and checks the number.
func (t Tally) property(name string, limit event.Value, sentence string, letters []Letter, r Register, rules ...Rule) *Property {
	s := spec{variables: union(letters...), registers: []Register{r}, violated: Violated, satisfied: Satisfied, rules: rules}
	p := build(name, s, forEvery(s.variables)+sentence)
	if p.err == nil && !Summable(limit) {
		p.err = fmt.Errorf("the limit is %s, wanted a number", limit.Text())
	}
	return p
}
