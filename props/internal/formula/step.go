package formula

import "fmt"

// outcome is what an event does.
type outcome struct {
	violated  bool
	satisfied bool
	next      state
	writes    []Write
}

// step evaluates the whole formula; ok is false where that needs a guard that
// is not assumed, or a comparison that the event cannot tell.
func (e *evaluation) step() (r outcome, ok bool, err error) {
	violated := e.truth(e.normal.always).not()
	due := false3
	switch {
	case e.letter != nil && e.letter.Own:
		return e.begin()
	case e.normal.late():
		lost, known := e.wait(&r)
		if violated = violated.or(lost); violated != true3 && !known {
			return r, false, nil
		}
	case len(e.normal.due) > 0:
		d := e.normal.due[0]
		open, keep := truthOf(e.at.due > 0).or(e.truth(d.trigger)).and(e.truth(d.done).not()), e.truth(d.keep)
		violated = violated.or(open.and(keep.not()))
		if due = open.and(keep); due == true3 {
			r.next.due = 1
		}
	}
	if violated == true3 {
		return outcome{violated: true}, true, nil
	}
	if violated == unknown || due == unknown {
		return r, false, nil
	}
	for i := range e.ops {
		if ok, err := e.remember(i, &r); !ok || err != nil {
			return r, false, err
		}
	}
	return r, true, nil
}

// begin is what an event does to the instance of what is due from it on. What it
// does besides, it does as the letter that it is otherwise. What is not due from it
// is as if it had come.
func (e *evaluation) begin() (r outcome, ok bool, err error) {
	r.next = e.at
	if e.at.due > 0 {
		return r, true, nil
	}
	var writes []Write
	for i, d := range e.normal.due {
		switch e.truth(d.trigger) {
		case unknown:
			return r, false, nil
		case true3:
			r.next.due = 1
		default:
			if len(e.came) > 0 {
				writes = append(writes, Write{Register: e.came[i], Op: Add})
			}
		}
	}
	if r.next.due > 0 {
		r.writes = writes
	}
	return r, true, nil
}

// wait is what an event does where what is due from one event has an instance of
// its own: whether it violates, and whether all the rest is known.
func (e *evaluation) wait(r *outcome) (violated truth, known bool) {
	r.next.due = e.at.due
	if violated, known = false3, true; e.at.due == 0 {
		return violated, known
	}
	all := true3
	for i, d := range e.normal.due {
		came, done := e.cameBefore(i), e.truth(d.done)
		if from := d.until.in.from; from > 0 && done != false3 {
			done = done.and(e.ask(Guard{Kind: Old, From: from, Register: -1, Other: -1, Text: "the wait is " + from.String() + " old or older"}))
		}
		violated = violated.or(came.or(done).or(e.truth(d.keep)).not())
		if all = all.and(came.or(done)); came.or(done) == unknown || done == true3 && came == unknown {
			known = false
		}
		if done == true3 && came == false3 && len(e.came) > 0 {
			r.writes = append(r.writes, Write{Register: e.came[i], Op: Add})
		}
	}
	r.satisfied = all == true3
	return violated, known
}

// cameBefore tells whether what is due has come before the event: what had to
// come by a deadline that has passed has.
func (e *evaluation) cameBefore(i int) truth {
	switch {
	case len(e.came) == 0:
		return false3
	case e.machine.Ends[e.at.due-1] > e.normal.due[i].until.in.to:
		return true3
	}
	return e.ask(Guard{Kind: IsSet, Register: e.came[i], Other: -1, Text: e.machine.Registers[e.came[i]].Name})
}

// remember does what an operator's memory does at the event.
func (e *evaluation) remember(i int, r *outcome) (ok bool, err error) {
	o := &e.ops[i]
	switch {
	case o.op == isPrevious:
		return e.rememberLast(i, r), nil
	case o.quantified != "":
		return e.rememberValues(o, r)
	}
	keep, begin := e.truth(o.args[0]), e.truth(o.args[1])
	if keep == unknown || begin == unknown {
		return false, nil
	}
	ends, begins := keep == false3, begin == true3
	windowed := o.recent >= 0 || o.young >= 0
	if windowed && ends && begins {
		return false, o.at.fail("%s may end and begin anew with one event, wanted what ends it and what begins it to be different ones", o.node)
	}
	was := true3
	if o.in.endless && begins {
		was = e.before(o)
	}
	if was == unknown {
		return false, nil
	}
	for _, w := range []int{o.recent, o.young} {
		switch first := w == o.recent || !o.in.endless || was == false3; {
		case w >= 0 && ends:
			r.writes = append(r.writes, Write{Register: w, Op: Clear})
		case w >= 0 && begins && first:
			r.writes = append(r.writes, Write{Register: w, Op: Add})
		}
	}
	if o.in.endless {
		e.setBit(i, begins, ends && !begins, r)
	}
	return true, nil
}

