package monitor

import (
	"cmp"
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// cube shares the instances of one property out: see part.go. Its shares are
// parts in a row, which begins again behind the last part.
type cube struct {
	parts  int
	shares int
	first  int // the part that is the first share
	along  []axis
}

// axis is a variable along which a cube has more than one place.
type axis struct{ variable, size int }

// part is one of the parts.
type part struct{ number, of int }

// mostShared is along how many variables a cube has more than one place, at most.
const mostShared = 4

// cube is that of a property among a number of parts: the one whose shares have
// the least to judge, if letters are equally frequent and values spread. A
// letter costs each share the share of its events that come there.
func (pl *plan) cube(parts int) cube {
	c := cube{parts: max(parts, 1), shares: 1}
	if pl.automaton == nil || parts < 2 {
		return c
	}
	for v, size := range pl.sizes(parts) {
		if size > 1 {
			c.along, c.shares = append(c.along, axis{v, size}), c.shares*size
		}
	}
	if c.shares < parts { // else properties of one variable have the same parts
		c.first = int(pl.home % uint64(parts))
	}
	return c
}

// sizes are how many places there are along each variable: of all the cheapest.
func (pl *plan) sizes(parts int) (best []int) {
	sizes := slices.Repeat([]int{1}, len(pl.automaton.Variables)) // as it is tried, largest first
	vars := pl.mostBound()
	least := int64(0)
	var along func(n, left int)
	along = func(n, left int) {
		if n == len(vars) {
			if cost := pl.costOf(sizes); best == nil || cost < least {
				best, least = slices.Clone(sizes), cost
			}
			return
		}
		for size := left; size >= 1; size-- {
			sizes[vars[n]] = size
			along(n+1, left/size)
		}
	}
	along(0, parts)
	return best
}

// mostBound are the variables that most letters bind.
func (pl *plan) mostBound() []int {
	bound := make([]int, len(pl.automaton.Variables))
	vars := make([]int, len(bound))
	for v := range vars {
		vars[v] = v
		for i := range pl.letters {
			if pl.letters[i].vars&(1<<v) != 0 {
				bound[v]++
			}
		}
	}
	slices.SortStableFunc(vars, func(a, b int) int { return cmp.Compare(bound[b], bound[a]) })
	return vars[:min(len(vars), mostShared)]
}

// costOf is what a share has to judge, in parts of a number that is the same on
// every machine.
func (pl *plan) costOf(sizes []int) (cost int64) {
	for i := range pl.letters {
		share := int64(1)
		for _, v := range pl.letters[i].list {
			share *= int64(sizes[v])
		}
		cost += (1 << 40) / share
	}
	return cost
}

// hasCommon tells whether all events bind one variable.
func (pl *plan) hasCommon() bool {
	common := ^set(0)
	for i := range pl.letters {
		common &= pl.letters[i].vars
	}
	return len(pl.letters) > 0 && common != 0
}

// places are where an event stands along the axes, as a letter; anywhere along
// those that it does not bind. It is not ok if it lacks one that it should.
func (c *cube) places(l *letter, e *event.Event) (at [mostShared]int, ok bool) {
	var room [64]byte
	for n, x := range c.along {
		at[n] = anywhere
		i := slices.IndexFunc(l.Binds, func(b props.Bind) bool { return b.Variable == x.variable })
		if i < 0 {
			continue
		}
		v, there := l.Binds[i].Of(e)
		if !there || !v.CanBind() {
			return at, false
		}
		key := partKey()
		hash, _ := key.Sum(append(append(room[:0], byte(v.Kind())), v.Canonical().Text()...))
		at[n] = int(hash % uint64(x.size))
	}
	return at, true
}

const anywhere = -1

// each visits the parts that an event goes to as a letter.
func (c *cube) each(l *letter, e *event.Event, visit func(part int)) {
	at, ok := c.places(l, e)
	if !ok {
		visit(c.first)
		return
	}
	c.walk(at[:len(c.along)], 0, 1, visit)
}

// walk visits the shares at some places along the axes, from a share on, whose
// neighbours along the first of them are a step away.
func (c *cube) walk(at []int, share, step int, visit func(part int)) {
	if len(at) == 0 {
		visit((c.first + share) % c.parts)
		return
	}
	size := c.along[len(c.along)-len(at)].size
	if at[0] != anywhere {
		c.walk(at[1:], share+at[0]*step, step*size, visit)
		return
	}
	for place := range size {
		c.walk(at[1:], share+place*step, step*size, visit)
	}
}

// has tells whether an event goes to a part as a letter.
func (c *cube) has(part int, l *letter, e *event.Event) bool {
	at, ok := c.places(l, e)
	share := c.shareOf(part)
	if !ok || share >= c.shares {
		return part == c.first
	}
	for n, x := range c.along {
		if at[n] != anywhere && at[n] != share%x.size {
			return false
		}
		share /= x.size
	}
	return true
}

func (c *cube) shareOf(part int) int { return (part - c.first + c.parts) % c.parts }

// owns tells whether instances that bind some variables belong to a part: it is
// the first of those that have them.
func (c *cube) owns(part int, vars set) bool {
	share := c.shareOf(part)
	if share >= c.shares {
		return false
	}
	for _, x := range c.along {
		if vars&(1<<x.variable) == 0 && share%x.size != 0 {
			return false
		}
		share /= x.size
	}
	return true
}
