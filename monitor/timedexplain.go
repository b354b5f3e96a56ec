package monitor

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// Orders of a stateful property are searched as those of others (order.go,
// explain.go), with deadlines among them. Which one is found must not hang on
// how configurations are numbered: the parts of a sharded stream number them
// differently.

// searchedInTime is a slice with all down-sets up to one that is looked for,
// or to the end.
type searchedInTime struct {
	history []pastInTime
	states  uint64 // at the end
	found   bool
	at      int // the down-set of the last layer that was found
}

// searchInTime looks for a down-set among all orders of a slice; nil if more
// than a bound of them are seen.
func (m *engine) searchInTime(s *store, slice []note, bound int, wanted func(states uint64) bool) *searchedInTime {
	f := newFront()
	x := &searchedInTime{}
	for from := 0; from < len(slice); {
		to := m.pause(slice, from)
		f.waiting = m.pendingOf(slice[from:to])
		for i := range f.waiting {
			var chained bool
			chained, f.armed = s.configs.chained(f.waiting[i], f.armed)
			f.waiting[i].chained = f.waiting[i].chained || chained
		}
		g := f.groups(m.options.skew, func(*pending) bool { return true })
		w := pastInTime{past{groups: g, first: from}, f.states}
		for l := f.layerOver(s, g); ; l = l.expand(s, g) {
			if l == nil {
				return nil
			}
			w.layers = append(w.layers, l)
			if d := slices.IndexFunc(l.states, wanted); d >= 0 {
				x.history, x.found, x.at = append(x.history, w), true, d
				return x
			}
			if bound -= len(l.keys); bound < 0 {
				return nil
			}
			if l.complete(g) {
				f.states = l.states[0]
				break
			}
		}
		x.history, from = append(x.history, w), to
	}
	x.states = f.states
	return x
}

// orderInTime is orderTo for a stateful property and the violated state.
func (m *engine) orderInTime(s *store, slice []note) []note {
	x := m.searchInTime(s, slice, math.MaxInt, s.mayBeViolated)
	switch {
	case x == nil:
		return nil
	case x.found:
		return s.configs.readBack(slice, x.history, x.at, props.ViolatedState)
	}
	return m.endInTime(s, slice, x, func(state uint32) bool { return state == props.ViolatedState })
}

// counterInTime is counterOrder for a stateful property.
func (m *engine) counterInTime(s *store, slice []note) []note {
	order, state := m.inTime(s, slice, m.passedAtEnd)
	if state == props.ViolatedState {
		x := m.searchInTime(s, slice, maxCounter, func(uint64) bool { return false })
		if x == nil {
			return nil
		}
		order = m.endInTime(s, slice, x, func(state uint32) bool { return state != props.ViolatedState })
	}
	return s.configs.until(order, func(state uint32) bool { return s.isDead(state) })
}

func (m *engine) passedAtEnd(r running) bool { return m.deadlines.end.passed(r, m.options.skew) }

// endInTime returns an order after which, with the deadlines that have passed
// at the end, an instance is in a configuration that is wanted.
func (m *engine) endInTime(s *store, slice []note, x *searchedInTime, wanted func(state uint32) bool) []note {
	for _, first := range s.configs.ordered(x.states) {
		state, n := first, 0
		for s.configs.all[state].running.on() && m.passedAtEnd(s.configs.all[state].running) {
			state, n = s.configs.expire(state), n+1
		}
		if wanted(state) {
			order := s.configs.readBack(slice, x.history, 0, first)
			return append(order, slices.Repeat([]note{{letter: passing}}, n)...)
		}
	}
	return nil
}

// until cuts an order after what leads to a configuration.
func (c *configs) until(order []note, wanted func(state uint32) bool) []note {
	state := uint32(startState)
	for i, n := range order {
		if n.letter == passing {
			state = c.expire(state)
		} else {
			state = c.next(n.letter, state)
		}
		if wanted(state) {
			return order[:i+1]
		}
	}
	return order
}

// ordered returns a set of configurations in an order that does not hang on
// their numbers.
func (c *configs) ordered(set uint64) []uint32 {
	all := slices.Clone(c.sets.all[set])
	slices.SortFunc(all, func(a, b uint32) int { return c.compare(&c.all[a], &c.all[b]) })
	return all
}

func (c *configs) compare(a, b *config) int {
	if n := cmp.Compare(a.state, b.state); n != 0 {
		return n
	}
	x, y := &a.running, &b.running
	if n := cmp.Or(x.at.compare(y.at), strings.Compare(x.id, y.id), cmp.Compare(x.after, y.after)); n != 0 {
		return n
	}
	if x.source != y.source {
		return strings.Compare(c.sources.name(x.source), c.sources.name(y.source))
	}
	if a.memory == b.memory {
		return 0
	}
	for i, r := range c.store.auto.Registers {
		if n := c.compareParts(r.Kind(), c.register(a.memory, i), c.register(b.memory, i)); n != 0 {
			return n
		}
	}
	return 0
}

// compareParts compares what two configurations have in one register.
func (c *configs) compareParts(kind props.RegisterKind, a, b string) int {
	switch {
	case a == b:
		return 0
	case kind == props.CounterRegister:
		return cmp.Compare(count(a), count(b))
	case kind == props.SetRegister:
		a, b = a[4:], b[4:]
	}
	return slices.Compare(c.keys(a), c.keys(b))
}

// keys returns values by which symbols + 1 can be compared.
func (c *configs) keys(items string) (all []string) {
	for ; len(items) > 0; items = items[4:] {
		v := event.Value{}
		if n := word(items); n > 0 {
			v = c.symbols.value(symbol(n - 1))
		}
		all = append(all, v.Key())
	}
	slices.Sort(all)
	return all
}
