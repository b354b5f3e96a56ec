package props

import "github.com/wtsim/wtsim/event"

// The patterns that count what happens within a time.

func (p *patternYAML) atMost() (*Property, error) {
	limit, t, err := p.tally("at most")
	return AtMost(p.name, limit, t), err
}

func (p *patternYAML) atLeast() (*Property, error) {
	limit, t, err := p.tally("at least")
	if err != nil {
		return nil, err
	}
	after, before := p.tree.get("after"), p.tree.get("before")
	switch {
	case (after == nil) == (before == nil):
		return nil, p.fail(p.tree, "\"at least\" is counted from no event, or from two, wanted one of \"after\" and \"before\"")
	case after != nil:
		from, err := p.guardedLetter(after)
		return AtLeast(p.name, limit, t, After(from)), err
	}
	to, err := p.guardedLetter(before)
	return AtLeast(p.name, limit, t, Before(to)), err
}

// tally reads the number, and what is counted.
func (p *patternYAML) tally(what string) (limit event.Value, t Tally, err error) {
	limit, err = event.Num(p.key.text)
	if err != nil || p.key.kind != '"' {
		return limit, t, p.fail(p.key, "%q is %q, wanted a number", what, p.key.text)
	}
	if !Summable(limit) {
		return limit, t, p.fail(p.key, "%q has a thousand digits or more, wanted less", what)
	}
	for _, part := range []string{"of", "within"} {
		if p.tree.get(part) == nil {
			return limit, t, p.fail(p.tree, "%q has no %q, wanted an event under \"of\" and a duration under \"within\"", what, part)
		}
	}
	if t.letter, err = p.guardedLetter(p.tree.get("of")); err != nil {
		return limit, t, err
	}
	if t.within, err = p.duration(p.tree.get("within")); err != nil {
		return limit, t, err
	}
	sum, distinct := p.tree.get("sum"), p.tree.get("distinct")
	switch {
	case sum != nil && distinct != nil:
		return limit, t, p.fail(distinct, "\"distinct\" beside \"sum\", wanted one of the two")
	case sum != nil:
		t.param, err = p.str(sum, "sum")
	case distinct != nil:
		t.distinct = true
		t.param, err = p.str(distinct, "distinct")
	}
	return limit, t, err
}