// setBit sets or clears the bit of an operator, where the state or a register
// has it.
func (e *evaluation) setBit(i int, set, clear bool, r *outcome) {
	o := &e.ops[i]
	switch {
	case o.register < 0:
		r.next.bits |= e.at.bits & (1 << i)
		if r.next.bits &^= 1 << i; set || !clear && e.at.bits&(1<<i) != 0 {
			r.next.bits |= 1 << i
		}
	case set && e.before(o) == false3:
		r.writes = append(r.writes, Write{Register: o.register, Op: Add})
	case clear:
		r.writes = append(r.writes, Write{Register: o.register, Op: Clear})
	}
}

// rememberLast keeps what holds at this event, for the next one.
func (e *evaluation) rememberLast(i int, r *outcome) bool {
	o := &e.ops[i]
	now := e.truth(o.args[0])
	if now == unknown || now == true3 && e.before(o) == unknown {
		return false
	}
	e.setBit(i, now == true3, now == false3, r)
	for _, w := range []int{o.recent, o.young} {
		if w >= 0 {
			r.writes = append(r.writes, Write{Register: w, Op: Add})
		}
	}
	return true
}

// rememberValues keeps for which values of a quantified variable an operator
// holds.
func (e *evaluation) rememberValues(o *operator, r *outcome) (ok bool, err error) {
	ok = true
	e.forValues(o.quantified, func(param string) {
		keep, begin := e.truth(o.args[0]), e.truth(o.args[1])
		switch {
		case keep == unknown || begin == unknown:
			ok = false
		case param == "" && (keep == false3 || begin == true3):
			err = o.at.fail("%s changes for values of %s that an event does not have, which no set can say", o.node, o.quantified)
		case param == "" || keep == true3 && begin == false3:
		default:
			for _, w := range r.writes {
				if w.Register == o.register {
					err = o.at.fail("one event may change %s for two values of %s", o.node, o.quantified)
				}
			}
			op := Add
			if begin == false3 {
				op = Remove
			}
			r.writes = append(r.writes, Write{Register: o.register, Op: op, Param: param})
		}
	})
	return ok, err
}

// decide finds what an event does, with all guards that it hangs on.
func (e *evaluation) decide() (*Decision, error) {
	e.need, e.lacks, e.values = nil, nil, map[string]string{}
	r, ok, err := e.step()
	if err != nil {
		return nil, err
	}
	if ok {
		return e.leaf(r), nil
	}
	if e.need == nil {
		n := e.lacks
		if n.temporal() {
			return nil, n.at.fail("%s is asked for values that no event has at that point, wanted it beside a predicate with them", n)
		}
		return nil, n.at.fail("%s compares what no one event has, wanted both sides in a predicate beside it", n)
	}
	if e.work++; len(e.assume) >= maxTests || e.work > maxWork {
		return nil, e.normal.parts()[0].at.fail("one event hangs on more than %d conditions, or the formula is too large, wanted several properties", maxTests)
	}
	g := *e.need
	d := &Decision{Guard: &g}
	for _, holds := range []bool{true, false} {
		e.assume[g] = holds
		branch, err := e.decide()
		if err != nil {
			return nil, err
		}
		if holds {
			d.Yes = branch
		} else {
			d.No = branch
		}
	}
	delete(e.assume, g)
	if d.Yes.canonical == d.No.canonical {
		return d.Yes, nil
	}
	d.canonical = fmt.Sprintf("[%v %v %s %s]", g, g.Left, d.Yes.canonical, d.No.canonical)
	return d, nil
}

// maxTests bounds the guards of one decision.
const maxTests = 12

// leaf is a move. In the state itself it stays.
func (e *evaluation) leaf(r outcome) *Decision {
	d := &Decision{To: Violated, Writes: r.writes}
	switch {
	case r.violated:
		d.Writes = nil
	case r.satisfied:
		d.To, d.Writes = Satisfied, nil
	case r.next == e.at:
		d.To = Stay
	default:
		d.To = e.number(r.next)
	}
	d.canonical = fmt.Sprint(d.To, d.Writes)
	return d
}
